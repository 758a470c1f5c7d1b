"""The gateway port, answered without leaving the process: it decides by the attempt's plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockpay.domain import wallet
from mockpay.domain.methods import cards, netbanking, upi
from mockpay.domain.methods.registry import EMI, NETWORKS
from mockpay.domain.methods.response_codes import Answer, MoneyStatus
from mockpay.domain.payments.gateways import Charge, Result, ResultKind
from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid

_RRN_DIGITS = 12
#: An unknown UPI ID is noticed before anybody is asked; a bank that is down, too.
_NO_SUCH_VPA, _BANK_DOWN = "ZH", "D"
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
        if charge.method not in _ASK:
            message = f"The simulator cannot charge by {charge.method}."
            raise Invalid(message, code="gateway.method")
        told = NETWORKS[charge.method].answer(charge.planned)
        reference = retrieval_reference(charge)
        if charge.fault in {"noresponse", "noresponsefail"}:
            return Result(ResultKind.NO_ANSWER, told.code, reference)
        return _ASK[charge.method](charge, told, reference)

    def enquire(self, charge: Charge, times: int) -> Result:
        """Tell what became of a charge; a network that lost an answer knows after a while."""
        network = NETWORKS[charge.method]
        if charge.fault == "noresponsefail":
            told = network.answer("failure")
        else:
            told = network.answer(charge.planned)
        waits = charge.fault != "success" and times < _ENQUIRIES
        kind = ResultKind.NO_ANSWER if waits else _KINDS[network.money_status(told.code)]
        return Result(kind, told.code, retrieval_reference(charge))


def _at_once(charge: Charge, told: Answer, reference: str) -> Result:
    """A card or a balance: the issuer answers while the gateway waits."""
    return Result(_KINDS[NETWORKS[charge.method].money_status(told.code)], told.code, reference)


def _upi(charge: Charge, told: Answer, reference: str) -> Result:
    """A request to the buyer's app; a typed UPI ID may answer by itself."""
    typed = "vpa" in charge.instrument
    if typed and told.code == _NO_SUCH_VPA:
        return Result(ResultKind.DECLINED, told.code)
    by_itself = typed and upi.NETWORK.money_status(told.code) is not MoneyStatus.EXPIRED
    wait = (0 if charge.agreed else charge.patience_ms) if by_itself else None
    return Result(ResultKind.AUTH_REQUIRED, told.code, reference, wait)


def _bank(charge: Charge, told: Answer, reference: str) -> Result:
    """The bank's own page; a magic bank answers by itself."""
    if told.code == _BANK_DOWN:
        return Result(ResultKind.DECLINED, told.code)
    never = netbanking.NETWORK.money_status(told.code) is MoneyStatus.EXPIRED
    wait = 0 if charge.agreed and not never else None
    return Result(ResultKind.AUTH_REQUIRED, told.code, f"BID{reference}", wait)


_ASK: Mapping[str, Callable[[Charge, Answer, str], Result]] = {
    upi.METHOD: _upi,
    netbanking.METHOD: _bank,
    cards.METHOD: _at_once,
    EMI: _at_once,
    wallet.METHOD: _at_once,
}


def retrieval_reference(charge: Charge) -> str:
    """The 12-digit RRN of an attempt, the same in every run."""
    dice = ids.number(charge.idempotency_key, "rrn", charge.attempt_id, below=10**_RRN_DIGITS)
    return f"{dice:0{_RRN_DIGITS}d}"
