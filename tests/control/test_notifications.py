"""Notifications by control API: what was sent, what was answered, and sending it again."""

import json

import pytest

from mockpay.store import notifications
from mockpay.store.unit_of_work import transaction
from tests.control.listeners import SILENCE

DATABASES = ["sqlite", "postgresql"]

REFUND, PAYMENT = "refund", "payment"


def newest(world):
    return world.get("/notifications").json["items"][0]


def see(world, one):
    return world.get(f"/notifications/{one['notification_id']}").json


@pytest.fixture
def refunded(notified_world):
    """A paid order and its refund, both told."""
    order = notified_world.paid_order()
    notified_world.refund(order)
    notified_world.advance(5)
    return notified_world


def test_the_clock_counts_what_happened_and_what_was_told(notified_world, listener):
    order = notified_world.open_order()
    notified_world.pay(order)
    assert notified_world.advance(0)["delivered"] == 1
    notified_world.refund(order)
    assert notified_world.advance(4)["delivered"] == 0
    moved = notified_world.advance(1)
    assert (moved["fired"], moved["delivered"]) == (1, 1)
    types = [json.loads(json.loads(body)["Message"])["NotificationType"] for body in listener.received]
    assert types == ["OrderReferenceNotification", "PaymentRefund"]


def test_a_notification_is_told_with_the_fields_that_others_rely_on(refunded, listener):
    refund, payment = refunded.get("/notifications").json["items"]
    assert (refund["type"], payment["type"]) == (REFUND, PAYMENT)
    expected = {
        "state": "DELIVERED",
        "message_id": json.loads(listener.received[1])["MessageId"],
        "due_at": "2026-11-21T15:00:05.000Z",
        "refund_id": refunded.get("/refunds").json["items"][0]["refund_id"],
        "outcome": "success",
        "reason": None,
        "copy": 1,
        "try_count": 1,
    }
    assert refund.items() >= expected.items()
    assert payment["refund_id"] is None
    (one,) = refund["tries"]
    assert one.pop("latency_ms") >= 0
    assert one == {"number": 1, "at": "2026-11-21T15:00:05.000Z", "status": 200, "reason": None}


def test_a_try_shows_what_was_sent_to_the_letter_and_what_was_answered(refunded, listener):
    told = see(refunded, newest(refunded))
    (one,) = told["tries"]
    assert one["request"]["url"] == listener.url
    assert one["request"]["body"] == listener.received[1]
    assert one["request"]["headers"]["x-amz-sns-message-id"] == told["message_id"]
    assert one["string_to_sign"].startswith("Message\n")
    assert told["message_id"] in one["string_to_sign"]
    assert one["answer"] == {"status": 200, "body": "said 200"}
    steps = [(step["event"], step["after"]) for step in told["timeline"]]
    assert steps == [("queued", "QUEUED"), ("delivered", "DELIVERED")]
    assert set(told["urls"]) == {"order", "refund"}


def test_a_refunds_detail_lists_what_the_seller_was_told_of_it(refunded):
    (refund,) = refunded.get("/refunds").json["items"]
    told = refunded.get(f"/refunds/{refund['refund_id']}").json["notifications"]
    assert told == [newest(refunded)]


def test_a_seller_without_an_address_gets_no_notification(world):
    world.freeze()
    world.refund(world.paid_order())
    assert world.advance(5)["delivered"] == 0
    assert world.get("/notifications").json == {"items": [], "next_cursor": None}


def test_a_server_that_breaks_is_asked_again_later(notified_world, listener):
    listener.answers = [500, 503]
    notified_world.paid_order()
    told = newest(notified_world)
    assert (told["state"], told["reason"]) == ("RETRY_WAIT", "answered 500")
    assert told["due_at"] == "2026-11-21T15:00:01.000Z"
    notified_world.advance(1)
    assert newest(notified_world)["due_at"] == "2026-11-21T15:00:06.000Z"
    assert notified_world.advance(5)["delivered"] == 1
    told = see(notified_world, newest(notified_world))
    assert (told["state"], told["reason"], told["try_count"]) == ("DELIVERED", None, 3)
    assert [(one["number"], one["answer"]["status"]) for one in told["tries"]] == [(1, 500), (2, 503), (3, 200)]
    assert len({one["request"]["body"] for one in told["tries"]}) == 1


def test_a_server_that_does_not_know_the_address_is_given_up(notified_world, listener):
    listener.answers = [404]
    notified_world.paid_order()
    moved = notified_world.advance(86_400)
    told = newest(notified_world)
    assert (moved["delivered"], told["state"], told["try_count"]) == (0, "DEAD", 1)
    assert told["reason"] == "answered 404; a 4xx is never tried again"
    assert len(listener.received) == 1


def test_a_server_that_keeps_silent_is_told_apart_from_one_that_answers(api, listener):
    world = api.new_seller(ipn_url=listener.url, settings={"ipn_timeout_seconds": 1})
    world.freeze()
    listener.answers = [SILENCE]
    world.paid_order()
    (one,) = see(world, newest(world))["tries"]
    assert (one["status"], one["answer"]) == (None, None)
    assert one["reason"] == "127.0.0.1 did not answer in time."
    assert world.advance(1)["delivered"] == 1


def test_a_notification_that_was_given_up_is_sent_by_hand(notified_world, listener):
    listener.answers = [404]
    notified_world.paid_order()
    before = newest(notified_world)
    told = notified_world.post(f"/notifications/{before['notification_id']}/deliver").json
    assert (told["state"], told["try_count"]) == ("DELIVERED", 2)
    assert [one["status"] for one in told["tries"]] == [404, 200]
    asked = [step["actor"] for step in told["timeline"] if step["event"] == "asked_again"]
    assert asked == ["tester"]
    assert told["message_id"] == before["message_id"]


def test_a_delivered_notification_is_sent_once_more(refunded, listener):
    one = newest(refunded)
    told = refunded.post(f"/notifications/{one['notification_id']}/deliver").json
    assert (told["state"], told["try_count"]) == ("DELIVERED", 2)
    assert listener.received[1] == listener.received[2]


def test_delivering_by_hand_may_fail_too_and_the_retries_go_on(notified_world, listener):
    listener.answers = [404, 500]
    notified_world.paid_order()
    path = f"/notifications/{newest(notified_world)['notification_id']}/deliver"
    told = notified_world.post(path).json
    assert (told["state"], told["reason"]) == ("RETRY_WAIT", "answered 500")
    assert notified_world.post("/clock/advance", {"until": "idle"}).json["delivered"] == 1


def test_a_notification_that_is_being_sent_is_not_sent_twice(notified_world, listener):
    notified_world.post("/scenarios", {"stage": "ipn", "outcome": "delayed"})
    notified_world.paid_order()
    one = newest(notified_world)
    with transaction(notified_world.api.runtime, notified_world.seller_id) as sandbox:
        found = notifications.by_id(sandbox, one["notification_id"])
        notifications.transition(sandbox, found, "claimed")
    answer = notified_world.post(f"/notifications/{one['notification_id']}/deliver")
    assert (answer.status_code, answer.json["code"]) == (409, "transition.illegal")
    assert listener.received == []


def test_a_delayed_notification_goes_at_once_by_hand_and_not_again_later(notified_world, listener):
    notified_world.post("/scenarios", {"stage": "ipn", "outcome": "delayed"})
    notified_world.paid_order()
    one = newest(notified_world)
    assert (one["state"], one["due_at"]) == ("QUEUED", "2026-11-21T15:00:30.000Z")
    told = notified_world.post(f"/notifications/{one['notification_id']}/deliver").json
    assert (told["state"], told["due_at"]) == ("DELIVERED", "2026-11-21T15:00:00.000Z")
    notified_world.advance(60)
    assert len(listener.received) == 1


def test_a_suppressed_notification_is_listed_and_goes_out_by_hand_only(notified_world, listener):
    notified_world.post("/scenarios", {"stage": "ipn", "outcome": "none"})
    notified_world.paid_order()
    notified_world.post("/clock/advance", {"until": "idle"})
    told = newest(notified_world)
    assert (told["state"], told["outcome"], told["tries"]) == ("SUPPRESSED", "none", [])
    assert listener.received == []
    told = notified_world.post(f"/notifications/{told['notification_id']}/deliver").json
    assert (told["state"], len(listener.received)) == ("DELIVERED", 1)


def test_a_doubled_message_is_two_deliveries(notified_world, listener):
    rule = {"stage": "ipn", "outcome": "doubled", "match": {"notification_type": REFUND}}
    notified_world.post("/scenarios", rule)
    notified_world.refund(notified_world.paid_order())
    assert notified_world.post("/clock/advance", {"until": "idle"}).json["delivered"] == 2
    second, first = notified_world.get(f"/notifications?type={REFUND}").json["items"]
    assert (first["copy"], second["copy"]) == (1, 2)
    assert first["message_id"] == second["message_id"]
    assert listener.received[1] == listener.received[2]


def test_tries_that_a_scenario_loses_are_listed_with_the_reason(notified_world, listener):
    notified_world.post("/scenarios", {"stage": "ipn", "outcome": "fails_until_3"})
    notified_world.paid_order()
    notified_world.post("/clock/advance", {"until": "idle"})
    tries = newest(notified_world)["tries"]
    assert [one["status"] for one in tries] == [None, None, 200]
    assert "scenario" in tries[0]["reason"]
    assert len(listener.received) == 1


@pytest.mark.parametrize("verb", ["", "/deliver"])
def test_another_sellers_notification_is_not_there(api, refunded, verb, listener):
    stranger = api.new_seller()
    for name in (newest(refunded)["notification_id"], "ipn_nobody"):
        answer = stranger.call("POST" if verb else "GET", f"/notifications/{name}{verb}")
        assert (answer.status_code, answer.json["code"]) == (404, "notification.not_found")
    assert stranger.get("/notifications").json["items"] == []
    assert len(listener.received) == 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [REFUND, PAYMENT, PAYMENT]),
        (f"type={REFUND}", [REFUND]),
        ("state=DELIVERED", [REFUND, PAYMENT]),
        ("state=DEAD", [PAYMENT]),
        ("state=DEAD,DELIVERED", [REFUND, PAYMENT, PAYMENT]),
        ("state=QUEUED", []),
        ("order_id={order}", [REFUND, PAYMENT]),
        ("refund_id={refund}", [REFUND]),
        ("order_id={order}&type=payment", [PAYMENT]),
    ],
)
def test_the_list_can_be_narrowed(notified_world, listener, query, expected):
    listener.answers = [404]
    notified_world.paid_order("A-1")
    order = notified_world.paid_order("A-2")
    refund = notified_world.refund(order)
    notified_world.advance(5)
    query = query.format(order=order.order_id, refund=refund)
    items = notified_world.get(f"/notifications?{query}").json["items"]
    assert [item["type"] for item in items] == expected


def test_pages_of_notifications_neither_repeat_nor_leave_out(notified_world):
    for number in range(5):
        notified_world.paid_order(f"A-{number}")
    seen, cursor = [], ""
    while cursor is not None:
        page = notified_world.get(f"/notifications?limit=2&cursor={cursor}").json
        seen += [item["notification_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("state=PENDING", 422, "query.invalid"),
        ("type=Postcard", 422, "query.invalid"),
        ("limit=0", 422, "query.invalid"),
        ("cursor=cmVmdW5kOjE", 400, "cursor.invalid"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(world, query, status, code):
    answer = world.get(f"/notifications?{query}")
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_test_notification_is_sent_and_told_with_its_try(notified_world, listener):
    told = notified_world.post("/notifications/test").json
    assert (told["type"], told["state"], told["order_id"], told["try_count"]) == ("test", "DELIVERED", None, 1)
    assert told["content"]["amount"] == "1.00"
    assert told["urls"] == {}
    assert [entry["event"] for entry in told["timeline"]][-1] == "delivered"
    assert newest(notified_world) | {"tries": None} == {
        name: value for name, value in told.items() if name not in {"timeline", "urls"}
    } | {"tries": None}
    assert json.loads(json.loads(listener.received[-1])["Message"])["IsSample"] is True
    query = "/wait?event=notification.DELIVERED&match=type=test&timeout=1"
    assert notified_world.get(query).status_code == 200


def test_a_seller_without_an_address_gets_no_test_notification(world):
    answer = world.post("/notifications/test")
    assert (answer.status_code, answer.json["code"]) == (409, "notification.no_address")


def test_a_seller_tells_which_address_has_confirmed(api):
    world = api.new_seller(ipn_url="http://127.0.0.1:9/ipn", settings={"ipn_profile": "sns"})
    assert world.get("").json["subscribed_url"] is None
    told = newest(world)
    assert (told["type"], told["content"], told["order_id"]) == ("subscription", None, None)
    for wrong in ({"ipn_signature_version": "3"}, {"certificate_fault": "twice"}):
        assert world.call("PATCH", "", {"settings": wrong}).status_code == 422
