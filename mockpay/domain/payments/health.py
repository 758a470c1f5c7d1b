"""
How well gateways do: figures over a window of the seller's clock, and the alerts that follow from them.

Pure functions over lines of the log of gateway calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise

from msgspec import Struct

from mockpay.domain.payments.breaker import BreakerState
from mockpay.domain.payments.call_log import ErrorClass
from mockpay.domain.payments.gateways import PAYING, Operation, ResultKind
from mockpay.kernel.clock import MINUTE, SECOND

#: The windows of the figures, in minutes, and the one that alerts look at.
WINDOWS = (1, 5, 60)
ALERT_MS = 5 * MINUTE
LEAST_SUCCESS, LEAST_ATTEMPTS = 0.8, 20
LONGEST_P95_MS = 5 * SECOND
MOST_UNKNOWN = 0.02

_K = ResultKind
_SUCCESS = frozenset({_K.APPROVED, _K.AUTHORIZED})
_UNDECIDED = frozenset({_K.PENDING, _K.AUTH_REQUIRED})
#: Of these a second try is a repetition; a second enquiry is not.
_REPEATED = PAYING | {Operation.PREPARE, Operation.CAPTURE, Operation.VOID, Operation.REFUND}


class HealthLine(Struct, frozen=True):
    """What of a call counts; `at` by the seller's clock, in the order in which they were made."""

    gateway: str
    method: str
    attempt_id: str
    operation: Operation
    try_no: int
    at: int
    outcome: ResultKind | None
    error_class: ErrorClass | None
    latency_ms: int | None


class Figures(Struct, frozen=True):
    """
    Figures of one gateway and method over a window; a rate is from 0 to 1, None where nothing is decided.

    `attempts` are charges and authorisations that reached the gateway or failed to. Each that is decided is a success,
    a decline or a technical failure, which a technical decline is too; `unknown_rate` is of those technical failures
    that nobody answered. Latencies are of all calls that were answered. `failovers` are payments that went on to
    another gateway.
    """

    attempts: int
    success_rate: float | None
    technical_failure_rate: float | None
    decline_rate: float | None
    unknown_rate: float | None
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None
    error_classes: Mapping[str, int]
    retries: int
    failovers: int


class Ends(Struct, frozen=True):
    """How charges ended: `unknown` are those of the `failed` that nobody answered, `undecided` wait for somebody."""

    success: int
    declined: int
    failed: int
    unknown: int
    undecided: int

    @property
    def decided(self) -> int:
        """Those of which the end is known, or will be looked up."""
        return self.success + self.declined + self.failed


def ends(lines: Iterable[HealthLine]) -> Ends:
    """How the charges among some calls ended; those that are on their way or were kept back are none."""
    tried = [
        line
        for line in lines
        if line.operation in PAYING and line.outcome is not None and line.error_class is not ErrorClass.BREAKER_OPEN
    ]
    undecided = sum(line.outcome in _UNDECIDED for line in tried)
    success = sum(line.outcome in _SUCCESS for line in tried)
    declined = sum(
        line.outcome is _K.DECLINED and line.error_class is not ErrorClass.DECLINE_TECHNICAL for line in tried
    )
    unknown = sum(line.outcome is _K.NO_ANSWER for line in tried)
    return Ends(success, declined, len(tried) - undecided - success - declined, unknown, undecided)


def figures(lines: Sequence[HealthLine], failovers: int) -> Figures:
    """The figures of calls of one gateway and method."""
    ended = ends(lines)
    latencies = sorted(line.latency_ms for line in lines if line.latency_ms is not None)

    def rate(count: int) -> float | None:
        return count / ended.decided if ended.decided else None

    return Figures(
        attempts=ended.decided + ended.undecided,
        success_rate=rate(ended.success),
        technical_failure_rate=rate(ended.failed),
        decline_rate=rate(ended.declined),
        unknown_rate=rate(ended.unknown),
        p50_ms=percentile(latencies, 50),
        p95_ms=percentile(latencies, 95),
        p99_ms=percentile(latencies, 99),
        error_classes=Counter(str(line.error_class) for line in lines if line.error_class is not None),
        retries=sum(line.try_no > 1 for line in lines if line.operation in _REPEATED),
        failovers=failovers,
    )


def percentile(ordered: Sequence[int], percent: int) -> int | None:
    """The least value that so many percent do not exceed; None of nothing."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None


def find_failovers(lines: Iterable[HealthLine]) -> list[HealthLine]:
    """The last charge of a payment at each gateway that it left for another, with the time at which it did."""
    charges: dict[str, list[HealthLine]] = {}
    for line in lines:
        if line.operation in PAYING:
            charges.setdefault(line.attempt_id, []).append(line)
    return [
        former
        for tries in charges.values()
        for former, following in pairwise(tries)
        if former.gateway != following.gateway
    ]


# --- alerts


class AlertKind(StrEnum):
    """What somebody should look at."""

    SUCCESS_RATE = "success_rate"
    LATENCY = "latency"
    UNKNOWN_RATE = "unknown_rate"
    BREAKER_OPEN = "breaker_open"


_OPEN = frozenset({BreakerState.OPEN, BreakerState.FORCED_OPEN})


def alerts_of(over: Figures, breaker: BreakerState) -> dict[AlertKind, float]:
    """What is wrong with a gateway for a method now, with the value that says so: a rate, or milliseconds."""
    wrong: dict[AlertKind, float] = {}
    if over.success_rate is not None and over.attempts >= LEAST_ATTEMPTS and over.success_rate < LEAST_SUCCESS:
        wrong[AlertKind.SUCCESS_RATE] = over.success_rate
    if over.p95_ms is not None and over.p95_ms > LONGEST_P95_MS:
        wrong[AlertKind.LATENCY] = over.p95_ms
    if over.unknown_rate is not None and over.unknown_rate > MOST_UNKNOWN:
        wrong[AlertKind.UNKNOWN_RATE] = over.unknown_rate
    if breaker in _OPEN:
        wrong[AlertKind.BREAKER_OPEN] = 1
    return wrong
