"""Buyers without a browser, and somebody to buy from."""

import pytest

from tests.journeys.plain_buyer import DemoShop, PlainBuyer


@pytest.fixture
def buyer():
    return PlainBuyer()


@pytest.fixture
def shop(mockpay_server):
    """The demo shop, its seller's world emptied and its clock standing still."""
    return DemoShop.opened(mockpay_server)
