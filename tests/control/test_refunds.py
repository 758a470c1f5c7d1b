"""Refunds by control API."""

import pytest

DATABASES = ["sqlite", "postgresql"]

VERBS = ["complete", "decline", "hold", "release"]


@pytest.fixture
def paid(world):
    """A paid order in a frozen world, at 15:00."""
    world.freeze("2026-11-21T15:00:00Z")
    return world.paid_order("A-1", "499.00")


def see(world, refund_id):
    return world.get(f"/refunds/{refund_id}").json


def events(told):
    return [(step["event"], step["after"], step["actor"]) for step in told["timeline"]]


def test_a_refund_is_told_with_the_fields_that_others_rely_on(world, paid):
    refund_id = world.refund(paid, "100.00", "R-1")
    (line,) = world.get("/refunds").json["items"]
    expected = {
        "refund_id": refund_id,
        "reference": "R-1",
        "order_id": paid.order_id,
        "kind": "SELLER",
        "state": "PENDING",
        "reason_code": None,
        "amount": "100.00",
        "currency": "INR",
        "held": False,
        "due_at": "2026-11-21T15:00:05.000Z",
        "completed_at": None,
        "bank_reference": None,
    }
    assert line.items() >= expected.items()
    assert events(line) == [("requested", "PENDING", "seller"), ("sent", "PENDING", "sandbox")]
    told = see(world, refund_id)
    assert told.items() >= line.items()
    assert told["destination"]["method"] == "upi"
    assert told["urls"]["order"].endswith(f"/orders/{paid.order_id}")


def test_the_clock_completes_a_refund_and_names_its_reference(world, paid):
    refund_id = world.refund(paid)
    assert world.advance(5)["fired"] == 1
    told = see(world, refund_id)
    assert (told["state"], told["completed_at"]) == ("COMPLETED", "2026-11-21T15:00:05.000Z")
    assert told["bank_reference_kind"] == "RRN"
    assert told["bank_reference"].isdigit()
    assert events(told)[-1] == ("completed", "COMPLETED", "clock")
    order = world.get(f"/orders/{paid.order_id}").json
    assert order["refunded_amount"] == "100.00"


def test_an_orders_detail_lists_its_refunds_the_oldest_first(world, paid):
    first, second = world.refund(paid, "100.00", "R-1"), world.refund(paid, "50.00", "R-2")
    world.post(f"/refunds/{first}/complete")
    refunds = world.get(f"/orders/{paid.order_id}").json["refunds"]
    told = [(one["refund_id"], one["amount"], one["state"]) for one in refunds]
    assert told == [(first, "100.00", "COMPLETED"), (second, "50.00", "PENDING")]
    assert [step["subject"] for step in refunds[1]["timeline"]] == [second] * 2


def test_a_refund_without_a_scenario_says_that_nothing_spoke(world, paid):
    (why,) = see(world, world.refund(paid))["why"]
    assert (why["stage"], why["source"], why["scenario"]) == ("refund", "success", None)


def test_the_rule_that_decides_a_refund_is_told(world, paid):
    rule = world.post("/scenarios", {"stage": "refund", "outcome": "delay:3600", "match": {"reference": "R-2"}}).json
    world.refund(paid, "100.00", "R-1")
    told = see(world, world.refund(paid, "100.00", "R-2"))
    (why,) = told["why"]
    assert (why["stage"], why["outcome"]) == ("refund", "delay:3600")
    assert why["scenario"] == told["scenario"] == f"rule {rule['rule_id']}"
    assert told["due_at"] == "2026-11-21T16:00:00.000Z"
    world.advance(3_599)
    assert see(world, told["refund_id"])["state"] == "PENDING"
    world.advance(1)
    assert see(world, told["refund_id"])["state"] == "COMPLETED"


def test_a_tester_completes_a_refund_before_its_time(world, paid):
    told = world.post(f"/refunds/{world.refund(paid)}/complete").json
    assert (told["state"], told["reason_code"]) == ("COMPLETED", None)
    assert events(told)[-1] == ("completed", "COMPLETED", "tester")
    assert world.get("/audit").json["ok"]


@pytest.mark.parametrize(
    ("body", "reason"), [(None, "PROCESSING_FAILURE"), ({}, "PROCESSING_FAILURE"), ({"reason": "REJECTED"}, "REJECTED")]
)
def test_a_declined_refund_leaves_its_money_to_be_refunded_again(world, paid, body, reason):
    told = world.post(f"/refunds/{world.refund(paid, '499.00')}/decline", body).json
    assert (told["state"], told["reason_code"]) == ("DECLINED", reason)
    again = world.refund(paid, "499.00", "R-2")
    assert world.post(f"/refunds/{again}/complete").json["state"] == "COMPLETED"


@pytest.mark.parametrize(
    ("body", "code"),
    [({"reason": "Moody"}, "refund.reason"), ({"reason": 1}, "input.invalid"), ({"why": "REJECTED"}, "input.invalid")],
)
def test_a_refund_is_declined_by_amazons_reasons_only(world, paid, body, code):
    refund_id = world.refund(paid)
    answer = world.post(f"/refunds/{refund_id}/decline", body)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert see(world, refund_id)["state"] == "PENDING"


def test_a_held_refund_waits_until_it_is_released(world, paid):
    refund_id = world.refund(paid)
    assert world.post(f"/refunds/{refund_id}/hold").json["held"]
    world.advance(86_400)
    assert see(world, refund_id)["state"] == "PENDING"
    told = world.post(f"/refunds/{refund_id}/release").json
    assert (told["held"], told["due_at"]) == (False, "2026-11-22T15:00:00.000Z")
    world.advance(0)
    told = see(world, refund_id)
    assert [event for event, _, _ in events(told)] == ["requested", "sent", "held", "released", "completed"]


def test_a_refund_released_in_time_settles_when_it_was_due(world, paid):
    refund_id = world.refund(paid)
    world.post(f"/refunds/{refund_id}/hold")
    world.post(f"/refunds/{refund_id}/release")
    world.advance(4)
    assert see(world, refund_id)["state"] == "PENDING"
    world.advance(1)
    assert see(world, refund_id)["state"] == "COMPLETED"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("end", ["complete", "decline"])
def test_a_refund_that_ended_goes_nowhere(world, paid, verb, end):
    refund_id = world.refund(paid)
    ended = world.post(f"/refunds/{refund_id}/{end}").json["state"]
    answer = world.post(f"/refunds/{refund_id}/{verb}")
    assert (answer.status_code, answer.json["code"]) == (409, "transition.illegal")
    assert see(world, refund_id)["state"] == ended
    assert world.get("/audit").json["ok"]


def test_only_a_held_refund_is_released(world, paid):
    answer = world.post(f"/refunds/{world.refund(paid)}/release")
    assert (answer.status_code, answer.json["code"]) == (409, "refund.not_held")


def test_an_order_is_refunded_in_part_and_then_all_that_is_left(world, paid):
    path = f"/orders/{paid.order_id}/refunds"
    first = world.post(path, {"amount": "100.00", "reference": "RMA-17", "note": "Broken"}).json
    told = (first["kind"], first["amount"], first["reference"], first["note"], first["state"])
    assert told == ("TESTER", "100.00", "RMA-17", "Broken", "PENDING")
    assert events(first)[0] == ("requested", "PENDING", "tester")
    assert world.post(path, {"amount": "100.00", "reference": "RMA-17", "note": "Broken"}).json == first
    rest = world.post(path).json
    assert (rest["amount"], rest["reference"]) == ("399.00", f"REFUND-{paid.order_id}-2")
    answer = world.post(path)
    assert (answer.status_code, answer.json["code"]) == (409, "refund.nothing_left")
    world.advance(60)
    assert world.get(f"/orders/{paid.order_id}").json["state"] == "REFUNDED"


def test_a_key_makes_one_refund(world, paid):
    def keyed(**body):
        return world.post(f"/orders/{paid.order_id}/refunds", body, headers={"Idempotency-Key": "a"}).json

    first = keyed(amount="100.00")
    assert keyed(amount="100.00") == first
    assert keyed(amount="100.01")["code"] == "idempotency_conflict"
    assert len(world.get("/refunds").json["items"]) == 1


def test_what_cannot_be_refunded_is_refused_at_its_field(world, paid):
    waits = world.open_order("A-2")
    for order, body, status, code, field in (
        (paid, {"amount": "499.01"}, 409, "refund.exceeds_capture", "amount"),
        (paid, {"amount": "1.005"}, 422, "amount.invalid", "amount"),
        (paid, {"amount": "-1.00"}, 422, "amount.invalid", "amount"),
        (paid, {"amount": "0.00"}, 422, "amount.too_small", "amount"),
        (paid, {"reference": "no good"}, 422, "refund.invalid", "reference"),
        (paid, {"note": "x" * 256}, 422, "refund.invalid", "note"),
        (waits, {"amount": "1.00"}, 409, "refund.not_captured", None),
        (waits, {}, 409, "refund.nothing_left", None),
    ):
        answer = world.post(f"/orders/{order.order_id}/refunds", body)
        assert (answer.status_code, answer.json["code"], answer.json.get("field")) == (status, code, field), body
    assert world.post("/orders/none/refunds").json["code"] == "order.not_found"
    assert world.get("/refunds").json["items"] == []


def test_a_testers_refund_meets_no_throttle_of_the_sellers_calls(world, paid):
    refund = world.post(f"/orders/{paid.order_id}/refunds", {"amount": "24.05"}).json
    assert refund["state"] == "PENDING"


@pytest.mark.parametrize("verb", ["", *(f"/{verb}" for verb in VERBS)])
def test_another_sellers_refund_is_not_there(api, world, paid, verb):
    refund_id = world.refund(paid)
    stranger = api.new_seller()
    for name in (refund_id, "P00-0000000-0000000-R000000"):
        answer = stranger.call("POST" if verb else "GET", f"/refunds/{name}{verb}")
        assert (answer.status_code, answer.json["code"]) == (404, "refund.not_found")
    assert stranger.get("/refunds").json["items"] == []
    assert see(world, refund_id)["state"] == "PENDING"


@pytest.fixture
def three(world, paid):
    """Two refunds of one order, the first completed, and one of another order."""
    world.post(f"/refunds/{world.refund(paid, '10.00', 'R-1')}/complete")
    world.refund(paid, "20.00", "R-2")
    other = world.paid_order("A-2")
    world.refund(other, "30.00", "R-3")
    return {"world": world, "first": paid.order_id, "other": other.order_id}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["R-3", "R-2", "R-1"]),
        ("state=PENDING", ["R-3", "R-2"]),
        ("state=COMPLETED", ["R-1"]),
        ("state=COMPLETED,DECLINED", ["R-1"]),
        ("state=", ["R-3", "R-2", "R-1"]),
        ("order_id={first}", ["R-2", "R-1"]),
        ("order_id={other}", ["R-3"]),
        ("order_id={first}&state=PENDING", ["R-2"]),
        ("reference=R-2", ["R-2"]),
        ("reference=nothing", []),
    ],
)
def test_the_list_can_be_narrowed(three, query, expected):
    items = three["world"].get(f"/refunds?{query.format(**three)}").json["items"]
    assert [item["reference"] for item in items] == expected
    assert all(step["subject"] == i["refund_id"] for i in items for step in i["timeline"])


def test_pages_of_refunds_neither_repeat_nor_leave_out(world, paid):
    for number in range(5):
        world.refund(paid, "1.00", f"R-{number}")
    seen, cursor = [], ""
    while cursor is not None:
        page = world.get(f"/refunds?limit=2&cursor={cursor}").json
        seen += [item["reference"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [f"R-{number}" for number in reversed(range(5))]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("state=CAPTURED", 422, "query.invalid"),
        ("limit=201", 422, "query.invalid"),
        ("moon=full", 422, "query.invalid"),
        ("cursor=nonsense", 400, "cursor.invalid"),
        ("cursor=b3JkZXI6MQ", 400, "cursor.invalid"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(world, query, status, code):
    answer = world.get(f"/refunds?{query}")
    assert (answer.status_code, answer.json["code"]) == (status, code)
