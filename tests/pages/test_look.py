"""Every page in a browser: axe finds nothing at all, it fits a small phone, it can be dark and large."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages.accessibility import OF_COLOUR, OF_SIZE, assert_accessible
from tests.pages.answers import PASSING
from tests.pages.gallery import ISSUER, NAMES, PAYMENT, STATUS
from tests.pages.watch import WIDE, Watch

_WIDTHS = (360, 1280)
#: Of the pages of a payment.
_SMALL = 320
#: Somebody else's product, light by day and night.
_NEVER_DARK = {"upi-app", "upi-app-nothing", "upi-app-pin", "bank-login", "bank", *ISSUER} - {
    "threeds-seen",
    "threeds-back",
}
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


#: What a note for testers may not be: longer than three lines, its padding and border left out.
_LONG_NOTES = """() => [...document.querySelectorAll(".note")].filter((note) => {
    const style = getComputedStyle(note);
    const inside = note.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    return Math.round(inside / parseFloat(style.lineHeight)) > 3;
}).map((note) => note.outerHTML.slice(0, 120))"""
#: Amounts and addresses of which parts stand on two lines.
_BROKEN = """() => {
  const broken = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    for (const found of node.data.matchAll(/₹[0-9,.]*[0-9]|[A-Za-z0-9.]+@[A-Za-z.]*[a-z]/g)) {
      const range = document.createRange();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) broken.push(found[0]);
    }
  }
  return broken;
}"""
_UNFOLD = "document.querySelectorAll('details').forEach((fold) => { fold.open = true; })"


@pytest.fixture(scope="session")
def walker(browser):
    """One browser page for all of these tests: they only look."""
    context = browser.new_context(reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture
def show(gallery, walker):
    """Show a page of the gallery, as it was answered and by daylight; what leads on by itself stays."""
    watch = Watch()
    stop = watch.over(walker.context)

    def opened(name, size=WIDE):
        answer = gallery.fetch(name)
        passing = {"Refresh", "Set-Cookie", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection"}
        headers = {title: value for title, value in answer.headers.items() if title not in passing}

        def fulfil(route):
            if route.request.is_navigation_request() and route.request.frame == walker.main_frame:
                route.fulfill(status=answer.status_code, headers=headers, body=answer.text)
            else:
                route.continue_()

        walker.route(lambda url: url == answer.url, fulfil)
        # The page stays as it was answered, whatever another one has changed since.
        walker.route(re.compile(r"/(news|status)(\?|$)"), lambda route: route.fulfill(status=304))
        if name in PASSING:
            walker.route("**/challenge.js*", lambda route: route.fulfill(content_type="text/javascript", body=""))
        watch.expects(STATUS.get(name))
        walker.emulate_media(color_scheme="light")
        walker.set_viewport_size(size)
        walker.goto(answer.url)
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
    # A date has stops of its own: day, month, year and its calendar.
    dates = page.locator("input[type=date]").count()
    for _ in range(stops + 2 + 3 * dates):
        keys.send("Input.dispatchKeyEvent", _TAB)
    keys.detach()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_accessible_on_any_screen_light_and_dark_small_and_large_and_by_keyboard(show, text_size, name):
    page = show(name)
    walk_by_tab(page, page.evaluate(_LISTEN) + (_IN_FRAME if name == "threeds" else 0))
    assert page.evaluate("walked()") == [[], []]
    if name in PAYMENT:
        page.set_viewport_size({"width": _WIDTHS[0], "height": 800})
        assert page.evaluate(_SMALL_TARGETS) == []
        assert page.evaluate(_LONG_NOTES) == []
    page.evaluate(_UNFOLD)
    if name in PAYMENT:
        assert page.evaluate(_BROKEN) == []
    assert page.evaluate(_LIGHTNESS) > 200
    for double in (False, True):
        text_size(double=double)
        for width in _WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(_OVERHANG) <= 0
            assert page.evaluate(_CUT) == []
            assert_accessible(page, OF_SIZE if double else None)
            if not double:
                page.emulate_media(color_scheme="dark")
                assert_accessible(page, OF_COLOUR)
                page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": _SMALL, "height": 640})
        assert page.evaluate(_OVERHANG) <= 0
        if name in PAYMENT:
            assert page.evaluate(_CUT) == []
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 22
    page.emulate_media(color_scheme="dark")
    assert (page.evaluate(_LIGHTNESS) < 60) == (name not in _NEVER_DARK)


def test_state_is_never_told_by_colour_alone(show):
    for chip in show("dashboard-list").locator(".chip").all():
        expect(chip).to_have_text(re.compile(r"\w"))
        expect(chip.locator("svg")).to_have_count(1)


def test_on_paper_a_page_tells_all_and_has_nothing_to_press(show):
    page = show("dashboard-order")
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
    page = show(name, {"width": 360, "height": 800})
    for target in page.locator(".side a, .clock button").all():
        box = target.bounding_box()
        assert box["x"] >= 0, target.inner_text()
        assert box["x"] + box["width"] <= 360, target.inner_text()
        assert target.evaluate("element => element.scrollWidth <= element.clientWidth"), target.inner_text()
    assert page.locator(".side [aria-current]").bounding_box()["y"] < 300
