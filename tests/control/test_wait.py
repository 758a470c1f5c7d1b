"""Waiting for something in one round trip."""

import threading
import time

import pytest

from mockpay.store import journal
from mockpay.store.worlds import work

LONG = 20


def waiting(room, query):
    """A wait in a thread; its answer when it is joined."""
    answers = []
    client = type(room.api)(room.api.client.application)
    path = f"/sellers/{room.seller_id}/wait?{query}&timeout={LONG}"

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


def test_what_has_happened_already_answers_at_once(room):
    order = room.paid_order("A-1")
    told = room.get(f"/wait?event=order.PAID&match={order.amazon_order_id}&timeout={LONG}").json
    assert told["event"]["name"] == "attempt_captured"
    assert told["event"]["state"] == "PAID"
    assert told["event"]["seller_order_id"] == "A-1"


def test_what_happens_later_answers_then(room):
    answer = waiting(room, "event=order.PAID&match=seller_order_id:A-2")
    room.paid_order("A-1")
    order = room.paid_order("A-2")
    assert answer()["event"]["amazon_order_id"] == order.amazon_order_id


def test_the_first_that_fits_is_told_and_the_cursor_leads_to_the_next(room):
    room.paid_order("A-1")
    room.paid_order("A-2")
    first = room.get("/wait?event=order.opened").json
    second = room.get(f"/wait?event=order.opened&after={first['cursor']}").json
    third = room.get(f"/wait?event=order.opened&after={second['cursor']}&timeout=0").json
    assert first["event"]["seller_order_id"] == "A-1"
    assert second["event"]["seller_order_id"] == "A-2"
    assert third == {"event": None, "cursor": second["cursor"]}


def test_an_attempt_can_be_waited_for_by_its_id(room):
    room.freeze()
    attempt = room.pay(room.open_order(), "insufficient@mockpay")
    answer = waiting(room, f"event=attempt.FAILED&match={attempt.attempt_id}")
    room.post("/clock/advance", {"seconds": 0})
    event = answer()["event"]
    assert event["subject"] == attempt.attempt_id
    assert event["facts"]["reason"] == "insufficient_funds"


def test_a_journal_entry_can_be_waited_for(room):
    answer = waiting(room, "event=journal.amazonpay.processPayment&match=outcome:signature.invalid")
    with work(room.api.runtime, room.seller_id) as sandbox:
        for outcome in ("ok", "signature.invalid"):
            journal.add(
                sandbox.connection, room.seller_id, sandbox.now, sandbox.real_now,
                kind="amazonpay.processPayment", outcome=outcome, facts={"was": outcome},
            )  # fmt: skip
    assert answer()["event"]["facts"] == {"was": "signature.invalid"}


def test_nothing_in_time_is_told_as_null(room):
    began = time.monotonic()
    told = room.get("/wait?event=order&timeout=0.05")
    assert (told.status_code, told.json["event"]) == (200, None)
    assert time.monotonic() - began < 5


def test_another_sellers_events_are_not_seen(api, room):
    api.new_seller().paid_order()
    assert room.get("/wait?event=order&timeout=0").json["event"] is None


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("timeout=1", 422, "query.invalid"),
        ("event=moon.FULL", 422, "wait.event"),
        ("event=order.PAYED", 422, "wait.event"),
        ("event=order&match=moon:full", 422, "wait.match"),
        ("event=journal&match=attempt_id:a", 422, "wait.match"),
        ("event=order&timeout=61", 422, "query.invalid"),
        ("event=order&timeout=-1", 422, "query.invalid"),
        ("event=order&after=nonsense", 400, "cursor.invalid"),
        ("event=journal&after=dGltZWxpbmU6MA", 400, "cursor.invalid"),
    ],
)
def test_a_wait_for_what_cannot_come_is_refused_at_once(room, query, status, code):
    answer = room.get(f"/wait?{query}")
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_open_waits_end_when_the_server_stops(make_api):
    api = make_api()
    room = api.new_seller()
    answers = [waiting(room, "event=order") for _ in range(3)]
    api.runtime.stopping.set()
    assert [answer()["event"] for answer in answers] == [None] * 3


def test_open_waits_hold_no_connection_and_one_too_many_is_refused(make_api):
    api = make_api(threads=4)
    room = api.new_seller()
    held = [waiting(room, "event=order") for _ in range(3)]
    refused = None
    for _ in range(500):
        refused = room.get("/wait?event=order&timeout=0.01")
        if refused.status_code == 503:
            break
    assert (refused.status_code, refused.json["code"]) == (503, "wait.too_many")
    pool = api.runtime.engine.pool
    assert any(pool.checkedout() == 0 for _ in range(1_000_000))
    room.open_order()
    assert all(answer()["event"]["name"] == "opened" for answer in held)
    assert room.get("/wait?event=order").status_code == 200
