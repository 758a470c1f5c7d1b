"""SandboxSimulation in notes: what is asked for, in Amazon's syntax, and what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import Decision, Source, Stage
from mockpay.kernel.errors import Invalid
from mockpay.providers.amazonpay.simulation import of_payment, of_refund

YEAR = 31_536_000
BOTH = pytest.mark.parametrize("read", [of_payment, of_refund])


def note(**wanted):
    return json.dumps({"SandboxSimulation": wanted})


def simulation(stage, outcome, words, source, delay=None):
    return {stage: Decision(outcome, Source.SIMULATION, f"SandboxSimulation {words}", source, delay)}


def refused(read, text):
    with pytest.raises(Invalid) as caught:
        read(text)
    return caught.value.code


DECLINED = {"State": "Declined", "ReasonCode": "InvalidPaymentMethod"}
EXPIRED = {"State": "Closed", "ReasonCode": "ExpiredUnused"}

PAYMENTS = [
    ({"Constraint": "PaymentMethodNotAllowed"}, "issuer", "iso:57", None),
    (DECLINED, "issuer", "iso:05", None),
    ({**DECLINED, "PaymentMethodUpdateTimeInMins": 1}, "issuer", "iso:05", None),
    ({**DECLINED, "PaymentMethodUpdateTimeInMins": 240}, "issuer", "iso:05", None),
    ({**DECLINED, "SoftDecline": "true"}, "issuer", "iso:05", None),
    ({**DECLINED, "SoftDecline": "false", "PaymentMethodUpdateTimeInMins": 5}, "issuer", "iso:05", None),
    ({"State": "Declined", "ReasonCode": "AmazonRejected"}, "issuer", "iso:59", None),
    ({"State": "Declined", "ReasonCode": "TransactionTimedOut"}, "issuer", "timedout", None),
    ({"State": "Pending"}, "issuer", "pendingok", None),
    ({"State": "Pending", "Hold": False}, "issuer", "pendingok", None),
    ({"State": "Pending", "DelaySecs": 0}, "issuer", "pendingok", 0),
    ({"State": "Pending", "DelaySecs": YEAR}, "issuer", "pendingok", YEAR),
    ({"State": "Pending", "Hold": False, "DelaySecs": 9}, "issuer", "pendingok", 9),
    ({"State": "Pending", "Hold": True}, "issuer", "pending", None),
    ({"State": "Completed"}, "issuer", "success", None),
    ({"State": "Completed", "DelaySecs": 0}, "issuer", "success", 0),
    ({"State": "Completed", "DelaySecs": 30}, "issuer", "pendingok", 30),
    (EXPIRED, "capture", "expires:60", None),
    ({**EXPIRED, "ExpirationTimeInMins": 1}, "capture", "expires:1", None),
    ({**EXPIRED, "ExpirationTimeInMins": 60}, "capture", "expires:60", None),
    ({"State": "Closed", "ReasonCode": "AmazonClosed"}, "capture", "closed", None),
]

REFUNDS = [
    ({"State": "Declined", "ReasonCode": "AmazonRejected"}, "REJECTED", None),
    ({"State": "Declined", "ReasonCode": "ProcessingFailure"}, "PROCESSING_FAILURE", None),
    ({"State": "Completed"}, "completed", None),
    ({"State": "Completed", "DelaySecs": 0}, "completed", 0),
    ({"State": "Completed", "DelaySecs": 30}, "delay:30", 30),
    ({"State": "Completed", "DelaySecs": YEAR}, f"delay:{YEAR}", YEAR),
    ({"State": "Pending", "Hold": True}, "held", None),
]


def words_of(wanted):
    names = ("Constraint", "State", "ReasonCode")
    return "/".join(wanted[name] for name in names if name in wanted)


def test_a_payment_note_decides_its_stage(subtests):
    for wanted, stage, outcome, delay in PAYMENTS:
        with subtests.test(wanted=wanted, stage=stage, outcome=outcome, delay=delay):
            expected = simulation(Stage(stage), outcome, words_of(wanted), "sellerNote", delay)
            assert of_payment(note(**wanted)) == expected


def test_a_refund_note_decides_the_refund(subtests):
    for wanted, outcome, delay in REFUNDS:
        with subtests.test(wanted=wanted, outcome=outcome, delay=delay):
            expected = simulation(Stage.REFUND, outcome, words_of(wanted), "SellerRefundNote", delay)
            assert of_refund(note(**wanted)) == expected


def test_every_method_knows_what_a_payment_note_may_ask_of_its_issuer(subtests):
    for method in METHODS:
        for outcome in sorted({row[2] for row in PAYMENTS if row[1] == "issuer"}):
            with subtests.test(method=method, outcome=outcome):
                assert METHODS[method].response_codes.has_outcome(outcome)


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Blue, size 9",
        "SandboxSimulation",
        "{",
        "[]",
        "null",
        "{}",
        '"{}"',
        '{"Simulation":{"State":"Declined"}}',
        '{"sandboxsimulation":{"State":"Declined"}}',
        '["SandboxSimulation"]',
        '[{"SandboxSimulation":{"State":"Nonsense"}}]',
        '{"gift":"SandboxSimulation"}',
        '{"gift":{"SandboxSimulation":{"State":"Nonsense"}}}',
        '{"SandboxSimulation":{"State":"Declined"',
        '{"SandboxSimulation":{}}}',
        "{SandboxSimulation: Declined}",
    ],
)
def test_an_ordinary_note_means_nothing(read, text):
    assert read(text) == {}


@BOTH
def test_white_space_and_other_keys_beside_it_do_no_harm(read):
    text = ' \n{"gift": [1, {"a": null}], "SandboxSimulation" : { "State" : "Completed" } } '
    assert read(text) == read(note(State="Completed"))


WRONG_IN_BOTH = [
    {},
    {"State": "Declined"},
    {"State": "Nonsense"},
    {"State": "declined"},
    {"State": ""},
    {"State": None},
    {"State": 1},
    {"State": ["Declined"]},
    {"State": {"Declined": 1}},
    {"ReasonCode": "AmazonRejected"},
    {"State": "Declined", "ReasonCode": "Nonsense"},
    {"State": "Completed", "ReasonCode": "AmazonRejected"},
    {"State": "Completed", "ReasonCode": None},
    {"State": "Completed", "Colour": "red"},
    {"State": "Completed", "DelaySecs": -1},
    {"State": "Completed", "DelaySecs": YEAR + 1},
    {"State": "Completed", "DelaySecs": "30"},
    {"State": "Completed", "DelaySecs": 30.0},
    {"State": "Completed", "DelaySecs": True},
    {"State": "Completed", "DelaySecs": None},
    {"State": "Completed", "DelaySecs": 10**1_000},
    {"State": "Completed", "Hold": True},
    {"State": "Completed", "delaysecs": 30},
    {"State": "Pending", "Hold": "true"},
    {"State": "Pending", "Hold": 1},
    {"State": "Pending", "Hold": True, "DelaySecs": 5},
    {"State": "Declined", "ReasonCode": "AmazonRejected", "DelaySecs": 5},
    {"Constraint": "Nonsense"},
    {"Constraint": "Completed"},
    {"State": "PaymentMethodNotAllowed"},
    {"Constraint": "PaymentMethodNotAllowed", "State": "Declined"},
]


@BOTH
@pytest.mark.parametrize("wanted", WRONG_IN_BOTH)
def test_an_unknown_word_combination_or_value_is_refused(read, wanted):
    assert refused(read, note(**wanted)) == "simulation.invalid"


def test_a_payment_cannot_ask_for_what_amazon_does_not_have(subtests):
    for wanted in [
        {**DECLINED, "PaymentMethodUpdateTimeInMins": 0},
        {**DECLINED, "PaymentMethodUpdateTimeInMins": 241},
        {**DECLINED, "SoftDecline": True},
        {**DECLINED, "SoftDecline": "yes"},
        {**DECLINED, "SoftDecline": ["true"]},
        {**EXPIRED, "ExpirationTimeInMins": 0},
        {**EXPIRED, "ExpirationTimeInMins": 61},
        {**EXPIRED, "SoftDecline": "true"},
        {"State": "Closed"},
        {"State": "Declined", "ReasonCode": "ProcessingFailure"},
    ]:
        with subtests.test(wanted=wanted):
            assert refused(of_payment, note(**wanted)) == "simulation.invalid"


def test_a_refund_cannot_ask_for_what_only_a_payment_has(subtests):
    for wanted in [
        DECLINED,
        EXPIRED,
        {"State": "Pending"},
        {"State": "Pending", "Hold": False},
        {"State": "Pending", "DelaySecs": 5},
        {"Constraint": "PaymentMethodNotAllowed"},
    ]:
        with subtests.test(wanted=wanted):
            assert refused(of_refund, note(**wanted)) == "simulation.invalid"


@BOTH
@pytest.mark.parametrize("value", [None, 1, True, "Declined", [], [{"State": "Declined"}]])
def test_what_is_asked_for_must_be_an_object(read, value):
    assert refused(read, json.dumps({"SandboxSimulation": value})) == "simulation.invalid"


@BOTH
def test_a_note_that_is_too_long_or_too_deep_is_refused_unread(read):
    deep = '{"a":' * 500 + "1" + "}" * 500
    for extra in (deep, "[" * 100 + "]" * 100, json.dumps("x" * 100_000)):
        text = f'{{"SandboxSimulation":{{"State":"Completed"}},"more":{extra}}}'
        assert refused(read, text) == "simulation.invalid"


@BOTH
def test_a_note_that_is_just_short_and_flat_enough_is_read(read):
    asked = {"SandboxSimulation": {"State": "Completed"}, "more": ""}
    longest = {**asked, "more": "x" * (2_048 - len(json.dumps(asked)))}
    deepest = {**asked, "more": [[]] * 29}
    for text in (json.dumps(longest), json.dumps(deepest)):
        assert read(text) == read(json.dumps(asked))


@BOTH
def test_the_refusal_names_the_note_and_repeats_nothing_of_it(read):
    with pytest.raises(Invalid) as caught:
        read(note(State="<script>"))
    assert caught.value.detail == {"field": "sellerNote" if read is of_payment else "SellerRefundNote"}
    assert "<script>" not in caught.value.message


KNOWN_KEYS = st.sampled_from(
    [
        "Constraint",
        "State",
        "ReasonCode",
        "DelaySecs",
        "Hold",
        "SoftDecline",
        "ExpirationTimeInMins",
        "PaymentMethodUpdateTimeInMins",
    ]
)
KNOWN_WORDS = st.sampled_from(["Declined", "Pending", "Completed", "Closed", "AmazonRejected", "ExpiredUnused", "true"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | KNOWN_WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=9,
)
WANTED = st.dictionaries(KNOWN_KEYS | st.text(max_size=9), JSON, max_size=5)


def told(read, text):
    """What a note is answered with: nothing, a simulation, or the code of the refusal."""
    try:
        return read(text)
    except Invalid as error:
        return error.code


def allowed(answer):
    return isinstance(answer, dict) or answer == "simulation.invalid"


@BOTH
@given(WANTED | JSON)
def test_whatever_is_asked_for_is_answered_or_refused(read, wanted):
    assert allowed(told(read, json.dumps({"SandboxSimulation": wanted})))


@BOTH
@given(st.text(), st.text())
def test_whatever_the_note_is_it_is_answered_or_refused(read, before, after):
    assert allowed(told(read, before))
    assert allowed(told(read, "{" + before + '"SandboxSimulation"' + after))


@given(WANTED)
def test_nothing_but_known_keys_ever_decides(wanted):
    try:
        of_payment(note(**wanted))
    except Invalid:
        return
    assert set(wanted) <= {
        "Constraint",
        "State",
        "ReasonCode",
        "DelaySecs",
        "Hold",
        "SoftDecline",
        "ExpirationTimeInMins",
        "PaymentMethodUpdateTimeInMins",
    }
