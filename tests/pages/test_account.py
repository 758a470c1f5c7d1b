"""The account pages on a phone: signing in, its refusals, and the buttons of the list."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible
from tests.pages.account_holder import AccountHolder

CARD = "HDFC Bank Visa •••• 1007"


@pytest.fixture
def holder(page, shop):
    return AccountHolder(page, shop)


def test_the_code_of_the_inbox_signs_in_and_out_again(holder, page):
    holder.account("")
    assert_accessible(page)
    page.get_by_text("Buyers that are there from the start").click()
    expect(page.get_by_text("rich@buyers.mockpay.test")).to_be_visible()
    holder.sign_in()
    expect(page.get_by_role("heading", level=1)).to_have_text("Saved methods")
    expect(holder.sees("wallet-balance")).to_have_text("₹1,50,000.00")
    assert_accessible(page)
    holder.press("sign-out")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_wrong_code_is_told_at_its_field(holder, page, watch):
    watch.expects(422)
    holder.account("")
    page.get_by_label("E-mail").fill("rich@buyers.mockpay.test")
    holder.press("sign-in").sees("otp-submit")
    assert_accessible(page)
    holder.confirm("000000")
    code = page.get_by_label("One-time code")
    expect(code).to_be_focused()
    expect(code).to_have_accessible_description("That code is not right. 2 tries left.")
    expect(code).to_have_value("")
    expect(page).to_have_title(re.compile("^Error: "))
    assert_accessible(page)
    code.press_sequentially("123456")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Saved methods")


def test_what_is_no_email_is_told_at_its_field(holder, page, watch):
    watch.expects(422)
    holder.account("")
    email = page.get_by_label("E-mail")
    email.fill("nobody")
    email.press("Enter")
    expect(email).to_be_focused()
    expect(email).to_have_accessible_description("An e-mail looks like name@example.com.")
    expect(email).to_have_value("nobody")
    assert_accessible(page)


def test_a_saved_card_is_named_and_removed(holder, page, watch):
    watch.expects(422)
    holder.account("").sign_in()
    holder.buy().save_a_card()
    holder.account()
    page.get_by_text("Change").click()
    assert_accessible(page)
    name = page.get_by_label("Nickname")
    name.fill("4100 2800 0000 1007")
    holder.press("rename-1")
    expect(name).to_be_focused()
    expect(name).to_have_value("")
    assert_accessible(page)
    name.fill("Office card")
    holder.press("rename-1")
    expect(page.get_by_text("The new name is kept.")).to_be_visible()
    expect(page.locator("li b")).to_have_text("Office card")
    expect(page.get_by_text(f"{CARD}. Saved")).to_be_visible()
    page.get_by_text("Change").click()
    holder.press("delete-1").sees("no-methods")
    assert_accessible(page)
    holder.buy()
    expect(page.get_by_test_id("method-saved")).to_have_count(0)


@pytest.mark.parametrize("width", [320, 1280])
def test_the_account_fits_every_screen(open_page, shop, width):
    page = open_page(viewport={"width": width, "height": 640})
    holder = AccountHolder(page, shop).account("")
    for step in (lambda: None, holder.sign_in, lambda: holder.buy().save_a_card().account()):
        step()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        assert_accessible(page)


def test_whoever_comes_from_another_sites_shop_is_still_signed_in(holder, page, shop, watch):
    """Strict would sign them out just there; a form of the other site's brings no session."""
    watch.expects(403)
    holder.account("").sign_in()
    holder.buy().save_a_card()
    here = holder.buy().page.url
    page.goto(shop.server.url.replace("127.0.0.1", "localhost"))
    with page.expect_navigation():
        page.evaluate("(url) => { location.href = url; }", here)
    expect(holder.sees("method-saved")).to_contain_text(CARD)
    page.goto(shop.server.url.replace("127.0.0.1", "localhost"))
    with page.expect_navigation():
        page.evaluate(_POSTS, f"{here}saved")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not from here")


_POSTS = """(url) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = url;
    document.body.append(form);
    form.submit();
}"""
