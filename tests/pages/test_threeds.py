"""3-D Secure on a phone: the bank's page in its frame, and by itself where there is no script."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible
from tests.pages.buyer import Buyer

_OVERHANG = "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def scriptless(open_page, shop):
    return Buyer(open_page(java_script_enabled=False), shop)


@pytest.fixture
def at_frame(buyer):
    """A buyer who has the bank's page before them."""
    buyer.buy().type_card()
    expect(buyer.frame.get_by_test_id("acs-submit")).to_be_visible()
    return buyer


def proof(shop):
    last = shop.order()["attempts"][-1]
    return last["state"], last["eci"]


def the_frame(page):
    return next(one for one in page.frames if one.name == "acs")


def test_the_banks_page_fits_its_frame_of_250_by_400(at_frame, page, shop):
    page.wait_for_load_state("networkidle")
    box = page.locator("iframe[name=acs]").bounding_box()
    inner = the_frame(page)
    assert inner.evaluate("[innerWidth, innerHeight]") == [250, 400]
    assert box["width"] == 252
    assert inner.evaluate(_OVERHANG) <= 0
    for hook in ("acs-submit", "acs-cancel", "acs-resend"):
        shown = inner.get_by_test_id(hook)
        bottom = shown.evaluate("(one) => one.getBoundingClientRect().bottom")
        assert bottom <= 400, hook
    assert_accessible(page)
    at_frame.confirm_in_frame().reads_status("SUCCESS")
    assert proof(shop) == ("CAPTURED", "05")
    at_frame.go_back_to_the_shop().finds_verified("SUCCESS").finds_in_the_shop("PAID")


def test_the_bank_sees_the_browser_before_it_is_asked(buyer, shop, page):
    with page.expect_request("**/3ds-method") as seen, page.expect_request("**/3ds") as asked:
        buyer.buy().type_card()
    assert seen.value.method == "POST"
    expect(buyer.frame.get_by_test_id("acs-submit")).to_be_visible()
    buyer.confirm_in_frame().reads_status("SUCCESS")
    assert asked.value is not None


def test_a_challenge_that_fails_in_its_frame_leads_on_the_whole_page(at_frame, page):
    at_frame.confirm_in_frame("333333").reads_status("FAILURE")
    expect(at_frame.sees("payment-reason")).to_have_attribute("data-code", "N/01")
    assert_accessible(page)


def test_leaving_in_the_frame_offers_another_method(at_frame):
    at_frame.frame.get_by_test_id("acs-cancel").click()
    at_frame.reads_status("FAILURE").press("retry").ask("success@mockpay").reads_status("SUCCESS")


def test_a_challenge_whose_time_is_over_moves_the_page_on_by_itself(at_frame, shop):
    shop.seller.advance(seconds=601)
    at_frame.reads_status("FAILURE")
    expect(at_frame.sees("payment-reason")).to_have_attribute("data-reason", "payment_timed_out")


def test_whoever_wants_it_has_the_banks_page_by_itself(at_frame, page):
    at_frame.press("threeds-continue")
    expect(page).to_have_url(re.compile(r"/acs/"))
    assert_accessible(page)
    page.locator("[name=otp]").fill("123456")
    at_frame.press("acs-submit").reads_status("SUCCESS")


def test_without_a_script_forms_lead_to_the_bank_and_back(scriptless, shop):
    scriptless.buy().type_card()
    assert scriptless.page.locator("iframe").is_hidden()
    scriptless.confirm_by_forms().reads_status("SUCCESS")
    scriptless.go_back_to_the_shop().finds_verified("SUCCESS").finds_in_the_shop("PAID")
    assert proof(shop) == ("CAPTURED", "05")


def test_a_reviewed_card_goes_on_by_itself(buyer, page, shop):
    shop.seller.next("risk", "review", method="card")
    buyer.buy().type_card().waits()
    expect(page.get_by_role("heading", level=1)).to_have_text("We are checking this payment")
    assert_accessible(page)
    shop.seller.advance(until="next")
    buyer.confirm_in_frame().reads_status("SUCCESS")


def test_a_double_click_at_the_bank_pays_once(at_frame, shop):
    at_frame.frame.locator("[name=otp]").fill("123456")
    at_frame.frame.get_by_test_id("acs-submit").dblclick()
    at_frame.reads_status("SUCCESS")
    assert [one["state"] for one in shop.order()["attempts"]] == ["CAPTURED"]


def test_going_back_after_a_challenge_shows_the_result_again(at_frame, page, shop):
    at_frame.confirm_in_frame().reads_status("SUCCESS")
    page.go_back()
    at_frame.reads_status("SUCCESS")
    assert len(shop.order()["attempts"]) == 1


def test_loading_the_page_again_keeps_the_challenge(at_frame, page):
    at_frame.confirm_in_frame("000000")
    expect(at_frame.frame.get_by_text("2 attempts left")).to_be_visible()
    page.reload()
    expect(at_frame.frame.get_by_text("2 attempts left")).to_be_visible()
    at_frame.confirm_in_frame().reads_status("SUCCESS")


def test_the_banks_page_in_its_frame_has_no_scroll_bar_and_nothing_lies_over_it(buyer, page):
    buyer.buy().type_card()
    expect(page.locator(".note details")).not_to_have_attribute("open", "")
    buyer.frame.locator("summary").click()
    expect(buyer.frame.get_by_test_id("acs-choose-error")).to_be_visible()
    page.frame("acs").wait_for_function("document.documentElement.scrollHeight <= innerHeight")
    note, frame, bar = (page.locator(part).bounding_box() for part in (".note", "iframe[name=acs]", ".bar"))
    assert note["y"] + note["height"] <= frame["y"]
    assert frame["y"] + frame["height"] <= bar["y"]
