"""Authorise first and capture later, release the hold; and what an attempt's end means for its order."""

from __future__ import annotations

from typing import Any

from mockpay.domain.methods.registry import response_codes_of
from mockpay.domain.orders import Order, OrderKind, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState, Stage
from mockpay.domain.payments.gateways import Operation
from mockpay.domain.payments.routing import DEFAULT
from mockpay.domain.scenarios.after_payment import CAPTURE_EXPIRES
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.services.gateways import calls
from mockpay.services.payments.transitions import (
    ATTEMPTS,
    AUTHORIZATION_EXPIRY,
    CAPTURE,
    ORDERS,
    REVERSE,
    get_attempt,
    get_order,
)
from mockpay.store import attempts, outbox, schedule
from mockpay.store.transitions import add_event, step
from mockpay.store.unit_of_work import Sandbox

#: How long after a capture that was told as FAILURE the money goes back, in ms.
_REVERSAL_MS = 5 * SECOND
#: The step that secures funds instead of the one that takes them.
_SECURES = {
    "approved_and_captured": "approved",
    "resolved_success": "resolved_authorized",
    "found_success": "found_authorized",
    "late_success": "late_authorized",
}


def captures_by_itself(sandbox: Sandbox, order: Order) -> bool:
    """Whether nobody needs to ask for the money, as the order or the seller has it; a wallet waits for none."""
    return order.fills_wallet or order.request.get("capture", sandbox.seller.settings.capture) == "auto"


def authorizes_first(sandbox: Sandbox, order: Order, attempt: Attempt) -> bool:
    """Whether the money is authorised first: the seller captures, or a scenario disturbs it."""
    return not captures_by_itself(sandbox, order) or attempt.plan.at(Stage.CAPTURE).outcome != "success"


def authorize(sandbox: Sandbox, order: Order, attempt: Attempt, event: str) -> Attempt:
    """
    Secure the funds; where the seller does not capture by hand, capture at once.

    Args:
        event: The step of an attempt that would have captured in one go: a key of `_SECURES`.
    """
    code = response_codes_of(attempt).approved
    step_name, unfailed = _SECURES[event], {"failure": None}
    authorized = step(sandbox, ATTEMPTS, attempt, step_name, Actor.ISSUER, unfailed, code=code, method=attempt.method)
    secured = step(sandbox, ORDERS, order, "attempt_authorized", Actor.SANDBOX, {"reason": None})
    planned = attempt.plan.at(Stage.CAPTURE).outcome
    schedule.add(sandbox, AUTHORIZATION_EXPIRY, str(order.order_pk), sandbox.now + _hold_ms(sandbox, order, planned))
    if captures_by_itself(sandbox, order) and not planned.startswith(CAPTURE_EXPIRES):
        return _capture(sandbox, secured, authorized, Actor.SANDBOX, authorized.amount.minor)
    return authorized


def _hold_ms(sandbox: Sandbox, order: Order, planned: str) -> int:
    """How long an authorisation waits for its capture: as planned, as the order's request or the seller has it."""
    minutes = planned.removeprefix(CAPTURE_EXPIRES)
    if minutes != planned:
        return int(minutes) * 60 * SECOND
    asked: Any = order.request.get("authorization_seconds", sandbox.seller.settings.authorization_seconds)
    return int(asked) * SECOND


def capture(sandbox: Sandbox, order: Order, actor: Actor = Actor.TESTER, amount: Money | None = None) -> Order:
    """
    Take the money that an order's attempt has secured; what is not taken is released.

    Args:
        amount: All of it if None.

    Raises:
        Conflict: code ``capture.not_authorized``, ``capture.pending``, ``capture.exceeds_authorization`` or
            ``capture.no_part``.
        Invalid: code ``amount.too_small``.
    """
    attempt = attempts.last_of_order(sandbox, order.order_pk)
    if order.state is not OrderState.AUTHORIZED or attempt is None:
        message = "There is nothing authorised to capture."
        raise Conflict(message, code="capture.not_authorized", state=str(order.state))
    asked = attempt.gateway != DEFAULT and outbox.is_queued(sandbox, calls.CALL, attempt.attempt_id)
    if asked or schedule.waits(sandbox, attempt.attempt_id, CAPTURE):
        raise Conflict("The capture is pending already.", code="capture.pending")
    to_capture = attempt.amount if amount is None else amount
    if to_capture.minor < 1:
        raise Invalid("The amount is below 0.01.", code="amount.too_small", field="amount")
    if to_capture < attempt.amount and not _captures_parts(sandbox, attempt):
        raise Conflict("The gateway that holds this money captures all of it or nothing.", code="capture.no_part")
    if to_capture > attempt.amount:
        message = f"At most {attempt.amount.wire()} {attempt.amount.currency} can be captured."
        raise Conflict(message, code="capture.exceeds_authorization")
    _capture(sandbox, order, attempt, actor, to_capture.minor)
    return get_order(sandbox, order.order_pk)


def _captures_parts(sandbox: Sandbox, attempt: Attempt) -> bool:
    adapter = sandbox.runtime.adapter(attempt.gateway)
    return adapter is None or adapter.capabilities.partial_capture


def _capture(sandbox: Sandbox, order: Order, attempt: Attempt, actor: Actor, minor: int) -> Attempt:
    outcome = attempt.plan.at(Stage.CAPTURE).outcome
    if outcome == "pending":
        add_event(sandbox, ORDERS, order, "capture_pending", Actor.SANDBOX, before=order.state)
        due = sandbox.now + sandbox.seller.settings.upi_pending_seconds * SECOND
        schedule.add(sandbox, CAPTURE, attempt.attempt_id, due, minor=minor)
        return attempt
    if outcome in {"fails", "closed"}:
        return record_capture_failure(sandbox, attempt)
    captured_minor = max(minor // 2, 1) if outcome == "partial" else minor
    return _ask_to_capture(sandbox, order, attempt, actor, captured_minor)


def _ask_to_capture(sandbox: Sandbox, order: Order, attempt: Attempt, actor: Actor, minor: int) -> Attempt:
    """Take the money, or queue the call to the gateway that holds it."""
    if attempt.gateway == DEFAULT:
        return _complete_capture(sandbox, order, attempt, actor, minor)
    amount = Money(minor, attempt.amount.currency)
    add_event(sandbox, ORDERS, order, "capture_sent", actor, {"gateway": attempt.gateway}, before=order.state)
    calls.queue_call(sandbox, attempt, order.order_id, Operation.CAPTURE, amount=amount)
    return attempt


def record_capture(sandbox: Sandbox, attempt: Attempt, minor: int) -> Attempt:
    """The gateway that held an attempt's money has taken it."""
    order = get_order(sandbox, attempt.order_pk)
    return _complete_capture(sandbox, order, attempt, Actor.ISSUER, minor)


def record_capture_failure(sandbox: Sandbox, attempt: Attempt) -> Attempt:
    """What was authorised cannot be had: the hold is released."""
    refused = step(sandbox, ATTEMPTS, attempt, "capture_failed", Actor.ISSUER)
    return _void(sandbox, get_order(sandbox, attempt.order_pk), refused, Actor.SANDBOX, "capture_failed")


def _complete_capture(sandbox: Sandbox, order: Order, attempt: Attempt, actor: Actor, minor: int) -> Attempt:
    captured = Money(minor, attempt.amount.currency)
    amounts = {"amount": captured.wire(), "released": (attempt.amount - captured).wire()}
    after = step(sandbox, ATTEMPTS, attempt, "capture", actor, {"captured_minor": minor}, **amounts)
    step(sandbox, ORDERS, order, "capture", actor, None, **amounts)
    schedule_reversal(sandbox, order, attempt)
    return after


def schedule_reversal(sandbox: Sandbox, order: Order, attempt: Attempt) -> None:
    """Where the seller is told FAILURE though this was captured, the money goes back later."""
    if not order.fills_wallet and attempt.plan.at(Stage.REDIRECT).outcome == "failure_though_captured":
        due = sandbox.now + _REVERSAL_MS
        schedule.add(sandbox, REVERSE, attempt.attempt_id, due)


def complete_pending(sandbox: Sandbox, attempt_id: str, minor: int) -> None:
    """A pending capture of so many paise is done; nothing where the hold was released meanwhile."""
    attempt = get_attempt(sandbox, attempt_id)
    if attempt.state is AttemptState.AUTHORIZED:
        order = get_order(sandbox, attempt.order_pk)
        _ask_to_capture(sandbox, order, attempt, Actor.CLOCK, minor)


def void(sandbox: Sandbox, order: Order, actor: Actor) -> Order:
    """
    Release the hold of an authorised order; the order is cancelled.

    Raises:
        Conflict: code ``capture.not_authorized``.
    """
    attempt = attempts.last_of_order(sandbox, order.order_pk)
    if order.state is not OrderState.AUTHORIZED or attempt is None:
        raise Conflict("There is nothing authorised to release.", code="capture.not_authorized")
    _void(sandbox, order, attempt, actor, "payment_cancelled")
    return get_order(sandbox, order.order_pk)


def _void(sandbox: Sandbox, order: Order, attempt: Attempt, actor: Actor, reason: str) -> Attempt:
    voided = step(sandbox, ATTEMPTS, attempt, "void", actor)
    step(sandbox, ORDERS, order, "void", actor, {"reason": reason, "cancelled_by": actor})
    return voided


def expire_authorization(sandbox: Sandbox, order_pk: int) -> None:
    """Nobody captured in time: the hold is released."""
    order = get_order(sandbox, order_pk)
    attempt = attempts.last_of_order(sandbox, order_pk)
    if order.state is not OrderState.AUTHORIZED or attempt is None:
        return
    step(sandbox, ATTEMPTS, attempt, "auth_expiry", Actor.CLOCK)
    step(sandbox, ORDERS, order, "auth_expired", Actor.CLOCK, {"reason": "authorization_expired"})


# --- what an end means for the order


def settle_success(
    sandbox: Sandbox, order: Order, attempt: Attempt, event: str, too_late: str | None = None
) -> Attempt:
    """
    Capture in full where the order is still to be paid; otherwise send the money back.

    Args:
        event: The step of the attempt that captures: a key of `_SECURES`.
        too_late: The step that sends it back; None where the attempt has held its order.
    """
    if too_late is not None and not order.open:
        return step(sandbox, ATTEMPTS, attempt, too_late, Actor.ISSUER)
    if authorizes_first(sandbox, order, attempt):
        return authorize(sandbox, order, attempt, event)
    changes: dict[str, Any] = {"captured_minor": attempt.amount.minor}
    code = response_codes_of(attempt).approved
    captured = step(sandbox, ATTEMPTS, attempt, event, Actor.ISSUER, changes, code=code, method=attempt.method)
    # Why an earlier try failed is that try's own; the order has none any more.
    step(sandbox, ORDERS, order, "attempt_captured", Actor.SANDBOX, {"reason": None})
    schedule_reversal(sandbox, order, attempt)
    return captured


def reverse_capture(sandbox: Sandbox, attempt_id: str) -> None:
    """
    Send captured money back in full: the seller was told that there was none, or the wallet could not take it.

    A seller who asked for a refund meanwhile knows of the money; then nothing is reversed.
    """
    attempt = get_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.CAPTURED or attempt.refund_reserved_minor:
        return
    order = get_order(sandbox, attempt.order_pk)
    step(sandbox, ATTEMPTS, attempt, "reverse", Actor.SANDBOX)
    changes = {"refunded_minor": attempt.captured_minor}
    step(sandbox, ORDERS, order, "refund_completed_in_full", Actor.SANDBOX, changes)


def release_order(sandbox: Sandbox, order: Order, attempt: Attempt, reason: str | None = None) -> None:
    """
    What an attempt without money means for its order: another try, or the end.

    Args:
        reason: The order's; the attempt's own where left out.
    """
    if not order.open:
        return
    why = {"reason": reason or attempt.reason}
    if sandbox.now >= order.expires_at:
        step(sandbox, ORDERS, order, "timeout", Actor.CLOCK, {"reason": "payment_timed_out"})
    elif order.kind is OrderKind.RELOAD or order.attempt_count >= most_attempts(sandbox, order):
        step(sandbox, ORDERS, order, "given_up", Actor.SANDBOX, why)
    else:
        step(sandbox, ORDERS, order, "attempt_failed", Actor.SANDBOX, why)


def queue_payment(sandbox: Sandbox, order: Order, attempt: Attempt, *, leased: bool) -> int:
    """Queue the call that asks an attempt's gateway for its money; the number of its outbox row."""
    operation = Operation.AUTHORIZE if authorizes_first(sandbox, order, attempt) else Operation.CHARGE
    return calls.queue_call(sandbox, attempt, order.order_id, operation, leased=leased)


def most_attempts(sandbox: Sandbox, order: Order) -> int:
    """How often an order may be tried."""
    of_company = sandbox.provider_of(order).most_attempts
    return sandbox.seller.settings.max_attempts if of_company is None else of_company


def give_up(sandbox: Sandbox, order: Order) -> Order:
    """The buyer goes back to the seller after a failed try instead of trying again."""
    last = attempts.last_of_order(sandbox, order.order_pk)
    if order.open and last is not None and not last.live:
        return step(sandbox, ORDERS, order, "given_up", Actor.BUYER, {"reason": last.reason})
    return order
