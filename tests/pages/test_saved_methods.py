"""Saving while paying, and paying with what is saved, on a phone."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible
from tests.pages.account_holder import AccountHolder

CARD = "HDFC Bank Visa •••• 1007"


@pytest.fixture
def holder(page, shop):
    return AccountHolder(page, shop)


def test_a_card_is_saved_with_consent_and_pays_again_with_one_press(holder, page, shop):
    holder.buy().press("account-sign-in").sign_in()
    expect(page).to_have_url(re.compile(r"/pay/[^/]+/$"))
    holder.press("method-card")
    expect(page.get_by_label("Save this payment method")).not_to_be_checked()
    assert_accessible(page)
    page.go_back()
    holder.save_a_card()
    holder.buy()
    expect(holder.sees("method-saved")).to_contain_text(CARD)
    expect(page.get_by_role("radio", name=CARD)).to_be_checked()
    assert_accessible(page)
    holder.press("pay-saved").confirm_in_frame().reads_status("SUCCESS")
    holder.go_back_to_the_shop().finds_verified("SUCCESS").finds_in_the_shop("PAID")
    holder.account()
    expect(page.get_by_text("Last used")).to_be_visible()


def test_without_the_box_nothing_is_saved(holder, page):
    holder.account("").sign_in()
    holder.buy().press("method-card").fill_card().press("pay").confirm_in_frame()
    holder.reads_status("SUCCESS").buy()
    expect(page.get_by_test_id("method-saved")).to_have_count(0)
    holder.account().sees("no-methods")


def test_a_upi_id_is_saved_and_asked_again(holder, page):
    holder.account("").sign_in()
    holder.buy().press("method-upi")
    page.get_by_test_id("upi-vpa").fill("success@mockpay")
    page.get_by_label("Save this payment method").check()
    assert_accessible(page)
    holder.press("pay").reads_status("SUCCESS")
    holder.buy()
    expect(page.get_by_role("radio", name="su****@mockpay")).to_be_checked()
    holder.press("pay-saved").reads_status("SUCCESS")


def test_it_all_works_without_a_script(open_page, shop):
    plain = AccountHolder(open_page(java_script_enabled=False), shop)
    plain.account("").page.get_by_label("E-mail").fill("rich@buyers.mockpay.test")
    plain.press("sign-in").confirm()
    plain.buy().press("method-card").fill_card()
    plain.page.get_by_label("Save this payment method").check()
    plain.press("pay").confirm_by_forms().reads_status("SUCCESS")
    plain.buy().press("pay-saved").confirm_by_forms().reads_status("SUCCESS")


def test_anothers_token_is_not_found(holder, page, watch, open_page, shop):
    watch.expects(404)
    holder.account("").sign_in()
    holder.buy().save_a_card()
    token = _token(holder)
    other = AccountHolder(open_page(), shop)
    other.account("").sign_in("poor@buyers.mockpay.test").buy().save_a_card()
    other.buy()
    other.page.locator("[name=token]").evaluate("(one, token) => { one.value = token; }", token)
    other.press("pay-saved")
    expect(other.page.get_by_role("heading", level=1)).to_have_text("There is no such saved method")
    assert shop.order()["attempts"] == []


def _token(holder):
    return holder.account().page.locator("li[data-token]").get_attribute("data-token")
