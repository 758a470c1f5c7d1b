"""Cancelling an order at any time: nothing, a hold or the money goes back."""

import pytest

from mockpay.kernel.errors import Conflict, IllegalTransition
from tests.factories import NOON, World, run_concurrently


def refused(code, act, *args):
    with pytest.raises(Conflict) as error:
        act(*args)
    assert error.value.code == code


def paid(world, amount="499.00"):
    order = world.order(amount=amount)
    world.pay(order)
    assert world.states(order) == ("PAID", "CAPTURED")
    return order


def order_events(world, order):
    return [(one.event, one.actor) for one in world.timeline(order) if one.machine == "order"]


def test_an_open_order_is_cancelled(world):
    order = world.order()
    assert world.cancel_by_seller(order).state == "CANCELLED"
    assert world.refunds(order) == []


def test_a_hold_is_released_without_a_refund(runtime):
    world = World.new(runtime, capture="manual")
    order = world.order()
    world.pay(order)
    assert world.cancel_by_seller(order).state == "CANCELLED"
    assert world.states(order) == ("CANCELLED", "VOIDED")
    assert world.refunds(order) == []
    assert order_events(world, order)[-1] == ("void", "seller")
    world.advance_until_idle()
    assert world.now() == NOON
    assert world.violations() == []


def test_captured_money_goes_back_to_where_it_came_from(world):
    order = paid(world)
    world.cancel_by_seller(order)
    (refund,) = world.refunds(order)
    assert (refund.kind, refund.state, refund.amount.minor) == ("CANCELLATION", "PENDING", 49_900)
    assert refund.destination["vpa"] == "success@mockpay"
    assert len(refund.reference) <= 32
    assert ("cancelled_after_capture", "seller") in order_events(world, order)
    world.advance_until_idle()
    assert world.get_order(order).state == "REFUNDED"
    assert world.violations() == []


def test_only_what_was_not_refunded_yet_goes_back(world):
    order = paid(world)
    world.refund(order, "100.00")
    world.cancel_by_seller(order)
    world.advance_until_idle()
    assert [one.amount.minor for one in world.refunds(order)] == [10_000, 39_900]
    assert world.get_order(order).refunded_minor == 49_900
    assert world.violations() == []


def test_a_rest_too_small_for_a_seller_goes_back_all_the_same(world):
    order = paid(world)
    world.refund(order, "498.50")
    world.cancel_by_seller(order)
    world.advance_until_idle()
    assert world.get_order(order).state == "REFUNDED"


def test_cancelling_twice_refunds_once(world):
    order = paid(world)
    world.cancel_by_seller(order)
    refused("order.refunded", world.cancel_by_seller, order)
    world.advance_until_idle()
    refused("order.refunded", world.cancel_by_seller, order)
    assert len(world.refunds(order)) == 1


def test_cancelling_again_after_a_declined_refund_is_a_new_refund(world):
    order = paid(world, "1705.02")
    world.cancel_by_seller(order)
    world.advance_until_idle()
    assert world.refunds(order)[0].state == "DECLINED"
    world.cancel_by_seller(order)
    first, second = world.refunds(order)
    assert first.reference != second.reference


@pytest.mark.parametrize("amount", ["1705.05", "1705.06"])
def test_a_scenario_of_calls_does_not_lose_a_cancellation(world, amount):
    order = paid(world, amount)
    world.cancel_by_seller(order)
    assert len(world.refunds(order)) == 1
    world.advance_until_idle()
    assert world.get_order(order).state == "REFUNDED"


def test_while_the_bank_may_be_taking_the_money_nothing_is_cancelled(world):
    order = world.order()
    world.pay(order, "deemed@mockpay")
    assert world.states(order) == ("PENDING", "UNKNOWN")
    refused("order.busy", world.cancel_by_seller, order)


@pytest.mark.parametrize("how", ["failed", "cancelled", "expired"])
def test_what_ended_without_money_cannot_be_cancelled(world, how):
    order = world.order()
    world.end(order, how)
    with pytest.raises(IllegalTransition):
        world.cancel_by_seller(order)


def test_money_that_was_sent_back_by_itself_is_not_sent_back_again(world):
    order = world.order(amount="1703.08")
    world.pay(order)
    world.advance_until_idle()
    refused("order.refunded", world.cancel_by_seller, order)


def test_cancelling_and_refunding_at_once_never_give_back_too_much(world):
    order = paid(world)

    def act(index):
        if index % 2:
            return world.refund(order, "50.00", f"R-{index}")
        return world.cancel_by_seller(order)

    run_concurrently(12, act)
    world.advance_until_idle()
    assert world.get_order(order).state == "REFUNDED"
    assert sum(one.amount.minor for one in world.refunds(order)) == 49_900
    assert world.violations() == []
