"""The other way to pay by UPI: scan or open, and answer in the simulated app."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible


def type_pin(page, pin):
    page.get_by_label("UPI PIN").fill(pin)
    page.get_by_test_id("upi-approve").click()


def test_the_code_and_the_link_name_payee_amount_and_order(buyer, page, shop):
    buyer.buy().press("method-upi")
    expect(buyer.sees("upi-qr")).to_have_accessible_name("QR code to pay ₹499.00 to Nilgiri Cycle Works by UPI")
    link = urlsplit(buyer.sees("upi-intent").get_attribute("href"))
    asked = {name: values[0] for name, values in parse_qs(link.query).items()}
    assert (link.scheme, link.netloc) == ("upi", "pay")
    assert (asked["am"], asked["cu"], asked["pn"]) == ("499.00", "INR", "Nilgiri Cycle Works")
    assert shop.order()["seller_order_id"] in asked["tn"]


def test_the_app_approves_without_a_upi_id_and_the_shop_gets_its_money(buyer, page):
    buyer.buy().press("method-upi").open_the_app()
    assert_accessible(page)
    type_pin(page, "2580")
    buyer.reads_status("SUCCESS").go_back_to_the_shop().finds_verified("SUCCESS")
    buyer.finds_listed("Closed", "UpfrontChargeSuccess")


def test_the_third_wrong_pin_locks(buyer, page, shop):
    buyer.buy()
    for said in ("Wrong UPI PIN", "Wrong UPI PIN", "Too many wrong UPI PINs"):
        buyer.press("method-upi").open_the_app()
        type_pin(page, "0000")
        expect(buyer.reads_status("FAILURE").sees("payment-reason")).to_contain_text(said)
        buyer.press("retry")
    reasons = [one["reason"] for one in shop.order()["attempts"]]
    assert reasons == ["incorrect_pin", "incorrect_pin", "pin_attempts_exceeded"]


def test_a_pin_of_three_digits_is_explained_at_its_field(buyer, page, watch):
    watch.expects(422)
    buyer.buy().ask("asha@okhdfc").open_the_app()
    type_pin(page, "123")
    field = page.get_by_label("UPI PIN")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("A UPI PIN has 4 or 6 digits.")
    expect(field).to_be_focused()
    assert_accessible(page)


def test_declining_in_the_app_fails_the_payment(buyer, page):
    buyer.buy().ask("asha@okhdfc").open_the_app().press("upi-decline").reads_status("FAILURE")
    expect(buyer.sees("payment-reason")).to_have_text("You declined the request. No money was taken.")


def test_a_request_left_unanswered_waits_until_its_time_is_over(buyer, shop):
    buyer.buy().ask("asha@okhdfc").open_the_app().press("upi-ignore").waits()
    shop.seller.advance(seconds=300)
    buyer.reads_status("FAILURE")


def test_approving_late_sends_the_money_back(buyer, shop):
    buyer.buy().ask("asha@okhdfc").open_the_app().press("upi-late").waits()
    shop.seller.advance(until="idle")
    buyer.reads_status("FAILURE").go_back_to_the_shop().finds_verified("FAILURE")
    assert shop.order()["attempts"][0]["state"] == "REVERSED"


@pytest.mark.parametrize("vpa", ["", "nonsense", "a b@bank", "@bank"])
def test_an_impossible_upi_id_is_explained_at_its_field(buyer, page, watch, vpa):
    watch.expects(422)
    buyer.buy().ask(vpa)
    field = buyer.sees("upi-vpa")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    expect(field).to_have_value(vpa)
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.title().startswith("Error: ")
    assert_accessible(page)
    field.fill("success@mockpay")
    buyer.press("pay").reads_status("SUCCESS")
