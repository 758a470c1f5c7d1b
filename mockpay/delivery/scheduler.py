"""Firing what is due in one world, in the order in which it is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mockpay.domain.sellers import Seller
from mockpay.kernel.clock import Mode
from mockpay.kernel.errors import MockpayError
from mockpay.services import endings, orders, payments
from mockpay.store import schedule, sellers
from mockpay.store.schedule import Event
from mockpay.store.worlds import Runtime, Sandbox, work

#: Events of one transaction at most: other writers wait meanwhile.
BATCH = 100

#: What each kind of event does.
HANDLERS: Mapping[str, Callable[[Sandbox, Event], object]] = {
    "order.expire": lambda sandbox, event: orders.expire(sandbox, int(event.subject)),
    "attempt.answer": lambda sandbox, event: payments.answer(sandbox, event.subject),
    "attempt.resolve": lambda sandbox, event: payments.settle(
        sandbox, event.subject, str(event.facts["code"])
    ),
    "attempt.timeout": lambda sandbox, event: payments.time_out(sandbox, event.subject),
    "attempt.reverse": lambda sandbox, event: endings.reverse(sandbox, event.subject),
}


@dataclass(frozen=True, slots=True)
class Fired:
    """How many events a transaction fired, and whether more are due."""

    count: int
    more: bool


def fire(runtime: Runtime, seller_id: str, target: int | None = None) -> Fired:
    """
    Fire up to a batch of what is due at or before `target`, in one transaction.

    Args:
        target: The seller's time to go to; None for its present.  The clock follows the
            events and, when none is left, shows `target`.
    """
    with work(runtime, seller_id) as sandbox:
        goal = sandbox.now if target is None else max(target, sandbox.now)
        batch = schedule.due(sandbox, goal, BATCH)
        reached = _fire_all(sandbox, batch)
        more = len(batch) == BATCH
        if target is not None or more:
            _move_clock(sandbox, reached if more else goal)
        sellers.set_due(sandbox.connection, seller_id, schedule.next_due(sandbox))
        if batch:
            sellers.count(sandbox.connection, seller_id, fired=len(batch))
        # An event that fired may have scheduled another one that is due by now.
        waiting = schedule.next_due(sandbox)
        return Fired(len(batch), more or (waiting is not None and waiting <= goal))


def _fire_all(sandbox: Sandbox, batch: list[Event]) -> int:
    """Fire in order; the moment that was reached."""
    moment, done = sandbox.now, []
    for event in batch:
        if not schedule.still_waiting(sandbox, event.event_id):
            continue
        moment = max(moment, event.due_at)
        if _fire_one(sandbox.at(moment), event):
            done.append(event.event_id)
    if done:
        schedule.finish(sandbox.at(moment), done)
    return moment


def _fire_one(sandbox: Sandbox, event: Event) -> bool:
    """Fire one event; a failing one is rolled back to its savepoint and says why."""
    try:
        with sandbox.connection.begin_nested():
            HANDLERS[event.kind](sandbox, event)
    except MockpayError as error:
        schedule.fail(sandbox, event.event_id, f"{error.code}: {error.reason}")
        return False
    return True


def _move_clock(sandbox: Sandbox, moment: int) -> None:
    seller: Seller = sandbox.seller
    if moment > sandbox.now or seller.clock.mode is Mode.FROZEN:
        moved = seller.clock.at(max(moment, sandbox.now), sandbox.real_now)
        sellers.set_clock(sandbox.connection, seller.seller_id, moved)


def fire_present(runtime: Runtime, seller_id: str) -> int:
    """Fire all that is due at the seller's present; how many."""
    total = 0
    while True:
        fired = fire(runtime, seller_id)
        total += fired.count
        if not fired.more:
            return total
