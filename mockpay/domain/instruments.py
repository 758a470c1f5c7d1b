"""What is paid with; each knows what may be stored of it, and what only its vault may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mockpay.domain import cards, netbanking, upi, wallet
from mockpay.domain.cards import TypedCard
from mockpay.domain.scenarios import Looks, find


class Instrument(Protocol):
    """What a payment needs to know of any instrument."""

    @property
    def method(self) -> str:
        """Its kind."""
        ...

    @property
    def inputs(self) -> Mapping[Looks, str]:
        """What the scenario table may look at."""
        ...

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt and told to people: never a full card number."""
        ...

    def secret(self) -> Mapping[str, str]:
        """What is sealed in the attempt's vault until it ends; empty for most."""
        ...


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

    @property
    def inputs(self) -> Mapping[Looks, str]:
        """The UPI ID, where one was typed."""
        return {Looks.VPA: self.vpa} if self.vpa else {}

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt."""
        return {"flow": self.flow, **({"vpa": self.vpa} if self.vpa else {})}

    def secret(self) -> Mapping[str, str]:
        """Nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class Card:
    """A card, typed a moment ago; of its CVV only that it is a magic one, if it is."""

    typed: TypedCard
    magic_cvv: str | None = field(default=None, repr=False)

    method = cards.METHOD

    @property
    def inputs(self) -> Mapping[Looks, str]:
        """The number; a magic CVV goes before it."""
        magic = {Looks.CVV: self.magic_cvv} if self.magic_cvv else {}
        return {Looks.PAN: self.typed.number, **magic}

    @classmethod
    def read(cls, *, number: str, expiry: str, cvv: str, name: str, now: int) -> Card:
        """
        A card as its form brings it.

        Raises:
            Invalid: with the `field` that is wrong, as `cards.typed` tells it.
        """
        typed = cards.typed(number=number, expiry=expiry, cvv=cvv, name=name, now=now)
        return cls(typed, cvv if find(Looks.CVV, cvv) else None)

    def dump(self) -> Mapping[str, str]:
        """Network, first six and last four digits, expiry: all that may be kept of a card."""
        card = self.typed
        return {
            "network": card.brand,
            "bin": card.number[:6],
            "last4": card.number[-4:],
            "expiry": f"{card.month:02d}/{card.year % 100:02d}",
            "issuer": card.issuer,
            "type": card.kind,
            "country": card.country,
        }

    def secret(self) -> Mapping[str, str]:
        """The full number, for the gateway's call."""
        return {"number": self.typed.number}


@dataclass(frozen=True, slots=True)
class NetBanking:
    """The buyer's own bank."""

    bank: str

    method = netbanking.METHOD

    @property
    def inputs(self) -> Mapping[Looks, str]:
        """The bank's code."""
        return {Looks.BANK: self.bank}

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt."""
        return {"bank": self.bank, "bank_name": netbanking.BY_CODE[self.bank].name}

    def secret(self) -> Mapping[str, str]:
        """Nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class Wallet:
    """Amazon Pay balance of a buyer."""

    email: str

    method = wallet.METHOD

    @property
    def inputs(self) -> Mapping[Looks, str]:
        """Nothing magic: the balance itself decides."""
        return {}

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt."""
        return {"email": self.email}

    def secret(self) -> Mapping[str, str]:
        """Nothing."""
        return {}
