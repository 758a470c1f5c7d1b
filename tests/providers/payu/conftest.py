"""A seller's software at the front door."""

import pytest

from tests.providers.payu.merchant import Merchant


@pytest.fixture
def merchant(mockpay_seller):
    return Merchant(mockpay_seller)
