"""An attempt by control API: how its buyer was asked who they are."""

import pytest

from mockpay.domain.methods.cards import Card
from mockpay.otp import challenges
from mockpay.otp.rules import Purpose
from mockpay.services.payments import payments
from mockpay.services.payments.transitions import get_attempt, get_order
from mockpay.store import inbox
from mockpay.store.unit_of_work import read, transaction
from mockpay.threeds import acs, requestor, threeds_table
from mockpay.threeds.rules import Browser

VISA, PHONE = "4111111111111111", "+919876543210"
BACK = "http://127.0.0.1:8420/pay/token/3ds"


@pytest.fixture
def world(api):
    world = api.new_seller()
    world.freeze()
    return world


def act(world, verb, *given, **named):
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        return verb(sandbox, *given, **named)


def seen(world, query, *given):
    with read(world.api.runtime, world.seller_id) as sandbox:
        return query(sandbox, *given)


def by_card(world, number="A-1"):
    """A new attempt by card that nobody has sent yet."""
    order = seen(world, get_order, world.open_order(number).order_pk)
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        typed = {"number": VISA, "expiry": "08/29", "cvv": "123", "name": "Asha Rao"}
        return payments.pay(sandbox, order, Card.read(**typed, now=sandbox.now)).attempt


def prepared(world, attempt, outcome="success"):
    fresh = seen(world, get_attempt, attempt.attempt_id)
    return act(world, requestor.prepare, fresh, outcome, notification_url=BACK)


def asked(world, attempt, outcome="success"):
    """The issuer has answered; the authentication as it stands."""
    txn = prepared(world, attempt, outcome)
    return act(world, requestor.authenticate, txn.txn_id, Browser(ip="203.0.113.7"))


def challenged(world, attempt):
    """The challenge is on the buyer's screen, its code in the inbox."""
    txn = asked(world, attempt)
    act(world, acs.open_challenge, txn.acs_token, requestor.creq(txn))
    return seen(world, threeds_table.by_id, txn.txn_id)


def code(world):
    return seen(world, inbox.list_page).items[0].otp


def detail(world, attempt):
    answer = world.get(f"/attempts/{attempt.attempt_id}")
    assert answer.status_code == 200, answer.json
    return answer.json


def test_an_attempt_is_told_as_in_its_order_and_with_more(world):
    order = world.paid_order("A-7")
    (short,) = world.get(f"/orders/{order.order_id}").json["attempts"]
    told = world.get(f"/attempts/{short['attempt_id']}").json
    assert told.items() >= short.items()
    assert (told["order_id"], told["seller_order_id"]) == (order.order_id, "A-7")
    assert (told["otps"], told["authentications"]) == ([], [])
    assert [one["value"] for one in told["why"]] == ["success@mockpay"]
    assert {one["subject"] for one in told["timeline"]} == {short["attempt_id"]}
    assert told["timeline"][-1]["after"] == "CAPTURED"


def test_an_order_keeps_its_attempts_short(world):
    order = world.paid_order()
    (short,) = world.get(f"/orders/{order.order_id}").json["attempts"]
    assert not {"risk", "otps", "authentications", "timeline"} & set(short)


def test_a_one_time_password_is_told_without_its_code(world):
    attempt = world.pay(world.open_order(), None)
    challenge = act(
        world,
        challenges.start,
        purpose=Purpose.PAYMENT,
        subject=attempt.attempt_id,
        to=PHONE,
        amount=attempt.amount,
        attempt_id=attempt.attempt_id,
    )
    sent = code(world)
    act(world, challenges.verify, challenge.challenge_id, "000001" if sent != "000001" else "000002")
    world.advance(60)
    act(world, challenges.resend, challenge.challenge_id)
    answer = world.get(f"/attempts/{attempt.attempt_id}")
    (told,) = answer.json["otps"]
    expected = {
        "challenge_id": challenge.challenge_id,
        "purpose": "PAYMENT",
        "state": "ACTIVE",
        "channel": "SMS",
        "destination_masked": "******3210",
        "amount": "499.00",
        "currency": "INR",
        "sends": 2,
        "wrong_count": 1,
        "undelivered": False,
        "created_at": "2026-11-21T15:00:00.000Z",
    }
    assert told.items() >= expected.items()
    assert told["expires_at"] > told["resend_at"] > told["created_at"]
    for secret in (sent, code(world), PHONE):
        assert secret not in answer.text
    assert [one["event"] for one in answer.json["timeline"] if one["machine"] == "otp"] == ["start", "wrong", "resend"]


def test_a_challenge_that_was_passed_is_told_with_every_message(world):
    attempt = by_card(world)
    txn = challenged(world, attempt)
    sent = code(world)
    done = act(world, acs.submit, txn.acs_token, sent)
    act(world, requestor.finish, txn.txn_id, done.cres, done.session_data)

    answer = world.get(f"/attempts/{attempt.attempt_id}")
    told = answer.json["authentications"][-1]
    expected = {
        "threeds_server_trans_id": txn.txn_id,
        "acs_trans_id": txn.acs_trans_id,
        "ds_trans_id": txn.ds_trans_id,
        "state": "COMPLETED",
        "flow": "CHALLENGE",
        "ares_status": "C",
        "trans_status": "Y",
        "reason": None,
        "reason_description": None,
        "eci": "05",
        "liability": "ISSUER",
        "network": "Visa",
        "card": "411111…1111",
        "amount": "499.00",
        "otp_challenge_id": txn.otp_challenge_id,
        "interactions": 1,
        "completed_at": "2026-11-21T15:00:00.000Z",
        "challenge_cancel": None,
    }
    assert told.items() >= expected.items()
    assert [f"{m['type']} {m['sender']}>{m['receiver']}" for m in told["messages"]] == [
        "AReq S>D",
        "AReq D>A",
        "ARes A>D",
        "ARes D>S",
        "CReq B>A",
        "RReq A>S",
        "RRes S>A",
        "CRes A>B",
        "CRes B>S",
    ]
    assert told["messages"][0]["body"]["acctNumber"] == "411111…1111"
    assert [one["seq"] for one in told["messages"]] == list(range(1, 10))
    assert [one["state"] for one in answer.json["otps"]] == ["VERIFIED"]
    for secret in (VISA, sent):
        assert secret not in answer.text
    steps = [one for one in answer.json["timeline"] if one["subject"] == txn.txn_id]
    assert [one["event"] for one in steps] == ["prepared", "authenticate", "challenge", "complete"]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("frictionless", ("FRICTIONLESS", "FRICTIONLESS", "Y", None, "05", "ISSUER")),
        ("A", ("FRICTIONLESS", "ATTEMPT", "A", None, "06", "ISSUER")),
        ("R", ("FRICTIONLESS", "FRICTIONLESS", "R", "suspected fraud", "07", "MERCHANT")),
        ("not_enrolled", ("FRICTIONLESS", "NOT_ENROLLED", "U", "cardholder not enrolled", "07", "MERCHANT")),
        ("success", ("CHALLENGE", "CHALLENGE", None, None, None, None)),
    ],
)
def test_what_the_issuer_answered_is_told_with_who_is_liable(world, outcome, expected):
    attempt = by_card(world)
    asked(world, attempt, outcome)
    told = detail(world, attempt)["authentications"][-1]
    names = ("state", "flow", "trans_status", "reason_description", "eci", "liability")
    assert tuple(told[name] for name in names) == expected


def test_an_authentication_that_has_not_begun_has_nothing_to_tell_yet(world):
    attempt = by_card(world)
    txn = prepared(world, attempt)
    told = detail(world, attempt)["authentications"][-1]
    assert (told["threeds_server_trans_id"], told["state"]) == (txn.txn_id, "PREPARED")
    assert (told["flow"], told["liability"], told["messages"]) == (None, None, [])


def test_nobody_elses_attempt_is_told_from_one_that_is_not_there(api, world):
    attempt = by_card(world)
    answers = [api.new_seller().get(f"/attempts/{attempt.attempt_id}"), world.get("/attempts/att_nothing")]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].data == answers[1].data
    assert answers[0].json["code"] == "attempt.not_found"


@pytest.mark.parametrize("match", ["{txn}", "threeds_server_trans_id:{txn}", "attempt_id:{att}"])
def test_an_authentication_can_be_waited_for_by_its_names(world, match):
    attempt = by_card(world)
    first = asked(world, by_card(world, "A-0"), "frictionless")
    txn = asked(world, attempt, "frictionless")
    query = match.format(txn=txn.txn_id, att=attempt.attempt_id)
    event = world.get(f"/wait?event=threeds.FRICTIONLESS&match={query}&timeout=0").json["event"]
    assert (event["subject"], event["name"]) == (txn.txn_id, "frictionless")
    assert event["facts"]["trans_status"] == "Y"
    assert event["seller_order_id"] == "A-1"
    assert world.get("/wait?event=threeds&timeout=0").json["event"]["subject"] != txn.txn_id
    assert first.txn_id != txn.txn_id


def test_a_state_that_no_authentication_has_cannot_be_waited_for(world):
    answer = world.get("/wait?event=threeds.PAID")
    assert (answer.status_code, answer.json["code"]) == (422, "wait.event")
