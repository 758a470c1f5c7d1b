"""Tries that ended before it was the bank's turn, and what a tester is told of them."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.methods import netbanking, upi
from mockpay.domain.payments.attempts import Failure
from mockpay.risk.rules import DECLINED_REASON

#: Methods whose buyer answers in an app or on a bank's page.
APPROVED_ELSEWHERE = frozenset({upi.METHOD, netbanking.METHOD})
#: By the reason of the failure: what the buyer did, or failed to do.
BUYERS_DOING: Mapping[str, str] = {
    "authentication_failed": "The buyer did not prove who they are at the card’s bank",
    "payment_cancelled": "The buyer gave this try up",
    "payment_timed_out": "The buyer did not prove who they are in time",
    "otp_attempts_exceeded": "The buyer typed too many wrong codes",
}
#: The same, and what the sandbox itself refused.
BEFORE_THE_BANK = {**BUYERS_DOING, DECLINED_REASON: "A risk rule declined the payment"}
_STEPS = frozenset({"payment_authentication", "payment_initiation"})


def ended_before_the_bank(failure: Failure, method: str) -> bool:
    """Whether nobody was asked for money yet, and neither bank nor app said why."""
    asked_by_app = method in APPROVED_ELSEWHERE and failure.code
    return failure.step in _STEPS and not asked_by_app
