"""The risk check by control API: asked without a payment, and told what to decide."""

import pytest

from mockpay.domain.methods.upi import Upi
from mockpay.risk import assessment
from mockpay.risk.assessment import Inputs
from mockpay.store.unit_of_work import read, transaction

VISA, FOREIGN = "4111111111111111", "4012888888881881"
ASHA = "asha@example.com"


def asked(world, **payment):
    answer = world.post("/risk/dry-run", {"amount": "499.00", **payment})
    assert answer.status_code == 200, answer.json
    return answer.json


def rules(told):
    return [(hit["rule"], hit["outcome"]) for hit in told["hits"]]


def assessed(world, order, attempt_id, instrument=None, **inputs):
    """A real check, as a payment brings it."""
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        return assessment.assess(
            sandbox, attempt_id=attempt_id, order=order, instrument=instrument or Upi(), inputs=Inputs(**inputs)
        )


def test_an_ordinary_payment_would_pass(world):
    assert asked(world) == {"decision": "ALLOW", "score": 0, "hits": [], "scenario": None}


def test_a_rule_tells_what_it_saw_against_which_limit(world):
    told = asked(world, amount="150000.00")
    assert told == {
        "decision": "CHALLENGE",
        "score": 20,
        "scenario": None,
        "hits": [
            {
                "rule": "AMT_HIGH",
                "version": 1,
                "outcome": "CHALLENGE",
                "weight": 20,
                "reason_code": "amount_high",
                "observed": "150000.00",
                "limit": "100000.00",
                "explain": "INR 150000.00 in one payment (limit 100000.00)",
            }
        ],
    }


@pytest.mark.parametrize(
    ("payment", "hit"),
    [
        ({"method": "card", "number": FOREIGN}, ("BIN_COUNTRY", "CHALLENGE")),
        ({"ip": "198.51.100.66"}, ("IP_PROXY", "REVIEW")),
        ({"device": "dev_blocked"}, ("DEVICE_BLOCK", "DECLINE")),
        ({"email": "a@disposable.test"}, ("EMAIL_DISPOSABLE", "REVIEW")),
        ({"method": "wallet", "email": "a@disposable.test"}, ("EMAIL_DISPOSABLE", "REVIEW")),
        ({"buyer_id": "a@disposable.test"}, ("EMAIL_DISPOSABLE", "REVIEW")),
        ({"vpa": "blocked@mockpay"}, ("VPA_BLOCK", "DECLINE")),
        ({"planned": "review"}, ("SCENARIO", "REVIEW")),
    ],
)
def test_each_part_of_a_payment_is_looked_at(world, payment, hit):
    told = asked(world, **payment)
    assert hit in rules(told)
    assert told["decision"] == hit[1]


def test_a_name_is_compared_only_where_the_card_has_one(world):
    card = {"method": "card", "number": VISA, "buyer_name": "Asha Rao"}
    assert rules(asked(world, **card)) == []
    assert [rule for rule, _ in rules(asked(world, **card, name="Ravi Iyer"))] == ["NAME_MISMATCH"]


def test_a_buyers_own_history_is_counted(world):
    buyer = world.post("/buyers", {"email": ASHA}).json["buyer_id"]
    for name in (buyer, ASHA):
        assert rules(asked(world, amount="25000.00", buyer_id=name)) == [("AMT_FIRST_TIME", "CHALLENGE")]
    assert rules(asked(world, amount="25000.00")) == []


def test_asking_leaves_no_trace(world):
    for _ in range(20):
        assert asked(world, method="card", number=VISA, ip="192.0.2.9", device="d1")["hits"] != []
    assert rules(asked(world, method="card", number=VISA, ip="192.0.2.9")) == []


def test_what_was_paid_before_counts(world):
    order = world.open_order()
    for number in range(10):
        assessed(world, order, f"{world.seller_id}-{number}", ip="192.0.2.9")
    assert rules(asked(world, ip="192.0.2.9")) == [("VEL_IP", "REVIEW")]
    assert rules(asked(world, ip="192.0.2.10")) == []


def test_another_sellers_payments_do_not_count(api, world):
    other = api.new_seller()
    order = other.open_order()
    for number in range(10):
        assessed(other, order, f"{other.seller_id}-{number}", ip="192.0.2.9")
    assert asked(world, ip="192.0.2.9")["decision"] == "ALLOW"


def test_a_sellers_own_rules_are_looked_at(world):
    world.call("PATCH", "", {"settings": {"risk_rules": {"AMT_HIGH": "off"}}})
    assert asked(world, amount="150000.00")["decision"] == "ALLOW"


def test_no_answer_has_a_full_number(world):
    answer = world.post("/risk/dry-run", {"amount": "499.00", "method": "card", "number": FOREIGN, "name": "Asha"})
    assert FOREIGN not in answer.text


@pytest.mark.parametrize(
    ("payment", "status", "code"),
    [
        ({"amount": "1.000"}, 422, "amount.invalid"),
        ({"amount": "0.99"}, 422, "amount.invalid"),
        ({"planned": "maybe"}, 422, "risk.decision"),
        ({"method": "card"}, 422, "card_number_invalid"),
        ({"method": "netbanking"}, 422, "bank.unknown"),
        ({"method": "wallet"}, 422, "email.invalid"),
        ({"method": "cash"}, 422, "input.invalid"),
        ({"moon": "full"}, 422, "input.invalid"),
        ({"buyer_id": "byr_nobody"}, 404, "buyer.not_found"),
    ],
)
def test_a_payment_that_cannot_be_is_refused(world, payment, status, code):
    answer = world.post("/risk/dry-run", {"amount": "499.00", **payment})
    assert (answer.status_code, answer.json["code"]) == (status, code)


# --- forcing


def forced(world, decision="DECLINE", **match):
    answer = world.post("/risk/force", {"decision": decision, "match": match, "reason": "a test"})
    assert answer.status_code == 201, answer.json
    return answer.json


def waiting(world):
    return world.get("/risk/force").json["items"]


def test_a_forced_decision_waits_for_the_attempt_that_fits_and_decides_it_once(world):
    one = forced(world, "decline", amount="499", method="upi")
    assert one == {
        "force_id": one["force_id"],
        "decision": "DECLINE",
        "reason": "a test",
        "match": {"amount": "499.00", "method": "upi"},
    }
    other, order = world.open_order("A-1", "500.00"), world.open_order("A-2", "499.00")
    assert assessed(world, other, f"{world.seller_id}-1").decision == "ALLOW"
    assert waiting(world) == [one]
    found = assessed(world, order, f"{world.seller_id}-2")
    assert (found.decision, found.hits[0].explain) == ("DECLINE", "a test")
    assert waiting(world) == []
    assert assessed(world, order, f"{world.seller_id}-3").decision == "ALLOW"


def test_a_dry_run_leaves_forced_decisions_alone(world):
    one = forced(world)
    assert asked(world)["decision"] == "ALLOW"
    assert waiting(world) == [one]


def test_forced_decisions_are_taken_back_and_other_sellers_keep_theirs(api, world):
    other = api.new_seller()
    forced(world)
    forced(world, "REVIEW")
    kept = forced(other)
    assert world.call("DELETE", "/risk/force").status_code == 204
    assert (waiting(world), waiting(other)) == ([], [kept])


def test_there_is_an_end_to_forced_decisions(world):
    for _ in range(100):
        forced(world)
    answer = world.post("/risk/force", {"decision": "ALLOW"})
    assert (answer.status_code, answer.json["code"]) == (409, "risk.too_many_forced")


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({}, "input.invalid"),
        ({"decision": "maybe"}, "risk.decision"),
        ({"decision": "ALLOW", "match": {"moon": "full"}}, "risk.match"),
        ({"decision": "ALLOW", "match": {"method": ""}}, "risk.match"),
        ({"decision": "ALLOW", "match": {"amount": "much"}}, "amount.invalid"),
        ({"decision": "ALLOW", "reason": "x" * 256}, "input.invalid"),
    ],
)
def test_a_decision_that_cannot_be_forced_is_refused(world, wish, code):
    answer = world.post("/risk/force", wish)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert waiting(world) == []


def test_an_attempt_tells_what_was_decided_on_it(world):
    world.freeze()
    forced(world, "ALLOW", method="upi")
    order = world.open_order()
    attempt = world.pay(order)
    with read(world.api.runtime, world.seller_id) as sandbox:
        known = assessment.of_attempt(sandbox, attempt.attempt_id)
    if known is None:
        assessed(world, order, attempt.attempt_id)
    told = world.get(f"/attempts/{attempt.attempt_id}").json["risk"]
    assert (told["decision"], told["score"]) == ("ALLOW", 0)
    assert [(hit["rule"], hit["explain"]) for hit in told["hits"]] == [("FORCED", "a test")]
