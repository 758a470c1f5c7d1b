"""What a refund is, when it ends, and what cannot be one."""

import pytest

from mockpay.domain.refunds import (
    CANCELLATION,
    DECLINE_REASONS,
    REFUND,
    WINDOW_MS,
    Course,
    RefundRequest,
    RefundState,
    check_request,
    course,
    known_outcome,
)
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import IllegalTransition, Invalid
from mockpay.kernel.money import Money

NOW = 1_800_000_000_000
USUAL = 5 * SECOND

#: facts, section 12.3.
LEADS = {
    "PENDING": {
        "completed": "COMPLETED",
        "declined": "DECLINED",
        "held": "PENDING",
        "released": "PENDING",
        "expedited": "PENDING",
    },
    "COMPLETED": {"reversed": "REVERSED"},
    "DECLINED": {},
    "REVERSED": {},
}


def test_the_machine_is_the_published_one():
    table = {(RefundState(s), e): to for s, events in LEADS.items() for e, to in events.items()}
    assert dict(REFUND.table) == table
    assert set(LEADS) == set(RefundState)


def test_what_is_over_does_not_go_on(subtests):
    for event in ["completed", "declined", "held", "released", "expedited", "reversed"]:
        for state in ["DECLINED", "REVERSED"]:
            with subtests.test(state=state, event=event):
                with pytest.raises(IllegalTransition) as refused:
                    REFUND.target(RefundState(state), event)
                assert refused.value.detail == {"machine": "refund", "state": state, "event": event}


def test_an_outcome_says_when_and_how_a_refund_ends(subtests):
    for outcome, expected in [
        ("success", Course(NOW + USUAL)),
        ("throttled_once", Course(NOW + USUAL)),
        ("lost_answer", Course(NOW + USUAL)),
        ("completed", Course(NOW)),
        ("held", Course(None)),
        ("REJECTED", Course(NOW + USUAL, decline="REJECTED")),
        ("PROCESSING_FAILURE", Course(NOW + USUAL, decline="PROCESSING_FAILURE")),
        ("reversed", Course(NOW + USUAL)),
        ("polls:3", Course(None, polls=3)),
        ("delay:0", Course(NOW)),
        ("delay:90", Course(NOW + 90 * SECOND)),
        ("at:2027-01-16T00:00:00Z", Course(1_800_057_600_000)),
        ("at:2020-01-01T00:00:00Z", Course(NOW)),
    ]:
        with subtests.test(outcome=outcome, expected=expected):
            assert known_outcome(outcome)
            assert course(outcome, NOW, USUAL) == expected


def test_the_sellers_polls_stand_for_the_usual_time_only(subtests):
    for outcome, expected in [
        ("success", Course(None, polls=2)),
        ("REJECTED", Course(None, polls=2, decline="REJECTED")),
        ("polls:3", Course(None, polls=3)),
        ("completed", Course(NOW)),
        ("held", Course(None)),
        ("delay:90", Course(NOW + 90 * SECOND)),
    ]:
        with subtests.test(outcome=outcome, expected=expected):
            assert course(outcome, NOW, USUAL, 2) == expected


def test_other_outcomes_are_unknown(subtests):
    for outcome in [
        "",
        "Completed",
        "pending",
        "declined",
        "polls:0",
        "polls:",
        "polls:1000",
        "polls:-1",
        "polls:١",
        "delay:",
        "delay:-1",
        "delay:1.5",
        "delay:123456789",
        "at:",
        "at:tomorrow",
        "at:2026",
        "on:2027-01-16T00:00:00Z",
        "polls:1\n",
        "held:1",
        "success ",
    ]:
        with subtests.test(outcome=outcome):
            assert not known_outcome(outcome)


def request(**changed):
    return RefundRequest(**{"key": "R-1", "amount": Money(100), **changed})


def test_a_usable_request_is_taken(subtests):
    for fine in [
        {},
        {"key": "x" * 32},
        {"key": "_-aZ09"},
        {"note": ""},
        {"note": "x" * 255},
        {"soft_descriptor": "x" * 16},
    ]:
        with subtests.test(fine=fine):
            check_request(request(**fine))


def test_an_unusable_one_names_its_field(subtests):
    for field, changed in [
        ("reference", {"key": ""}),
        ("reference", {"key": "x" * 33}),
        ("reference", {"key": "a.b"}),
        ("reference", {"key": "a\n"}),
        ("reference", {"key": "ä"}),
        ("note", {"note": "x" * 256}),
        ("soft_descriptor", {"soft_descriptor": "x" * 17}),
    ]:
        with subtests.test(field=field, changed=changed):
            with pytest.raises(Invalid) as refused:
                check_request(request(**changed))
            assert (refused.value.code, refused.value.detail["field"]) == ("refund.invalid", field)
            assert refused.value.message == f"'{field}' must have {refused.value.detail['rule']}."


def test_the_digest_tells_every_value_apart_and_the_name_not():
    others = [
        {"amount": Money(101)},
        {"amount": Money(100, "USD")},
        {"note": "x"},
        {"note": ""},
        {"soft_descriptor": "x"},
        {"facts": {"speed": "normal"}},
        {"facts": {"speed": "instant"}},
    ]
    digests = [request(**changed).digest for changed in [{}, *others]]
    assert len(set(digests)) == len(digests)
    assert request(key="R-2").digest == request().digest
    first, second = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    assert request(facts=first).digest == request(facts=second).digest


def test_a_refund_is_the_sellers_unless_it_cancels_an_order():
    """Spelt as the control API tells it."""
    assert (request().kind, CANCELLATION) == ("SELLER", "CANCELLATION")


def test_a_payment_can_be_refunded_for_180_days():
    assert WINDOW_MS == 180 * 24 * 3_600 * 1_000


def test_amazon_has_two_reasons():
    assert set(DECLINE_REASONS) == {"REJECTED", "PROCESSING_FAILURE"}
