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


@pytest.mark.parametrize("width", [320, 1280])
def test_the_plans_fit_every_screen(open_page, shop, width):
    page = open_page(viewport={"width": width, "height": 640})
    AccountHolder(page, shop).buy("100000.00").see_plans()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert_accessible(page)
