"""EMI plans in words."""

import pytest

from mockpay.web.wording import emi_terms

TOLD = {"emi_bank": "ICIC", "tenure": "9", "rate_bps": "1599", "instalment": "1186.40", "discount": "0.00"}


@pytest.mark.parametrize(
    ("bps", "says"), [(1600, "16 %"), (1599, "15.99 %"), (1150, "11.5 %"), (1005, "10.05 %")]
)
def test_a_rate_is_written_as_lenders_do(bps, says):
    assert emi_terms.rate(bps) == says


def test_a_plan_is_told_with_its_instalments():
    assert emi_terms.facts(TOLD) == [
        {"label": "EMI plan", "value": "9 months at 15.99 %, ICICI Bank"},
        {"label": "Instalments", "value": "9 × ₹1,186.40"},
    ]


def test_a_discount_is_told_where_there_is_one():
    (*_, last) = emi_terms.facts(TOLD | {"discount": "635.33"})
    assert last == {"label": "No-cost discount", "value": "₹635.33"}


def test_any_other_instrument_has_no_plan():
    assert (emi_terms.instalments({"last4": "1007"}), emi_terms.facts({"last4": "1007"})) == ("", [])
