"""What is paid with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockpay.domain import upi


@dataclass(frozen=True, slots=True)
class Upi:
    """
    UPI: by a request to a VPA (collect), or by a QR code or link that opens an app (intent).
    """

    vpa: str | None = None

    method = upi.METHOD

    @property
    def flow(self) -> str:
        """``collect`` or ``intent``."""
        return "collect" if self.vpa else "intent"

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt."""
        return {"flow": self.flow, **({"vpa": self.vpa} if self.vpa else {})}

    @property
    def title(self) -> str:
        """How it is told to people."""
        return self.vpa or "UPI app"


Instrument = Upi
