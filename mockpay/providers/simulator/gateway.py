"""The gateway port, answered without leaving the process: it decides by the attempt's plan."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.methods.method import Answer, MoneyStatus
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.gateways import Charge, Result, ResultKind
from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid

_RRN_DIGITS = 12
#: How often the network must be asked before it knows (facts: asked at 1, 2, 4 seconds).
_ENQUIRIES = 3
_KINDS: Mapping[MoneyStatus, ResultKind] = {
    MoneyStatus.APPROVED: ResultKind.APPROVED,
    MoneyStatus.DECLINED: ResultKind.DECLINED,
    MoneyStatus.PENDING: ResultKind.PENDING,
    MoneyStatus.UNKNOWN: ResultKind.NO_ANSWER,
    MoneyStatus.EXPIRED: ResultKind.PENDING,
}


class Simulator:
    """
    The acquirer, the UPI network, banks and card issuers in one.

    A magic instrument answers at once; a person answers on the simulated app's or bank's page.
    """

    name = "simulator"

    def charge(self, charge: Charge) -> Result:
        """
        Ask for the money.

        Raises:
            Invalid: code ``gateway.method``: there is no such way to pay.
        """
        if charge.method not in METHODS:
            message = f"The simulator cannot charge by {charge.method}."
            raise Invalid(message, code="gateway.method")
        answer = METHODS[charge.method].response_codes.answer(charge.planned)
        reference = retrieval_reference(charge)
        if charge.fault in {"noresponse", "noresponsefail"}:
            return Result(ResultKind.NO_ANSWER, answer.code, reference)
        return _result(charge, answer, reference)

    def enquire(self, charge: Charge, times: int) -> Result:
        """Tell what became of a charge; a network that lost an answer knows after a while."""
        codes = METHODS[charge.method].response_codes
        answer = codes.answer("failure" if charge.fault == "noresponsefail" else charge.planned)
        waits = charge.fault != "success" and times < _ENQUIRIES
        kind = ResultKind.NO_ANSWER if waits else _KINDS[codes.money_status(answer.code)]
        return Result(kind, answer.code, retrieval_reference(charge))


def _result(charge: Charge, answer: Answer, reference: str) -> Result:
    """The issuer's answer while the gateway waits, or a request to the buyer's app or bank page."""
    method = METHODS[charge.method]
    money, approval = method.response_codes.money_status(answer.code), method.approval
    if approval is None or charge.approved:
        return Result(_KINDS[money], answer.code, reference)
    addressed = approval.address in charge.instrument
    if addressed and answer.code in approval.refusals:
        return Result(ResultKind.DECLINED, answer.code)
    # A magic instrument answers by itself, at once; a simulated buyer takes a while.
    by_itself = addressed and money is not MoneyStatus.EXPIRED and (charge.agreed or approval.simulated)
    wait = (0 if charge.agreed else charge.patience_ms) if by_itself else None
    return Result(ResultKind.AUTH_REQUIRED, answer.code, approval.reference_prefix + reference, wait)


def retrieval_reference(charge: Charge) -> str:
    """The 12-digit RRN of an attempt, the same in every run."""
    dice = ids.number(charge.idempotency_key, "rrn", charge.attempt_id, below=10**_RRN_DIGITS)
    return f"{dice:0{_RRN_DIGITS}d}"
