"""
The pictures of the README; `make test SHOTS=1` writes them to docs/img.

Beside each stands a digest of what its page said and of its style sheets, which is computed again here: a picture of
yesterday's page fails. Pixels are not compared, since every machine draws its own.
"""

import hashlib
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.pages.watch import PHONE, WIDE

_LARGEST = 250_000
#: Picture, page of the gallery, and what must be seen on it.
_PHONE = (
    ("choose", "choose", "How would you like to pay?"),
    ("upi", "upi", "Pay by UPI"),
    ("upi-app", "upi-app", "Paying"),
    ("card", "card", "Pay by card"),
    ("otp", "otp", "Enter the code"),
    ("acs", "acs", "Authenticate your purchase"),
    ("netbanking", "netbanking", "Pay by net banking"),
    ("bank", "bank", "Confirm your payment"),
    ("wallet", "wallet", "Pay by Amazon Pay balance"),
    ("waiting", "waiting", "Approve in your UPI app"),
    ("success", "success", "Payment successful"),
    ("failed", "failed", "Payment failed"),
)
_WIDE = (
    ("dashboard-list", "dashboard-list", "What happened?"),
    ("dashboard-order", "dashboard-order", "The buyer’s bank declined the payment: not enough funds"),
    ("shop-order", "shop-order", "Order NCW-2026-000003"),
)


_STORED = Path(__file__).parents[2] / "docs" / "img"
#: What differs from run to run however still seed and clock stand: ports, the shop's own clock, how long a call took,
#: the merchant's timestamps, what is sealed or signed with them, and how long that is.
_VARYING = re.compile(
    r"127\.0\.0\.1:\d+|\d{1,2} \w{3} \d{4}, \d{1,2}:\d{2} [ap]m|\b[\d.]+ m?s\b|\b1\d{9,12}\b"
    r"|# \d+ .*(?:ahead|ago).*|\d{4}-\d{2}-\d{2}T[\d:.]+Z|[\w+/=%-]{40,}|\S+…\S+=|\b\d+ bytes"
)
#: The other sellers, whose ids the system makes up.
_FORGET_OTHERS = (
    "document.querySelectorAll('[name=seller] option:not([selected])').forEach((option) => option.remove())"
)
_SHEETS = "[...document.querySelectorAll('link[rel=stylesheet]')].map((link) => link.href)"


def _digest(page):
    """Two lines: of the page's words as they are shown, and of its style sheets."""
    page.evaluate(_FORGET_OTHERS)
    words = _VARYING.sub("~", page.locator("body").inner_text())
    sheets = b"".join(page.request.get(sheet).body() for sheet in page.evaluate(_SHEETS))
    shown = {"words": " ".join(words.split()).encode(), "style": sheets}
    return "".join(f"{name} {hashlib.sha256(content).hexdigest()}\n" for name, content in shown.items())


def _take(page, gallery, pictures, picture, name, heading):
    page.goto(gallery.url(name))
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    page.evaluate("document.fonts.ready")
    file = pictures / f"{picture}.png"
    page.screenshot(path=file, animations="disabled")
    assert 10_000 < file.stat().st_size < _LARGEST
    digest = _digest(page)
    stored = _STORED / f"{picture}.digest"
    if os.environ.get("MOCKPAY_SHOTS"):
        stored.write_text(digest)
    assert stored.read_text() == digest, "an old picture: make test ARGS=tests/pages/test_screenshots.py SHOTS=1"


@pytest.mark.parametrize(("picture", "name", "heading"), _PHONE)
def test_a_picture_of_the_payment_is_taken(open_page, gallery, pictures, picture, name, heading):
    page = open_page(viewport=PHONE, device_scale_factor=2)
    _take(page, gallery, pictures, picture, name, heading)


@pytest.mark.parametrize(("picture", "name", "heading"), _WIDE)
def test_a_picture_of_the_developers_pages_is_taken(open_page, gallery, pictures, picture, name, heading):
    page = open_page(viewport=WIDE)
    _take(page, gallery, pictures, picture, name, heading)
