"""Net banking on a phone: the list, the bank's own site, and every way back from it."""

import re

from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible


def choose_magic(buyer, page, name):
    buyer.press("method-netbanking")
    page.get_by_text("Banks that answer by themselves").click()
    page.get_by_role("radio", name=name).check()
    buyer.press("pay")


def test_a_bank_pays_and_comes_back_verified(buyer, page):
    buyer.buy().go_to_bank("HDFC Bank")
    expect(buyer.sees("order-amount")).to_have_text("INR 499.00")
    assert_accessible(page)
    buyer.press("bank-success").reads_status("SUCCESS")
    assert_accessible(page)
    buyer.go_back_to_the_shop().finds_verified("SUCCESS").finds_in_the_shop("PAID")
    buyer.finds_listed("Closed", "UpfrontChargeSuccess")


def test_the_list_narrows_while_typing_and_the_button_names_the_bank(buyer, page):
    buyer.buy().press("method-netbanking")
    page.get_by_label("Find your bank").fill("indian")
    expect(page.get_by_role("radio")).to_have_count(2)
    page.get_by_role("radio", name="Indian Overseas Bank").check()
    expect(page.get_by_test_id("pay")).to_have_text("Pay ₹499.00 at Indian Overseas Bank")
    assert_accessible(page)


def test_no_bank_chosen_is_explained_at_the_list(buyer, page, watch):
    watch.expects(422)
    buyer.buy().press("method-netbanking").press("pay")
    expect(page.get_by_role("alert")).to_have_text("Choose your bank.")
    expect(page.get_by_role("group", name="Your bank")).to_have_accessible_description("Choose your bank.")
    assert_accessible(page)


def test_a_cancel_at_the_bank_is_followed_by_a_card(buyer, page):
    buyer.buy().go_to_bank("ICICI Bank").press("bank-cancel").reads_status("FAILURE")
    expect(buyer.sees("payment-reason")).to_contain_text("You cancelled on the bank’s page")
    buyer.press("retry").pay_by_card().reads_status("SUCCESS")


def test_a_failure_at_the_bank_is_followed_by_upi(buyer):
    buyer.buy().go_to_bank("Axis Bank").press("bank-failure").reads_status("FAILURE")
    buyer.press("retry").ask("success@mockpay").reads_status("SUCCESS")


def test_a_pending_bank_is_resolved_by_the_clock_while_the_page_waits(buyer, page, shop):
    buyer.buy().go_to_bank("HDFC Bank").press("bank-pending").waits()
    assert_accessible(page)
    shop.seller.advance(until="idle")
    buyer.reads_status("SUCCESS")


def test_a_closed_bank_window_times_out_while_the_page_waits(buyer, page, shop):
    buyer.buy().go_to_bank("HDFC Bank").press("bank-close").waits()
    expect(page.get_by_role("heading", level=1)).to_have_text("Approve at HDFC Bank")
    assert_accessible(page)
    shop.seller.advance(seconds=601)
    buyer.reads_status("FAILURE").press("retry").pay_from_balance("rich").reads_status("SUCCESS")


def test_the_waiting_page_leads_back_to_the_bank(buyer, page):
    buyer.buy().go_to_bank("HDFC Bank").press("bank-close").press("bank-link")
    buyer.press("bank-login").press("bank-success").reads_status("SUCCESS")


def test_a_bank_that_pays_too_late_sends_the_money_back(buyer, page, shop):
    choose_magic(buyer.buy(), page, "Mock bank, pays too late")
    buyer.waits()
    shop.seller.advance(until="idle")
    buyer.reads_status("FAILURE")
    expect(buyer.sees("payment-reason")).to_have_text("The money went back to your account.")
    buyer.go_back_to_the_shop().finds_verified("FAILURE")


def test_a_forged_return_is_shown_as_one(buyer, page, shop, watch):
    watch.expects(400)
    buyer.buy().go_to_bank("HDFC Bank")
    there = page.url.split("bank?")[0]
    page.goto(f"{there}bank-return?bank_ref=BID1&status=S&amount=499.00&checksum=00")
    expect(buyer.sees("bank-refused")).to_contain_text("was not written by the bank")
    assert_accessible(page)
    page.get_by_role("link", name="Back to the payment").click()
    expect(page).to_have_url(re.compile(r"/bank$"))
    assert [one["state"] for one in shop.order()["attempts"]] == ["AUTH_PENDING"]


def test_the_bank_is_paid_by_keyboard_alone(buyer, page):
    buyer.buy().press("method-netbanking")
    page.get_by_role("radio", name="State Bank of India").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_label("User ID").focus()
    page.keyboard.type("test\ttest")
    page.keyboard.press("Enter")
    buyer.sees("bank-success").focus()
    page.keyboard.press("Enter")
    buyer.reads_status("SUCCESS")
