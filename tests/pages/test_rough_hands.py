"""What people do to pages: back, reload, twice, without a mouse, without a script."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.form_browser import GOOD_CARD, RIGHT_OTP
from tests.pages.accessibility import assert_accessible
from tests.pages.buyer import Buyer
from tests.pages.keyboard import FOCUSED, tab_to


def test_going_back_after_paying_shows_the_result_again(buyer, page, shop):
    buyer.buy().ask("success@mockpay").reads_status("SUCCESS")
    page.go_back()
    buyer.reads_status("SUCCESS")
    assert len(shop.order()["attempts"]) == 1


def test_going_back_from_the_shop_cannot_pay_twice(buyer, page, shop):
    buyer.buy().ask("success@mockpay").go_back_to_the_shop().finds_in_the_shop("PAID")
    page.go_back()
    buyer.reads_status("SUCCESS")
    assert len(shop.seller.orders()) == 1


def test_a_double_click_pays_once(buyer, page, shop):
    buyer.buy().press("method-upi")
    page.get_by_test_id("upi-vpa").fill("success@mockpay")
    page.get_by_test_id("pay").dblclick()
    buyer.reads_status("SUCCESS")
    assert [one["state"] for one in shop.order()["attempts"]] == ["CAPTURED"]


def test_reloading_changes_nothing_anywhere(buyer, page, shop):
    buyer.buy()
    page.reload()
    buyer.ask("asha@okhdfc").waits()
    page.reload()
    buyer.waits().open_the_app()
    page.reload()
    buyer.press("upi-approve").reads_status("SUCCESS")
    page.reload()
    buyer.reads_status("SUCCESS").go_back_to_the_shop()
    page.reload()
    buyer.finds_verified("SUCCESS").finds_in_the_shop("PAID")
    assert [one["state"] for one in shop.order()["attempts"]] == ["CAPTURED"]


def test_a_payment_needs_no_mouse(buyer, page):
    page.goto(buyer.shop.url)
    tab_to(page, "buy-bell")
    page.keyboard.press("Enter")
    buyer.sees("method-upi")
    tab_to(page, "method-card")
    page.keyboard.press("Enter")
    buyer.sees("pay")
    for name, value in (("number", GOOD_CARD), ("expiry", "08/29"), ("cvv", "123"), ("name", "Asha Menon")):
        tab_to(page, name)
        page.keyboard.type(value)
    page.keyboard.press("Enter")
    buyer.sees("threeds-continue")
    expect(buyer.frame.locator("[name=otp]")).to_be_visible()
    tab_to(page, "otp", frame="acs")
    page.keyboard.type(RIGHT_OTP)
    tab_to(page, "acs-submit", frame="acs")
    page.keyboard.press("Enter")
    buyer.reads_status("SUCCESS")
    tab_to(page, "return-to-seller")
    page.keyboard.press("Enter")
    buyer.finds_in_the_shop("PAID")


def test_the_first_tab_offers_to_skip_to_the_content(buyer, page):
    buyer.buy()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


def test_enter_in_the_pin_field_pays_and_does_not_decline(buyer, page):
    buyer.buy().ask("asha@okhdfc").open_the_app()
    page.get_by_label("UPI PIN").press_sequentially("2580")
    page.keyboard.press("Enter")
    buyer.reads_status("SUCCESS")


def test_a_waiting_page_keeps_the_keyboards_place(buyer, page):
    """A page that loaded itself anew every two seconds would take it away."""
    buyer.buy().ask("pending@mockpay").waits()
    loads = []
    page.on("request", lambda request: loads.append(request.is_navigation_request()))
    tab_to(page, "check-again")
    for _ in range(2):
        with page.expect_response("**/status"):
            pass
    assert page.evaluate(FOCUSED) == "check-again"
    assert not any(loads)


@pytest.fixture
def scriptless(open_page, shop):
    return Buyer(open_page(java_script_enabled=False), shop)


def test_a_payment_needs_no_script(scriptless):
    scriptless.buy().ask("asha@okhdfc").waits().open_the_app().press("upi-approve")
    scriptless.reads_status("SUCCESS").go_back_to_the_shop()
    scriptless.finds_verified("SUCCESS").finds_in_the_shop("PAID")


def test_without_script_the_waiting_page_moves_on_by_itself(scriptless, shop):
    scriptless.buy().ask("pendingok@mockpay").waits()
    shop.seller.advance(seconds=30)
    scriptless.reads_status("SUCCESS")


def test_an_impossible_amount_is_explained_at_its_field(page, shop, watch):
    watch.expects(400)
    page.goto(shop.url)
    page.get_by_test_id("shop-test-amount").fill("1.001")
    page.get_by_test_id("buy-bell").click()
    expect(page).to_have_title(re.compile("^Error: "))
    field = page.get_by_test_id("shop-test-amount")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("1.001")
    assert_accessible(page)
