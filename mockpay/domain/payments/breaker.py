"""
The circuit breaker of a gateway for one method of payment; pure functions, instants by the seller's clock.

Closed, it counts calls that failed technically; open, nobody is asked; half-open, one call probes.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from mockpay.kernel.clock import SECOND

#: So many failures within so long open it, for so long at first and at most.
FAILURES, WINDOW_MS = 5, 60 * SECOND
FIRST_WAIT_MS, LONGEST_WAIT_MS = 30 * SECOND, 300 * SECOND


class BreakerState(StrEnum):
    """Whether a gateway is asked."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"
    FORCED_OPEN = "FORCED_OPEN"
    FORCED_CLOSED = "FORCED_CLOSED"


class Force(StrEnum):
    """What a tester decides over a breaker's head."""

    OPEN = "open"
    CLOSED = "closed"
    AUTO = "auto"


class Breaker(Struct, frozen=True):
    """
    A breaker as stored.

    `failures` are the instants of the last ones, `opened_at` is None while it is closed, `probe_at` is when the call
    that probes was let through.
    """

    gateway: str
    method: str
    failures: tuple[int, ...] = ()
    opened_at: int | None = None
    wait_ms: int = FIRST_WAIT_MS
    probe_at: int | None = None

    def state(self, now: int, force: Force = Force.AUTO) -> BreakerState:
        """How it stands."""
        if force is not Force.AUTO:
            return BreakerState.FORCED_OPEN if force is Force.OPEN else BreakerState.FORCED_CLOSED
        if self.opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if now >= self.opened_at + self.wait_ms else BreakerState.OPEN

    def admits(self, now: int, force: Force = Force.AUTO) -> bool:
        """Whether a call is let through: half-open one alone, another one only where that was never heard of again."""
        state = self.state(now, force)
        if state is BreakerState.HALF_OPEN:
            return self.probe_at is None or now >= self.probe_at + self.wait_ms
        return state in {BreakerState.CLOSED, BreakerState.FORCED_CLOSED}


def after_admission(breaker: Breaker, now: int) -> Breaker:
    """The breaker once it has let a call through."""
    return replace(breaker, probe_at=now) if breaker.state(now) is BreakerState.HALF_OPEN else breaker


def after_answer(breaker: Breaker, now: int, *, failed: bool) -> Breaker:
    """
    The breaker after a call.

    An answer that comes while it is open, and is not that of the call that probes, changes nothing.
    """
    if breaker.opened_at is not None:
        if breaker.probe_at is None:
            return breaker
        if failed:
            wait = min(breaker.wait_ms * 2, LONGEST_WAIT_MS)
            return replace(breaker, opened_at=now, wait_ms=wait, probe_at=None)
        return Breaker(breaker.gateway, breaker.method)
    if not failed:
        return breaker
    failures = (*(moment for moment in breaker.failures if moment > now - WINDOW_MS), now)
    opened_at = now if len(failures) >= FAILURES else None
    return replace(breaker, failures=failures, opened_at=opened_at)
