"""A gateway's circuit breaker: what opens it, what probes it, what closes it; pure."""

from mockpay.domain.payments.breaker import Breaker, BreakerState, Force, after_admission, after_answer
from mockpay.kernel.clock import SECOND

S = BreakerState


def failed_at(*seconds, breaker=None):
    breaker = breaker or Breaker("first", "card")
    for second in seconds:
        breaker = after_answer(breaker, second * SECOND, failed=True)
    return breaker


OPEN = failed_at(0, 1, 2, 3, 4)


def test_five_failures_within_a_minute_open_it():
    assert failed_at(0, 1, 2, 3).state(3 * SECOND) is S.CLOSED
    assert OPEN.state(4 * SECOND) is S.OPEN
    assert failed_at(0, 1, 2, 3, 60).state(60 * SECOND) is S.CLOSED
    assert failed_at(0.001, 1, 2, 3, 60).state(60 * SECOND) is S.OPEN


def test_successes_between_change_nothing_of_what_failed():
    breaker = after_answer(failed_at(0, 1, 2, 3), 4 * SECOND, failed=False)
    assert failed_at(5, breaker=breaker).state(5 * SECOND) is S.OPEN


def test_open_nobody_is_let_through_and_half_open_one_alone():
    assert not OPEN.admits(34 * SECOND - 1)
    assert OPEN.state(34 * SECOND) is S.HALF_OPEN
    assert OPEN.admits(34 * SECOND)
    probing = after_admission(OPEN, 34 * SECOND)
    assert not probing.admits(35 * SECOND)
    # A probe that nobody hears of again does not keep it shut for ever.
    assert not probing.admits(64 * SECOND - 1)
    assert probing.admits(64 * SECOND)


def test_a_probe_that_succeeds_closes_it_and_all_is_forgotten():
    probing = after_admission(OPEN, 34 * SECOND)
    closed = after_answer(probing, 35 * SECOND, failed=False)
    assert closed == Breaker("first", "card")
    assert failed_at(36, 37, 38, 39, breaker=closed).state(39 * SECOND) is S.CLOSED


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_five_minutes():
    breaker, now, waits = OPEN, 4 * SECOND, []
    for _ in range(6):
        now += breaker.wait_ms
        breaker = after_answer(after_admission(breaker, now), now, failed=True)
        waits.append(breaker.wait_ms // SECOND)
        assert breaker.state(now + breaker.wait_ms - 1) is S.OPEN
    assert waits == [60, 120, 240, 300, 300, 300]


def test_answers_of_calls_that_were_sent_before_it_opened_change_nothing():
    assert after_answer(OPEN, 5 * SECOND, failed=False) == OPEN
    assert after_answer(OPEN, 5 * SECOND, failed=True) == OPEN
    assert after_admission(Breaker("first", "card"), 0) == Breaker("first", "card")


def test_a_tester_decides_over_its_head():
    closed = Breaker("first", "card")
    assert (closed.state(0, Force.OPEN), closed.admits(0, Force.OPEN)) == (S.FORCED_OPEN, False)
    assert (OPEN.state(5 * SECOND, Force.CLOSED), OPEN.admits(5 * SECOND, Force.CLOSED)) == (S.FORCED_CLOSED, True)
