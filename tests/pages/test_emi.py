"""EMI on a phone: the plans of a bank, the card, its bank's yes, and what is refused."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible
from tests.pages.account_holder import AccountHolder

AMOUNT = "10000.00"


@pytest.fixture
def holder(page, shop):
    return AccountHolder(page, shop)


def test_a_card_pays_in_six_instalments_and_comes_back_verified(holder, page, shop):
    holder.buy(AMOUNT).see_plans()
    assert_accessible(page)
    holder.choose_plan().confirm_in_frame().reads_status("SUCCESS")
    expect(page.get_by_text("6 months at 16 %, HDFC Bank")).to_be_visible()
    expect(page.get_by_text("6 × ₹1,745.30")).to_be_visible()
    assert_accessible(page)
    holder.go_back_to_the_shop().finds_verified("SUCCESS").finds_in_the_shop("PAID")
    assert [one["method"] for one in shop.order()["attempts"]] == ["emi"]


def test_no_cost_emi_by_plain_forms(open_page, shop):
    plain = AccountHolder(open_page(java_script_enabled=False), shop)
    plain.buy(AMOUNT).see_plans()
    plain.page.get_by_label("No-cost EMI").check()
    plain.choose_plan("12 months").confirm_by_forms().reads_status("SUCCESS")
    expect(plain.page.get_by_text("12 × ₹833.33")).to_be_visible()
    expect(plain.page.get_by_text("₹815.33")).to_be_visible()


def test_another_banks_card_is_refused_at_its_field(holder, page, watch):
    watch.expects(422)
    holder.buy(AMOUNT).see_plans()
    page.get_by_label("Bank of your card").select_option("ICICI Bank")
    holder.press("emi-show")
    expect(page.get_by_role("group", name="Plans of ICICI Bank")).to_be_visible()
    holder.choose_plan()
    number = page.get_by_label("Card number")
    expect(number).to_be_focused()
    expect(number).to_have_accessible_description("This plan is for credit cards of ICICI Bank.")
    expect(number).to_have_value("5241 8100 0000 0000")
    expect(page.get_by_role("radio", name="6 months")).to_be_checked()
    expect(page).to_have_title(re.compile("^Error: "))
    assert_accessible(page)


def test_no_plan_chosen_is_told_at_the_plans(holder, page, watch):
    watch.expects(422)
    holder.buy(AMOUNT).see_plans().fill_card().press("pay")
    plans = page.get_by_role("group", name="Plans of HDFC Bank")
    expect(plans).to_have_accessible_description("Choose a plan.")
    assert_accessible(page)


def test_too_small_an_amount_keeps_the_tile_and_says_why(holder, page, watch):
    watch.expects(422)
    holder.buy("999.99")
    tile = holder.sees("method-emi")
    expect(tile).to_have_attribute("aria-disabled", "true")
    expect(tile).to_contain_text("EMI begins at ₹1,000.00.")
    assert_accessible(page)
    page.goto(f"{page.url}emi")
    expect(page.get_by_test_id("pay")).to_have_count(0)
    assert_accessible(page)


@pytest.mark.parametrize("width", [320, 1280])
def test_the_plans_fit_every_screen(open_page, shop, width):
    page = open_page(viewport={"width": width, "height": 640})
    AccountHolder(page, shop).buy("100000.00").see_plans()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert_accessible(page)
