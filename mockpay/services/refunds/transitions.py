"""What follows from each step of a refund: one table, and what its words do."""

from __future__ import annotations

from mockpay.domain.payments.attempts import Stage
from mockpay.domain.refunds import Refund
from mockpay.domain.timeline import Actor
from mockpay.domain.wallet.ledger import METHOD as BALANCE
from mockpay.kernel.clock import SECOND
from mockpay.services import notifications
from mockpay.services.payments.transitions import ORDERS, get_attempt, get_order
from mockpay.services.wallet import holds, loads
from mockpay.store import refunds, schedule
from mockpay.store.transitions import Transitions, require, step
from mockpay.store.unit_of_work import Sandbox

#: Events of the schedule.
SETTLE, REVERSE = "refund.settle", "refund.reverse"


def schedule_settlement(sandbox: Sandbox, _before: Refund, refund: Refund) -> None:
    """The refund ends by itself when it is due."""
    if refund.due_at is not None:
        schedule.add(sandbox, SETTLE, refund.refund_id, refund.due_at)


def cancel_settlement(sandbox: Sandbox, _before: Refund, refund: Refund) -> None:
    """The refund does not end by itself any more."""
    schedule.drop(sandbox, SETTLE, refund.refund_id)


def release_reserve(sandbox: Sandbox, _before: Refund, refund: Refund) -> None:
    """The amount can be refunded again."""
    refunds.release(sandbox, refund.attempt_id, refund.amount.minor)


def add_to_order(sandbox: Sandbox, _before: Refund, refund: Refund) -> None:
    """The order counts the amount as refunded: in part or, with this refund, in full."""
    order = get_order(sandbox, refund.order_pk)
    total = order.refunded_minor + refund.amount.minor
    full = total >= get_attempt(sandbox, refund.attempt_id).captured_minor
    event = "refund_completed_in_full" if full else "refund_completed"
    step(sandbox, ORDERS, order, event, Actor.SANDBOX, {"refunded_minor": total})


def take_from_order(sandbox: Sandbox, _before: Refund, refund: Refund) -> None:
    """The order counts the amount as refunded no more."""
    order = get_order(sandbox, refund.order_pk)
    remaining = order.refunded_minor - refund.amount.minor
    event = "refund_reversed" if remaining else "last_refund_reversed"
    step(sandbox, ORDERS, order, event, Actor.ISSUER, {"refunded_minor": remaining})


def credit_balance(sandbox: Sandbox, _before: Refund, refund: Refund) -> None:
    """The balance that paid gets the amount."""
    attempt = get_attempt(sandbox, refund.attempt_id)
    if attempt.method == BALANCE:
        holds.refund(sandbox, attempt, refund.refund_id, refund.amount.minor)


def debit_balance(sandbox: Sandbox, _before: Refund, refund: Refund) -> None:
    """The balance that got the amount loses it; where none got it there is nothing to undo."""
    holds.charge_back(sandbox, get_attempt(sandbox, refund.attempt_id), refund.refund_id)


def return_load(sandbox: Sandbox, _before: Refund, refund: Refund) -> None:
    """The wallet whose load was to be refunded has the amount again; where none was there is nothing to undo."""
    loads.return_refund(sandbox, refund)


def schedule_reversal(sandbox: Sandbox, _before: Refund, refund: Refund) -> None:
    """Where its scenario says so, the refund is taken back later."""
    if refund.plan.at(Stage.REFUND).outcome == "reversed":
        later = sandbox.now + max(sandbox.seller.settings.refund_delay_seconds, 1) * SECOND
        schedule.add(sandbox, REVERSE, refund.refund_id, later)


def notify_seller(sandbox: Sandbox, _before: Refund, refund: Refund) -> None:
    """Queue the notification of how the refund ended; of a wallet's order no seller is told."""
    order = get_order(sandbox, refund.order_pk)
    if not order.fills_wallet:
        notifications.of_refund(sandbox, order, refund)


def _tell_company(sandbox: Sandbox, refund: Refund, event: str) -> None:
    """Let the company through which the order came queue what it tells of a step."""
    order = get_order(sandbox, refund.order_pk)
    observe = sandbox.provider_of(order).observe
    if observe is not None:
        observe(sandbox, order, event, refund)


REFUNDS: Transitions[Refund] = Transitions(
    refunds.mapper,
    "refund_id",
    {
        "held": (cancel_settlement,),
        "released": (schedule_settlement,),
        "expedited": (cancel_settlement, schedule_settlement),
        "completed": (cancel_settlement, add_to_order, credit_balance, schedule_reversal, notify_seller),
        "declined": (cancel_settlement, release_reserve, return_load, notify_seller),
        "reversed": (debit_balance, return_load, release_reserve, take_from_order),
    },
    observe=_tell_company,
)


def get_refund(sandbox: Sandbox, refund_id: str) -> Refund:
    """The refund of this id; NotFound ``refund.not_found`` where there is none."""
    return require(refunds.by_id(sandbox, refund_id), "refund")
