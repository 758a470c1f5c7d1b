"""The amounts of the band, paid by other methods than UPI."""

import pytest

from mockpay.domain.methods.iso8583 import ISO_CODES
from mockpay.domain.methods.netbanking import NetBanking


@pytest.mark.parametrize("code", ISO_CODES)
def test_an_amount_of_the_issuers_band_is_the_cards_own_code(world, code):
    order = world.order(amount=f"1700.{code}")
    attempt = world.pay_with(order, world.card("4111111111111111"))
    if code == "68":  # the answer came too late: nobody knows
        assert world.states(order) == ("PENDING", "UNKNOWN")
        world.advance_until_idle()
        assert world.states(order) == ("PAID", "CAPTURED")
        return
    assert world.states(order) == ("PENDING", "FAILED")
    assert attempt.failure.code == code


@pytest.mark.parametrize("code", ["05", "51", "91"])
def test_an_amount_of_the_issuers_band_makes_any_bank_refuse(world, code):
    order = world.order(amount=f"1700.{code}")
    attempt = world.pay_with(order, NetBanking("HDFC"))
    assert world.states(order) == ("PENDING", "FAILED")
    assert attempt.failure.code == "F"
