"""The scenarios as a tool: short, narrowed while one types, one outcome made the next payment's."""

import pytest
from playwright.sync_api import expect

from tests.pages.keyboard import tab_to
from tests.pages.watch import WIDE

_HEIGHT = "document.scrollingElement.scrollHeight"


@pytest.mark.parametrize(("size", "folded", "line"), [({"width": 360, "height": 800}, 1860, 76), (WIDE, 1450, 27)])
def test_the_page_is_short_and_one_group_is_open_at_a_time(open_page, gallery, size, folded, line):
    """A group that is open adds so many pixels for each of its outcomes, and those of three around them."""
    page = open_page(viewport=size)
    page.goto(gallery.url("dashboard-scenarios"))
    closed = page.evaluate(_HEIGHT)
    assert closed <= folded
    for group in page.locator("details.group summary").all():
        group.click()
        expect(page.locator("details.group[open]")).to_have_count(1)
        outcomes = page.locator("details.group[open] .outcomes li:visible").count()
        assert outcomes
        assert page.evaluate(_HEIGHT) - closed <= (outcomes + 3) * line, group.inner_text()


def test_typing_narrows_the_list_and_clearing_folds_it_again(wide_page, gallery):
    page = wide_page
    page.goto(gallery.url("dashboard-scenarios"))
    lines, groups = page.locator(".outcomes li:visible"), page.locator("details.group:visible")
    everything = groups.count()
    page.keyboard.press("/")
    page.keyboard.type("net banking FROZEN")
    expect(lines).to_have_count(1)
    expect(groups).to_have_count(1)
    page.get_by_role("searchbox").fill("")
    expect(lines).to_have_count(0)
    expect(groups).to_have_count(everything)


def test_the_next_payment_by_net_banking_is_made_to_fail_as_frozen_by_keyboard_alone(wide_page, shop):
    page = wide_page
    page.goto(f"{shop.ui}/scenarios")
    page.keyboard.press("/")
    page.keyboard.type("net banking frozen")
    tab_to(page, "Use next: frozen: account frozen")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("make-rule")).to_be_visible()
    tab_to(page, "make-rule")
    page.keyboard.press("Enter")
    expect(page.locator("[aria-labelledby=rules] tbody")).to_contain_text("method netbanking")
    (rule,) = shop.seller.control("GET", "/scenarios")["items"]
    assert rule["outcome"] == "frozen"
    tab_to(page, f"Drop rule {rule['rule_id']}")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No rule waits.")).to_be_visible()
    assert shop.seller.control("GET", "/scenarios")["items"] == []
