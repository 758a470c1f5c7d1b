"""The gateway port, answered without leaving the process."""

from __future__ import annotations

from mockpay.domain import upi
from mockpay.domain.gateways import Charge, Result, ResultKind
from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid

_RRN_DIGITS = 12
#: An unknown UPI ID is noticed before anybody is asked.
_NO_SUCH_VPA = "ZH"


class Simulator:
    """Asks the simulated UPI app; a magic UPI ID answers at once, others after a while."""

    name = "simulator"

    def charge(self, charge: Charge) -> Result:
        """Send a UPI request: refused for an unknown UPI ID, otherwise the buyer is asked."""
        if charge.method != upi.METHOD:
            message = f"The simulator cannot charge by {charge.method}."
            raise Invalid(message, code="gateway.method")
        told = upi.answer(charge.planned)
        if told.code == _NO_SUCH_VPA and "vpa" in charge.instrument:
            return Result(ResultKind.DECLINED, told.code)
        return Result(
            ResultKind.AUTH_REQUIRED,
            told.code,
            reference=retrieval_reference(charge),
            answer_in_ms=self._answer_in(charge, told),
        )

    @staticmethod
    def _answer_in(charge: Charge, told: upi.Answer) -> int | None:
        """When the simulated buyer answers; never where the app itself was opened."""
        if "vpa" not in charge.instrument or told.known is upi.Known.EXPIRED:
            return None
        return 0 if charge.agreed else charge.patience_ms


def retrieval_reference(charge: Charge) -> str:
    """The 12-digit RRN of an attempt, the same in every run."""
    dice = ids.number(charge.idempotency_key, "rrn", charge.attempt_id, below=10**_RRN_DIGITS)
    return f"{dice:0{_RRN_DIGITS}d}"
