"""The buttons of an order: capture what is held, or give the order up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import HOLDS_ORDER, Attempt, AttemptState
from mockpay.kernel.money import Money
from mockpay.services.payments import cancellation, captures, transitions
from mockpay.store import schedule
from mockpay.store.unit_of_work import Sandbox

#: What each button does.
ACTS: Mapping[str, Callable[[Sandbox, Order], Order]] = {"capture": captures.capture, "cancel": cancellation.cancel}


@dataclass(frozen=True, slots=True)
class Act:
    """One button that means something now; its words say what will happen."""

    name: str
    words: str


def legal(sandbox: Sandbox, order: Order, tries: Sequence[Attempt]) -> list[Act]:
    """The buttons that an order has as it now stands."""
    last = tries[-1] if tries else None
    if order.state is OrderState.AUTHORIZED and last is not None:
        return _of_hold(sandbox, last)
    if order.state in PAID:
        left = _left(order, tries)
        return [Act("cancel", f"Cancel and refund {left.display()}")] if left.minor > 0 else []
    busy = last is not None and last.state in HOLDS_ORDER
    return [Act("cancel", "Cancel order")] if order.open and not busy else []


def _of_hold(sandbox: Sandbox, held: Attempt) -> list[Act]:
    release = Act("cancel", "Cancel and release the hold")
    waiting = schedule.waiting_of(sandbox, held.attempt_id)
    if any(event.kind == transitions.CAPTURE for event in waiting):
        return [release]
    return [Act("capture", f"Capture {held.amount.display()}"), release]


def _left(order: Order, tries: Sequence[Attempt]) -> Money:
    """What was captured and is not on its way back."""
    taken = next((one for one in tries if one.state is AttemptState.CAPTURED), None)
    minor = taken.captured_minor - taken.refund_reserved_minor if taken else 0
    return Money(minor, order.amount.currency)
