"""Webhooks: which events come, signed by whose secret, how often and in which order."""

import json

import pytest
from razorpay.errors import BadRequestError, SignatureVerificationError

from tests.providers.razorpay.conftest import WEBHOOK
from tests.providers.razorpay.software import DECLINED

MANUAL = {"payment": {"capture": "manual"}}
ENDPOINT = "http://127.0.0.1:9/own"
PAID = ["payment.authorized", "payment.captured", "order.paid"]


def names(software, *wanted):
    return [event["event"] for event in software.events(*wanted)]


def ids(software, url=None):
    """Name and event id of each try."""
    return [
        (json.loads(body)["event"], headers["x-razorpay-event-id"])
        for address, headers, body in software.received
        if url is None or address == url
    ]


def test_a_payment_is_told_by_events_that_the_client_believes(software, subtests):
    """Trap 2 (razorpay-magento#291): payment.authorized and order.paid together, each event with an id of its own."""
    payment = software.paid()
    assert names(software) == PAID
    secret = software.credentials["webhook_secret"]
    for _, headers, body in software.received:
        event = json.loads(body)
        with subtests.test(event["event"]):
            signature = headers["x-razorpay-signature"]
            assert software.client.utility.verify_webhook_signature(body, signature, secret)
            for wrong in (body + " ", body.replace("INR", "USD")):
                with pytest.raises(SignatureVerificationError):
                    software.client.utility.verify_webhook_signature(wrong, signature, secret)
            assert event.keys() == {"entity", "account_id", "event", "contains", "payload", "created_at"}
            assert event["account_id"].startswith("acc_")
            assert list(event["payload"]) == event["contains"]
            assert event["payload"]["payment"]["entity"]["id"] == payment["id"]
    authorized, captured, paid = software.events()
    entity = authorized["payload"]["payment"]["entity"]
    assert (entity["status"], entity["captured"], entity["fee"]) == ("authorized", False, None)
    assert captured["payload"]["payment"]["entity"]["status"] == "captured"
    assert paid["contains"] == ["payment", "order"]
    assert paid["payload"]["order"]["entity"]["amount_paid"] == 49_900
    assert len(set(ids(software))) == 3


def test_a_failure_and_then_a_success_are_two_payments_of_one_order(software):
    """Trap 3 (komoju-woocommerce PR 21, nearmerch#209): payment.failed, then captured, for one order."""
    order = software.order()
    failed, paid = software.pay(order, vpa=DECLINED), software.pay(order)
    assert names(software) == ["payment.failed", *PAID]
    told = [event["payload"]["payment"]["entity"]["id"] for event in software.events()]
    assert told == [failed["id"], *[paid["id"]] * 3]
    assert software.events("payment.failed")[0]["payload"]["payment"]["entity"]["error_code"] == "BAD_REQUEST_ERROR"


def test_a_failure_may_be_told_after_the_order_was_paid(software):
    """Trap 3 (komoju-woocommerce PR 21, nearmerch#209): a late failed event after paid."""
    order = software.order()
    # A rule for one payment: the failure has met it, so the next payment does not.
    software.control("POST", "/scenarios", {"stage": "ipn", "match": {}, "outcome": "delayed", "times": 1})
    software.pay(order, vpa=DECLINED)
    software.pay(order)
    assert names(software) == PAID
    software.advance(30)
    assert names(software) == [*PAID, "payment.failed"]


def test_a_refund_may_be_told_before_its_payment(software):
    """Trap 1 (razorpay-woocommerce#664): a refund event before the authorisation settles."""
    payment = software.paid(notes={"mockpay_outcome": "ipn=out_of_order"})
    assert names(software) == []
    software.client.payment.refund(payment["id"], {"amount": 100}, headers={"Mockpay-Outcome": "ipn=success"})
    software.advance(5)
    software.advance(60)
    assert names(software)[0] == "refund.created"
    assert sorted(names(software)) == sorted([*PAID, "refund.created", "refund.processed"])
    assert software.client.payment.fetch(payment["id"])["amount_refunded"] == 100


def test_a_refund_is_told_with_its_own_id_and_its_payments(software):
    """Trap 9 (hyperswitch#5298): refund's and payment's id mixed up in a refund's webhook."""
    payment = software.paid()
    refund = software.client.payment.refund(payment["id"], {"amount": 100, "speed": "optimum"})
    software.advance(5)
    events = software.events("refund.created", "refund.speed_changed", "refund.processed")
    assert [event["event"] for event in events] == ["refund.created", "refund.speed_changed", "refund.processed"]
    for event in events:
        assert event["contains"] == ["refund", "payment"]
        told = event["payload"]["refund"]["entity"]
        assert (told["id"], told["payment_id"]) == (refund["id"], payment["id"])
        assert event["payload"]["payment"]["entity"]["id"] == payment["id"]
    statuses = [event["payload"]["refund"]["entity"]["status"] for event in events]
    assert statuses == ["pending", "pending", "processed"]
    software.client.payment.refund(payment["id"], {"amount": 100}, headers={"Mockpay-Outcome": "refund=REJECTED"})
    software.advance(5)
    assert names(software)[-1] == "refund.failed"


def test_what_nobody_captured_is_told_as_refunded_and_never_as_captured(software):
    payment = software.pay(software.order(**MANUAL))
    software.advance(5 * 86_400)
    assert names(software) == ["payment.authorized", "refund.created", "refund.processed"]
    entity = software.events("refund.processed")[0]["payload"]["payment"]["entity"]
    assert (entity["id"], entity["captured"], entity["status"]) == (payment["id"], False, "refunded")


def test_a_late_authorisation_is_captured_or_goes_back(software):
    """Trap 4 (razorpay-opencart#47): a failed payment becomes authorized days later."""
    software.settings(upi_pending_seconds=3 * 86_400)
    order = software.order(notes={"mockpay_outcome": "issuer=latesuccess"}, **MANUAL)
    failed = software.pay(order)
    assert (failed["status"], failed["error_reason"]) == ("failed", "payment_timed_out")
    software.advance(3 * 86_400)
    late = software.client.payment.fetch(failed["id"])
    assert (late["status"], late["error_code"]) == ("authorized", None)
    assert names(software) == ["payment.failed", "payment.authorized"]
    software.client.payment.capture(failed["id"], 49_900, {})
    software.advance()
    assert names(software)[2:] == ["payment.captured", "order.paid"]

    second = software.pay(software.order(notes={"mockpay_outcome": "issuer=latesuccess"}, **MANUAL))
    software.advance(3 * 86_400)
    software.advance(5 * 86_400)
    assert software.client.payment.fetch(second["id"])["status"] == "refunded"
    assert names(software)[-2:] == ["refund.created", "refund.processed"]


def test_an_endpoint_gets_what_it_wants_signed_by_its_own_secret(software):
    own = software.client.webhook.create(
        {"url": ENDPOINT, "secret": "of my own", "events": ["order.paid", "refund.created"]}
    )
    assert (own["entity"], own["secret_exists"], own["active"]) == ("webhook", True, True)
    assert [name for name, wanted in own["events"].items() if wanted] == ["order.paid", "refund.created"]
    assert "of my own" not in str(own)
    software.paid()
    assert [name for name, _ in ids(software, ENDPOINT)] == ["order.paid"]
    assert [name for name, _ in ids(software, WEBHOOK)] == PAID
    # One event has one id, wherever it goes.
    assert set(ids(software, ENDPOINT)) < set(ids(software, WEBHOOK))
    [(_, headers, body)] = [each for each in software.received if each[0] == ENDPOINT]
    assert software.client.utility.verify_webhook_signature(body, headers["x-razorpay-signature"], "of my own")


def test_endpoints_are_listed_edited_and_taken_away(software):
    own = software.client.webhook.create({"url": ENDPOINT, "events": {"payment.failed": True, "order.paid": False}})
    assert software.call("GET", f"/v1/webhooks/{own['id']}")[1] == own
    edited = software.client.webhook.edit(own["id"], None, {"events": ["order.paid"], "active": True})
    assert edited["events"]["order.paid"] is True
    assert [each["id"] for each in software.client.webhook.all()["items"]] == [own["id"]]
    software.client.webhook.edit(own["id"], None, {"active": False})
    software.paid()
    assert ids(software, ENDPOINT) == []
    # The public client names an account that nobody gave it.
    software.client.webhook.delete(own["id"], None)
    assert software.client.webhook.all()["count"] == 0
    software.paid()
    assert ids(software, ENDPOINT) == []
    for body, words in (
        ({"events": ["order.paid"]}, "url field is required"),
        ({"url": ENDPOINT}, "events field is required"),
        ({"url": ENDPOINT, "events": ["order.lost"]}, "Invalid event name/names: order.lost"),
        ({"url": "http://example.com/hook", "events": ["order.paid"]}, "example.com"),
        ({"url": "nowhere", "events": ["order.paid"]}, "http"),
    ):
        with pytest.raises(BadRequestError, match=words):
            software.client.webhook.create(body)
    assert "does not exist" in software.refused("GET", "/v2/accounts/acc_other/webhooks")


def test_what_was_queued_before_a_secret_changed_keeps_the_old_one(software):
    own = software.client.webhook.create({"url": ENDPOINT, "secret": "first", "events": ["order.paid"]})
    order = software.order(notes={"mockpay_outcome": "ipn=delayed"})
    software.pay(order)
    software.client.webhook.edit(own["id"], None, {"secret": "second"})
    software.advance(30)
    [(_, headers, body)] = [each for each in software.received if each[0] == ENDPOINT]
    assert software.client.utility.verify_webhook_signature(body, headers["x-razorpay-signature"], "first")


def test_a_try_is_repeated_with_the_same_id_for_a_day(software):
    """Trap 2 (razorpay-magento#291): the id of an event is the same on retries."""
    software.settings(ipn_profile="razorpay")
    software.post_office.answers = [404] * 3
    software.control("POST", "/scenarios", {"stage": "ipn", "outcome": "success"})
    software.paid()
    assert len(set(ids(software))) == 3
    software.advance(60)
    assert sorted(ids(software)[:3]) == sorted(ids(software)[3:])
    software.post_office.answers = [500] * 100
    sent = len(software.received)
    software.paid()
    software.advance(2 * 86_400)
    tries = len(software.received) - sent
    dead = [each for each in software.control("GET", "/notifications")["items"] if each["state"] == "DEAD"]
    assert len(dead) == 3
    assert tries == 3 * len(dead[0]["tries"]) > 30


@pytest.mark.parametrize("outcome", ["bad_signature", "old_signature", "corrupt"])
def test_a_scenario_spoils_every_kind_of_event(software, outcome):
    """Trap 16 (stripe-cli#1434): a forged signature for every kind of event."""
    payment = software.paid(notes={"mockpay_outcome": f"ipn={outcome}"})
    software.client.payment.refund(payment["id"], {"amount": 100})
    software.advance(5)
    assert len(software.received) == 5
    for _, headers, body in software.received:
        with pytest.raises(SignatureVerificationError):
            software.client.utility.verify_webhook_signature(
                body, headers["x-razorpay-signature"], software.credentials["webhook_secret"]
            )


@pytest.mark.parametrize(("outcome", "count"), [("none", 0), ("doubled", 10), ("simultaneous", 5), ("tripled", 15)])
def test_a_scenario_holds_for_every_kind_of_event_and_every_address(software, outcome, count):
    """Traps 2 and 16 (razorpay-magento#291, stripe-cli#1434): events at once; an option that holds for one path only."""
    software.client.webhook.create({"url": ENDPOINT, "events": [*PAID, "refund.created", "refund.processed"]})
    payment = software.paid(notes={"mockpay_outcome": f"ipn={outcome}"})
    software.client.payment.refund(payment["id"], {"amount": 100})
    software.advance(60)
    assert len(ids(software, WEBHOOK)) == len(ids(software, ENDPOINT)) == count
    assert len(set(ids(software))) == (5 if count else 0)


def test_a_body_that_was_parsed_and_written_again_is_another(software):
    """Trap 13 (stripe-node#341, razorpay-node#434): a signature checked over re-serialised JSON."""
    software.paid(notes={"a/b": "ü"})
    body = software.received[-1][2]
    assert json.loads(json.dumps(json.loads(body))) == json.loads(body)
    assert json.dumps(json.loads(body), separators=(",", ":")) != body
    assert body.isascii()


def _link(software, outcome):
    link = software.client.payment_link.create(
        {"amount": 100, "currency": "INR", "notes": {"mockpay_outcome": f"ipn={outcome}"}}
    )
    software.client.payment_link.cancel(link["id"])
    return ["payment_link.cancelled"]


def _failure(software, outcome):
    software.pay(software.order(notes={"mockpay_outcome": f"ipn={outcome}"}), vpa=DECLINED)
    return ["payment.failed"]


def _refund(software, outcome):
    payment = software.paid(notes={"mockpay_outcome": "ipn=none"})
    headers = {"Mockpay-Outcome": f"ipn={outcome}"}
    software.client.payment.refund(payment["id"], {"amount": 100, "speed": "optimum"}, headers=headers)
    software.advance(5)
    return ["refund.created", "refund.speed_changed", "refund.processed"]


@pytest.mark.parametrize("kind", [_link, _failure, _refund])
@pytest.mark.parametrize("outcome", ["none", "doubled", "delayed", "bad_signature", "future_signature"])
def test_what_is_asked_of_messages_holds_for_links_failures_and_refunds(software, outcome, kind):
    """Trap 16 (stripe-cli#1434): an option of delivery that holds for one path only."""
    types = kind(software, outcome)
    software.advance()
    assert (names(software) == []) is (outcome in {"none", "delayed"})
    software.advance(60)
    copies = {"none": 0, "doubled": 2}.get(outcome, 1)
    assert sorted(names(software)) == sorted(types * copies)
    fits = set()
    for _, headers, body in software.received:
        try:
            software.client.utility.verify_webhook_signature(
                body, headers["x-razorpay-signature"], software.credentials["webhook_secret"]
            )
            fits.add(True)
        except SignatureVerificationError:
            fits.add(False)
    assert fits == {"bad_signature": {False}, "future_signature": {False}, "none": set()}.get(outcome, {True})
