"""How a refund ends: by the clock, by a poll or by a tester; and a chargeback of it."""

from __future__ import annotations

from mockpay.domain import refunds as rules
from mockpay.domain import wallet as wallet_rules
from mockpay.domain.credit_references import network_reference
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.payments.plans import Stage
from mockpay.domain.refunds import PROCESSING_FAILURE, Refund, RefundState
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Invalid
from mockpay.services import notifications, wallet
from mockpay.services.payments.transitions import get_attempt, get_order, get_refund, order_step, refund_step
from mockpay.store import refunds, schedule
from mockpay.store.unit_of_work import Sandbox

#: Events of the schedule.
SETTLE, REVERSE = "refund.settle", "refund.reverse"


def settle(sandbox: Sandbox, refund_id: str) -> Refund:
    """A refund's time has come: it ends as its plan has it, unless a tester holds it."""
    refund = get_refund(sandbox, refund_id)
    if refund.state is not RefundState.PENDING or refund.held:
        return refund
    if refund.decline is not None:
        return decline(sandbox, refund, refund.decline, Actor.CLOCK)
    return complete(sandbox, refund, Actor.CLOCK)


def complete(sandbox: Sandbox, refund: Refund, actor: Actor = Actor.TESTER) -> Refund:
    """
    The money is back at the instrument.

    Raises:
        IllegalTransition: it ended already.
    """
    order = get_order(sandbox, refund.order_pk)
    attempt = get_attempt(sandbox, refund.attempt_id)
    bank = attempt.instrument.get("bank", "")
    named = network_reference(attempt.method, refund.refund_id, sandbox.seller.seed, sandbox.now, bank)
    kind, bank_reference = named or (None, None)
    changes = {
        "completed_at": sandbox.now,
        "held": False,
        "decline": None,
        "reason_code": None,
        "bank_reference_kind": kind,
        "bank_reference": bank_reference,
    }
    done = refund_step(
        sandbox,
        refund,
        "completed",
        actor,
        changes,
        amount=refund.amount.wire(),
        **({kind.lower(): bank_reference} if kind else {}),
    )
    schedule.drop(sandbox, SETTLE, refund.refund_id)
    _return_money(sandbox, order, attempt, done)
    if refund.plan.at(Stage.REFUND).outcome == "reversed":
        later = sandbox.now + max(sandbox.seller.settings.refund_delay_seconds, 1) * SECOND
        schedule.add(sandbox, REVERSE, refund.refund_id, later)
    notifications.of_refund(sandbox, order, done)
    return done


def _return_money(sandbox: Sandbox, order: Order, attempt: Attempt, refund: Refund) -> None:
    total = order.refunded_minor + refund.amount.minor
    full = total >= attempt.captured_minor
    event = "refund_completed_in_full" if full else "refund_completed"
    order_step(sandbox, order, event, Actor.SANDBOX, {"refunded_minor": total})
    if attempt.method == wallet_rules.METHOD:
        wallet.refund(sandbox, attempt, refund.refund_id, refund.amount.minor)


def decline(
    sandbox: Sandbox, refund: Refund, reason: str = PROCESSING_FAILURE, actor: Actor = Actor.TESTER
) -> Refund:
    """
    The refund is refused; what it had reserved can be refunded again.

    Raises:
        Invalid: code ``refund.reason``: not one of `DECLINE_REASONS`.
        IllegalTransition: it ended already.
    """
    if reason not in rules.DECLINE_REASONS:
        message = f"A refund is declined by {' or '.join(rules.DECLINE_REASONS)}."
        raise Invalid(message, code="refund.reason")
    changes = {"reason_code": reason, "decline": reason, "held": False}
    refused = refund_step(sandbox, refund, "declined", actor, changes, reason=reason)
    schedule.drop(sandbox, SETTLE, refund.refund_id)
    refunds.release(sandbox, refund.attempt_id, refund.amount.minor)
    notifications.of_refund(sandbox, get_order(sandbox, refund.order_pk), refused)
    return refused


def reverse(sandbox: Sandbox, refund_id: str) -> Refund:
    """A completed refund is taken back; the money is the seller's again."""
    refund = get_refund(sandbox, refund_id)
    if refund.state is not RefundState.COMPLETED:
        return refund
    order = get_order(sandbox, refund.order_pk)
    attempt = get_attempt(sandbox, refund.attempt_id)
    if attempt.method == wallet_rules.METHOD:
        wallet.charge_back(sandbox, attempt, refund.refund_id, refund.amount.minor)
    back = refund_step(sandbox, refund, "reversed", Actor.ISSUER, amount=refund.amount.wire())
    refunds.release(sandbox, refund.attempt_id, refund.amount.minor)
    left = order.refunded_minor - refund.amount.minor
    event = "refund_reversed" if left else "last_refund_reversed"
    order_step(sandbox, order, event, Actor.ISSUER, {"refunded_minor": left})
    return back
