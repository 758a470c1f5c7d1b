"""Cards on a phone: paid, declined and tried again, and a form that keeps no number."""

import re

from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible


def test_a_card_pays_and_comes_back_verified(buyer, page):
    buyer.buy().press("method-card")
    assert_accessible(page)
    page.go_back()
    buyer.pay_by_card().reads_status("SUCCESS")
    expect(page.get_by_text("Visa •••• 1007")).to_be_visible()
    assert_accessible(page)
    buyer.go_back_to_the_shop().finds_verified("SUCCESS").finds_in_the_shop("PAID")
    buyer.finds_listed("Closed", "UpfrontChargeSuccess")


def test_a_declined_card_is_followed_by_the_balance(buyer, page, shop):
    buyer.buy().pay_by_card("4100 2800 0008 0001").reads_status("FAILURE")
    expect(buyer.sees("payment-reason")).to_contain_text("not enough funds")
    assert_accessible(page)
    buyer.press("retry").pay_from_balance("rich").reads_status("SUCCESS")
    buyer.go_back_to_the_shop().finds_verified("SUCCESS")
    assert [one["method"] for one in shop.order()["attempts"]] == ["card", "wallet"]


def test_what_is_wrong_stands_at_its_field_and_gets_the_focus(buyer, page, watch):
    watch.expects(422)
    buyer.buy().type_card("4242 4242 4242 4241")
    number = page.get_by_label("Card number")
    expect(number).to_be_focused()
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(number).to_have_accessible_description(re.compile("its last digit, the check digit, does not fit"))
    expect(number).to_have_value("4242 4242 4242 4241")
    expect(page.get_by_label("CVV")).to_have_value("")
    expect(page.get_by_label("Expiry")).to_have_value("08/29")
    expect(page).to_have_title(re.compile("^Error: "))
    assert_accessible(page)


def test_the_network_is_named_while_the_number_is_typed(buyer, page):
    buyer.buy().press("method-card")
    network = page.locator("output")
    typed = page.get_by_label("Card number")
    for number, name in (("4", "Visa"), ("5", ""), ("55", "Mastercard"), ("37", "American Express"), ("9999 99", "")):
        typed.fill(number)
        expect(network).to_have_text(name)
    assert_accessible(page)


def test_an_empty_form_is_told_all_its_errors_and_the_first_field_gets_the_focus(buyer, page, watch):
    watch.expects(422)
    buyer.buy().press("method-card").press("pay")
    expect(page.locator(".field-error")).to_have_count(4)
    expect(page.get_by_label("Card number")).to_be_focused()
    assert_accessible(page)


def test_a_button_cannot_be_pressed_while_its_form_is_on_its_way(buyer, page):
    buyer.buy().press("method-card")
    page.route("**/card", lambda route: route.fulfill(status=204))
    for name, value in {"number": "4100280000001007", "expiry": "08/29", "cvv": "123", "name": "Asha"}.items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_test_id("pay").click(no_wait_after=True)
    expect(page.get_by_test_id("pay")).to_be_disabled()


def test_a_double_click_pays_once(buyer, page, shop):
    buyer.buy().press("method-card")
    typed = {"number": "4100280000001007", "expiry": "08/29", "cvv": "123", "name": "Asha Menon"}
    for name, value in typed.items():
        page.locator(f"[name={name}]").fill(value)
    page.get_by_test_id("pay").dblclick()
    buyer.confirm_in_frame().reads_status("SUCCESS")
    assert [one["state"] for one in shop.order()["attempts"]] == ["CAPTURED"]
