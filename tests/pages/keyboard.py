"""Moving about a page by Tab alone."""

import pytest

#: The element with the focus: its hook, its name as a field, or its words.
FOCUSED = """(({dataset, name, textContent, ariaLabel}) => dataset.testid || name || ariaLabel || textContent.trim())(
    document.activeElement)"""


def tab_to(page, named, frame=None):
    """Press Tab until the element has the focus, in a frame of the page if one is named; it must be seen to have it."""
    place = page.frame(frame) if frame else page
    for _ in range(40):
        page.keyboard.press("Tab")
        if place.evaluate(FOCUSED) == named:
            assert "none" not in place.evaluate("getComputedStyle(document.activeElement).outline")
            return
    pytest.fail(f"{named} cannot be reached by Tab on {page.url}")
