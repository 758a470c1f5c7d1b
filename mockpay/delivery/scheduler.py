"""Firing what is due in one world, in the order in which it is due."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import Clock, Mode
from mockpay.kernel.errors import MockpayError
from mockpay.otp import challenges
from mockpay.otp.rules import EXPIRY
from mockpay.services import notifications
from mockpay.services.gateways import calls, health, messages
from mockpay.services.payments import authentication, captures, orders, payments, settlement, transitions
from mockpay.services.refunds import refund_settlement
from mockpay.services.refunds.transitions import REVERSE, SETTLE
from mockpay.services.wallet import corrections, reload_runs
from mockpay.services.wallet.posting import GIFT_EXPIRY
from mockpay.store import schedule
from mockpay.store.db.availability import unavailable
from mockpay.store.schedule import Event
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction

_log = logging.getLogger(__name__)

#: Events of one transaction at most: other writers wait meanwhile.
BATCH = 100

#: What an event does; what it returns does not count.
EventHandler = Callable[[Sandbox, Event], object]
#: How an event is fired; whether it happened.
Firing = Callable[[Sandbox, Event], bool]


#: What each kind of event does.
HANDLERS: Mapping[str, EventHandler] = {
    "order.expire": lambda sandbox, event: orders.expire(sandbox, int(event.subject)),
    "attempt.answer": lambda sandbox, event: settlement.record_buyer_answer(sandbox, event.subject),
    "attempt.resolve": lambda sandbox, event: settlement.settle(sandbox, event.subject, str(event.facts["code"])),
    "attempt.enquire": lambda sandbox, event: settlement.queue_enquiry(
        sandbox, event.subject, int(event.facts["times"])
    ),
    "attempt.timeout": lambda sandbox, event: settlement.expire_request(sandbox, event.subject),
    messages.SEND: lambda sandbox, event: messages.send_due(
        sandbox, str(event.facts["gateway"]), event.subject, late=bool(event.facts.get("late"))
    ),
    transitions.RETURN: lambda sandbox, event: calls.return_money(
        sandbox, transitions.get_attempt(sandbox, event.subject), str(event.facts["order_id"])
    ),
    transitions.VOID: lambda sandbox, event: calls.void(
        sandbox, transitions.get_attempt(sandbox, event.subject), str(event.facts["order_id"])
    ),
    "attempt.reverse": lambda sandbox, event: captures.reverse_capture(sandbox, event.subject),
    transitions.CAPTURE: lambda sandbox, event: captures.complete_pending(
        sandbox, event.subject, int(event.facts["minor"])
    ),
    transitions.AUTHORIZATION_EXPIRY: lambda sandbox, event: captures.expire_authorization(sandbox, int(event.subject)),
    EXPIRY: lambda sandbox, event: challenges.expire(sandbox, event.subject),
    "threeds.timeout": lambda sandbox, event: authentication.time_out(sandbox, event.subject),
    transitions.REVIEW: lambda sandbox, event: payments.decide_review(
        sandbox, event.subject, approved=True, actor=Actor.CLOCK
    ),
    notifications.SEND: lambda sandbox, event: notifications.send_due(sandbox, event.subject),
    SETTLE: lambda sandbox, event: refund_settlement.settle(sandbox, event.subject),
    REVERSE: lambda sandbox, event: refund_settlement.reverse(sandbox, event.subject),
    reload_runs.DUE: lambda sandbox, event: reload_runs.run_due(sandbox, event.subject),
    reload_runs.RELOADED: lambda sandbox, event: settlement.resume_after_reload(sandbox, event.subject),
    health.CHECK: lambda sandbox, _event: health.check(sandbox),
    GIFT_EXPIRY: lambda sandbox, event: corrections.expire_gift(sandbox, int(event.subject)),
}


class Fired(Struct, frozen=True):
    """
    How many events a transaction fired, and whether more are due.

    `queued` tells that one of them put something into the outbox: it is sent before the clock
    goes on, so that what comes back finds the time at which it was asked.
    """

    count: int
    more: bool
    queued: bool = False


class _Failed(Exception):
    """One of the events of a transaction failed."""


def fire(
    runtime: Runtime, seller_id: str, target: int | None = None, handlers: Mapping[str, EventHandler] | None = None
) -> Fired:
    """
    Fire up to a batch of what is due at or before `target`, in one transaction.

    A savepoint for each event would cost more than most events do.  So there is none; where
    one fails, the whole transaction is rolled back, and another one with savepoints does the
    same again.  What an event does must therefore be in the transaction only.

    Args:
        target: The seller's time to go to; None for its present.  The clock follows the
            events and, when none is left, shows `target`.
        handlers: What each kind of event does, where it is not what `HANDLERS` says.
    """
    event_handlers = HANDLERS if handlers is None else handlers

    def trusting(sandbox: Sandbox, event: Event) -> bool:
        try:
            event_handlers[event.kind](sandbox, event)
        except Exception as error:
            raise _Failed from error
        return True

    def guarded(sandbox: Sandbox, event: Event) -> bool:
        return _fire_one(sandbox, event, event_handlers)

    try:
        return _fire_with(trusting, runtime, seller_id, target)
    except _Failed:
        return _fire_with(guarded, runtime, seller_id, target)


def _fire_with(firing: Firing, runtime: Runtime, seller_id: str, target: int | None) -> Fired:
    with transaction(runtime, seller_id) as sandbox:
        until = sandbox.now if target is None else max(target, sandbox.now)
        count, moment, waiting = _fire_batch(sandbox, until, firing)
        more, queued = waiting is not None and waiting <= until, bool(sandbox.queued)
        clock = sandbox.seller.clock
        if target is not None:
            clock = _clock_at(sandbox, moment if more or queued else until)
        schedule.record_fired(sandbox, clock, waiting, count)
        return Fired(count, more, queued)


def _fire_batch(sandbox: Sandbox, until: int, firing: Firing) -> tuple[int, int, int | None]:
    """
    Fire in due order, what an event adds on the way included.

    How many, the moment that was reached, and when the next one is due.
    """
    count, moment = 0, sandbox.now
    while True:
        due = schedule.due(sandbox, until, BATCH - count + 1)
        rescheduled = len(sandbox.rescheduled)
        fired = _fire_in_order(sandbox.at(moment), due[: BATCH - count], firing)
        count += fired
        if fired:
            moment = max(moment, due[fired - 1].due_at)
        changed = len(sandbox.rescheduled) > rescheduled
        if fired < len(due) and not changed:
            return count, moment, due[fired].due_at
        if not changed or count == BATCH or sandbox.queued:
            return count, moment, schedule.next_due(sandbox)


def _fire_in_order(sandbox: Sandbox, due: Sequence[Event], firing: Firing) -> int:
    """Fire each at its moment and mark them, until one changes what is due; how many."""
    rescheduled, done, fired = len(sandbox.rescheduled), [], 0
    for event in due:
        fired += 1
        if firing(sandbox.at(event.due_at), event):
            done.append(event.event_id)
        if len(sandbox.rescheduled) > rescheduled:
            break  # What comes next may be another one now.
    if done:
        schedule.finish(sandbox.at(due[fired - 1].due_at), done)
    return fired


def _fire_one(sandbox: Sandbox, event: Event, event_handlers: Mapping[str, EventHandler]) -> bool:
    """Fire one event; a failing one is rolled back to its savepoint and says why."""
    try:
        with sandbox.connection.begin_nested():
            event_handlers[event.kind](sandbox, event)
    except MockpayError as error:
        schedule.fail(sandbox, event.event_id, f"{error.code}: {error.reason}")
    except Exception as error:
        if unavailable(error):
            raise  # The event can happen when the database serves again.
        # Whatever it is, it must not keep all that comes after it from happening.
        _log.exception("Event %s, '%s', could not happen.", event.event_id, event.kind)
        schedule.fail(sandbox, event.event_id, f"failed: {type(error).__name__}")
    else:
        return True
    return False


def _clock_at(sandbox: Sandbox, moment: int) -> Clock:
    """The seller's clock, at `moment` or where it is further."""
    clock = sandbox.seller.clock
    if moment > sandbox.now or clock.mode is Mode.FROZEN:
        return clock.at(max(moment, sandbox.now), sandbox.real_now)
    return clock


def is_due(sandbox: Sandbox) -> bool:
    """Whether something may be due at the seller's present; nothing is due before `next_due` of the seller."""
    next_due = sandbox.seller.next_due
    return next_due is not None and next_due <= sandbox.now


def fire_present(runtime: Runtime, seller_id: str) -> int:
    """Fire all that is due at the seller's present; how many. That nothing is due is seen without the seller's lock."""
    with read(runtime, seller_id) as sandbox:
        if not is_due(sandbox):
            return 0
    total = 0
    while True:
        fired = fire(runtime, seller_id)
        total += fired.count
        if not fired.more:
            return total
