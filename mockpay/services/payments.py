"""Payments: trying to take an order's money, and making the end of a try known."""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.domain import upi
from mockpay.domain.attempts import Attempt, AttemptState, Failure
from mockpay.domain.gateways import Charge, Result, ResultKind
from mockpay.domain.instruments import Instrument
from mockpay.domain.orders import Order
from mockpay.domain.plans import Stage
from mockpay.domain.timeline import Actor
from mockpay.domain.upi import Known, When
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.services import plans
from mockpay.services.endings import lost, take
from mockpay.services.steps import (
    attempt_step,
    forget_request,
    order_step,
    the_attempt,
    the_order,
)
from mockpay.store import attempts, outbox, schedule, timeline
from mockpay.store.worlds import Sandbox

#: An outbox row of this kind asks a gateway for an attempt's money.
CHARGE = "gateway.charge"


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt that was stored, and the outbox row that will ask the gateway."""

    attempt: Attempt
    parcel_id: int


def pay(sandbox: Sandbox, order: Order, instrument: Instrument) -> Started:
    """
    Store a new attempt with its plan, and queue the gateway's call for the caller to send.

    Raises:
        Conflict: code ``order.closed``, ``order.attempts_used_up`` or ``attempt.live``
            (another attempt of this order has not ended).
    """
    # The clock may be past the end before its event has fired.
    if not order.open or sandbox.now >= order.expires_at:
        raise Conflict("This order cannot be paid any more.", code="order.closed")
    number = order.attempt_count + 1
    if number > sandbox.seller.settings.max_attempts:
        raise Conflict("There are no tries left.", code="order.attempts_used_up")
    attempt = _attempt(sandbox, order, instrument, number)
    if not attempts.add(sandbox, attempt):
        raise Conflict("Another try has not ended yet.", code="attempt.live")
    order_step(
        sandbox, order, "attempt_started", Actor.BUYER, {"attempt_count": number}, number=number
    )
    timeline.add(
        sandbox, order.order_id, machine="attempt", subject=attempt.attempt_id, event="chosen",
        before=None, after=attempt.state, actor=Actor.BUYER, facts=instrument.dump(),
    )  # fmt: skip
    return Started(attempt, outbox.add(sandbox, CHARGE, attempt.attempt_id, mine=True))


def attempt_id_of(sandbox: Sandbox, order: Order, number: int) -> str:
    """The id that the order's n-th attempt has or will have; a QR code names it beforehand."""
    return sandbox.short_id("att", order.amazon_order_id, number)


def _attempt(sandbox: Sandbox, order: Order, instrument: Instrument, number: int) -> Attempt:
    attempt_id = attempt_id_of(sandbox, order, number)
    plan = plans.decide(sandbox, order, instrument, attempt_id)
    return Attempt(
        attempt_id=attempt_id,
        order_id=order.order_id,
        seller_id=sandbox.seller_id,
        number=number,
        method=instrument.method,
        state=AttemptState.CREATED,
        amount=order.amount,
        captured_minor=0,
        refund_reserved_minor=0,
        instrument=instrument.dump(),
        plan=plan,
        scenario=plan.scenario,
        gateway="simulator",
        reference=None,
        failure=None,
        eci=None,
        liability=None,
        created_at=sandbox.now,
        updated_at=sandbox.now,
        answer_by=None,
    )


def charge_of(sandbox: Sandbox, attempt_id: str) -> Charge:
    """What to ask the gateway for an attempt."""
    attempt = the_attempt(sandbox, attempt_id)
    issuer = attempt.plan.at(Stage.ISSUER)
    return Charge(
        attempt_id=attempt.attempt_id,
        seller_id=sandbox.seller_id,
        amount=attempt.amount,
        method=attempt.method,
        instrument=attempt.instrument,
        idempotency_key=f"{attempt.attempt_id}:1",
        planned=issuer.outcome,
        agreed=issuer.scenario is not None,
        patience_ms=sandbox.seller.settings.upi_answer_seconds * SECOND,
    )


def record(sandbox: Sandbox, attempt_id: str, result: Result) -> Attempt:
    """Write down what a gateway answered to `charge_of`; a second answer changes nothing."""
    attempt = the_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.CREATED:
        return attempt
    if result.kind is ResultKind.AUTH_REQUIRED:
        return _ask_buyer(sandbox, attempt, result)
    failed = attempt_step(
        sandbox, attempt, "validation_error", Actor.ISSUER,
        failure=upi.failure(result.code, "payment_request"),
    )  # fmt: skip
    lost(sandbox, the_order(sandbox, attempt.order_id), failed)
    return failed


def _ask_buyer(sandbox: Sandbox, attempt: Attempt, result: Result) -> Attempt:
    order = the_order(sandbox, attempt.order_id)
    wait = sandbox.seller.settings.upi_collect_seconds * SECOND
    answer_by = min(sandbox.now + wait, order.expires_at)
    asked = attempt_step(
        sandbox, attempt, "auth_required", Actor.SANDBOX,
        changes={"answer_by": answer_by, "reference": result.reference},
    )  # fmt: skip
    schedule.add(sandbox, "attempt.timeout", attempt.attempt_id, answer_by)
    if result.answer_in_ms is not None:
        due = sandbox.now + result.answer_in_ms
        schedule.add(sandbox, "attempt.answer", attempt.attempt_id, due)
    return asked


def answer(
    sandbox: Sandbox, attempt_id: str, outcome: str | None = None, actor: Actor = Actor.ISSUER
) -> Attempt:
    """
    The buyer's app and bank answer an attempt that waits for them, as its plan has it.

    A buyer who comes after the end of the request finds it timed out.

    Args:
        outcome: What they answer instead of the plan: a PIN or a button of the app.
    """
    attempt = the_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.AUTH_PENDING:
        return attempt
    if actor is Actor.BUYER and attempt.answer_by is not None and sandbox.now >= attempt.answer_by:
        return time_out(sandbox, attempt_id)
    told = upi.answer(outcome or attempt.issuer_outcome)
    if told.known is Known.EXPIRED:
        return attempt
    forget_request(sandbox, attempt_id)
    order = the_order(sandbox, attempt.order_id)
    if told.known is Known.DECLINED:
        return _decline(sandbox, order, attempt, upi.failure(told.code), actor)
    if told.known is Known.PENDING:
        waiting = attempt_step(sandbox, attempt, "left_pending", Actor.ISSUER, code=told.code)
        _answer_later(sandbox, order, waiting, told)
        return waiting
    sent = attempt_step(sandbox, attempt, "auth_ok", Actor.BUYER)
    sent = attempt_step(sandbox, sent, "submit", Actor.SANDBOX, gateway=attempt.gateway)
    if told.known is Known.UNKNOWN:
        lost = attempt_step(sandbox, sent, "no_answer", Actor.ISSUER, code=told.code)
        _answer_later(sandbox, order, lost, told)
        return lost
    return take(sandbox, order, sent, "approved_and_captured", "approved_too_late")


def _decline(
    sandbox: Sandbox, order: Order, attempt: Attempt, failure: Failure, actor: Actor
) -> Attempt:
    """The buyer's side refuses before the bank is asked; a bank refuses after."""
    if failure.source in {"customer", "customer_psp"}:
        failed = attempt_step(sandbox, attempt, "auth_fail", actor, failure=failure)
    else:
        sent = attempt_step(sandbox, attempt, "auth_ok", Actor.BUYER)
        sent = attempt_step(sandbox, sent, "submit", Actor.SANDBOX, gateway=attempt.gateway)
        failed = attempt_step(sandbox, sent, "declined", Actor.ISSUER, failure=failure)
    lost(sandbox, order, failed)
    return failed


def _answer_later(sandbox: Sandbox, order: Order, attempt: Attempt, told: upi.Answer) -> None:
    if told.later is None or told.when is When.NEVER:
        return
    due = sandbox.now + sandbox.seller.settings.upi_pending_seconds * SECOND
    if told.when is When.AFTER_ORDER_EXPIRY:
        due = max(order.expires_at, sandbox.now) + SECOND
    schedule.add(sandbox, "attempt.resolve", attempt.attempt_id, due, code=told.later)


def settle(sandbox: Sandbox, attempt_id: str, code: str) -> Attempt:
    """
    The network makes known, late, what became of an attempt.

    Args:
        code: A UPI code, or ``reversed`` where the network sent the money back.
    """
    attempt = the_attempt(sandbox, attempt_id)
    order = the_order(sandbox, attempt.order_id)
    pending = attempt.state is AttemptState.PENDING
    if attempt.state is not AttemptState.UNKNOWN and not pending:
        return _settle_ended(sandbox, attempt, code)
    if code == upi.REVERSED:
        back = attempt if not pending else attempt_step(sandbox, attempt, "stuck", Actor.CLOCK)
        back = attempt_step(sandbox, back, "gave_up", Actor.ISSUER)
        lost(sandbox, order, back, "payment_failed")
        return back
    word = "resolved" if pending else "found"
    if upi.CODES[code].known is Known.APPROVED:
        return take(sandbox, order, attempt, f"{word}_success", f"{word}_too_late")
    failed = attempt_step(
        sandbox, attempt, f"{word}_failure", Actor.ISSUER, failure=upi.failure(code)
    )
    lost(sandbox, order, failed)
    return failed


def _settle_ended(sandbox: Sandbox, attempt: Attempt, code: str) -> Attempt:
    """A success for an attempt that has ended without money is sent back, never kept."""
    ended = {AttemptState.FAILED, AttemptState.EXPIRED, AttemptState.CANCELLED}
    paid = code != upi.REVERSED and upi.CODES[code].known is Known.APPROVED
    if attempt.state in ended and paid:
        return attempt_step(sandbox, attempt, "late_success", Actor.ISSUER)
    return attempt


def opened(sandbox: Sandbox, attempt: Attempt) -> None:
    """The buyer's app was opened: from here on a person answers, not the simulated buyer."""
    due = schedule.waiting_of(sandbox, attempt.attempt_id)
    if any(event.kind == "attempt.answer" for event in due):
        schedule.drop(sandbox, "attempt.answer", attempt.attempt_id)
        timeline.add(
            sandbox, attempt.order_id, machine="attempt", subject=attempt.attempt_id, event="seen",
            before=attempt.state, after=attempt.state, actor=Actor.BUYER, facts={},
        )  # fmt: skip


def answer_late(sandbox: Sandbox, attempt_id: str) -> None:
    """The buyer will approve, but only when the order has expired."""
    attempt = the_attempt(sandbox, attempt_id)
    order = the_order(sandbox, attempt.order_id)
    due = max(order.expires_at, sandbox.now) + SECOND
    schedule.drop(sandbox, "attempt.answer", attempt_id)
    schedule.add(sandbox, "attempt.resolve", attempt_id, due, code="00")


def time_out(sandbox: Sandbox, attempt_id: str) -> Attempt:
    """Nobody answered the request in time."""
    attempt = the_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.AUTH_PENDING:
        return attempt
    forget_request(sandbox, attempt_id)
    gone = attempt_step(sandbox, attempt, "timeout", Actor.CLOCK, failure=upi.failure("U69"))
    lost(sandbox, the_order(sandbox, attempt.order_id), gone)
    return gone
