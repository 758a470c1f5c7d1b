"""The clock control of the top bar."""

import pytest

from mockpay.delivery import clock as clocks
from mockpay.kernel.clock import SECOND, Mode
from tests.factories import NOON


@pytest.mark.parametrize(("button", "seconds"), [("minute", 60), ("hour", 3600)])
def test_a_leap_moves_the_clock_and_leaves_it_frozen(visitor, world, button, seconds):
    answer = visitor.press(visitor.see("/journal"), button)
    assert answer.status_code == 303
    assert answer.location == f"{visitor.home}/journal"
    clock, now = clocks.get_clock(world.runtime, world.seller_id)
    assert (clock.mode, now) == (Mode.FROZEN, NOON + seconds * SECOND)


def test_next_event_goes_to_the_next_event(visitor, world):
    order = world.order()
    visitor.press(visitor.see(), "next")
    assert world.now() == order.expires_at
    assert world.get_order(order).state == "EXPIRED"


def test_until_idle_leaves_nothing_to_happen(visitor, world):
    order = world.order()
    world.pay(order, "pendingok@mockpay")
    visitor.press(visitor.see(), "idle")
    assert world.states(order) == ("PAID", "CAPTURED")


def test_the_clock_can_be_let_run_and_stopped(visitor, world):
    visitor.press(visitor.see(), "run")
    assert clocks.get_clock(world.runtime, world.seller_id)[0].mode is Mode.RUNNING
    page = visitor.see()
    assert page.xpath("//div[@class='clock']/@aria-label") == ["Sandbox clock, running"]
    visitor.press(page, "freeze")
    assert clocks.get_clock(world.runtime, world.seller_id)[0].mode is Mode.FROZEN


def test_a_button_that_is_not_there_is_refused(visitor):
    assert visitor.press(visitor.see(), "minute", act="explode").status_code == 422


def test_a_form_without_its_token_is_refused_and_moves_nothing(visitor, world):
    answer = visitor.press(visitor.see(), "hour", form_token="made up")
    assert answer.status_code == 403
    assert world.now() == NOON


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/_mockpay/ui/\\evil", "/shop", ""])
def test_a_form_leads_back_into_the_dashboard_only(visitor, back):
    answer = visitor.press(visitor.see("/journal"), "minute", back=back)
    assert answer.location == f"{visitor.home}/orders"
