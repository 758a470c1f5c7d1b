"""Refunds, notifications and the inbox on the dashboard, by a tester with a browser."""

import re

import pytest
from playwright.sync_api import expect

from mockpay.otp import challenges
from mockpay.otp.rules import Purpose
from mockpay.store.unit_of_work import transaction
from tests.journeys.form_browser import FormBrowser
from tests.pages.accessibility import assert_accessible


@pytest.fixture
def bought(shop):
    """An order of the bell, paid; its page on the dashboard."""

    def buy(amount=""):
        FormBrowser().buys(shop, amount=amount).asks("success@mockpay")
        shop.seller.advance(seconds=0)
        return f"{shop.ui}/orders/{shop.order()['order_id']}"

    return buy


def heading(page):
    return page.get_by_role("heading", level=1)


def test_a_tester_cancels_a_paid_order_holds_its_refund_and_completes_it(wide_page, shop, bought):
    page = wide_page
    page.goto(bought())
    page.get_by_test_id("order-cancel").click()
    page.get_by_role("region", name="Refunds").get_by_role("link", name="₹499.00").click()
    expect(heading(page)).to_have_text("On its way, settles in 0:05")
    page.get_by_test_id("refund-hold").click()
    expect(heading(page)).to_have_text("Held until a tester says how it ends")
    assert_accessible(page)
    page.get_by_test_id("refund-complete").click()
    expect(heading(page)).to_have_text("Paid back to success@mockpay")
    expect(page.get_by_text("RRN", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Notifications").get_by_role("listitem")).to_contain_text("Delivered")
    shop.seller.control("GET", "/audit")


def test_a_refund_is_declined_with_a_reason_by_keyboard_alone(page, bought):
    page.goto(bought())
    page.get_by_test_id("order-cancel").press("Enter")
    page.get_by_role("region", name="Refunds").get_by_role("link").press("Enter")
    reason = page.get_by_label("Reason")
    reason.focus()
    page.keyboard.press("ArrowDown")
    expect(reason).to_have_value("PROCESSING_FAILURE")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Declined: PROCESSING_FAILURE")


def test_a_button_that_comes_too_late_says_so_where_it_was_pressed(page, shop, bought, watch):
    watch.expects(409)
    page.goto(bought())
    page.get_by_test_id("order-cancel").click()
    page.get_by_role("region", name="Refunds").get_by_role("link").click()
    page.route("**/news", lambda _: None)  # never answered: the page does not hear of the news
    shop.seller.advance(seconds=5)
    page.get_by_test_id("refund-hold").click()
    expect(page.get_by_role("alert")).to_have_text("A refund that is COMPLETED cannot do 'held'.")
    assert_accessible(page)


def test_deliver_now_shows_the_new_try(wide_page, bought):
    page = wide_page
    page.goto(bought())
    page.get_by_role("region", name="Notifications").get_by_role("link", name="Payment").click()
    tries = page.get_by_test_id("try")
    expect(tries).to_have_count(1)
    page.get_by_test_id("deliver").click()
    expect(tries).to_have_count(2)
    newest = tries.first
    expect(newest).to_contain_text("200 OK")
    expect(newest).to_contain_text("<ChargeTransactionDetails>")
    newest.get_by_text("Text that was signed").click()
    expect(newest.get_by_text(re.compile(r"^Message\n"))).to_be_visible()
    assert_accessible(page)


def test_the_list_of_notifications_filters_itself(wide_page, shop, bought):
    page = wide_page
    page.goto(bought())
    page.get_by_test_id("order-cancel").click()
    shop.seller.advance(seconds=5)
    page.goto(f"{shop.ui}/notifications")
    expect(page.locator("a.row-link")).to_have_count(2)
    page.get_by_label("About").select_option("Refund")
    expect(page).to_have_url(re.compile("type=refund"))
    expect(page.locator("a.row-link")).to_have_count(1)
    page.get_by_role("link", name=re.compile("Given up")).click()
    expect(page.get_by_text("No notification fits.")).to_be_visible()


def test_a_new_message_appears_and_its_code_is_copied(open_page, shop):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{shop.ui}/inbox")
    expect(page.get_by_test_id("inbox-message")).to_have_count(0)
    with transaction(shop.server.runtime, shop.seller.seller_id) as sandbox:
        challenges.start(sandbox, purpose=Purpose.SIGN_IN, subject="asha", to="+919800003210")
    expect(page.get_by_test_id("inbox-message")).to_have_count(1)
    code = page.get_by_test_id("inbox-otp").inner_text()
    assert re.fullmatch(r"\d{6}", code)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code
