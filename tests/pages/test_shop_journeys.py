"""From the demo shop through the hosted page and back, in Chromium, every way it can go."""

import re

import pytest
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
    page.get_by_role("link", name="Open in dashboard").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("The buyer’s bank declined the payment: not enough funds")


def test_a_declined_payment_is_tried_again_and_succeeds(buyer, page, shop):
    buyer.buy().ask("insufficient@mockpay").reads_status("FAILURE")
    expect(buyer.sees("payment-reason")).to_contain_text("not enough funds. No money was taken.")
    assert_accessible(page)
    buyer.press("retry")
    expect(page.get_by_role("alert")).to_contain_text("Your bank declined the payment")
    buyer.ask("success@mockpay").reads_status("SUCCESS").go_back_to_the_shop()
    buyer.finds_verified("SUCCESS").finds_listed("Closed", "UpfrontChargeSuccess")
    tries = [one["state"] for one in shop.order()["attempts"]]
    assert tries == ["FAILED", "CAPTURED"]


def test_a_failure_that_is_not_tried_again_comes_back_as_one(buyer):
    buyer.buy().ask("failure@mockpay").go_back_to_the_shop()
    buyer.finds_verified("FAILURE").finds_in_the_shop("FAILED")
    buyer.finds_listed("Closed", "UpfrontChargeFailure")


def test_a_failed_order_is_paid_by_a_second_visit_to_the_payment_page(buyer):
    buyer.buy().ask("failure@mockpay").go_back_to_the_shop().press("pay-again")
    buyer.ask("success@mockpay").reads_status("SUCCESS").go_back_to_the_shop()
    buyer.finds_in_the_shop("PAID").finds_listed("Closed", "UpfrontChargeSuccess")


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


def test_a_pending_payment_resolves_in_the_shop_when_the_clock_is_moved_by_program(buyer, page, shop):
    buyer.buy().ask("pendingok@mockpay").waits()
    expect(page.get_by_test_id("cancel-payment")).to_have_count(0)
    buyer.go_back_to_the_shop().finds_verified("PENDING").finds_in_the_shop("PENDING").finds_listed("Open")
    shop.seller.advance(seconds=30)
    page.get_by_role("link", name="Ask again").click()
    buyer.finds_in_the_shop("PAID").finds_listed("Closed", "UpfrontChargeSuccess")


def test_a_pending_payment_that_fails_late_can_be_tried_again(buyer, shop):
    buyer.buy().ask("pendingfail@mockpay").waits()
    shop.seller.advance(until="next")
    buyer.reads_status("FAILURE").press("retry")
    buyer.ask("success@mockpay").reads_status("SUCCESS")


def test_a_cancelled_payment_comes_back_as_a_failure_that_the_buyer_chose(buyer, page):
    buyer.buy().press("cancel-payment").reads_status("CANCELLED")
    expect(page.get_by_role("note")).to_contain_text("the seller gets a signed FAILURE")
    assert_accessible(page)
    buyer.go_back_to_the_shop().finds_verified("FAILURE")
    expect(buyer.sees("shop-verified")).to_contain_text("Cancelled by the buyer")
    buyer.finds_listed("Canceled")


def test_a_request_that_waits_can_be_cancelled(buyer, shop):
    buyer.buy().ask("asha@okhdfc").waits().press("cancel-payment").reads_status("CANCELLED")
    assert shop.order()["state"] == "CANCELLED"


@pytest.mark.parametrize(
    ("shown", "forged"),
    [
        ("status=FAILURE", "status=SUCCESS"),
        ("orderTotalAmount=499.00", "orderTotalAmount=1.00"),
        ("reasonCode=204", "reasonCode=001"),
    ],
)
def test_a_result_that_was_changed_on_the_way_is_refused_visibly(buyer, page, watch, shown, forged):
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


def test_an_unknown_outcome_forbids_a_second_try_and_says_why(buyer, page, shop):
    buyer.buy().ask("deemed@mockpay").waits()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your bank has not told us")
    expect(page.get_by_role("main")).to_contain_text("Do not pay again.")
    expect(page.get_by_test_id("retry")).to_have_count(0)
    here = page.url
    page.goto(here.replace("/waiting", "/upi"))
    expect(page).to_have_url(here)
    buyer.go_back_to_the_shop().finds_verified("PENDING").finds_in_the_shop("PENDING")
    shop.seller.advance(seconds=30)
    page.reload()
    buyer.finds_in_the_shop("PAID")


def test_the_time_to_pay_runs_out_by_the_clock(buyer, page, shop):
    buyer.buy().press("method-upi")
    page.get_by_test_id("upi-vpa").fill("success@mockpay")
    shop.seller.advance(seconds=900)
    # What was typed before is too late.
    buyer.press("pay").reads_status("FAILURE")
    expect(page).to_have_title(re.compile("^Time is up"))
    assert shop.order()["attempts"] == []
    buyer.go_back_to_the_shop().finds_verified("FAILURE").finds_listed("Canceled")


def test_nobody_answers_the_request_and_the_page_tells_by_itself(buyer, shop):
    buyer.buy().ask("expired@mockpay").waits()
    shop.seller.advance(seconds=300)
    expect(buyer.reads_status("FAILURE").sees("payment-reason")).to_contain_text("never answered")


def test_a_bad_signature_by_magic_amount_is_refused_by_the_shop(buyer, page, watch):
    watch.expects(400)
    buyer.buy("1703.01").ask("asha@okhdfc").open_the_app().press("upi-approve")
    buyer.reads_status("SUCCESS").press("return-to-seller")
    expect(buyer.sees("shop-refused")).to_have_attribute("data-code", "result.signature")
    page.get_by_role("link", name="See order").click()
    # The money moved all the same, and the shop finds out by asking.
    buyer.finds_listed("Closed", "UpfrontChargeSuccess").finds_in_the_shop("PAID")
    expect(page.get_by_text("No result yet")).to_be_visible()


def test_a_browser_that_never_comes_back_leaves_it_to_the_shop_to_ask(buyer, page, shop):
    buyer.buy("1703.07").ask("asha@okhdfc").open_the_app().press("upi-approve")
    buyer.reads_status("SUCCESS").press("return-to-seller")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("The buyer closed the browser here")
    page.goto(f"{shop.url}/orders/{shop.order()['seller_order_id']}")
    expect(page.get_by_text("No result yet")).to_be_visible()
    buyer.finds_in_the_shop("PAID").finds_listed("Closed", "UpfrontChargeSuccess")


def test_two_buyers_at_once_see_only_their_own_orders(open_page, shop):
    asha, meera = Buyer(open_page(), shop).buy(), Buyer(open_page(), shop).buy("1703.00")
    expect(asha.sees("order-amount")).to_have_text("₹499.00")
    expect(meera.sees("order-amount")).to_have_text("₹1,703.00")
    meera.ask("failure@mockpay").reads_status("FAILURE")
    asha.ask("success@mockpay").reads_status("SUCCESS")
    assert [one["state"] for one in shop.seller.orders()] == ["PENDING", "PAID"]
