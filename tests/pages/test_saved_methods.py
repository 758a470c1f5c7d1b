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


def _token(holder):
    return holder.account().page.locator("li[data-token]").get_attribute("data-token")
