"""Lists and the clock while a tester looks on: rows change in place, without a script a link stays."""

import re

import pytest
import requests
from playwright.sync_api import expect

from tests.journeys.form_browser import FormBrowser


@pytest.fixture
def asked(shop):
    """An order whose buyer is asked in the UPI app; the browser that can answer."""
    browser = FormBrowser()
    browser.buys(shop).asks("asha@okhdfc")
    return browser


def test_a_row_changes_in_place_once_the_buyer_has_answered(wide_page, shop, asked):
    page = wide_page
    page.goto(f"{shop.ui}/orders")
    row = page.locator("tbody tr")
    expect(row.locator(".chip")).to_have_text("Pending")
    page.evaluate("document.body.dataset.seen = 'the same page'")
    shop.seller.advance(seconds=60)
    expect(row.locator(".chip")).to_have_text("Paid")
    expect(page.locator("nav.tabs [aria-current]")).to_contain_text("1")
    expect(page.get_by_role("link", name=re.compile("^Paid 1"))).to_be_visible()
    assert page.evaluate("document.body.dataset.seen") == "the same page"
    expect(page.locator("[data-new]")).to_be_hidden()


def test_new_rows_wait_while_the_pointer_is_among_the_others(wide_page, shop, asked):
    page = wide_page
    page.goto(f"{shop.ui}/orders")
    page.locator("tbody tr").hover()
    FormBrowser().buys(shop)
    link = page.locator("[data-new]")
    expect(link).to_have_text("1 new")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("thead").hover()  # still in the table: where the link may have moved it
    page.evaluate("fetch(location.href).then((answer) => answer.text())")  # what hovering started has ended by then
    page.mouse.move(0, 0)
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(link).to_be_hidden()


def test_what_is_unfolded_in_the_journal_stays_so_when_a_request_comes(wide_page, shop, asked):
    page = wide_page
    requests.get(f"{shop.server.url}/shop/orders/{shop.order()['seller_order_id']}", timeout=30)
    page.goto(f"{shop.ui}/journal")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("summary").click()
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    FormBrowser().buys(shop)
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("details")).to_have_attribute("open", "")
    expect(page.locator("details pre")).to_be_visible()


def test_the_running_clock_runs_and_the_frozen_one_stands(page, shop):
    clock = page.locator(".clock time")
    page.goto(f"{shop.ui}/orders")
    stands = clock.inner_text()
    shop.seller.control("PUT", "/clock", {"mode": "running"})
    page.goto(f"{shop.ui}/orders")
    begun = clock.inner_text()
    assert re.fullmatch(r"\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d:\d\d IST", begun)
    expect(clock).not_to_have_text(begun)
    assert re.fullmatch(r"\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d:\d\d IST", clock.inner_text())
    assert stands[:11] == begun[:11]
    shop.seller.control("PUT", "/clock", {"mode": "frozen"})
    page.goto(f"{shop.ui}/orders")
    assert page.locator("[data-clock]").count() == 0


def test_without_a_script_the_link_to_what_is_new_is_there(open_page, shop, asked):
    page = open_page(java_script_enabled=False)
    page.goto(f"{shop.ui}/orders")
    FormBrowser().buys(shop)
    page.get_by_role("link", name="Show what is new").click()
    expect(page.locator("tbody tr")).to_have_count(2)
