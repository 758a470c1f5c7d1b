"""Outcomes in the request: what a call asks for, as stages decide it."""

import pytest

from mockpay.domain.payments.attempts import Source, Stage
from mockpay.domain.scenarios.requested import FIELD, HEADER, dump_outcomes, load_outcomes, parse_outcomes
from mockpay.kernel.errors import Invalid


def test_each_stage_has_its_outcome_and_says_where_it_stood():
    asked = parse_outcomes(" issuer = insufficient ,refund=delay:60, ipn=doubled,", FIELD)
    assert {stage: made.outcome for stage, made in asked.items()} == {
        Stage.ISSUER: "insufficient",
        Stage.REFUND: "delay:60",
        Stage.IPN: "doubled",
    }
    issuer = asked[Stage.ISSUER]
    assert (issuer.source, issuer.scenario, issuer.value) == (Source.SIMULATION, "issuer=insufficient", FIELD)


def test_nothing_asked_for_is_nothing():
    assert parse_outcomes("") == {}
    assert parse_outcomes(" , ,") == {}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("issuer", "outcome.invalid"),
        ("issuer=", "outcome.invalid"),
        ("=insufficient", "scenario.stage"),
        ("isuer=insufficient", "scenario.stage"),
        ("issuer=insuficient", "scenario.outcome"),
        ("issuer=success, issuer=insufficient", "outcome.invalid"),
        (f"issuer={'x' * 500}", "outcome.invalid"),
    ],
)
def test_what_can_never_be_is_refused_with_the_place_where_it_stood(text, code):
    with pytest.raises(Invalid) as refused:
        parse_outcomes(text)
    assert refused.value.code == code
    assert refused.value.detail["field"] == HEADER


def test_what_is_stored_with_an_order_is_what_was_asked_for():
    asked = parse_outcomes("issuer=51, capture=closed")
    assert load_outcomes(dump_outcomes(asked)) == asked
    assert load_outcomes(None) == {}
