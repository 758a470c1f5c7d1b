"""Figures of gateways and what of them is an alert."""

from msgspec.structs import replace

from mockpay.domain.payments.breaker import BreakerState
from mockpay.domain.payments.call_log import ErrorClass
from mockpay.domain.payments.gateways import Operation, ResultKind
from mockpay.domain.payments.health import AlertKind, HealthLine, alerts_of, figures, find_failovers, percentile

K, E, OP, A = ResultKind, ErrorClass, Operation, AlertKind


def line(outcome=K.APPROVED, error=None, *, operation=OP.CHARGE, try_no=1, latency=5, attempt="a", gateway="first"):
    return HealthLine(gateway, "card", attempt, operation, try_no, 0, outcome, error, latency)


def test_each_decided_charge_is_a_success_a_decline_or_a_technical_failure():
    found = figures(
        [
            line(),
            line(K.AUTHORIZED, operation=OP.AUTHORIZE),
            line(K.DECLINED, E.DECLINE),
            line(K.DECLINED, E.DECLINE_TECHNICAL),
            line(K.REJECTED, E.HTTP_4XX),
            line(K.NOT_SENT, E.CONNECT, latency=None),
            line(K.NO_ANSWER, E.TIMEOUT, latency=None),
            line(K.NO_ANSWER, E.PARSE),
            line(K.PENDING),
            line(K.AUTH_REQUIRED),
            line(None, latency=None),
            line(K.NOT_SENT, E.BREAKER_OPEN, latency=None),
            line(K.REJECTED, E.HTTP_4XX, operation=OP.CAPTURE),
            line(K.ABSENT, operation=OP.LOOKUP),
        ],
        failovers=3,
    )
    assert (found.attempts, found.failovers) == (10, 3)
    assert (found.success_rate, found.decline_rate, found.technical_failure_rate) == (2 / 8, 1 / 8, 5 / 8)
    assert found.unknown_rate == 2 / 8
    assert found.error_classes == {
        "decline": 1,
        "decline_technical": 1,
        "http_4xx": 2,
        "connect": 1,
        "timeout": 1,
        "parse": 1,
        "breaker_open": 1,
    }


def test_of_nothing_there_is_no_rate():
    empty = figures([line(K.PENDING, latency=None)], 0)
    assert empty.attempts == 1
    assert {empty.success_rate, empty.technical_failure_rate, empty.decline_rate, empty.unknown_rate} == {None}
    assert {empty.p50_ms, empty.p95_ms, empty.p99_ms} == {None}


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed():
    hundred = list(range(1, 101))
    assert [percentile(hundred, percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert [percentile([10, 20, 30], percent) for percent in (1, 33, 34, 66, 67, 99)] == [10, 10, 20, 20, 30, 30]
    assert percentile([], 50) is None
    found = figures([line(latency=ms) for ms in (30, 10, 20)], 0)
    assert (found.p50_ms, found.p95_ms, found.p99_ms) == (20, 30, 30)


def test_what_repeats_counts_and_an_enquiry_does_not():
    tries = [line(operation=operation, try_no=2) for operation in OP]
    assert figures(tries, 0).retries == len(OP) - len({OP.STATUS, OP.LOOKUP, OP.FENCE})


def test_a_payment_fails_over_where_its_next_charge_is_another_gateways():
    lines = [
        line(attempt="a"),
        line(attempt="b"),
        line(operation=OP.LOOKUP, gateway="second", attempt="b"),
        line(attempt="a", try_no=2),
        line(attempt="a", gateway="second"),
        line(attempt="a", gateway="third"),
        line(attempt="c", gateway="third"),
    ]
    assert find_failovers(lines) == [lines[3], lines[4]]


def over(**changed):
    return replace(figures([], 0), **changed)


def test_alerts_begin_just_beyond_their_limits(subtests):
    cases = [
        (over(success_rate=0.79, attempts=20), {A.SUCCESS_RATE: 0.79}),
        (over(success_rate=0.8, attempts=20), {}),
        (over(success_rate=0.0, attempts=19), {}),
        (over(p95_ms=5_000), {}),
        (over(p95_ms=5_001), {A.LATENCY: 5_001}),
        (over(unknown_rate=0.02), {}),
        (over(unknown_rate=0.021), {A.UNKNOWN_RATE: 0.021}),
    ]
    for found, alerts in cases:
        with subtests.test(found=found):
            assert alerts_of(found, BreakerState.CLOSED) == alerts
    open_states = {state for state in BreakerState if alerts_of(over(), state) == {A.BREAKER_OPEN: 1}}
    assert open_states == {BreakerState.OPEN, BreakerState.FORCED_OPEN}
