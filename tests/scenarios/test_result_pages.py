"""What the result page says to the buyer: only what is decided, and what the seller then gets."""

from __future__ import annotations

import re

import pytest

from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from tests.factories import World
from tests.scenarios.explanations import Views


@pytest.fixture
def result_of(runtime):
    views = Views(runtime)
    return lambda order: re.sub(r"<[^>]*>|\s+", " ", views.result_of(order)).replace("  ", " ")


def said(result_of, order) -> str:
    return " ".join(result_of(order).split())


def test_nobody_is_told_to_have_the_turn_who_has_not(world, result_of):
    coded, reviewed, silent, pending = (world.order(number, amount="20000.00") for number in "ABCD")
    world.start(coded, Wallet("rich@buyers.mockpay.test"))
    world.add_rule("review", stage="risk")
    world.start(reviewed, Upi("success@mockpay"))
    world.pay(silent, "noresponse@mockpay")
    world.pay(pending, "pending@mockpay")
    assert "You have not confirmed this payment yet." in said(result_of, coded)
    assert "nothing goes to the seller before it is confirmed" in said(result_of, coded)
    assert "We are checking this payment; nothing was taken yet." in said(result_of, reviewed)
    assert "Your bank has not told us; money may have left your account." in said(result_of, silent)
    assert "Your bank has not decided yet." in said(result_of, pending)
    for order in (reviewed, silent, pending):
        assert "The seller gets a signed PENDING" in said(result_of, order)


def test_a_failure_goes_to_the_seller_only_with_the_buyer(runtime, result_of):
    world = World.new(runtime, max_attempts=2)
    order = world.order()
    world.pay(order, "failure@mockpay")
    assert "Leaving now sends a signed FAILURE" in said(result_of, order)
    world.pay(order, "failure@mockpay")
    assert "Leaving now" not in said(result_of, order)
    assert "The seller gets a signed FAILURE" in said(result_of, order)


def test_what_came_back_is_not_told_as_the_sellers(world, result_of):
    order = world.order(amount="100.00")
    world.pay(order)
    assert "has your money." in said(result_of, order)
    world.refund(order, "40.00")
    world.advance_until_idle()
    assert "has your money, less ₹40.00 that came back." in said(result_of, order)


def test_a_hold_that_ended_was_not_the_buyers_time(runtime, result_of):
    world = World.new(runtime, capture="manual")
    order = world.order()
    world.pay(order)
    world.advance_until_idle()
    assert "did not take the money in time; your bank holds it no more." in said(result_of, order)


def test_a_browser_that_is_not_sent_back_is_told_in_no_other_methods_words(world, result_of):
    order = world.order(amount="1703.07")
    world.pay(order)
    assert "The browser is never sent back; the payment is SUCCESS" in said(result_of, order)
