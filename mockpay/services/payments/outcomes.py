"""What the end of a try means for its order: paid, another try, or over."""

from __future__ import annotations

from typing import Any

from mockpay.domain.methods.registry import response_codes_of
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState
from mockpay.domain.timeline import Actor
from mockpay.services.payments import captures
from mockpay.services.payments.transitions import ATTEMPTS, ORDERS, get_attempt, get_order
from mockpay.store import attempts
from mockpay.store.transitions import step
from mockpay.store.unit_of_work import Sandbox


def settle_success(
    sandbox: Sandbox, order: Order, attempt: Attempt, event: str, too_late: str | None = None
) -> Attempt:
    """
    Capture in full where the order is still to be paid; otherwise send the money back.

    Args:
        too_late: The step that sends it back; None where the attempt has held its order.
    """
    if too_late is not None and not order.open:
        return step(sandbox, ATTEMPTS, attempt, too_late, Actor.ISSUER)
    if captures.authorizes_first(sandbox, attempt):
        return captures.authorize(sandbox, order, attempt, event)
    changes: dict[str, Any] = {"captured_minor": attempt.amount.minor}
    code = response_codes_of(attempt).approved
    taken = step(sandbox, ATTEMPTS, attempt, event, Actor.ISSUER, changes, code=code, method=attempt.method)
    # Why an earlier try failed is that try's own; the order has none any more.
    step(sandbox, ORDERS, order, "attempt_captured", Actor.SANDBOX, {"reason": None})
    captures.schedule_reversal(sandbox, attempt)
    return taken


def reverse_capture(sandbox: Sandbox, attempt_id: str) -> None:
    """
    Send captured money back in full because the seller was told that there was none.

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
    """What an attempt without money means for its order: another try, or the end."""
    if not order.open:
        return
    why = {"reason": reason or attempt.reason}
    if sandbox.now >= order.expires_at:
        step(sandbox, ORDERS, order, "timeout", Actor.CLOCK, {"reason": "payment_timed_out"})
    elif order.attempt_count >= sandbox.seller.settings.max_attempts:
        step(sandbox, ORDERS, order, "given_up", Actor.SANDBOX, why)
    else:
        step(sandbox, ORDERS, order, "attempt_failed", Actor.SANDBOX, why)


def give_up(sandbox: Sandbox, order: Order) -> Order:
    """The buyer goes back to the seller after a failed try instead of trying again."""
    last = attempts.last_of_order(sandbox, order.order_pk)
    if order.open and last is not None and not last.live:
        return step(sandbox, ORDERS, order, "given_up", Actor.BUYER, {"reason": last.reason})
    return order
