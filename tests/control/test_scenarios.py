"""Scenario rules by control API."""

import pytest

from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.resolution import MATCH_KEYS
from mockpay.store import scenarios
from mockpay.store.unit_of_work import transaction


def states(world, order):
    told = world.get(f"/orders/{order.order_id}").json
    return [(one["state"], one["scenario"]) for one in told["attempts"]]


def test_a_rule_is_told_as_it_will_be_compared(world):
    world.freeze("2026-11-21T15:00:00Z")
    wish = {"stage": "issuer", "match": {"amount": "499", "vpa": "Anna@OkBank"}, "outcome": "51", "ttl_seconds": 60}
    answer = world.post("/scenarios", wish)
    assert answer.status_code == 201
    rule = answer.json
    assert rule["match"] == {"amount": "499.00", "vpa": "anna@okbank"}
    assert rule["outcome"] == "iso:51"
    assert (rule["times"], rule["probability"]) == (1, 1.0)
    assert rule["expires_at"] == "2026-11-21T15:01:00.000Z"
    assert world.get("/scenarios").json == {"items": [rule], "next_cursor": None}


def test_a_rule_decides_one_attempt_that_fits_and_goes_before_the_magic_vpa(world):
    world.freeze()
    rule = world.post("/scenarios", {"stage": "issuer", "match": {"seller_order_id": "A-2"}, "outcome": "Z9"}).json
    other, order = world.open_order("A-1"), world.open_order("A-2")
    for one in (other, order):
        world.pay(one, "success@mockpay")
    world.post("/clock/advance", {"seconds": 0})
    assert states(world, other) == [("CAPTURED", "upi.success")]
    assert states(world, order) == [("FAILED", f"rule {rule['rule_id']}")]
    assert world.get("/scenarios").json["items"][0]["times"] == 0

    world.pay(order, "success@mockpay")
    world.post("/clock/advance", {"seconds": 0})
    assert states(world, order)[1] == ("CAPTURED", "upi.success")


def test_a_bare_iso_code_as_outcome_reaches_the_issuer(world):
    world.freeze()
    world.post("/scenarios", {"stage": "issuer", "outcome": "51"})
    order = world.open_order()
    world.pay(order)
    world.post("/clock/advance", {"seconds": 0})
    told = world.get(f"/orders/{order.order_id}").json
    assert told["attempts"][0]["failure"]["code"] == "Z9"


@pytest.mark.parametrize(
    ("stage", "outcome"),
    [
        ("gateway", "noresponse"),
        ("capture", "pending"),
        ("capture", "expires:5"),
        ("redirect", "never_returns"),
        ("ipn", "out_of_order"),
        ("ipn", "fails_until_4"),
        ("verify", "throttled"),
        ("refund", "REJECTED"),
        ("refund", "polls:3"),
        ("refund", "at:2026-11-21T18:00:00Z"),
    ],
)
def test_every_stage_takes_its_own_outcomes(world, stage, outcome):
    rule = world.post("/scenarios", {"stage": stage, "outcome": outcome}).json
    assert (rule["stage"], rule["outcome"]) == (stage, outcome)


def test_the_document_names_every_stage_and_key_that_a_rule_may_have(api):
    schemas = api.client.get("/_mockpay/openapi.json").json["components"]["schemas"]
    rule = schemas["ScenarioRuleCreate"]["properties"]
    for stage in ("issuer", "gateway", "capture", "redirect", "ipn", "verify", "refund"):
        assert f"`{stage}`" in rule["stage"]["description"]
    for key in MATCH_KEYS:
        assert key in rule["match"]["description"]


def test_a_rule_for_refunds_is_used_up_by_the_refunds_that_fit(world):
    world.freeze()
    order = world.paid_order("A-1")
    wish = {"stage": "refund", "outcome": "REJECTED", "match": {"amount": "10"}, "times": 2}
    world.post("/scenarios", wish)
    for number, amount in enumerate(["10.00", "20.00", "10.00", "10.00"]):
        world.refund(order, amount, f"R-{number}")
    world.advance(5)
    told = [one["reason_code"] for one in reversed(world.get("/refunds").json["items"])]
    assert told == ["REJECTED", None, "REJECTED", None]
    assert world.get("/scenarios").json["items"][0]["times"] == 0


def test_a_rule_for_one_type_of_notification_leaves_the_other_alone(notified_world, listener):
    match = {"notification_type": "refund"}
    notified_world.post("/scenarios", {"stage": "ipn", "outcome": "none", "match": match})
    notified_world.refund(notified_world.paid_order())
    notified_world.advance(5)
    refund, payment = notified_world.get("/notifications").json["items"]
    assert (payment["state"], refund["state"]) == ("DELIVERED", "SUPPRESSED")
    assert len(listener.received) == 1


def test_a_capture_that_fails_by_rule_lets_the_money_go(world):
    world.freeze()
    world.post("/scenarios", {"stage": "capture", "outcome": "fails", "match": {"method": "upi"}})
    told = world.get(f"/orders/{world.paid_order().order_id}").json
    assert told["attempts"][0]["state"] == "VOIDED"
    assert ("capture", "fails", "rule") in [(one["stage"], one["outcome"], one["source"]) for one in told["why"]]


def test_null_times_means_every_attempt(world):
    world.freeze()
    world.post("/scenarios", {"stage": "issuer", "outcome": "failure", "times": None})
    order = world.open_order()
    for _ in range(3):
        world.pay(order)
        world.post("/clock/advance", {"seconds": 0})
    assert [state for state, _ in states(world, order)] == ["FAILED"] * 3


def test_a_default_outcome_of_the_seller_decides_where_nothing_else_does(api):
    world = api.new_seller(settings={"default_outcomes": {"issuer": "54"}})
    world.freeze()
    order = world.open_order()
    world.pay(order, "anna@okbank")
    world.post("/clock/advance", {"seconds": 10})
    assert states(world, order) == [("FAILED", "seller default")]


def test_rules_are_taken_away_one_by_one_or_all_at_once(world):
    ids = [world.post("/scenarios", {"stage": "issuer", "outcome": "failure"}).json["rule_id"] for _ in range(3)]
    assert world.call("DELETE", f"/scenarios/{ids[1]}").status_code == 204
    left = [rule["rule_id"] for rule in world.get("/scenarios").json["items"]]
    assert left == [ids[0], ids[2]]
    assert world.call("DELETE", "/scenarios").status_code == 204
    assert world.get("/scenarios").json["items"] == []


@pytest.mark.parametrize("rule_id", ["999999", "x", "-1", "9" * 30, "१"])
def test_a_rule_that_is_not_there_cannot_be_taken_away(world, rule_id):
    answer = world.call("DELETE", f"/scenarios/{rule_id}")
    assert (answer.status_code, answer.json["code"]) == (404, "scenario.not_found")


def test_another_sellers_rule_stays(api, world):
    other = api.new_seller()
    rule = other.post("/scenarios", {"stage": "issuer", "outcome": "failure"}).json
    assert world.call("DELETE", f"/scenarios/{rule['rule_id']}").status_code == 404
    assert other.get("/scenarios").json["items"] == [rule]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"stage": "issuer"}, "input.invalid"),
        ({"stage": "moon", "outcome": "failure"}, "scenario.stage"),
        ({"stage": "risk", "outcome": "failure"}, "scenario.outcome"),
        ({"stage": "auth", "outcome": "failure"}, "scenario.outcome"),
        ({"stage": "issuer", "outcome": "sunshine"}, "scenario.outcome"),
        ({"stage": "redirect", "outcome": "failure"}, "scenario.outcome"),
        ({"stage": "capture", "outcome": "expires:61"}, "scenario.outcome"),
        ({"stage": "ipn", "outcome": "fails_until_1"}, "scenario.outcome"),
        ({"stage": "refund", "outcome": "at:noon"}, "scenario.outcome"),
        ({"stage": "refund", "outcome": "polls:0"}, "scenario.outcome"),
        ({"stage": "issuer", "outcome": "failure", "match": {"moon": "1"}}, "scenario.match"),
        ({"stage": "issuer", "outcome": "failure", "match": {"method": ""}}, "scenario.match"),
        ({"stage": "issuer", "outcome": "failure", "match": {"method": 1}}, "input.invalid"),
        ({"stage": "issuer", "outcome": "failure", "match": {"amount": "1e3"}}, "amount.invalid"),
        ({"stage": "issuer", "outcome": "failure", "match": {"vpa": "anna"}}, "vpa.invalid"),
        ({"stage": "issuer", "outcome": "failure", "times": 0}, "input.invalid"),
        ({"stage": "issuer", "outcome": "failure", "probability": 1.5}, "input.invalid"),
        ({"stage": "issuer", "outcome": "failure", "ttl_seconds": 0}, "input.invalid"),
    ],
)
def test_a_rule_that_could_never_decide_is_refused(world, wish, code):
    answer = world.post("/scenarios", wish)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert world.get("/scenarios").json["items"] == []


@pytest.mark.parametrize(("times", "status"), [(0, 201), (1, 409)])
def test_only_spent_rules_make_room_for_new_ones(world, times, status):
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        for _ in range(1_000):
            scenarios.add(
                sandbox, stage=Stage.ISSUER, match={}, outcome="failure", times=times, probability=1.0, expires_at=None
            )
    answer = world.post("/scenarios", {"stage": "issuer", "outcome": "failure"})
    assert answer.status_code == status
    assert len(world.get("/scenarios").json["items"]) == (1 if status == 201 else 1_000)


#: What can never fit anything, and the nearest right word of it.
NEVER = (
    ({"stage": "isuer", "outcome": "failure"}, "stage", "issuer"),
    ({"stage": "issuer", "outcome": "froozen"}, "outcome", "frozen"),
    ({"stage": "issuer", "outcome": "cancelled", "match": {"method": "upi"}}, "outcome", None),
    ({"stage": "issuer", "outcome": "locked", "match": {"vpa": "anna@okbank"}}, "outcome", "pinlocked"),
    ({"stage": "issuer", "outcome": "wrongpin", "match": {"last4": "1111"}}, "outcome", None),
    ({"stage": "auth", "outcome": "N", "match": {"method": "upi"}}, "outcome", None),
    ({"stage": "auth", "outcome": "frictionless", "match": {"bank": "SBIN"}}, "outcome", None),
    ({"stage": "capture", "outcome": "fail"}, "outcome", "fails"),
    ({"stage": "ipn", "outcome": "double"}, "outcome", "doubled"),
    ({"stage": "refund", "outcome": "REJECT"}, "outcome", "REJECTED"),
    ({"stage": "issuer", "outcome": "failure", "match": {"method": "paypal"}}, "match.method", None),
    ({"stage": "issuer", "outcome": "failure", "match": {"method": "netbank"}}, "match.method", "netbanking"),
    ({"stage": "issuer", "outcome": "failure", "match": {"bank": "NOSUCH"}}, "match.bank", None),
    ({"stage": "issuer", "outcome": "failure", "match": {"bank": "SBI"}}, "match.bank", "SBIN"),
    ({"stage": "ipn", "outcome": "none", "match": {"notification_type": "Nonsense"}}, "match.notification_type", None),
    (
        {"stage": "ipn", "outcome": "none", "match": {"notification_type": "refunds"}},
        "match.notification_type",
        "refund",
    ),
    ({"stage": "issuer", "outcome": "failure", "match": {"metod": "upi"}}, "match.metod", "method"),
    ({"stage": "issuer", "outcome": "failure", "match": {"reference": "R-1"}}, "match.reference", None),
    (
        {"stage": "issuer", "outcome": "failure", "match": {"notification_type": "payment"}},
        "match.notification_type",
        None,
    ),
    ({"stage": "refund", "outcome": "held", "match": {"vpa": "anna@okbank"}}, "match.vpa", None),
    (
        {"stage": "ipn", "outcome": "none", "match": {"notification_type": "refund", "last4": "1111"}},
        "match.last4",
        None,
    ),
    (
        {"stage": "ipn", "outcome": "none", "match": {"notification_type": "payment", "reference": "1"}},
        "match.reference",
        None,
    ),
    ({"stage": "issuer", "outcome": "failure", "match": {"method": "card", "vpa": "anna@okbank"}}, "match.vpa", None),
    ({"stage": "issuer", "outcome": "failure", "match": {"last4": "111"}}, "match.last4", None),
)


def test_a_rule_that_can_never_fit_is_refused_with_the_nearest_right_word(world, subtests):
    for wish, field, nearest in NEVER:
        with subtests.test(wish=wish):
            answer = world.post("/scenarios", wish)
            assert (answer.status_code, answer.json["field"]) == (422, field)
            assert nearest is None or answer.json["nearest"] == nearest
            assert nearest is None or f"Did you mean '{nearest}'?" in answer.json["detail"]
            assert nearest is None or nearest in answer.json["allowed"]
    assert world.get("/scenarios").json["items"] == []


def test_two_parts_that_no_instrument_has_at_once_are_refused(world):
    wish = {"stage": "issuer", "outcome": "failure", "match": {"vpa": "anna@okbank", "bank": "SBIN"}}
    answer = world.post("/scenarios", wish)
    assert (answer.status_code, answer.json["code"]) == (422, "scenario.match")


def test_capitals_do_not_matter_where_they_mean_nothing(world, subtests):
    for wish, made in (
        ({"stage": "ISSUER", "outcome": "FROZEN", "match": {"method": "UPI"}}, ("issuer", "frozen", {"method": "upi"})),
        ({"stage": "issuer", "outcome": "Insufficient"}, ("issuer", "insufficient", {})),
        ({"stage": "issuer", "outcome": "z9"}, ("issuer", "Z9", {})),
        ({"stage": "issuer", "outcome": "ISO:51"}, ("issuer", "iso:51", {})),
        ({"stage": "auth", "outcome": "n", "match": {"method": "Card"}}, ("auth", "N", {"method": "card"})),
        ({"stage": "refund", "outcome": "rejected"}, ("refund", "REJECTED", {})),
        ({"stage": "refund", "outcome": "Polls:3"}, ("refund", "polls:3", {})),
        (
            {"stage": "ipn", "outcome": "NONE", "match": {"notification_type": "Refund"}},
            ("ipn", "none", {"notification_type": "refund"}),
        ),
        ({"stage": "issuer", "outcome": "failure", "match": {"bank": "sbin"}}, ("issuer", "failure", {"bank": "SBIN"})),
        (
            {"stage": "issuer", "outcome": "failure", "match": {"email": "Asha@Example.com"}},
            ("issuer", "failure", {"email": "asha@example.com"}),
        ),
        (
            {"stage": "issuer", "outcome": "failure", "match": {"seller_order_id": "A-a"}},
            ("issuer", "failure", {"seller_order_id": "A-a"}),
        ),
    ):
        with subtests.test(wish=wish):
            rule = world.post("/scenarios", wish).json
            assert (rule["stage"], rule["outcome"], rule["match"]) == made


def test_what_fits_something_stays_accepted(world, subtests):
    for wish in (
        {"stage": "auth", "outcome": "otp_locked", "match": {"method": "upi"}},
        {"stage": "auth", "outcome": "N"},
        {"stage": "ipn", "outcome": "early", "match": {"reference": "R-1"}},
        {"stage": "ipn", "outcome": "none", "match": {"vpa": "anna@okbank", "notification_type": "payment"}},
        {"stage": "refund", "outcome": "held", "match": {"method": "upi", "reference": "R-1"}},
        {"stage": "issuer", "outcome": "insufficient", "match": {"last4": "1111", "method": "emi"}},
        {"stage": "issuer", "outcome": "frozen", "match": {"bank": "SBIN"}},
    ):
        with subtests.test(wish=wish):
            assert world.post("/scenarios", wish).status_code == 201
