"""3-D Secure: statuses, indicators, liability, and the machine, against the published tables."""

import re

from mockpay.domain.timeline import Machine
from mockpay.threeds import rules
from mockpay.threeds.rules import (
    CHALLENGED,
    DIRECT,
    ENDED,
    ERRORS,
    OUTCOMES,
    REASONS,
    THREEDS,
    WINDOWS,
    Liability,
    State,
    TransStatus,
    flow_of,
)

#: facts, section 12.6.
LEADS = {
    "PREPARED": "METHOD AUTHENTICATING",
    "METHOD": "AUTHENTICATING",
    "AUTHENTICATING": "FRICTIONLESS CHALLENGE ERROR",
    "CHALLENGE": "COMPLETED CANCELLED TIMED_OUT ERROR",
    "FRICTIONLESS": "",
    "COMPLETED": "ERROR",
    "CANCELLED": "ERROR",
    "TIMED_OUT": "ERROR",
    "ERROR": "",
}
#: facts, section 3.2: (Visa and most, Mastercard, who is liable).
INDICATORS = {
    "Y": ("05", "02", "ISSUER"),
    "A": ("06", "01", "ISSUER"),
    "D": ("05", "02", "ISSUER"),
    "I": ("07", "04", "MERCHANT"),
    "N": ("07", "00", "MERCHANT"),
    "R": ("07", "00", "MERCHANT"),
    "U": ("07", "00", "MERCHANT"),
    "C": ("07", "00", "MERCHANT"),
}


def leads(machine: Machine, state: str) -> set[str]:
    return {str(to) for (one, _), to in machine.table.items() if one == state}


def test_an_authentication_moves_as_published(subtests):
    for state, to in LEADS.items():
        with subtests.test(state=state, to=to):
            assert leads(THREEDS, state) == set(to.split())


def test_no_state_is_missing_or_made_up():
    assert set(LEADS) == set(State)
    assert {one for one in State if "CHALLENGE" not in LEADS[one]} >= ENDED


def test_every_state_can_be_reached_from_the_start():
    reached, waiting = set(), {"PREPARED"}
    while waiting:
        state = waiting.pop()
        reached.add(state)
        waiting |= leads(THREEDS, state) - reached
    assert reached == set(State)


def test_each_status_has_its_indicator_and_its_liable_party(subtests):
    for status, row in INDICATORS.items():
        with subtests.test(status=status, row=row):
            visa, mastercard, who = row
            found = TransStatus(status)
            for network in ("Visa", "RuPay", "American Express", "Diners Club"):
                assert rules.eci(network, found) == visa
            for network in ("Mastercard", "Maestro"):
                assert rules.eci(network, found) == mastercard
            assert rules.liability(found) is Liability(who)


def test_without_a_status_there_is_no_shift():
    assert (rules.eci("Visa", None), rules.eci("Mastercard", None)) == ("07", "00")
    assert rules.liability(None) is Liability.MERCHANT


def test_every_status_and_reason_is_there():
    assert set(INDICATORS) == set(TransStatus)
    assert list(REASONS) == [f"{number:02d}" for number in range(1, 27)]
    assert set(rules.DEFAULT_REASON.values()) <= set(REASONS)


def test_the_windows_are_the_published_five():
    assert WINDOWS == {"01": (250, 400), "02": (390, 400), "03": (500, 600), "04": (600, 400), "05": None}


def test_a_transaction_id_is_a_reproducible_uuid_of_version_4():
    one = rules.trans_id("seed", "server", "att_1", 1)
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one)
    assert one == rules.trans_id("seed", "server", "att_1", 1)
    assert one != rules.trans_id("seed", "acs", "att_1", 1)
    assert one != rules.trans_id("other", "server", "att_1", 1)


def test_an_outcome_either_challenges_or_answers_or_fails():
    kinds = [CHALLENGED, ERRORS, frozenset(DIRECT)]
    assert sum(map(len, kinds)) == len(OUTCOMES) == len(frozenset().union(*kinds))


def test_a_reason_goes_with_every_refusal():
    for status, reason in DIRECT.values():
        assert (reason is not None) == (status in {"N", "R", "U"})


def test_the_flow_is_named(subtests):
    for outcome, status, flow in [
        ("not_enrolled", "U", "NOT_ENROLLED"),
        ("success", "C", "CHALLENGE"),
        ("A", "A", "ATTEMPT"),
        ("N", "N", "FRICTIONLESS"),
    ]:
        with subtests.test(outcome=outcome, status=status, flow=flow):
            assert flow_of(outcome, TransStatus(status)) == flow
