"""Rules as testers write them."""

import pytest

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.scenarios.resolution import MATCH_KEYS
from mockpay.domain.scenarios.rule_forms import parse_match_value
from mockpay.kernel.errors import Invalid


def test_a_value_has_at_most_255_characters():
    assert parse_match_value("reference", "x" * 255) == ("reference", "x" * 255)
    with pytest.raises(Invalid):
        parse_match_value("reference", "x" * 256)


def test_a_rule_may_match_on_every_part_that_an_instrument_has():
    assert all(method.match_keys <= MATCH_KEYS for method in METHODS.values() if method.match_keys)
