"""Why a try failed, said to the buyer, and whose doing it was, said to the tester."""

from __future__ import annotations

from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, Failure
from mockpay.domain.payments.plans import Stage
from mockpay.risk.rules import DECLINED_REASON
from mockpay.web.wording.sentences import BUYERS_DOING, ended_before_the_bank, failure_sentence, whose_doing

_TO_THE_BUYER = {
    "The buyer’s bank": "Your bank",
    "buyer's bank": "your bank",
    "Declined by the buyer": "You declined the request",
    "Cancelled on the bank's page": "You cancelled on the bank’s page",
    "The bank's page was left": "The bank’s page was left",
}
#: What a buyer is told of an end that came before the bank was asked for money, by reason.
_NOT_PROVED = {
    "authentication_failed": "Your bank could not confirm that it is you",
    "payment_cancelled": "You stopped this try",
    "payment_timed_out": "Nobody confirmed the payment in time",
    "otp_attempts_exceeded": "Too many wrong codes were typed",
    # Why is for the seller to know, not for whoever may be a thief.
    DECLINED_REASON: "This payment cannot be made in this way",
}


def to_the_buyer(failed: Attempt) -> str:
    """The sentence of the dashboard, said to the one it is about."""
    if failed.failure is None:
        return ""
    if (text := not_proved(failed.failure, failed.method)) is not None:
        return text
    text = failure_sentence(failed.failure, failed.method, full=True)
    for ours, theirs in _TO_THE_BUYER.items():
        text = text.replace(ours, theirs)
    return text


def not_proved(failure: Failure, method: str) -> str | None:
    """Why a try ended before it was the bank's turn; None where the bank or app has said it."""
    return _NOT_PROVED.get(failure.reason) if ended_before_the_bank(failure, method) else None


def why(order: Order, last: Attempt | None) -> str:
    """Whose doing it is, to the tester: one who did not prove themselves did it."""
    failure = last.failure if last else None
    if last is None or failure is None or failure.step != "payment_authentication":
        return whose_doing(order, last)
    planned = last.plan.at(Stage.AUTH).scenario or failure.reason not in BUYERS_DOING
    if planned or not ended_before_the_bank(failure, last.method):
        return whose_doing(order, last)
    again = " The buyer may try again." if order.open else ""
    return f"Nothing is wrong in your integration. {BUYERS_DOING[failure.reason]}.{again}"
