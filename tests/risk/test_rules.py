"""Risk rules: each at its limit, all of them looked at, and the strictest one deciding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mockpay.domain.methods.cards import bin_of, luhn
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.risk import RISK_OUTCOMES, country_of, listed, risk_rows
from mockpay.domain.scenarios.rows import Input
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.risk.rules import NAMES, RULES, Counts, Facts, PresetDecision, Verdict, assess, rules_of, strictest

PLAIN = Facts(Money.parse("499.00"), "upi")
CARD = replace(PLAIN, method="card", fingerprint="f1", card="411111…1111", country="IN", holder="Asha Rao")
#: A device that was here before, so that it alone says nothing.
KNOWN = Counts(device_seen=1)


def spoken(facts, counts=KNOWN, **wishes):
    """(rule, outcome) of every rule that spoke."""
    found = assess(rules_of(wishes).rules, facts, counts)
    return [(hit.rule, str(hit.outcome)) for hit in found.hits]


def only(rule, facts, counts=KNOWN):
    """What one rule says when all others are off, the strictest word of it."""
    wishes = {name: "off" for name in NAMES if name != rule}
    said = [Verdict(outcome) for _, outcome in spoken(facts, counts, **wishes)]
    return strictest(said) if said else None


# --- limits: one below, at it, one above

#: Rule, facts, the count's name, its limit (this attempt counts too), what is said above it.
COUNTED = [
    ("VEL_CARD", {"fingerprint": "f1"}, "card_minute", 3, "CHALLENGE"),
    ("VEL_CARD", {"fingerprint": "f1"}, "card_hour", 10, "DECLINE"),
    ("VEL_VPA", {"vpa": "asha@okbank"}, "vpa_minute", 10, "REVIEW"),
    ("VEL_IP", {"ip": "192.0.2.5"}, "ip_minute", 10, "REVIEW"),
    ("DEVICE_MANY_CARDS", {"device": "d1", "fingerprint": "f1"}, "device_cards", 4, "DECLINE"),
]


@pytest.mark.parametrize(("rule", "has", "count", "limit", "outcome"), COUNTED)
def test_a_velocity_rule_speaks_above_its_limit(rule, has, count, limit, outcome):
    def said(observed):
        return only(rule, replace(PLAIN, **has), replace(KNOWN, **{count: observed - 1}))

    assert [said(limit - 1), said(limit), said(limit + 1)] == [None, None, outcome]


def test_without_its_input_a_velocity_rule_has_nothing_to_count(subtests):
    for rule, has, count, limit, outcome in COUNTED:
        with subtests.test(rule=rule, has=has, count=count, limit=limit, outcome=outcome):
            assert only(rule, PLAIN, replace(KNOWN, **{count: 100})) is None


def test_a_magic_upi_id_is_nobody_whose_tries_are_counted():
    often = replace(KNOWN, vpa_minute=100)
    assert only("VEL_VPA", replace(PLAIN, vpa="success@mockpay"), often) is None
    assert only("VEL_VPA", replace(PLAIN, vpa="success@mockpays"), often) == "REVIEW"


def test_five_declines_from_an_address_are_card_testing():
    here = replace(PLAIN, ip="192.0.2.5")
    said = [only("VEL_DECLINES", here, Counts(ip_declines=n)) for n in (4, 5, 6)]
    assert said == [None, "DECLINE", "DECLINE"]


def test_an_amount_rule_speaks_a_paisa_above_its_limit(subtests):
    for rule, limit, has, outcome in [
        ("AMT_HIGH", "100000.00", {}, "CHALLENGE"),
        ("AMT_HIGH", "500000.00", {}, "REVIEW"),
        ("AMT_FIRST_TIME", "20000.00", {"buyer_id": "b1"}, "CHALLENGE"),
        ("VEL_BUYER_AMT", "200000.00", {"buyer_id": "b1"}, "REVIEW"),
        ("VEL_BUYER_AMT", "200000.00", {"email": "asha@example.in"}, "REVIEW"),
    ]:
        with subtests.test(rule=rule, limit=limit, has=has, outcome=outcome):
            at = Money.parse(limit)
            said = [only(rule, replace(PLAIN, amount=amount, **has)) for amount in (at - Money(1), at, at + Money(1))]
            assert said[2] == outcome
            assert said[1] == said[0] != outcome


def test_a_buyers_day_adds_up_with_what_was_tried_before():
    facts = replace(PLAIN, buyer_id="b1", amount=Money(100))
    said = [only("VEL_BUYER_AMT", facts, Counts(buyer_minor=n)) for n in (19_999_900, 19_999_901)]
    assert said == [None, "REVIEW"]


def test_a_guest_is_nobodys_first_time_and_a_buyer_who_paid_neither():
    large = replace(PLAIN, amount=Money.parse("20000.01"))
    assert only("AMT_FIRST_TIME", replace(large, email="guest@example.in")) is None
    bought = replace(large, buyer_id="b1")
    assert only("AMT_FIRST_TIME", bought, Counts(buyer_paid=1)) is None
    assert only("AMT_FIRST_TIME", bought, Counts(buyer_paid=0)) == "CHALLENGE"


# --- where, what and who


def test_a_cards_country_is_held_against_india_and_the_address(subtests):
    for country, ip, said in [
        ("IN", None, []),
        ("IN", "192.0.2.5", []),
        ("IN", "203.0.113.66", ["REVIEW"]),
        ("US", None, ["CHALLENGE"]),
        ("US", "203.0.113.66", ["CHALLENGE"]),
        ("US", "192.0.2.5", ["CHALLENGE", "REVIEW"]),
        ("US", "10.0.0.1", ["CHALLENGE"]),
        (None, "203.0.113.66", []),
    ]:
        with subtests.test(country=country, ip=ip, said=said):
            facts = replace(CARD, country=country, ip=ip)
            assert spoken(facts) == [("BIN_COUNTRY", outcome) for outcome in said]


def test_a_trigger_of_the_table_meets_its_rule_and_no_other(subtests):
    for has, rule, outcome in [
        ({"ip": "192.0.2.66"}, "IP_BLOCK", "DECLINE"),
        ({"ip": "198.51.100.66"}, "IP_PROXY", "REVIEW"),
        ({"device": "dev_blocked"}, "DEVICE_BLOCK", "DECLINE"),
        ({"device": "dev_new"}, "DEVICE_NEW", "CHALLENGE"),
        ({"device": "dev_shared"}, "DEVICE_MANY_CARDS", "DECLINE"),
        ({"email": "asha@Disposable.test"}, "EMAIL_DISPOSABLE", "REVIEW"),
        ({"buyer_name": "REVIEW ME"}, "NAME_REVIEW", "REVIEW"),
        ({"vpa": "blocked@mockpay"}, "VPA_BLOCK", "DECLINE"),
        ({"vpa": "shop.rzp@icici"}, "VPA_PATTERN", "REVIEW"),
        ({"highest": True}, "RISK_HIGHEST", "DECLINE"),
    ]:
        with subtests.test(has=has, rule=rule, outcome=outcome):
            facts = replace(PLAIN, **has)
            assert spoken(facts) == [(rule, outcome)]
            assert spoken(facts, **{rule: "off"}) == []


def test_what_only_looks_like_a_trigger_is_none(subtests):
    for has in [
        {"ip": "192.0.2.67"},
        {"ip": "10.1.2.3"},
        {"device": "dev_1"},
        {"email": "asha@disposable.test.example.in"},
        {"email": "disposable.test@example.in"},
        {"buyer_name": "Review Mehta"},
        {"vpa": "success@razorpay"},
        {"vpa": "success@mockpay"},
        {"vpa": "rzp@okbank"},
    ]:
        with subtests.test(has=has):
            assert spoken(replace(PLAIN, **has)) == []


def test_a_device_is_new_once_and_none_at_all_is_not_new():
    facts = replace(PLAIN, device="d1")
    assert only("DEVICE_NEW", facts, Counts(device_seen=0)) == "CHALLENGE"
    assert only("DEVICE_NEW", facts, Counts(device_seen=1)) is None
    assert only("DEVICE_NEW", PLAIN, Counts(device_seen=0)) is None


def test_a_rule_that_speaks_for_two_reasons_counts_once():
    found = assess(RULES, replace(PLAIN, device="dev_new"), Counts(device_seen=0))
    assert [hit.rule for hit in found.hits] == ["DEVICE_NEW"]


def test_another_name_on_the_card_only_weighs(subtests):
    for buyer, mismatch in [("Asha Rao", False), ("RAO A", False), ("Ravi Menon", True), (None, False)]:
        with subtests.test(buyer=buyer, mismatch=mismatch):
            found = assess(RULES, replace(CARD, buyer_name=buyer), KNOWN)
            assert [hit.rule for hit in found.hits] == (["NAME_MISMATCH"] if mismatch else [])
            assert (found.decision, found.score) == ("ALLOW", 10 if mismatch else 0)


# --- the decision


def test_all_rules_are_looked_at_and_the_strictest_decides():
    facts = replace(
        CARD,
        country="US",
        amount=Money.parse("600000.00"),
        ip="192.0.2.66",
        device="dev_new",
        email="a@disposable.test",
        buyer_name="REVIEW ME",
    )
    found = assess(RULES, facts, KNOWN)
    assert [hit.rule for hit in found.hits] == [
        "VEL_BUYER_AMT",
        "AMT_HIGH",
        "AMT_HIGH",
        "BIN_COUNTRY",
        "BIN_COUNTRY",
        "IP_BLOCK",
        "DEVICE_NEW",
        "EMAIL_DISPOSABLE",
        "NAME_MISMATCH",
        "NAME_REVIEW",
    ]
    assert (found.decision, found.score) == ("DECLINE", 100)


def test_nothing_to_say_is_allow():
    assert assess(RULES, CARD, KNOWN) == assess((), CARD, KNOWN)
    assert assess(RULES, CARD, KNOWN).decision == "ALLOW"


_COUNTS = st.builds(Counts, *[st.integers(0, 12)] * 7, st.integers(0, 10**8), st.integers(0, 1))
_FACTS = st.builds(
    Facts,
    amount=st.integers(100, 10**8).map(Money),
    method=st.just("card"),
    fingerprint=st.sampled_from([None, "f1"]),
    country=st.sampled_from([None, "IN", "US"]),
    ip=st.sampled_from([None, "192.0.2.5", "192.0.2.66", "198.51.100.66", "203.0.113.66"]),
    device=st.sampled_from([None, "d1", "dev_new", "dev_blocked", "dev_shared"]),
    email=st.sampled_from([None, "a@disposable.test"]),
    buyer_id=st.sampled_from([None, "b1"]),
)


@given(_FACTS, _COUNTS)
def test_a_decision_is_the_strictest_hit_and_a_score_the_capped_sum(facts, counts):
    found = assess(RULES, facts, counts)
    assert found.decision == strictest(hit.outcome for hit in found.hits)
    assert found.score == min(100, sum(hit.weight for hit in found.hits))
    assert all(facts.buyer_id is None or "b1" not in hit.explain for hit in found.hits)


def test_what_was_decided_beforehand_is_the_decision_and_the_hits_stay(subtests):
    for verdict in Verdict:
        with subtests.test(verdict=verdict):
            facts = replace(PLAIN, ip="198.51.100.66")
            decided = PresetDecision(verdict, "FORCED", "forced", "a test")
            found = assess(RULES, facts, KNOWN, decided)
            assert found.decision == verdict
            assert [hit.rule for hit in found.hits] == ["FORCED", "IP_PROXY"]
            assert found.hits[0].explain == "a test"


def test_what_was_decided_beforehand_adds_to_the_score_up_to_100():
    hit = replace(PLAIN, ip="198.51.100.66")
    weight = assess(RULES, hit, KNOWN).score
    assert 0 < weight < 100
    scores = [
        assess(RULES, hit, KNOWN, PresetDecision(verdict, "FORCED", "forced", "a test")).score for verdict in Verdict
    ]
    assert min(scores) == weight
    assert max(scores) == 100


def test_to_allow_does_not_lift_the_block_of_an_instrument():
    allow = PresetDecision(Verdict.ALLOW, "FORCED", "forced", "a test")
    assert assess(RULES, replace(PLAIN, vpa="blocked@mockpay"), KNOWN, allow).decision == "DECLINE"
    card = rules_of({"BIN_BLOCK": "411111"}).rules
    assert assess(card, CARD, KNOWN, allow).decision == "DECLINE"
    assert assess(RULES, replace(PLAIN, ip="192.0.2.66"), KNOWN, allow).decision == "ALLOW"


# --- words


def hit(facts, counts=KNOWN):
    (found,) = assess(RULES, facts, counts).hits
    return found


def test_a_hit_tells_rule_numbers_and_words():
    found = hit(CARD, Counts(card_minute=3))
    assert (found.rule, found.version, found.observed, found.limit) == ("VEL_CARD", 1, 4, 3)
    assert found.explain == "4 attempts with card 411111…1111 in 60 s (limit 3)"
    assert (found.reason_code, found.weight) == ("card_velocity", 30)


def test_money_is_told_in_rupees():
    found = hit(replace(PLAIN, amount=Money.parse("120000.00")))
    assert found.explain == "INR 120000.00 in one payment (limit 100000.00)"
    assert (found.observed, found.limit) == ("120000.00", "100000.00")


@pytest.mark.parametrize(("vpa", "shown"), [("asha.rao@okbank", "as…@okbank"), ("ab@ok", "a…@ok")])
def test_a_upi_id_is_masked(vpa, shown):
    found = hit(replace(PLAIN, vpa=vpa), Counts(vpa_minute=10))
    assert found.explain == f"11 attempts with {shown} in 60 s (limit 10)"


def test_what_a_buyer_sends_is_never_read_as_a_form_of_words():
    found = hit(replace(PLAIN, device="{card}{0}"), Counts(device_seen=0))
    assert found.explain == "first use of device {card}{0}"


# --- a seller's wishes


def test_limits_are_changed_in_their_order_and_the_rest_stays():
    assert spoken(CARD, Counts(card_minute=1), VEL_CARD="1") == [("VEL_CARD", "CHALLENGE")]
    assert spoken(CARD, Counts(card_hour=10), VEL_CARD="1") == [("VEL_CARD", "DECLINE")]
    assert spoken(CARD, Counts(card_hour=10), VEL_CARD="5,20") == []
    assert spoken(CARD, Counts(card_hour=20), VEL_CARD="5,20") == [("VEL_CARD", "DECLINE")]
    assert rules_of({"VEL_CARD": "5,20"}).most == 21


def test_limits_of_money_are_rupees():
    facts = replace(PLAIN, amount=Money.parse("500.01"))
    assert spoken(facts, AMT_HIGH="500") == [("AMT_HIGH", "CHALLENGE")]
    assert spoken(facts, AMT_HIGH="500.01") == []
    assert rules_of({"AMT_FIRST_TIME": "10.00"}).first_above == 1000
    assert rules_of({"AMT_FIRST_TIME": "off"}).first_above is None


def test_entries_are_added_to_a_list(subtests):
    for rule, entries, has in [
        ("BIN_BLOCK", "512345 411111", {"card": "411111…1111"}),
        ("BIN_BLOCK", "4111*", {"card": "411111…1111"}),
        ("VPA_BLOCK", "asha@okbank", {"vpa": "asha@okbank"}),
        ("VPA_BLOCK", "x@y,*@okbank", {"vpa": "ravi@okbank"}),
        ("IP_BLOCK", "10.0.0.*", {"ip": "10.0.0.9"}),
        ("DEVICE_BLOCK", "stolen", {"device": "stolen"}),
        ("EMAIL_DISPOSABLE", "mail.example", {"email": "a@mail.example"}),
    ]:
        with subtests.test(rule=rule, entries=entries, has=has):
            facts = replace(PLAIN, **has)
            assert spoken(facts) == []
            assert [name for name, _ in spoken(facts, **{rule: entries})] == [rule]
            assert spoken(replace(PLAIN, ip="192.0.2.66"), IP_BLOCK="10.0.0.1") == [("IP_BLOCK", "DECLINE")]


def test_a_wish_that_means_nothing_is_refused(subtests):
    for wishes in [
        {"VEL_MOON": "on"},
        {"VEL_CARD": ""},
        {"VEL_CARD": "many"},
        {"VEL_CARD": "-1"},
        {"VEL_CARD": "1001"},
        {"VEL_CARD": "٣"},
        {"VEL_CARD": "1,2,3"},
        {"AMT_HIGH": "1e5"},
        {"BIN_COUNTRY": "US"},
        {"RISK_HIGHEST": "5"},
        {"BIN_BLOCK": "4" * 3000},
    ]:
        with subtests.test(wishes=wishes):
            with pytest.raises(Invalid) as refused:
                rules_of(wishes)
            assert refused.value.detail["field"] == "risk_rules"


def test_every_rule_can_be_switched_off():
    assert rules_of(dict.fromkeys(NAMES, "off")).rules == ()
    assert rules_of(dict.fromkeys(NAMES, "on")).rules == RULES


# --- rows of the table


def test_every_row_of_risk_is_of_its_stage_and_has_an_input_of_its_own():
    rows = list(risk_rows())
    assert {row.stage for row in rows} == {Stage.RISK}
    assert len({(row.input, row.equals) for row in rows}) == len({row.name for row in rows})
    deciding = [row for row in rows if row.input in {Input.AMOUNT, Input.PAN, Input.VPA}]
    assert {row.outcome for row in deciding} == RISK_OUTCOMES - {"success", "allow"}


def test_every_other_row_names_a_rule_or_a_country():
    for row in risk_rows():
        if row.input in {Input.IP, Input.DEVICE, Input.EMAIL_DOMAIN, Input.BUYER_NAME}:
            named = row.outcome.upper() in NAMES and row.equals in listed(row.outcome)
            assert named or country_of(row.equals)


def test_the_cards_are_test_cards():
    for row in risk_rows():
        if row.input == Input.PAN:
            assert luhn(row.equals)
            assert bin_of(row.equals)
