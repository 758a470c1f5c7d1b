"""Money that goes back, by hand of the demo shop's pages, on a phone."""

import re

import pytest
from playwright.sync_api import expect

from mockpay.merchant import ServiceError
from tests.pages.accessibility import assert_accessible
from tests.pages.watch import PHONE

SIX_HOURS = 6 * 3600


@pytest.fixture
def shop(shop):
    """The demo shop, whose refunds take six hours."""
    usual = shop.seller.fields["settings"]["refund_delay_seconds"]
    shop.seller.control("PATCH", "", {"settings": {"refund_delay_seconds": SIX_HOURS}})
    yield shop
    shop.seller.control("PATCH", "", {"settings": {"refund_delay_seconds": usual}})


@pytest.fixture
def paid(buyer):
    """A buyer who looks at an order of ₹499.00 that is paid."""
    buyer.buy().ask("success@mockpay").go_back_to_the_shop().finds_in_the_shop("PAID")
    return buyer


def gives_back(page, amount):
    page.get_by_test_id("shop-refund-amount").fill(amount)
    page.get_by_test_id("shop-refund").click()


def states(page):
    """Of all refunds on the order's page, the newest first."""
    return page.get_by_test_id("refund-state")


def fits(page):
    """Nothing is wider than the phone."""
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], f"{width} px wide"


def test_money_goes_back_in_three_parts_and_not_a_rupee_more(paid, page, shop, watch):
    assert_accessible(page)
    gives_back(page, "100.00")
    expect(states(page)).to_have_text(["INITIATED"])
    expect(page.get_by_text("Refund on its way")).to_have_count(2)
    expect(page.get_by_role("main")).to_contain_text("₹399.00 at most")
    assert_accessible(page)
    fits(page)
    (theirs,) = shop.seller.refunds()
    assert theirs["state"] == "PENDING"

    shop.seller.advance(seconds=SIX_HOURS)
    # The page asks by itself.
    expect(states(page)).to_have_text(["PROCESSED"])
    expect(page.get_by_test_id("refund-row")).to_contain_text("By a notification")
    client = shop.seller.client()
    assert client.get_refund_details(theirs["refund_id"]).state == "Completed"
    assert_accessible(page)

    gives_back(page, "149.50")
    expect(states(page)).to_have_text(["INITIATED", "PROCESSED"])
    shop.seller.advance(seconds=SIX_HOURS)
    expect(states(page)).to_have_text(["PROCESSED"] * 2)

    # Nothing is on its way, so a page that is left open now does not load itself again.
    left_open = page.context.new_page()
    left_open.goto(page.url)
    page.get_by_test_id("shop-cancel").click()
    expect(states(page)).to_have_text(["INITIATED", "PROCESSED", "PROCESSED"])
    shop.seller.advance(seconds=SIX_HOURS)
    expect(states(page)).to_have_text(["PROCESSED"] * 3)
    expect(page.get_by_test_id("shop-refund")).to_have_count(0)
    expect(page.get_by_text("You pay in the end").locator("xpath=..")).to_contain_text("₹0.00")
    assert_accessible(page)
    fits(page)

    watch.expects(409)
    gives_back(left_open, "1.00")
    expect(left_open.get_by_role("alert")).to_have_text("Nothing is left to give back.")
    assert_accessible(left_open)
    fits(left_open)
    assert len(shop.seller.refunds()) == 3
    with pytest.raises(ServiceError) as refused:
        client.refund(theirs["order_id"], "ONE-MORE", "1.00")
    assert refused.value.service_code == "TransactionAmountExceeded"


def test_more_than_is_left_is_refused_at_the_field(paid, page, shop, watch):
    watch.expects(409)
    gives_back(page, "499.01")
    field = page.get_by_test_id("shop-refund-amount")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("499.01")
    expect(page.get_by_role("main")).to_contain_text("At most 499.00 INR can be given back now.")
    assert_accessible(page)
    fits(page)
    assert shop.seller.refunds() == []


def test_without_a_script_a_link_shows_what_is_new(open_page, paid, shop):
    plain = open_page(java_script_enabled=False)
    plain.goto(paid.page.url)
    gives_back(plain, "100.00")
    expect(states(plain)).to_have_text(["INITIATED"])
    shop.seller.advance(seconds=SIX_HOURS)
    expect(states(plain)).to_have_text(["INITIATED"])
    plain.get_by_test_id("shop-refresh").click()
    expect(states(plain)).to_have_text(["PROCESSED"])
    expect(plain.get_by_test_id("shop-refresh")).to_have_count(0)


def test_the_list_of_orders_tells_of_refunds(paid, page, shop):
    gives_back(page, "100.00")
    shop.seller.advance(seconds=SIX_HOURS)
    page.get_by_role("link", name="Your orders").first.click()
    expect(page).to_have_url(re.compile("/shop/orders$"))
    expect(page.get_by_role("listitem").first).to_contain_text("Refunded")
    assert_accessible(page)
    fits(page)
