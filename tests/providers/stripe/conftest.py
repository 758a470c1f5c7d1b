"""A seller's software at the front door."""

import pytest

from tests.providers.stripe.software import Software


@pytest.fixture
def software(mockpay_seller):
    return Software(mockpay_seller)
