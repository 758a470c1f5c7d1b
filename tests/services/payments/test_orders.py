"""Opening orders, cancelling them, leaving them, letting them expire: what each leads to."""

import pytest

from mockpay.delivery import clock
from mockpay.delivery.clock import Until
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict, IllegalTransition
from mockpay.kernel.money import Money
from mockpay.services.payments import orders
from mockpay.services.payments.captures import give_up
from mockpay.services.sellers import accounts
from mockpay.store import orders as order_rows
from mockpay.store import schedule
from tests.factories import NOON, ORDER_ENDINGS, World, payment_request, run_concurrently

# --- opening


def test_a_new_order_is_opened_whatever_else_has_its_name(world):
    first = world.order("A-1")
    with world.transaction() as sandbox:
        second = orders.create(sandbox, payment_request("A-1", digest="another"))
    assert second.seller_order_id == first.seller_order_id
    assert second.order_id != first.order_id
    assert world.states(first) == ("CREATED",)


def test_a_request_opens_an_order_as_it_asks(world):
    order = world.order(
        "A-1",
        "1.00",
        custom_information="cart=1",
        seller_note="Chai ☕",
        store_name="दुकान",
        fields={"x": "1"},
        marks={"iv": 12},
        timeout_seconds=60,
    )
    stored = world.get_order(order)
    assert stored == order
    assert (stored.seller_order_id, stored.state) == ("A-1", "CREATED")
    assert stored.amount == Money(100)
    assert stored.request == {"fields": {"x": "1"}, "marks": {"iv": 12}, "warnings": {}}
    assert (stored.custom_information, stored.seller_note) == ("cart=1", "Chai ☕")
    assert (stored.created_at, stored.expires_at) == (NOON, NOON + 60 * SECOND)
    assert stored.order_id.startswith("S04-")
    assert len(stored.page_token) == 22


def test_without_a_timeout_the_setting_counts(runtime):
    world = World.new(runtime, order_expiry_seconds=120)
    assert world.order().expires_at == NOON + 120 * SECOND


def test_a_timeout_beyond_a_year_is_a_year(world):
    assert world.order(timeout_seconds=10**12).expires_at == NOON + 31_536_000 * SECOND


def test_a_live_order_has_the_other_prefix_in_the_same_world(world):
    order = world.order(live=True)
    assert order.order_id.startswith("P04-")
    assert order.live


def test_the_same_seed_gives_the_same_ids_again_but_never_the_same_page(world):
    first = world.order()
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    second = world.order()
    assert first.order_id == second.order_id
    assert first.page_token != second.page_token


def test_a_page_token_opens_its_order_and_no_other(world, runtime):
    order = world.order()
    with world.read() as sandbox:
        found = order_rows.seller_of_page(sandbox.connection, order.page_token)
        assert found == (world.seller_id, order.order_pk)
        assert order_rows.seller_of_page(sandbox.connection, "x") is None


# --- cancel


def test_an_untouched_order_is_cancelled(world):
    order = world.cancel(world.order())
    assert (order.state, order.reason) == ("CANCELLED", "payment_cancelled")
    assert world.advance_until_idle().fired == 0


def test_a_try_that_waits_for_the_buyer_ends_with_its_cancelled_order(world):
    order = world.order()
    world.request_approval(order, "asha@okbank")
    world.cancel(order)
    assert world.states(order) == ("CANCELLED", "CANCELLED")
    assert world.advance_to(Until.NEXT).fired == 0
    assert world.now() == NOON


def test_a_try_that_nobody_sent_yet_ends_with_its_cancelled_order(world):
    order = world.order()
    world.create_attempt(order)
    world.cancel(order)
    assert world.states(order) == ("CANCELLED", "CANCELLED")


def test_an_order_can_be_cancelled_after_a_failed_try(world):
    order = world.order()
    world.pay(order, "failure@mockpay")
    world.cancel(order)
    assert world.states(order) == ("CANCELLED", "FAILED")


def test_a_pending_try_is_left_behind_and_its_late_success_sent_back(world):
    order = world.order()
    world.pay(order, "pendingok@mockpay")
    world.cancel(order)
    assert world.states(order) == ("CANCELLED", "PENDING")
    world.advance_until_idle()
    assert world.states(order) == ("CANCELLED", "REVERSED")
    assert world.attempts(order)[0].captured_minor == 0
    assert world.violations() == []


def test_an_order_whose_money_may_have_moved_cannot_be_cancelled(world):
    order = world.order()
    world.pay(order, "deemed@mockpay")
    with pytest.raises(Conflict) as refused:
        world.cancel(order)
    assert refused.value.code == "order.busy"
    assert world.states(order) == ("PENDING", "UNKNOWN")


@pytest.mark.parametrize("how", ORDER_ENDINGS)
def test_an_ended_order_cannot_be_cancelled(world, how):
    order = world.order()
    world.end(order, how)
    before = world.states(order)
    with pytest.raises(IllegalTransition):
        world.cancel(order)
    assert world.states(order) == before


def test_a_cancel_that_races_with_the_clock_ends_the_order_once(world):
    """The expiry and the cancel come at the same time: one of them wins, whole."""
    numbers = [world.order(f"O-{n}", timeout_seconds=60) for n in range(6)]

    def act(index):
        if index == 0:
            return clock.advance(world.runtime, world.seller_id, NOON + 60 * SECOND, 30)
        return world.cancel(numbers[index - 1])

    got = run_concurrently(7, act)
    assert got[0].complete
    for order, result in zip(numbers, got[1:], strict=True):
        if isinstance(result, Exception):
            assert isinstance(result, Conflict)
            assert world.states(order) == ("EXPIRED",)
        else:
            assert world.states(order) == ("CANCELLED",)
    assert world.violations() == []


# --- expiry


def test_an_untouched_order_expires_at_its_time_and_not_before(world):
    order = world.order(timeout_seconds=60)
    world.advance_to(order.expires_at - 1)
    assert world.states(order) == ("CREATED",)
    world.advance_to(order.expires_at)
    stored = world.get_order(order)
    assert (stored.state, stored.reason) == ("EXPIRED", "payment_timed_out")
    assert stored.updated_at == order.expires_at


def test_a_try_that_waits_for_the_buyer_ends_with_its_expired_order(world):
    order = world.order(timeout_seconds=60)
    world.request_approval(order)
    world.advance(61)
    assert world.states(order) == ("EXPIRED", "EXPIRED")
    assert world.attempts(order)[0].failure.code == "U69"


def test_a_try_that_nobody_sent_ends_with_its_expired_order(world):
    order = world.order(timeout_seconds=60)
    world.create_attempt(order)
    world.set_clock(None, order.expires_at)
    with world.transaction() as sandbox:
        orders.expire(sandbox, order.order_pk)
    assert world.states(order) == ("EXPIRED", "EXPIRED")


def test_a_pending_try_is_left_behind_when_its_order_expires(runtime):
    world = World.new(runtime, upi_pending_seconds=120)
    order = world.order(timeout_seconds=60)
    world.pay(order, "pendingok@mockpay")
    world.advance(61)
    assert world.states(order) == ("EXPIRED", "PENDING")
    world.advance_until_idle()
    assert world.states(order) == ("EXPIRED", "REVERSED")
    assert world.violations() == []


def test_money_that_may_have_moved_holds_the_order_beyond_its_time(runtime):
    world = World.new(runtime, upi_pending_seconds=120)
    order = world.order(timeout_seconds=60)
    world.pay(order, "deemed@mockpay")
    world.advance(61)
    assert world.states(order) == ("PENDING", "UNKNOWN")
    assert "expiry_waits" in [event.event for event in world.timeline(order)]
    world.advance_until_idle()
    assert world.states(order) == ("PAID", "CAPTURED")
    assert world.violations() == []


def test_a_held_order_expires_as_soon_as_it_is_known_that_nothing_moved(runtime):
    world = World.new(runtime, upi_pending_seconds=120)
    order = world.order(timeout_seconds=60)
    world.pay(order, "deemedfail@mockpay")
    world.advance_until_idle()
    assert world.states(order) == ("EXPIRED", "REVERSED")
    assert world.get_order(order).updated_at == NOON + 120 * SECOND


@pytest.mark.parametrize("how", ORDER_ENDINGS)
def test_an_ended_order_does_not_expire(world, how):
    order = world.order()
    world.end(order, how)
    before = world.get_order(order)
    with world.transaction() as sandbox:
        assert orders.expire(sandbox, order.order_pk) == before
    assert world.get_order(order) == before


def test_one_long_advance_ends_as_many_short_ones(world):
    """What resolves before the expiry is paid, however far the clock goes at once."""
    order = world.order()
    world.add_rule("pendingok")
    started = world.create_attempt(order, "asha@okbank")
    from mockpay.delivery import outbox

    outbox.send_leased(world.runtime, world.seller_id, started.outbox_id)
    world.advance(100_000)
    assert world.states(order) == ("PAID", "CAPTURED")


# --- leaving


def test_leaving_after_a_failed_try_fails_the_order(world):
    order = world.order()
    world.pay(order, "insufficient@mockpay")
    assert world.end(order, "failed") == "FAILED"
    assert world.get_order(order).reason == "payment_failed"
    with world.read() as sandbox:
        assert schedule.next_due(sandbox) is None


@pytest.mark.parametrize("vpa", ["pending@mockpay", "deemed@mockpay", "success@mockpay"])
def test_leaving_gives_up_nothing_else(world, vpa):
    order = world.order()
    world.pay(order, vpa)
    before = world.states(order)
    with world.transaction() as sandbox:
        give_up(sandbox, world._fresh(sandbox, order))
    assert world.states(order) == before


def test_the_moment_of_the_first_return_stays(world):
    order = world.order()
    with world.transaction() as sandbox:
        assert orders.record_return(sandbox, order, "http://127.0.0.1/return", "success") == NOON
    world.advance(10)
    with world.transaction() as sandbox:
        assert orders.record_return(sandbox, order, "http://127.0.0.1/return", "success") == NOON
    assert [event.event for event in world.timeline(order)].count("returned") == 1
