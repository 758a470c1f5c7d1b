"""The pictures of the README; `make test SHOTS=1` writes them to docs/img."""

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


def _take(page, gallery, pictures, picture, name, heading):
    page.goto(gallery.url(name))
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    page.evaluate("document.fonts.ready")
    file = pictures / f"{picture}.png"
    page.screenshot(path=file, animations="disabled")
    assert 10_000 < file.stat().st_size < _LARGEST


@pytest.mark.parametrize(("picture", "name", "heading"), _PHONE)
def test_a_picture_of_the_payment_is_taken(open_page, gallery, pictures, picture, name, heading):
    page = open_page(viewport=PHONE, device_scale_factor=2)
    _take(page, gallery, pictures, picture, name, heading)


@pytest.mark.parametrize(("picture", "name", "heading"), _WIDE)
def test_a_picture_of_the_developers_pages_is_taken(open_page, gallery, pictures, picture, name, heading):
    page = open_page(viewport=WIDE)
    _take(page, gallery, pictures, picture, name, heading)
