"""Throttling: a seller's calls, counted by operation, in its own time and in real time."""

import pytest
from sqlalchemy import event

from mockpay.delivery import clock
from mockpay.domain.throttling import TOKEN
from mockpay.kernel.clock import SECOND, Mode
from mockpay.kernel.errors import Conflict
from mockpay.providers.amazonpay.throttling import PROFILES, take
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes
from mockpay.store.counters import find
from tests.factories import World, run_concurrently

#: Amazon's documentation, as facts section 7 has it: tokens, ms until one comes back.
PUBLISHED = {("sandbox", "GetServiceStatus"): (2, 300_000), ("production", "GetServiceStatus"): (2, 300_000)}
WRITES = ("RefundPayment", "Refund", "CancelOrderReference", "CloseOrderReference")
READS = (
    "GetAuthorizationDetails",
    "GetCaptureDetails",
    "GetRefundDetails",
    "GetOrderReferenceDetails",
    "ListOrderReference",
    "ListOrderReferenceByNextToken",
    "chargeStatus",
)
PUBLISHED |= {("sandbox", write): (2, 2_000) for write in WRITES}
PUBLISHED |= {("production", write): (10, 1_000) for write in WRITES}
PUBLISHED |= {("sandbox", read): (5, 1_000) for read in READS}
PUBLISHED |= {("production", read): (20, 500) for read in READS}


def test_the_profiles_are_the_published_ones():
    found = {
        (profile, operation): (quota.tokens, quota.restore_ms)
        for profile, quotas in PROFILES.items()
        for operation, quota in quotas.items()
    }
    assert found == PUBLISHED


def test_a_quota_loses_no_thousandth(subtests):
    for quota in {quota for quotas in PROFILES.values() for quota in quotas.values()}:
        with subtests.test(quota=quota):
            assert TOKEN % quota.restore_ms == 0 or quota.restore_ms % TOKEN == 0


@pytest.fixture
def world(runtime):
    return World.new(runtime, throttling="sandbox")


def call(world, operation="RefundPayment"):
    with world.transaction() as sandbox:
        take(sandbox, operation)


def set_profile(world, profile):
    with world.transaction() as sandbox:
        accounts.change(sandbox, Changes(settings={"throttling": profile}))


def goes_through(world, operation="RefundPayment"):
    try:
        call(world, operation)
    except Conflict:
        return False
    return True


def burst(world, operation="RefundPayment", most=40):
    """How many calls go through at once."""
    return next(n for n in range(most) if not goes_through(world, operation))


def test_a_call_too_many_is_refused(world):
    call(world)
    call(world)
    with pytest.raises(Conflict) as refused:
        call(world)
    assert refused.value.code == "throttled"
    assert refused.value.detail == {"operation": "RefundPayment"}


@pytest.mark.parametrize(("profile", "write", "read"), [("sandbox", 2, 5), ("production", 10, 20)])
def test_a_profile_has_its_quotas(runtime, profile, write, read):
    world = World.new(runtime, throttling=profile)
    assert burst(world, "RefundPayment") == write
    assert burst(world, "Refund") == write
    assert burst(world, "ListOrderReference") == read
    assert burst(world, "chargeStatus") == read
    assert burst(world, "GetServiceStatus") == 2


def test_another_name_takes_from_the_same_bucket(world):
    assert burst(world, "GetRefundStatus") == 5
    assert not goes_through(world, "GetRefundDetails")


def test_a_seller_does_not_take_from_another_sellers_bucket(world, runtime):
    other = World.new(runtime, throttling="sandbox")
    assert burst(world) == 2
    assert burst(other) == 2


def test_off_is_the_default_and_asks_the_database_nothing(runtime):
    world = World.new(runtime)
    asked = []

    def note(_connection, _cursor, statement, *_more):
        asked.append(statement)

    with world.transaction() as sandbox:
        event.listen(runtime.engine, "before_cursor_execute", note)
        try:
            for _ in range(100):
                take(sandbox, "RefundPayment")
        finally:
            event.remove(runtime.engine, "before_cursor_execute", note)
    assert asked == []


def test_an_operation_without_a_quota_is_never_throttled(world):
    for _ in range(40):
        call(world, "Authorize")
    with world.read() as sandbox:
        assert find(sandbox, "Authorize") is None


def test_a_frozen_clock_does_not_lock_real_clients_out(world, real_clock):
    assert burst(world) == 2
    real_clock.move(2 * SECOND - 1)
    assert burst(world) == 0
    real_clock.move(1)
    assert burst(world) == 1


def test_moving_the_clock_brings_tokens_back_without_real_time(world):
    assert burst(world) == 2
    world.advance(2)
    assert burst(world) == 1
    world.advance(3600)
    assert burst(world) == 2


def test_a_clock_that_was_set_back_locks_nobody_out(world, real_clock):
    assert burst(world) == 2
    clock.put(world.runtime, world.seller_id, Mode.FROZEN, world.now() - 3600 * SECOND)
    assert burst(world) == 0
    real_clock.move(2 * SECOND)
    assert burst(world) == 1


def test_refused_calls_do_not_keep_the_bucket_empty(world, real_clock):
    assert burst(world) == 2
    for _ in range(20):
        real_clock.move(SECOND // 10)
        last = goes_through(world)
    assert last


def test_a_call_that_is_rolled_back_gives_its_token_back(world):
    def call_and_fail():
        with world.transaction() as sandbox:
            take(sandbox, "RefundPayment")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call_and_fail()
    assert burst(world) == 2


def test_a_reset_fills_the_buckets(world):
    assert burst(world) == 2
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    assert burst(world) == 2


def test_a_smaller_profile_cuts_what_is_there(world):
    call(world, "GetRefundDetails")
    set_profile(world, "production")
    assert burst(world, "GetRefundDetails") == 4
    set_profile(world, "off")
    assert goes_through(world, "GetRefundDetails")


def test_fifty_threads_get_as_many_tokens_as_there_are(runtime):
    world = World.new(runtime, throttling="production")
    got = run_concurrently(50, lambda _: call(world))
    assert got.count(None) == 10
    assert sum(isinstance(one, Conflict) for one in got) == 40
    with world.read() as sandbox:
        assert find(sandbox, "RefundPayment").milli_tokens == 0
