"""Deliveries: where each answer leads, when the next try is, and what scenarios may do."""

import pytest

from mockpay.domain.notifications import (
    COPIES_APART_MS,
    DELAY_MS,
    DELIVERY,
    OVERTAKEN_MS,
    RETRY_PROFILES,
    WAITING,
    DeliveryResult,
    DeliveryState,
    Misbehaviour,
    RetryProfile,
    after,
    failing_tries,
    final_because,
    known_outcome,
)
from mockpay.kernel.clock import DAY, SECOND
from mockpay.kernel.errors import IllegalTransition
from mockpay.services.notifications import copies

HOUR = 3_600 * SECOND
FAST = RETRY_PROFILES["fast"]
FINAL = RetryProfile("hourly", (HOUR,), unreachable_is_final=True)
PROFILES = [FAST, FINAL]
NOBODY = DeliveryResult(None, "refused", unreachable=True)
LATE = DeliveryResult(None, "too late")

#: facts, section 12.5; a tester may ask for any that is not on its way.
LEADS = {
    "QUEUED": {"claimed": "SENDING", "suppressed": "SUPPRESSED", "asked_again": "QUEUED"},
    "SENDING": {"claimed": "SENDING", "delivered": "DELIVERED", "failed": "RETRY_WAIT", "gave_up": "DEAD"},
    "RETRY_WAIT": {"claimed": "SENDING", "asked_again": "QUEUED"},
    "DELIVERED": {"asked_again": "QUEUED"},
    "DEAD": {"asked_again": "QUEUED"},
    "SUPPRESSED": {"asked_again": "QUEUED"},
}


def test_the_machine_is_the_published_one():
    table = {(DeliveryState(s), e): to for s, events in LEADS.items() for e, to in events.items()}
    assert dict(DELIVERY.table) == table
    assert set(LEADS) == set(DeliveryState)
    assert {"QUEUED", "SENDING", "RETRY_WAIT"} == WAITING


def test_what_is_on_its_way_cannot_be_asked_for():
    with pytest.raises(IllegalTransition):
        DELIVERY.target(DeliveryState.SENDING, "asked_again")


def test_an_answer_means_the_same_in_every_profile(subtests):
    for heard, event in [
        (DeliveryResult(200), "delivered"),
        (DeliveryResult(204), "delivered"),
        (DeliveryResult(299), "delivered"),
        (DeliveryResult(400), "gave_up"),
        (DeliveryResult(404), "gave_up"),
        (DeliveryResult(499), "gave_up"),
        (DeliveryResult(100), "failed"),
        (DeliveryResult(199), "failed"),
        (DeliveryResult(300), "failed"),
        (DeliveryResult(302), "failed"),
        (DeliveryResult(399), "failed"),
        (DeliveryResult(500), "failed"),
        (DeliveryResult(599), "failed"),
        (LATE, "failed"),
    ]:
        for profile in PROFILES:
            with subtests.test(profile=profile, heard=heard, event=event):
                assert after(profile, heard, 1, 0)[0] == event


def test_a_refusal_is_tried_again_where_the_profile_says_so():
    patient = RetryProfile("hourly", (HOUR,), refusal_is_final=False)
    assert after(patient, DeliveryResult(404), 1, 0) == ("failed", HOUR)
    assert after(patient, DeliveryResult(204), 1, 0) == ("delivered", None)


def test_a_host_that_nobody_answers_at_is_given_up_where_the_profile_says_so():
    assert after(FINAL, NOBODY, 1, 0) == ("gave_up", None)
    assert after(FAST, NOBODY, 1, 0) == ("failed", 1 * SECOND)


def test_the_pauses_of_the_profiles():
    fast = [after(FAST, DeliveryResult(500), tries, 0)[1] for tries in range(1, 8)]
    assert fast == [1 * SECOND, 5 * SECOND, 30 * SECOND, 120 * SECOND, HOUR, HOUR, HOUR]
    amazon = [after(FINAL, DeliveryResult(500), tries, 0)[1] for tries in range(1, 8)]
    assert amazon == [HOUR] * 7


def test_no_try_is_later_than_14_days(subtests):
    for profile in PROFILES:
        with subtests.test(profile=profile):
            last = 14 * DAY - HOUR
            assert after(profile, DeliveryResult(500), 99, last) == ("failed", HOUR)
            assert after(profile, DeliveryResult(500), 99, last + 1) == ("gave_up", None)
            assert after(profile, DeliveryResult(200), 99, 14 * DAY) == ("delivered", None)


def test_how_many_deliveries_a_message_has(subtests):
    for outcome, count in [
        ("success", 1),
        ("none", 1),
        ("doubled", 2),
        ("doubled_at_once", 2),
        ("simultaneous", 1),
        ("tripled", 3),
        ("fails_until_4", 1),
    ]:
        with subtests.test(outcome=outcome, count=count):
            assert copies(outcome) == count


def test_a_delayed_message_comes_30_seconds_late_and_copies_are_5_apart():
    assert (DELAY_MS, COPIES_APART_MS, OVERTAKEN_MS) == (30_000, 5_000, 60_000)


def test_how_many_tries_are_lost(subtests):
    for outcome, lost in [
        ("success", 0),
        ("tripled", 0),
        ("fails_until_2", 1),
        ("fails_until_4", 3),
        ("fails_until_20", 19),
    ]:
        with subtests.test(outcome=outcome, lost=lost):
            assert known_outcome(outcome)
            assert failing_tries(outcome) == lost


def test_every_misbehaviour_is_known(subtests):
    for outcome in Misbehaviour:
        with subtests.test(outcome=outcome):
            assert known_outcome(str(outcome))


def test_other_outcomes_are_unknown(subtests):
    for outcome in [
        "",
        "lost",
        "fails_until_",
        "fails_until_0",
        "fails_until_1",
        "fails_until_21",
        "fails_until_1000",
        "fails_until_-2",
        "fails_until_२",
        "fails_until_4x",
        "doubled ",
        "fails_until_0002x",
    ]:
        with subtests.test(outcome=outcome):
            assert not known_outcome(outcome)


def test_a_bound_of_tries_counts_the_first_one():
    bounded = RetryProfile("three more", (20_000,), max_tries=4)
    events = [after(bounded, DeliveryResult(500), tries, 0) for tries in (1, 3, 4, 5)]
    assert events == [("failed", 20_000), ("failed", 20_000), ("gave_up", None), ("gave_up", None)]
    assert after(bounded, DeliveryResult(200), 9, 0) == ("delivered", None)


def test_why_no_try_follows_is_told_in_words():
    bounded = RetryProfile("three more", (SECOND,), max_tries=4)
    wrong, refused = DeliveryResult(500), DeliveryResult(404)
    assert final_because(FAST, refused, 1, 0) == "a 4xx is never tried again"
    assert final_because(FINAL, NOBODY, 1, 0) == "this retry profile never tries again where nobody is there"
    assert final_because(bounded, wrong, 4, 0) == "this retry profile makes 4 tries at most"
    assert final_because(FAST, wrong, 9, 14 * DAY) == "this retry profile ends after 14 days"
    assert (final_because(FAST, NOBODY, 1, 0), final_because(bounded, wrong, 3, 0)) == ("", "")
