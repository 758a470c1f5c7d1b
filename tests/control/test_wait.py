"""Waiting for something in one round trip."""

import threading
import time

import pytest

from mockpay.otp import challenges
from mockpay.otp.rules import Purpose
from mockpay.store import journal
from mockpay.store.unit_of_work import transaction

DATABASES = ["sqlite", "postgresql"]

LONG = 20


def waiting(world, query):
    """A wait in a thread; its answer when it is joined."""
    answers = []
    client = type(world.api)(world.api.client.application)
    path = f"/sellers/{world.seller_id}/wait?{query}&timeout={LONG}"

    def wait():
        answer = client.get(path)
        while answer.status_code == 503:  # somebody else had the place for a moment
            answer = client.get(path)
        answers.append(answer)

    thread = threading.Thread(target=wait)
    thread.start()

    def joined():
        thread.join(LONG)
        return answers[0].json

    return joined


def test_what_has_happened_already_answers_at_once(world):
    order = world.paid_order("A-1")
    told = world.get(f"/wait?event=order.PAID&match={order.order_id}&timeout={LONG}").json
    assert told["event"]["name"] == "attempt_captured"
    assert told["event"]["state"] == "PAID"
    assert told["event"]["seller_order_id"] == "A-1"


def test_what_happens_later_answers_then(world):
    answer = waiting(world, "event=order.PAID&match=seller_order_id:A-2")
    world.paid_order("A-1")
    order = world.paid_order("A-2")
    assert answer()["event"]["order_id"] == order.order_id


def test_the_first_that_fits_is_told_and_the_cursor_leads_to_the_next(world):
    world.paid_order("A-1")
    world.paid_order("A-2")
    first = world.get("/wait?event=order.opened").json
    second = world.get(f"/wait?event=order.opened&after={first['cursor']}").json
    third = world.get(f"/wait?event=order.opened&after={second['cursor']}&timeout=0").json
    assert first["event"]["seller_order_id"] == "A-1"
    assert second["event"]["seller_order_id"] == "A-2"
    assert third == {"event": None, "cursor": second["cursor"]}


def test_an_attempt_can_be_waited_for_by_its_id(world):
    world.freeze()
    attempt = world.pay(world.open_order(), "insufficient@mockpay")
    answer = waiting(world, f"event=attempt.FAILED&match={attempt.attempt_id}")
    world.post("/clock/advance", {"seconds": 0})
    event = answer()["event"]
    assert event["subject"] == attempt.attempt_id
    assert event["facts"]["reason"] == "insufficient_funds"


@pytest.mark.parametrize("match", ["{refund}", "refund_id:{refund}", "reference:R-2", "{order},R-2", ""])
def test_a_refund_can_be_waited_for_by_any_of_its_names(world, match):
    world.freeze()
    order = world.paid_order()
    refund = world.refund(order, key="R-2")
    query = match.format(refund=refund, order=order.order_id)
    answer = waiting(world, f"event=refund.COMPLETED&match={query}")
    world.advance(5)
    event = answer()["event"]
    assert (event["name"], event["state"], event["subject"]) == ("completed", "COMPLETED", refund)
    assert event["order_id"] == order.order_id


def test_another_refunds_end_is_not_seen(world):
    world.freeze()
    order = world.paid_order()
    first, second = world.refund(order, key="R-1"), world.refund(order, key="R-2")
    world.post(f"/refunds/{first}/decline")
    for match, event in ((first, "declined"), (second, None), ("reference:R-2", None)):
        told = world.get(f"/wait?event=refund.DECLINED&match={match}&timeout=0").json["event"]
        assert (told and told["name"]) == event


def test_a_notification_can_be_waited_for_by_any_of_its_names(notified_world):
    order = notified_world.paid_order()
    refund = notified_world.refund(order)
    answer = waiting(notified_world, f"event=notification.delivered&match=refund_id:{refund}")
    notified_world.advance(5)
    event = answer()["event"]
    (told,) = notified_world.get(f"/notifications?refund_id={refund}").json["items"]
    assert event["subject"] == told["notification_id"]
    for match in (
        told["notification_id"],
        told["message_id"],
        refund,
        "type:refund",
        f"order_id:{order.order_id},type:refund",
    ):
        query = f"event=notification.DELIVERED&match={match}&timeout=0"
        assert notified_world.get(f"/wait?{query}").json["event"] == event


def test_a_one_time_password_can_be_waited_for_by_its_attempt(world):
    world.freeze()
    attempt = world.pay(world.open_order(), None)
    answer = waiting(world, f"event=otp.ACTIVE&match=attempt_id:{attempt.attempt_id}")
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        challenge = challenges.start(
            sandbox,
            purpose=Purpose.PAYMENT,
            subject=attempt.attempt_id,
            to="+919876543210",
            attempt_id=attempt.attempt_id,
        )
    event = answer()["event"]
    assert (event["subject"], event["state"]) == (challenge.challenge_id, "ACTIVE")
    by_id = world.get(f"/wait?event=otp&match={challenge.challenge_id}&timeout=0").json["event"]
    assert by_id == event


def test_a_journal_entry_can_be_waited_for(world):
    answer = waiting(world, "event=journal.amazonpay.processPayment&match=outcome:signature.invalid")
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        for outcome in ("ok", "signature.invalid"):
            journal.add(
                sandbox.connection,
                world.seller_id,
                sandbox.now,
                sandbox.real_now,
                kind="amazonpay.processPayment",
                outcome=outcome,
                facts={"was": outcome},
            )
    assert answer()["event"]["facts"] == {"was": "signature.invalid"}


def test_a_call_about_several_orders_is_found_by_each_of_them(world):
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        for orders in (("S04-1",), ("S04-2", "S04-3")):
            moments = sandbox.now, sandbox.real_now
            kind = "amazonpay.ListOrderReference"
            journal.add(sandbox.connection, world.seller_id, *moments, kind=kind, outcome="ok", orders=orders)
    for match, found in (("order_id=S04-2", True), ("S04-3", True), ("order_id=S04-1", True), ("order_id=S04-", False)):
        event = world.get(f"/wait?event=journal&match={match}&timeout=0").json["event"]
        assert (event is not None) == found, match


def test_nothing_in_time_is_told_as_null(world):
    began = time.monotonic()
    told = world.get("/wait?event=order&timeout=0.05")
    assert (told.status_code, told.json["event"]) == (200, None)
    assert time.monotonic() - began < 5


def test_another_sellers_events_are_not_seen(api, world):
    api.new_seller().paid_order()
    assert world.get("/wait?event=order&timeout=0").json["event"] is None


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("timeout=1", 422, "query.invalid"),
        ("event=moon.FULL", 422, "wait.event"),
        ("event=order.PAYED", 422, "wait.event"),
        ("event=refund.PAID", 422, "wait.event"),
        ("event=notification.SENT", 422, "wait.event"),
        ("event=order&match=moon:full", 422, "wait.match"),
        ("event=order&match=refund_id:a", 422, "wait.match"),
        ("event=refund&match=notification_id:a", 422, "wait.match"),
        ("event=journal&match=attempt_id:a", 422, "wait.match"),
        ("event=order&timeout=61", 422, "query.invalid"),
        ("event=order&timeout=-1", 422, "query.invalid"),
        ("event=order&after=nonsense", 400, "cursor.invalid"),
        ("event=journal&after=dGltZWxpbmU6MA", 400, "cursor.invalid"),
    ],
)
def test_a_wait_for_what_cannot_come_is_refused_at_once(world, query, status, code):
    answer = world.get(f"/wait?{query}")
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_open_waits_end_when_the_server_stops(make_api):
    api = make_api()
    world = api.new_seller()
    answers = [waiting(world, "event=order") for _ in range(3)]
    api.runtime.stopping.set()
    assert [answer()["event"] for answer in answers] == [None] * 3


def test_open_waits_hold_no_connection_and_one_too_many_is_refused(make_api):
    api = make_api(threads=4)
    world = api.new_seller()
    held = [waiting(world, "event=order") for _ in range(3)]
    refused = None
    for _ in range(500):
        refused = world.get("/wait?event=order&timeout=0.01")
        if refused.status_code == 503:
            break
    assert (refused.status_code, refused.json["code"]) == (503, "wait.too_many")
    pool = api.runtime.engine.pool
    assert any(pool.checkedout() == 0 for _ in range(1_000_000))
    world.open_order()
    assert all(answer()["event"]["name"] == "opened" for answer in held)
    assert world.get("/wait?event=order").status_code == 200


def test_an_event_that_can_never_come_is_refused_with_the_nearest_right_one(world, subtests):
    for event, nearest in (
        ("order.paid", "order.PAID"),
        ("order.PAYED", "order.PAID"),
        ("orders.PAID", "order"),
        ("otp.sent", None),
        ("otp.startd", "otp.start"),
        ("refund.complete", "refund.completed"),
        ("refund.Completed", "refund.completed"),
        ("threeds.frictionles", "threeds.frictionless"),
        ("order.", None),
        ("journal.amazonpai.Refund", "journal.amazonpay.KIND"),
    ):
        with subtests.test(event=event):
            answer = world.get(f"/wait?event={event}&timeout={LONG}")
            assert (answer.status_code, answer.json["code"], answer.json["field"]) == (422, "wait.event", "event")
            assert nearest is None or answer.json["nearest"] == nearest
            assert nearest is None or f"Did you mean '{nearest}'?" in answer.json["detail"]


def test_a_match_that_the_event_does_not_have_is_refused_with_those_that_it_has(world, subtests):
    for query, nearest in (
        ("event=journal.amazonpay.x&match=seller_order_id=1", "order_id"),
        ("event=order.PAID&match=order:1", "order_id"),
        ("event=order.PAID&match=attempt_id:1", None),
        ("event=notification.DELIVERED&match=type:refunds", "refund"),
    ):
        with subtests.test(query=query):
            answer = world.get(f"/wait?{query}&timeout={LONG}")
            assert (answer.status_code, answer.json["code"], answer.json["field"]) == (422, "wait.match", "match")
            assert nearest is None or answer.json["nearest"] == nearest
            assert answer.json["allowed"]


def test_every_event_of_a_timeline_can_be_waited_for(world):
    order = world.paid_order()
    for line in world.get(f"/orders/{order.order_id}").json["timeline"]:
        for name in (line["event"], line["after"], "*"):
            answer = world.get(f"/wait?event={line['machine']}.{name}&timeout=0")
            assert answer.status_code == 200, (line, name, answer.json)
    assert world.get("/wait?event=notification.DELIVERED&match=type:Refund&timeout=0").status_code == 200
