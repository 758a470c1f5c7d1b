"""What follows from a gateway's answer: the table of error classes, row by row."""

from msgspec.structs import replace

from mockpay.domain.payments.gateways import Capabilities, Operation, Result, ResultKind
from mockpay.domain.payments.retries import POLICY, History, Next, Step, longest_wait_ms, next_step

K, OP, S = ResultKind, Operation, Step
PLAIN = Capabilities(methods=frozenset({"card"}))
ANCHORED, FENCED = replace(PLAIN, anchored=True), replace(PLAIN, fence=True)
FIRST = History(charges=1, another=True, jitter=0.5)


def step(asked, kind, history=FIRST, can=PLAIN, *, technical=False, **result):
    return next_step(asked, Result(kind, "00", **result), history, can, technical=technical)


def test_what_is_known_settles_whoever_was_asked(subtests):
    for asked in (OP.CHARGE, OP.AUTHORIZE, OP.LOOKUP):
        for kind in (K.APPROVED, K.AUTHORIZED, K.DECLINED, K.PENDING, K.AUTH_REQUIRED):
            with subtests.test(asked=asked, kind=kind):
                assert step(asked, kind) == Next(S.SETTLE)


def test_a_technical_decline_goes_to_another_gateway_once():
    for asked in (OP.CHARGE, OP.LOOKUP):
        assert step(asked, K.DECLINED, technical=True) == Next(S.FAIL_OVER)
    for history in (replace(FIRST, failovers=1), replace(FIRST, another=False), replace(FIRST, unanswered=True)):
        assert step(OP.CHARGE, K.DECLINED, history, technical=True) == Next(S.SETTLE)


def test_what_was_not_sent_is_sent_again_and_then_elsewhere():
    assert step(OP.CHARGE, K.NOT_SENT) == Next(S.RETRY, 100)
    assert step(OP.CHARGE, K.NOT_SENT, replace(FIRST, charges=2)) == Next(S.RETRY, 200)
    assert step(OP.CHARGE, K.NOT_SENT, replace(FIRST, charges=3)) == Next(S.FAIL_OVER)
    assert step(OP.CHARGE, K.NOT_SENT, replace(FIRST, charges=3, another=False)) == Next(S.SETTLE)
    assert step(OP.CHARGE, K.NOT_SENT, elsewhere=True) == Next(S.FAIL_OVER)


def test_a_rejection_goes_elsewhere_only_where_the_payment_is_not_at_fault():
    assert step(OP.CHARGE, K.REJECTED) == Next(S.SETTLE)
    assert step(OP.CHARGE, K.REJECTED, elsewhere=True) == Next(S.FAIL_OVER)
    assert step(OP.CHARGE, K.REJECTED, may_retry=True) == Next(S.RETRY, 100)
    assert step(OP.CHARGE, K.REJECTED, may_retry=True, retry_after_ms=3_000) == Next(S.RETRY, 3_000)
    assert step(OP.CHARGE, K.REJECTED, replace(FIRST, charges=3), may_retry=True) == Next(S.FAIL_OVER)


def test_what_is_unanswered_is_looked_up_and_never_sent_elsewhere_before():
    for can in (PLAIN, ANCHORED, FENCED):
        assert step(OP.CHARGE, K.NO_ANSWER, can=can) == Next(S.LOOK_UP, 100)
    tried = replace(FIRST, unanswered=True, lookups=1)
    assert step(OP.LOOKUP, K.ABSENT, tried) == Next(S.WAIT)
    assert step(OP.LOOKUP, K.ABSENT, tried, FENCED) == Next(S.FENCE)
    assert step(OP.LOOKUP, K.ABSENT, tried, ANCHORED) == Next(S.RETRY, 100)
    assert step(OP.LOOKUP, K.ABSENT, tried, replace(PLAIN, idempotent_charge=True)) == Next(S.RETRY, 100)
    assert step(OP.LOOKUP, K.ABSENT, replace(tried, charges=2), ANCHORED) == Next(S.RETRY, 200)
    assert step(OP.LOOKUP, K.ABSENT, replace(tried, charges=3), ANCHORED) == Next(S.WAIT)


def test_a_later_charge_that_never_arrived_does_not_forget_the_earlier_one(subtests):
    """The first may commit late: neither a refused connection nor a rejection after it lets another gateway charge."""
    tried = replace(FIRST, charges=3, unanswered=True)
    assert step(OP.CHARGE, K.NOT_SENT, tried, ANCHORED) == Next(S.WAIT)
    assert step(OP.CHARGE, K.NOT_SENT, tried, FENCED) == Next(S.FENCE)
    for said in ({}, {"elsewhere": True}):
        with subtests.test(said=said):
            for can in (ANCHORED, FENCED):
                assert step(OP.CHARGE, K.REJECTED, tried, can, **said) == Next(S.LOOK_UP, 400)
    late = replace(tried, elapsed_ms=POLICY.budget_ms)
    assert step(OP.CHARGE, K.REJECTED, late, FENCED) == Next(S.FENCE)


def test_a_look_up_that_is_not_answered_is_repeated_and_then_left_to_the_clock(subtests):
    for kind in (K.NO_ANSWER, K.NOT_SENT, K.REJECTED):
        with subtests.test(kind=kind):
            looked = [replace(FIRST, unanswered=True, lookups=number) for number in (1, 2, 3)]
            steps = [step(OP.LOOKUP, kind, history).step for history in looked]
            assert steps == [S.LOOK_UP, S.LOOK_UP, S.WAIT]
            assert step(OP.LOOKUP, kind, looked[2], FENCED) == Next(S.FENCE)


def test_only_a_fence_that_holds_lets_another_gateway_charge():
    assert step(OP.FENCE, K.APPROVED) == Next(S.FAIL_OVER)
    assert step(OP.FENCE, K.APPROVED, replace(FIRST, another=False)) == Next(S.SETTLE)
    for kind in (K.NO_ANSWER, K.NOT_SENT, K.REJECTED, K.ABSENT):
        assert step(OP.FENCE, kind) == Next(S.WAIT)


def test_nothing_is_waited_for_beyond_the_budget():
    late = replace(FIRST, elapsed_ms=POLICY.budget_ms - 100, unanswered=True)
    assert step(OP.CHARGE, K.NO_ANSWER, replace(late, elapsed_ms=late.elapsed_ms - 1)) == Next(S.LOOK_UP, 100)
    assert step(OP.CHARGE, K.NO_ANSWER, late) == Next(S.WAIT)
    assert step(OP.LOOKUP, K.ABSENT, late, ANCHORED) == Next(S.WAIT)
    assert step(OP.CHARGE, K.NOT_SENT, replace(late, unanswered=False)) == Next(S.FAIL_OVER)
    assert step(OP.CHARGE, K.REJECTED, may_retry=True, retry_after_ms=30_000) == Next(S.FAIL_OVER)


def test_waits_double_up_to_two_seconds_and_are_a_fraction_of_that():
    assert [longest_wait_ms(number) for number in (1, 2, 3, 4, 5, 40)] == [200, 400, 800, 1_600, 2_000, 2_000]
    assert step(OP.CHARGE, K.NOT_SENT, replace(FIRST, jitter=0.0)) == Next(S.RETRY, 0)
    assert step(OP.CHARGE, K.NOT_SENT, replace(FIRST, jitter=0.999)) == Next(S.RETRY, 199)
