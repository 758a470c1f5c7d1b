"""One-time passwords on a phone: right, wrong, expired, sent again, and without a script."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible

HIGH = "5000.01"


@pytest.fixture
def asked(buyer):
    """Somebody who is asked for a code."""
    buyer.buy(HIGH).pay_from_balance("rich")
    buyer.sees("otp-submit")
    return buyer


def test_the_right_code_pays(asked, page):
    field = page.get_by_label("One-time code")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("autocomplete", "one-time-code")
    expect(field).to_have_attribute("inputmode", "numeric")
    assert_accessible(page)
    asked.confirm().reads_status("SUCCESS")
    asked.go_back_to_the_shop().finds_verified("SUCCESS").finds_in_the_shop("PAID")


def test_enter_confirms_and_does_not_send_another_code(asked, page):
    page.get_by_label("One-time code").press_sequentially("123456")
    page.keyboard.press("Enter")
    asked.reads_status("SUCCESS")


def test_wrong_codes_are_told_at_the_field_until_the_try_is_over(asked, page, watch):
    watch.expects(422)
    asked.confirm("000000")
    field = page.get_by_label("One-time code")
    expect(field).to_be_focused()
    expect(field).to_have_value("")
    expect(field).to_have_accessible_description("That code is not right. 2 tries left.")
    expect(page).to_have_title(re.compile("^Error: "))
    assert_accessible(page)
    asked.confirm("000000").confirm("000000").reads_status("FAILURE")
    assert_accessible(page)
    asked.press("retry").ask("success@mockpay").reads_status("SUCCESS")


def test_another_code_can_be_asked_for_after_a_while(buyer, page, shop):
    shop.seller.control("PUT", "/clock", {"mode": "running"})
    buyer.buy(HIGH).pay_from_balance("rich")
    again = buyer.sees("otp-resend")
    expect(again).to_be_disabled()
    expect(again).to_have_text(re.compile(r"^Send again\s+in 0:\d\d$"))
    shop.seller.advance(seconds=31)
    page.reload()
    expect(again).to_be_enabled()
    buyer.press("otp-resend")
    expect(page.get_by_text("A new code was sent")).to_be_visible()
    assert_accessible(page)
    buyer.confirm().reads_status("SUCCESS")


def test_a_double_click_pays_once(asked, page, shop):
    page.get_by_label("One-time code").fill("123456")
    page.get_by_test_id("otp-submit").dblclick()
    asked.reads_status("SUCCESS")
    assert [one["state"] for one in shop.order()["attempts"]] == ["CAPTURED"]
