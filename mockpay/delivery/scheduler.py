"""Firing what is due in one world, in the order in which it is due."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mockpay.domain.sellers import Seller
from mockpay.kernel.clock import Mode
from mockpay.kernel.errors import MockpayError
from mockpay.services import endings, orders, settling
from mockpay.store import schedule, sellers
from mockpay.store.schedule import Event
from mockpay.store.worlds import Runtime, Sandbox, work

_log = logging.getLogger(__name__)

#: Events of one transaction at most: other writers wait meanwhile.
BATCH = 100

#: What each kind of event does.
HANDLERS: Mapping[str, Callable[[Sandbox, Event], object]] = {
    "order.expire": lambda sandbox, event: orders.expire(sandbox, int(event.subject)),
    "attempt.answer": lambda sandbox, event: settling.answer(sandbox, event.subject),
    "attempt.resolve": lambda sandbox, event: settling.settle(
        sandbox, event.subject, str(event.facts["code"])
    ),
    "attempt.enquire": lambda sandbox, event: settling.enquire(
        sandbox, event.subject, int(event.facts["times"])
    ),
    "attempt.timeout": lambda sandbox, event: settling.time_out(sandbox, event.subject),
    "attempt.reverse": lambda sandbox, event: endings.reverse(sandbox, event.subject),
}


@dataclass(frozen=True, slots=True)
class Fired:
    """
    How many events a transaction fired, and whether more are due.

    `queued` tells that one of them put something into the outbox: it is sent before the clock
    goes on, so that what comes back finds the time at which it was asked.
    """

    count: int
    more: bool
    queued: bool = False


def fire(runtime: Runtime, seller_id: str, target: int | None = None) -> Fired:
    """
    Fire up to a batch of what is due at or before `target`, in one transaction.

    Args:
        target: The seller's time to go to; None for its present.  The clock follows the
            events and, when none is left, shows `target`.
    """
    with work(runtime, seller_id) as sandbox:
        goal = sandbox.now if target is None else max(target, sandbox.now)
        count, reached = _fire_batch(sandbox, goal)
        waiting = schedule.next_due(sandbox)
        more, queued = waiting is not None and waiting <= goal, bool(sandbox.queued)
        if target is not None:
            _move_clock(sandbox, reached if more or queued else goal)
        if count:
            sellers.count(sandbox.connection, seller_id, fired=count)
        sellers.set_due(sandbox.connection, seller_id, waiting)
        return Fired(count, more, queued)


def _fire_batch(sandbox: Sandbox, goal: int) -> tuple[int, int]:
    """Fire in due order, what an event adds on the way included; how many, and the moment."""
    count, moment, changed = 0, sandbox.now, True
    while changed and count < BATCH and not sandbox.queued:
        known, done = len(sandbox.rescheduled), []
        for event in schedule.due(sandbox, goal, BATCH - count):
            count, moment = count + 1, max(moment, event.due_at)
            if _fire_one(sandbox.at(moment), event):
                done.append(event.event_id)
            if len(sandbox.rescheduled) > known:
                break  # What comes next may be another one now.
        changed = len(sandbox.rescheduled) > known
        if done:
            schedule.finish(sandbox.at(moment), done)
    return count, moment


def _fire_one(sandbox: Sandbox, event: Event) -> bool:
    """Fire one event; a failing one is rolled back to its savepoint and says why."""
    try:
        with sandbox.connection.begin_nested():
            HANDLERS[event.kind](sandbox, event)
    except MockpayError as error:
        schedule.fail(sandbox, event.event_id, f"{error.code}: {error.reason}")
    except Exception as error:  # noqa: BLE001 - see below
        # Whatever it is, it must not keep all that comes after it from happening.
        _log.exception("Event %s, '%s', could not happen.", event.event_id, event.kind)
        schedule.fail(sandbox, event.event_id, f"failed: {type(error).__name__}")
    else:
        return True
    return False


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
