"""Moving a seller's clock: all that becomes due on the way happens, in order, before it returns."""

from __future__ import annotations

from enum import StrEnum
from threading import Event, Thread
from typing import Self

from msgspec import Struct

from mockpay.delivery import scheduler
from mockpay.delivery.sender_pool import send_waiting
from mockpay.kernel.clock import SECOND, Clock, Mode
from mockpay.kernel.errors import Conflict, DatabaseUnavailable, NotFound
from mockpay.store import outbox, schedule, sellers
from mockpay.store.unit_of_work import Runtime, read, transaction

#: How often to look whether another thread has sent what it took (seconds).
_POLL_SECONDS = 0.01
#: How long the right to move a clock outlives a server that was killed (real ms), and when it is renewed (seconds).
_LEASE_MS = 6 * SECOND
_RENEWAL_SECONDS = 2.0


class Until(StrEnum):
    """Goals that are no fixed time."""

    NEXT = "next"
    IDLE = "idle"


class Advanced(Struct, frozen=True):
    """The seller's time, and what happened since the previous clock call."""

    now: int
    fired: int
    delivered: int
    complete: bool


def get_clock(runtime: Runtime, seller_id: str) -> tuple[Clock, int]:
    """A seller's clock and what it shows."""
    with read(runtime, seller_id) as sandbox:
        return sandbox.seller.clock, sandbox.now


def put(runtime: Runtime, seller_id: str, mode: Mode | None, moment: int | None) -> None:
    """Stop or start a clock, set it, or both; it may be set back, events keep their due time."""
    with transaction(runtime, seller_id) as sandbox:
        clock = sandbox.seller.clock
        start = sandbox.now if moment is None else moment
        changed = Clock(mode or clock.mode, sandbox.real_now, start)
        sellers.set_clock(sandbox.connection, seller_id, changed)
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
    with _Lease(runtime, seller_id, deadline) as lease:
        complete = _advance(runtime, seller_id, goal, lease)
        with transaction(runtime, seller_id) as sandbox:
            fired, delivered = sellers.take_counts(sandbox.connection, seller_id)
            return Advanced(sandbox.now, fired, delivered, complete)


class _Lease:
    """The right to move a clock: it lapses soon, and a thread renews it until it is given back."""

    def __init__(self, runtime: Runtime, seller_id: str, deadline: int) -> None:
        self._runtime, self._seller_id, self._deadline = runtime, seller_id, deadline
        self._until = 0
        self._over = Event()
        self._renewal = Thread(target=self._renew, name="mockpay-clock", daemon=True)

    def __enter__(self) -> Self:
        """Take it; Conflict with code ``clock.busy`` where another has it."""
        with transaction(self._runtime, self._seller_id) as sandbox:
            self._until = sandbox.real_now + _LEASE_MS
            if not sellers.begin_advance(sandbox.connection, self._seller_id, sandbox.real_now, self._until):
                raise Conflict("This clock is being advanced already.", code="clock.busy")
        self._renewal.start()
        return self

    def holds(self) -> bool:
        """Whether it is still there and there is still time."""
        return not self._over.is_set() and self.seconds_left() > 0

    def seconds_left(self) -> float:
        """Real time until the deadline."""
        return (self._deadline - self._runtime.real_clock.now()) / SECOND

    def __exit__(self, *_exception: object) -> None:
        """Give it back, unless it lapsed and another has it."""
        self._over.set()
        self._renewal.join()
        with transaction(self._runtime, self._seller_id) as sandbox:
            sellers.end_advance(sandbox.connection, self._seller_id, self._until)

    def _renew(self) -> None:
        while not self._over.wait(_RENEWAL_SECONDS):
            until = self._runtime.real_clock.now() + _LEASE_MS
            try:
                with transaction(self._runtime, self._seller_id) as sandbox:
                    renewed = sellers.renew_advance(sandbox.connection, self._seller_id, self._until, until)
            except NotFound:
                renewed = False
            except DatabaseUnavailable:
                continue  # The database has no time now; the next turn comes before the lease is over.
            if not renewed:
                self._over.set()
                return
            self._until = until


def _advance(runtime: Runtime, seller_id: str, goal: int | Until, lease: _Lease) -> bool:
    """Whether the goal was reached in time."""
    # What waits to be sent was queued now: it must not have its first try at a later time.
    if _in_flight(runtime, seller_id) and not _settle(runtime, seller_id, None, lease):
        return False
    while lease.holds():
        target = goal if not isinstance(goal, Until) else _next_due(runtime, seller_id)
        if not _settle(runtime, seller_id, target, lease):
            return False
        if goal is not Until.IDLE or (target is None and _next_due(runtime, seller_id) is None):
            return True
    return False


def _settle(runtime: Runtime, seller_id: str, target: int | None, lease: _Lease) -> bool:
    """Fire and send in turn until neither leaves anything for the other; whether in time."""
    while lease.holds():
        # The clock stands while another thread sends: its try belongs to this time, the next one may be due soon.
        in_flight = _in_flight(runtime, seller_id)
        fired = scheduler.fire(runtime, seller_id, None if in_flight else target)
        if fired.more and not fired.queued:
            continue
        if send_waiting(runtime, seller_id, timeout=max(lease.seconds_left(), 0)) or fired.more or fired.queued:
            continue
        if not in_flight:
            return True
        if runtime.stopping.wait(_POLL_SECONDS):
            return False
    return False


def _next_due(runtime: Runtime, seller_id: str) -> int | None:
    with read(runtime, seller_id) as sandbox:
        return schedule.next_due(sandbox)


def _in_flight(runtime: Runtime, seller_id: str) -> bool:
    """Whether something of this seller waits to be sent, or somebody else is sending it."""
    with read(runtime, seller_id) as sandbox:
        return outbox.count_waiting(sandbox) > 0
