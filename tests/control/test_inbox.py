"""The buyer's inbox by control API."""

import pytest
from sqlalchemy import select

from mockpay.otp import challenges
from mockpay.otp.rules import Channel, Purpose
from mockpay.store import inbox
from mockpay.store.unit_of_work import read, transaction

DATABASES = ["sqlite", "postgresql"]

PHONE, MAIL = "+919876543210", "asha@example.com"


def ask(world, attempt_id="att_1", to=PHONE, channel=Channel.SMS):
    """Send a code for an attempt."""
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        challenges.start(
            sandbox, purpose=Purpose.PAYMENT, subject=attempt_id, to=to, channel=channel, attempt_id=attempt_id
        )


def test_a_message_is_told_with_the_fields_that_others_rely_on(world):
    world.freeze()
    ask(world)
    (message,) = world.get("/inbox").json["items"]
    assert message["otp"].isdigit()
    assert message["otp"] in message["body"]
    expected = {
        "kind": "otp",
        "channel": "SMS",
        "to": PHONE,
        "attempt_id": "att_1",
        "created_at": "2026-11-21T15:00:00.000Z",
        "read_at": None,
    }
    assert message.items() >= expected.items()
    assert message["message_id"].startswith("msg")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["att_2", "att_1"]),
        ("kind=otp", ["att_2", "att_1"]),
        ("kind=receipt", []),
        ("to=%2B919876543210", ["att_1"]),
        ("to=+919876543210", ["att_1"]),
        (f"to={MAIL}", ["att_2"]),
        ("attempt_id=att_1", ["att_1"]),
        (f"attempt_id=att_1&to={MAIL}", []),
    ],
)
def test_the_newest_come_first_and_the_list_can_be_narrowed(world, query, expected):
    ask(world, "att_1")
    ask(world, "att_2", MAIL, Channel.EMAIL)
    items = world.get(f"/inbox?{query}").json["items"]
    assert [item["attempt_id"] for item in items] == expected


def test_pages_of_messages_neither_repeat_nor_leave_out(world):
    for number in range(5):
        ask(world, f"att_{number}")
    seen, cursor = [], ""
    while cursor is not None:
        page = world.get(f"/inbox?limit=2&cursor={cursor}").json
        seen += [item["attempt_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [f"att_{number}" for number in reversed(range(5))]


def test_a_code_is_forgotten_after_an_hour_in_the_database_too(world):
    world.freeze()
    ask(world)
    code = world.get("/inbox").json["items"][0]["otp"]
    world.advance(3_600)
    (message,) = world.get("/inbox").json["items"]
    assert message["otp"] is None
    assert code not in message["body"]
    with read(world.api.runtime, world.seller_id) as sandbox:
        mine = inbox.inbox.c.seller_id == world.seller_id
        ((otp, body),) = sandbox.connection.execute(select(inbox.inbox.c.otp, inbox.inbox.c.body).where(mine))
    assert otp is None
    assert code not in body


def test_another_sellers_messages_are_not_there(api, world):
    ask(api.new_seller())
    assert world.get("/inbox").json == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("cursor=nonsense", 400, "cursor.invalid"),
        ("limit=0", 422, "query.invalid"),
        ("moon=full", 422, "query.invalid"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(world, query, status, code):
    answer = world.get(f"/inbox?{query}")
    assert (answer.status_code, answer.json["code"]) == (status, code)
