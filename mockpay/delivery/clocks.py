"""Moving a seller's clock: all that becomes due on the way happens, in order, before it returns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from mockpay.delivery import outbox, scheduler
from mockpay.kernel.clock import SECOND, Clock, Mode
from mockpay.kernel.errors import Conflict
from mockpay.store import outbox as parcels
from mockpay.store import schedule, sellers
from mockpay.store.worlds import Runtime, look, work


class Until(StrEnum):
    """Goals that are no fixed time."""

    NEXT = "next"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Advanced:
    """The seller's time, and what happened since the previous clock call."""

    now: int
    fired: int
    delivered: int
    complete: bool


def read(runtime: Runtime, seller_id: str) -> tuple[Clock, int]:
    """A seller's clock and what it shows."""
    with look(runtime, seller_id) as sandbox:
        return sandbox.seller.clock, sandbox.now


def put(runtime: Runtime, seller_id: str, mode: Mode | None, moment: int | None) -> None:
    """Stop or start a clock, set it, or both; it may be set back, events keep their due time."""
    with work(runtime, seller_id) as sandbox:
        clock = sandbox.seller.clock
        shown = sandbox.now if moment is None else moment
        moved = Clock(mode or clock.mode, sandbox.real_now, shown)
        sellers.set_clock(sandbox.connection, seller_id, moved)
        sellers.take_counts(sandbox.connection, seller_id)
    runtime.wake.set()


def advance(runtime: Runtime, seller_id: str, goal: int | Until, timeout: float) -> Advanced:
    """
    Go to a time of the seller's clock, to its next event, or until no one-off event is left.

    Args:
        goal: Milliseconds of the seller's clock, or `Until`.
        timeout: Real seconds; what is not reached by then leaves `complete` false.

    Raises:
        Conflict: code ``clock.busy``: another advance of this seller has not returned.
    """
    deadline = runtime.real_clock.now() + int(timeout * SECOND)
    with _sole(runtime, seller_id, deadline):
        complete = _go(runtime, seller_id, goal, deadline)
        with work(runtime, seller_id) as sandbox:
            fired, delivered = sellers.take_counts(sandbox.connection, seller_id)
            return Advanced(sandbox.now, fired, delivered, complete)


@contextmanager
def _sole(runtime: Runtime, seller_id: str, deadline: int) -> Iterator[None]:
    with work(runtime, seller_id) as sandbox:
        lapses = deadline + 5 * SECOND
        if not sellers.begin_advance(sandbox.connection, seller_id, sandbox.real_now, lapses):
            raise Conflict("This clock is being advanced already.", code="clock.busy")
    try:
        yield
    finally:
        with work(runtime, seller_id) as sandbox:
            sellers.end_advance(sandbox.connection, seller_id)


def _go(runtime: Runtime, seller_id: str, goal: int | Until, deadline: int) -> bool:
    while runtime.real_clock.now() < deadline:
        target = _target(runtime, seller_id, goal)
        if target is None:
            return True
        while scheduler.fire(runtime, seller_id, target).more:
            if runtime.real_clock.now() >= deadline:
                return False
        while outbox.send_waiting(runtime):
            pass
        if goal is not Until.IDLE:
            return True
    return False


def _target(runtime: Runtime, seller_id: str, goal: int | Until) -> int | None:
    """Where to go next; None where nothing is left to go to."""
    with look(runtime, seller_id) as sandbox:
        if not isinstance(goal, Until):
            return goal
        due = schedule.next_due(sandbox)
        if due is None and goal is Until.IDLE and parcels.waiting(sandbox):
            return sandbox.now
        return due
