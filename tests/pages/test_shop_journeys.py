"""From the demo shop through the hosted page and back, in Chromium, every way it can go."""

import re

from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible
from tests.pages.buyer import Buyer


def test_a_upi_payment_comes_back_verified_and_is_listed_as_paid(buyer, page):
    buyer.buy()
    expect(buyer.sees("order-amount")).to_have_text("₹499.00")
    expect(buyer.sees("seller-name")).to_have_text("Nilgiri Cycle Works")
    buyer.ask("success@mockpay").reads_status("SUCCESS")
    expect(page).to_have_title(re.compile("^Payment successful, ₹499.00"))
    buyer.go_back_to_the_shop().finds_verified("SUCCESS").finds_in_the_shop("PAID")
    buyer.finds_listed("Closed", "UpfrontChargeSuccess")
    assert_accessible(page)


def test_the_dashboard_says_why_a_payment_went_as_it_did(buyer, page, shop):
    buyer.buy().ask("success@mockpay").go_back_to_the_shop()
    page.goto(f"{shop.ui}/orders")
    page.get_by_role("link", name="Paid by UPI").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Paid by UPI")
    why = page.get_by_label("What decided")
    expect(why).to_contain_text("Decided by the UPI ID success@mockpay")
    expect(why.locator("[aria-current=step]")).to_contain_text("3. Instrument")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Approved and captured")
    expect(page.get_by_role("region", name="Signature")).to_contain_text("Matches")


def test_the_result_page_leads_to_the_dashboards_answer(buyer, page):
    buyer.buy().ask("insufficient@mockpay")
    page.get_by_role("link", name="Dashboard").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("The buyer’s bank declined the payment: not enough funds")


def test_a_pending_payment_resolves_when_the_dashboards_clock_moves(buyer, page, shop):
    buyer.buy().ask("pendingok@mockpay").waits()
    assert_accessible(page)
    developer = page.context.new_page()
    developer.set_viewport_size({"width": 1280, "height": 800})
    developer.goto(f"{shop.ui}/orders")
    clock = developer.get_by_role("group", name="Sandbox clock, frozen")
    clock.get_by_role("button", name="Next event").click()
    expect(developer.get_by_role("link", name="Paid by UPI")).to_be_visible()
    # The buyer's page asks by itself.
    buyer.reads_status("SUCCESS").go_back_to_the_shop().finds_in_the_shop("PAID")


def test_a_result_that_was_changed_on_the_way_is_refused_visibly(buyer, page, watch):
    shown, forged = "status=FAILURE", "status=SUCCESS"
    buyer.buy().ask("insufficient@mockpay")
    with page.expect_request("**/shop/return?*") as leaving:
        buyer.go_back_to_the_shop()
    assert shown in leaving.value.url
    watch.expects(400)
    answer = page.goto(leaving.value.url.replace(shown, forged))
    assert answer.status == 400
    expect(page.get_by_role("heading", level=1)).to_have_text("This result is refused")
    refused = buyer.sees("shop-refused")
    expect(refused).to_contain_text("changed on the way, or somebody else signed it")
    expect(refused).to_have_attribute("data-code", "result.signature")
    assert_accessible(page)
    page.get_by_role("link", name="See order").click()
    buyer.finds_in_the_shop("FAILED")


def test_two_buyers_at_once_see_only_their_own_orders(open_page, shop):
    asha, meera = Buyer(open_page(), shop).buy(), Buyer(open_page(), shop).buy("1703.00")
    expect(asha.sees("order-amount")).to_have_text("₹499.00")
    expect(meera.sees("order-amount")).to_have_text("₹1,703.00")
    meera.ask("failure@mockpay").reads_status("FAILURE")
    asha.ask("success@mockpay").reads_status("SUCCESS")
    assert [one["state"] for one in shop.seller.orders()] == ["PENDING", "PAID"]
