"""
What follows from a gateway's answer: it settles, the same gateway is asked again, or another one; pure functions.

What may have moved money is never sent elsewhere before a look-up says that it did not and a fence that it will not.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from mockpay.domain.payments.gateways import PAYING, Capabilities, Operation, Result, ResultKind

_K = ResultKind
#: What an issuer answers who is not there: known, nothing charged, and another gateway may reach them.
TECHNICAL_REASONS = frozenset({"bank_technical_error", "gateway_technical_error"})


class Policy(Struct, frozen=True):
    """
    How long and how often; times in ms.

    Args:
        retries: Of one operation at one gateway, after the first try.
        budget_ms: For all of one payment, in real time: its buyer is waiting.
        settle_ms: After so long by the seller's clock what a gateway does not know will not come any more.
    """

    retries: int = 2
    first_wait_ms: int = 200
    longest_wait_ms: int = 2_000
    budget_ms: int = 25_000
    settle_ms: int = 60_000


POLICY = Policy()


def longest_wait_ms(number: int) -> int:
    """The most that is waited before the n-th repetition; full jitter is a fraction of it."""
    # Loaded by the first repetition, not by every start.
    from tenacity import RetryCallState, Retrying  # noqa: PLC0415
    from tenacity.wait import wait_exponential  # noqa: PLC0415

    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = number
    return int(wait_exponential(multiplier=POLICY.first_wait_ms, max=POLICY.longest_wait_ms)(state))


class Step(StrEnum):
    """What is done next."""

    SETTLE = "settle"
    RETRY = "retry"
    LOOK_UP = "look_up"
    FENCE = "fence"
    FAIL_OVER = "fail_over"
    #: Nobody knows: the attempt is UNKNOWN, and the gateway is asked by the seller's clock.
    WAIT = "wait"


class Next(Struct, frozen=True):
    """A step, and how long to wait before it."""

    step: Step
    after_ms: int = 0


class History(Struct, frozen=True):
    """
    What was tried for a payment so far, the answer that is looked at included.

    Args:
        charges: How often this gateway was asked for the money.
        lookups: How often it was asked what became of that, since it was last asked for the money.
        unanswered: Whether one of those charges was not answered: it may still arrive.
        another: Whether another gateway is left.
        failovers: How often another one was asked already.
        elapsed_ms: Since the first call, in real time.
        jitter: From 0 up to, not including, 1.
    """

    charges: int
    lookups: int = 0
    unanswered: bool = False
    another: bool = False
    failovers: int = 0
    elapsed_ms: int = 0
    jitter: float = 0.0


def next_step(asked: Operation, result: Result, history: History, can: Capabilities, *, technical: bool) -> Next:
    """
    What follows from an answer.

    Args:
        asked: A charge, an authorisation, a look-up of either, or a fence.
        technical: Whether a DECLINED is one of `TECHNICAL_REASONS`.
    """
    if result.kind is _K.DECLINED:
        elsewhere = technical and history.another and not history.failovers and not history.unanswered
        return Next(Step.FAIL_OVER if elsewhere else Step.SETTLE)
    if result.kind in {_K.AUTHORIZED, _K.PENDING, _K.AUTH_REQUIRED}:
        return Next(Step.SETTLE)
    if asked is Operation.FENCE:
        return _after_fence(result, history)
    if result.kind is _K.APPROVED:
        return Next(Step.SETTLE)
    return _after_charge(result, history, can) if asked in PAYING else _after_lookup(result, history, can)


def _after_charge(result: Result, history: History, can: Capabilities) -> Next:
    wait = _wait(result, history, history.charges)
    if result.kind is _K.NO_ANSWER:
        return _within(history, Next(Step.LOOK_UP, wait), Next(Step.WAIT))
    again = result.kind is _K.NOT_SENT or bool(result.may_retry)
    if again and not result.elsewhere and history.charges <= POLICY.retries:
        return _within(history, Next(Step.RETRY, wait), _without_this_gateway(result, history, can))
    return _without_this_gateway(result, history, can)


def _without_this_gateway(result: Result, history: History, can: Capabilities) -> Next:
    """A charge did not arrive; an earlier one may have."""
    if history.unanswered and result.kind is _K.REJECTED:
        # It may be rejected because the earlier one has arrived by now.
        return _within(history, Next(Step.LOOK_UP, _wait(result, history, history.charges)), _unresolved(can))
    if history.unanswered:
        return _unresolved(can)
    elsewhere = result.kind is _K.NOT_SENT or result.elsewhere or bool(result.may_retry)
    return Next(Step.FAIL_OVER if elsewhere and history.another else Step.SETTLE)


def _after_lookup(result: Result, history: History, can: Capabilities) -> Next:
    if result.kind is _K.ABSENT:
        if history.charges <= POLICY.retries and (can.anchored or can.idempotent_charge):
            return _within(history, Next(Step.RETRY, _wait(result, history, history.charges)), _unresolved(can))
        return _unresolved(can)
    if history.lookups <= POLICY.retries:
        wait = _wait(result, history, history.charges + history.lookups)
        return _within(history, Next(Step.LOOK_UP, wait), _unresolved(can))
    return _unresolved(can)


def _unresolved(can: Capabilities) -> Next:
    return Next(Step.FENCE if can.fence else Step.WAIT)


def _after_fence(result: Result, history: History) -> Next:
    if result.kind is not _K.APPROVED:
        return Next(Step.WAIT)
    return Next(Step.FAIL_OVER if history.another else Step.SETTLE)


def _within(history: History, planned: Next, late: Next) -> Next:
    """A step, where the payment's budget has room for its wait."""
    return planned if history.elapsed_ms + planned.after_ms < POLICY.budget_ms else late


def _wait(result: Result, history: History, number: int) -> int:
    """What the answer asks for, else full jitter."""
    if result.retry_after_ms is not None:
        return result.retry_after_ms
    return int(longest_wait_ms(number) * history.jitter)
