"""Buyers without a browser, and somebody to buy from."""

import pytest

from tests.journeys.form_browser import DemoShop, FormBrowser


@pytest.fixture
def buyer():
    return FormBrowser()


@pytest.fixture
def shop(mockpay_server):
    """The demo shop, its seller's world emptied and its clock standing still; at the end its money must be right."""
    opened = DemoShop.opened(mockpay_server)
    yield opened
    assert opened.seller.control("GET", "/audit")["violations"] == []
