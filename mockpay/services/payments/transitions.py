"""A step of a machine and its line in the timeline, always together."""

from __future__ import annotations

from typing import Any, TypeVar

from mockpay.domain import wallet as wallet_rules
from mockpay.domain.methods.registry import CARD_METHODS
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Failure
from mockpay.domain.refunds import Refund, RefundState
from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import NotFound
from mockpay.risk import risk_table
from mockpay.services import notifications, wallet
from mockpay.store import attempt_secrets, attempts, orders, refunds, schedule, timeline
from mockpay.store.unit_of_work import Sandbox

Thing = TypeVar("Thing")
#: The money is there or secured: what was used may be kept for the next time.
_PAID = frozenset({AttemptState.CAPTURED, AttemptState.AUTHORIZED})


def order_step(
    sandbox: Sandbox,
    order: Order,
    event: str,
    actor: Actor,
    changes: dict[str, Any] | None = None,
    **facts: object,
) -> Order:
    """Move an order; `changes` are columns that go with the step, `facts` what is told of it."""
    moved = orders.transition(sandbox, order, event, **(changes or {}))
    timeline.add(
        sandbox,
        order.order_pk,
        machine="order",
        subject=order.order_id,
        event=event,
        before=order.state,
        after=moved.state,
        actor=actor,
        facts=facts,
    )
    notifications.follow(sandbox, order, moved)
    return moved


def attempt_step(
    sandbox: Sandbox,
    attempt: Attempt,
    event: str,
    actor: Actor,
    *,
    failure: Failure | None = None,
    changes: dict[str, Any] | None = None,
    **facts: object,
) -> Attempt:
    """Move an attempt, likewise."""
    moved = attempts.transition(sandbox, attempt, event, failure=failure, **(changes or {}))
    if failure is not None:
        facts = {"code": failure.code, "reason": failure.reason, **facts}
    if "code" in facts:
        facts["method"] = attempt.method
    timeline.add(
        sandbox,
        attempt.order_pk,
        machine="attempt",
        subject=attempt.attempt_id,
        event=event,
        before=attempt.state,
        after=moved.state,
        actor=actor,
        facts=facts,
    )
    _follow(sandbox, attempt, moved)
    return moved


def _follow(sandbox: Sandbox, before: Attempt, moved: Attempt) -> None:
    """
    What goes with a step: the balance moves, a saved method is kept, the risk check learns how
    it ended, the card number is shredded.
    """
    if moved.method == wallet_rules.METHOD:
        wallet.settle_hold(sandbox, before.state, moved)
    if moved.consent and moved.state in _PAID and before.state not in _PAID:
        from mockpay.services.payments import saving  # noqa: PLC0415

        saving.save_method(sandbox, moved)
    if not moved.live:
        risk_table.note(sandbox, moved.attempt_id, declined=moved.state is AttemptState.FAILED)
        if moved.method in CARD_METHODS:
            attempt_secrets.shred(sandbox, moved.attempt_id)


def refund_step(
    sandbox: Sandbox,
    refund: Refund,
    event: str,
    actor: Actor,
    changes: dict[str, Any] | None = None,
    **facts: object,
) -> Refund:
    """Move a refund, likewise."""
    moved = refunds.transition(sandbox, refund, event, **(changes or {}))
    add_refund_event(sandbox, moved, event, refund.state, actor, **facts)
    return moved


def add_refund_event(
    sandbox: Sandbox, refund: Refund, event: str, before: RefundState | None, actor: Actor, **facts: object
) -> None:
    """Tell something of a refund."""
    timeline.add(
        sandbox,
        refund.order_pk,
        machine="refund",
        subject=refund.refund_id,
        event=event,
        before=before,
        after=refund.state,
        actor=actor,
        facts=facts,
    )


def forget_request(sandbox: Sandbox, attempt_id: str) -> None:
    """The attempt waits for its buyer no more, so neither answer nor end of it is to come."""
    for kind in ("attempt.timeout", "attempt.answer"):
        schedule.drop(sandbox, kind, attempt_id)


def add_order_event(sandbox: Sandbox, order: Order, event: str, actor: Actor, **facts: object) -> None:
    """Tell something of an order that does not move it."""
    timeline.add(
        sandbox,
        order.order_pk,
        machine="order",
        subject=order.order_id,
        event=event,
        before=order.state,
        after=order.state,
        actor=actor,
        facts=facts,
    )


def get_order(sandbox: Sandbox, order_pk: int) -> Order:
    """The order of this number, or NotFound."""
    return require(orders.by_number(sandbox, order_pk), "order")


def get_attempt(sandbox: Sandbox, attempt_id: str) -> Attempt:
    """The attempt of this id, or NotFound."""
    return require(attempts.by_id(sandbox, attempt_id), "attempt")


def get_refund(sandbox: Sandbox, refund_id: str) -> Refund:
    """The refund of this id, or NotFound."""
    return require(refunds.by_id(sandbox, refund_id), "refund")


def require(thing: Thing | None, noun: str) -> Thing:
    """What was looked up, or NotFound with the noun's code."""
    if thing is None:
        raise NotFound(f"There is no such {noun}.", code=f"{noun}.not_found")
    return thing
