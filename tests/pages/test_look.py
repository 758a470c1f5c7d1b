"""Every page in a browser: axe finds nothing grave, it fits a small phone, it can be dark."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible
from tests.pages.gallery import ISSUER, NAMES, PAYMENT, STATUS
from tests.pages.watch import PHONE, WIDE, Watch

_SMALL = {"width": 320, "height": 640}
#: Somebody else's product, light by day and night.
_NEVER_DARK = {"upi-app", "upi-app-nothing", "bank-login", "bank", *ISSUER}
_OVERHANG = "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
_LIGHTNESS = """() => {
    const body = getComputedStyle(document.body).backgroundColor;
    const shown = body === "rgba(0, 0, 0, 0)"
        ? getComputedStyle(document.documentElement).backgroundColor : body;
    return Math.max(...shown.match(/\\d+/g).slice(0, 3));
}"""
#: What shows only a part of its words; what is hidden from eyes is one pixel high.
_CUT = """() => [...document.querySelectorAll("body *:not(.sr, select, svg)")]
    .filter((element) => element.clientHeight > 1)
    .filter((element) => element.matches("h1, .btn, label") && element.scrollHeight > element.clientHeight + 4
        || getComputedStyle(element).overflowX === "hidden" && element.scrollWidth > element.clientWidth + 2)
    .map((element) => element.outerHTML.slice(0, 120))"""
#: Everything a finger may aim at, less what stands inside a sentence.
_SMALL_TARGETS = """() => [...document.querySelectorAll(
        "main button, main input:not([type=hidden], [type=radio], [type=checkbox]), main .btn, "
        + "main .tile, main label:has(input[type=radio], input[type=checkbox]), main .leave a")]
    .filter((one) => one.checkVisibility() && one.getAttribute("aria-hidden") !== "true")
    .filter((one) => one.getBoundingClientRect().height < 44 - 0.5)
    .map((one) => one.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="session")
def walker(browser):
    """One browser page for all of these tests: they only look."""
    context = browser.new_context(reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture
def show(gallery, walker):
    """Show a page of the gallery, by daylight; what waits to lead on by itself stays."""
    watch = Watch()
    stop = watch.over(walker.context)

    def stay(route):
        answer = route.fetch()
        kept = {name: value for name, value in answer.headers.items() if name != "refresh"}
        route.fulfill(response=answer, headers=kept)

    def opened(name, **size):
        watch.expects(STATUS.get(name))
        if name == "taking-back":
            walker.route(gallery.url(name), stay)
        walker.emulate_media(color_scheme="light")
        walker.set_viewport_size(size or PHONE)
        walker.goto(gallery.url(name))
        return walker

    yield opened
    walker.unroute_all()
    walker.goto("about:blank")
    stop()
    watch.check()


@pytest.fixture
def text_size(walker):
    """What the browser's own setting does, not zoom: 16 px are 32 px."""
    session = walker.context.new_cdp_session(walker)

    def change(*, double):
        standard, fixed = (32, 26) if double else (16, 13)
        session.send("Page.setFontSizes", {"fontSizes": {"standard": standard, "fixed": fixed}})

    yield change
    change(double=False)
    session.detach()


#: What Tab must come to (of radio buttons one of each group), and from then on what it came to, and whether in a ring.
_LISTEN = """() => {
    const stop = (element) => element.type === "radio" ? `radio ${element.name}` : element;
    const name = (element) => element.outerHTML.slice(0, 120);
    const ring = (element) => [[element], [element, "::after"], [element.closest("label")],
            [element.closest(".search, .pick")], [element.nextElementSibling]]
        .some(([shown, part]) => {
            const {outlineStyle, outlineWidth} = shown ? getComputedStyle(shown, part) : {};
            return outlineStyle && outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
        });
    const missed = new Map([...document.querySelectorAll(
            "a[href], button:enabled, input:enabled:not([type=hidden]), select:enabled, textarea:enabled, "
            + "summary, [tabindex='0']")]
        .filter((element) => element.checkVisibility() && element.tabIndex >= 0)
        .map((element) => [stop(element), name(element)]));
    const bare = [];
    document.addEventListener("focusin", ({target}) => {
        missed.delete(stop(target));
        if (target.tagName !== "IFRAME" && !ring(target)) bare.push(name(target));
    });
    window.walked = () => [[...missed.values()], bare];
    // A moment is typed in parts: day, month, year, hour, minute, second, half of the day; then its calendar.
    return missed.size + 7 * document.querySelectorAll("input[type=datetime-local]").length;
}"""
#: How many presses the issuer's frame may take, whose stops a listener of the page does not count.
_IN_FRAME = 25
_TAB = {"type": "rawKeyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}


def walk_by_tab(page, stops):
    """Once round: whoever is trapped comes to nothing else, and some pages begin at their field."""
    keys = page.context.new_cdp_session(page)
    for _ in range(stops + 2):
        keys.send("Input.dispatchKeyEvent", _TAB)
    keys.detach()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_accessible_on_any_screen_light_and_dark_for_fingers_and_by_keyboard(show, text_size, name):
    page = show(name)
    assert_accessible(page)
    if name in PAYMENT and name != "taking-back":
        assert page.evaluate(_SMALL_TARGETS) == []
    page.set_viewport_size(_SMALL)
    assert page.evaluate(_OVERHANG) <= 0
    assert page.evaluate(_LIGHTNESS) > 200
    page.emulate_media(color_scheme="dark")
    assert (page.evaluate(_LIGHTNESS) < 60) == (name not in _NEVER_DARK)
    page.set_viewport_size(WIDE)
    assert_accessible(page)
    walk_by_tab(page, page.evaluate(_LISTEN) + (_IN_FRAME if name == "threeds" else 0))
    assert page.evaluate("walked()") == [[], []]
    text_size(double=True)
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 22
    for size in (WIDE, {"width": 360, "height": 800}):
        page.set_viewport_size(size)
        assert page.evaluate(_OVERHANG) <= 0
        assert page.evaluate(_CUT) == []


def test_state_is_never_told_by_colour_alone(show):
    for chip in show("dashboard-list", **WIDE).locator(".chip").all():
        expect(chip).to_have_text(re.compile(r"\w"))
        expect(chip.locator("svg")).to_have_count(1)


def test_on_paper_a_page_tells_all_and_has_nothing_to_press(show):
    page = show("dashboard-order", **WIDE)
    fold = page.locator("details:not([open]) > :not(summary)").first
    pressable = page.locator(".side, .topbar form, .btn").locator("visible=true")
    expect(fold).to_be_hidden()
    assert pressable.count() > 0
    page.emulate_media(media="print")
    expect(fold).to_be_visible()
    expect(pressable).to_have_count(0)
    expect(page.locator("h1, .timeline").first).to_be_visible()
    page.emulate_media(media="screen")


@pytest.mark.parametrize("name", ["dashboard-list", "dashboard-seller"])
def test_on_a_phone_every_place_and_every_button_of_the_clock_is_on_screen(show, name):
    page = show(name, width=360, height=800)
    for target in page.locator(".side a, .clock button").all():
        box = target.bounding_box()
        assert box["x"] >= 0, target.inner_text()
        assert box["x"] + box["width"] <= 360, target.inner_text()
        assert target.evaluate("element => element.scrollWidth <= element.clientWidth"), target.inner_text()
    assert page.locator(".side [aria-current]").bounding_box()["y"] < 300
