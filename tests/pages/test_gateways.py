"""A gateway that is switched off, in Chromium: the shop's buyers pay by the next one, and it comes back by itself."""

import pytest
from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible
from tests.pages.buyer import Buyer

CARDS = {"name": "cards", "when": {"methods": ["card"]}, "targets": [{"gateway": "razorpay"}], "fallbacks": ["stripe"]}


@pytest.fixture
def routed(shop):
    """The demo shop, whose cards go to Razorpay, and to Stripe where that cannot be."""
    shop.seller.control("PUT", "/routing", {"rules": [CARDS]})
    yield shop
    shop.seller.control("PUT", "/routing", {})


def test_the_shops_payments_go_on_while_the_primary_gateway_is_off_and_its_breaker_closes_afterwards(
    routed, open_page, wide_page
):
    faults = wide_page
    faults.goto(f"{routed.ui}/gateway-faults")
    razorpay = faults.get_by_test_id("gateway-razorpay")
    faults.get_by_test_id("switch-razorpay").click()
    expect(razorpay).to_contain_text("It refuses every connection")

    buyer = Buyer(open_page(), routed)
    for _ in range(2):
        buyer.buy().pay_by_card().reads_status("SUCCESS")
        buyer.go_back_to_the_shop().finds_verified("SUCCESS").finds_in_the_shop("PAID")
    assert [attempt["gateway"] for attempt in routed.order()["attempts"]] == ["stripe"]

    order = open_page(viewport={"width": 1280, "height": 800})
    order.goto(f"{routed.ui}/orders")
    order.get_by_role("link", name="Paid by card").last.click()
    tries = order.get_by_role("region", name="Gateway")
    expect(tries).to_contain_text("razorpay: charge, try 3")
    expect(tries).to_contain_text("The connection was refused")
    expect(tries).to_contain_text("stripe: charge")
    assert_accessible(order)

    # Five failures of two payments: nobody has loaded this page again.
    expect(razorpay.get_by_text("Open", exact=True)).to_be_visible()
    expect(razorpay).to_contain_text("5 technical failures counted")
    faults.get_by_test_id("switch-razorpay").click()
    expect(razorpay).to_contain_text("Razorpay is down for 10 minutes")
    expect(razorpay.get_by_text("Open", exact=True)).to_be_visible()
    faults.get_by_role("group", name="Sandbox clock, frozen").get_by_role("button", name="+1 min").click()
    expect(razorpay).to_contain_text("the next charge probes")

    buyer.buy().pay_by_card().reads_status("SUCCESS")
    assert [attempt["gateway"] for attempt in routed.order()["attempts"]] == ["razorpay"]
    expect(razorpay.get_by_text("Closed", exact=True)).to_be_visible()
    assert_accessible(faults)
