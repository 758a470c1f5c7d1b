"""Razorpay as a gateway: what its client sends and understands, answered by its own acquirer in process."""

import json
from dataclasses import replace

import pytest

from mockpay.delivery.gateway_transport import GatewaySender
from mockpay.domain.methods.method import MoneyStatus
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.gateways import Charge, Link, ResultKind
from mockpay.kernel.errors import Forbidden, Invalid
from mockpay.kernel.http.calls import HttpCall, HttpReply, Unreachable
from mockpay.kernel.money import Money
from mockpay.providers.razorpay import provider
from mockpay.providers.razorpay.acquirer import METHOD_OF
from mockpay.providers.razorpay.outcomes import code_of, error_of
from mockpay.wire.razorpay import signatures

NUMBER = "4111111111111111"
CHARGE = Charge(
    attempt_id="att_k5xq2mjv6n3c4w8e7r9t",
    seller_id="",
    amount=Money(49_900),
    method="card",
    instrument={"network": "Visa", "bin": "411111", "last4": "1111", "expiry": "08/29"},
    idempotency_key="att_k5xq2mjv6n3c4w8e7r9t",
    planned="success",
    agreed=True,
    patience_ms=0,
    secret={"number": NUMBER},
    delay_ms=30_000,
)
GATEWAY = provider.adapter


class Client:
    """The adapter with a link to one seller's acquirer."""

    def __init__(self, world):
        self.world = world
        with world.read() as sandbox:
            credentials = GATEWAY.credentials(world.seller_id, sandbox.seller.secret_key)
        sender = GatewaySender(world.runtime, world.seller_id, provider.name, provider.acquirer)
        self.link = Link("http://gateway", sender, credentials)

    def prepared(self, capture=True, **changes):
        charge = replace(CHARGE, seller_id=self.world.seller_id, **changes)
        return replace(charge, ids=GATEWAY.prepare(charge, self.link, capture=capture).ids)

    def paid(self, capture=True, **changes):
        charge = self.prepared(capture, **changes)
        result = (GATEWAY.charge if capture else GATEWAY.authorize)(charge, self.link)
        return replace(charge, ids=result.ids), result

    def call(self, method, path, body=None, **headers):
        """A request by hand, with the seller's credentials unless other ones are named."""
        own = signatures.authorization(self.link.credentials["key_id"], self.link.credentials["key_secret"])
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        call = HttpCall(method, f"http://gateway/gw/razorpay{path}", {"Authorization": own, **headers}, raw)
        reply = self.link.sender.send(call)
        return reply.status, json.loads(reply.body)


@pytest.fixture
def client(world):
    return Client(world)


def test_a_card_is_charged_looked_up_and_refunded(client):
    charge, result = client.paid()
    assert (result.kind, result.code) == (ResultKind.APPROVED, "00")
    assert GATEWAY.status(charge, client.link).kind is ResultKind.APPROVED
    assert GATEWAY.lookup(charge, client.link).ids == result.ids

    refund = GATEWAY.refund(charge, 10_000, "R-1-razorpay-REFUND", client.link)
    again = GATEWAY.refund(charge, 10_000, "R-1-razorpay-REFUND", client.link)
    assert (refund.kind, again.ids) == (ResultKind.APPROVED, refund.ids)
    other = GATEWAY.refund(charge, 20_000, "R-1-razorpay-REFUND", client.link)
    assert other.kind is ResultKind.REJECTED
    assert "idempotency key" in other.message
    over = GATEWAY.refund(charge, 39_901, "R-2-razorpay-REFUND", client.link)
    assert (over.kind, over.elsewhere) == (ResultKind.REJECTED, False)
    rest = GATEWAY.refund(charge, 39_900, "R-3-razorpay-REFUND", client.link)
    assert rest.kind is ResultKind.APPROVED
    payment = client.call("GET", f"/v1/payments/{charge.ids['payment']}")[1]
    assert (payment["status"], payment["amount_refunded"], payment["refund_status"]) == ("refunded", 49_900, "full")
    assert GATEWAY.refund(charge, 1, "R-4-razorpay-REFUND", client.link).kind is ResultKind.REJECTED


def test_what_was_authorised_is_captured_once_and_whole(client):
    charge, result = client.paid(capture=False)
    assert result.kind is ResultKind.AUTHORIZED
    assert GATEWAY.status(charge, client.link).kind is ResultKind.AUTHORIZED
    assert GATEWAY.refund(charge, 100, "R-1-razorpay-REFUND", client.link).kind is ResultKind.REJECTED
    assert GATEWAY.capture(charge, 49_899, client.link).kind is ResultKind.REJECTED
    assert GATEWAY.capture(charge, 49_900, client.link).kind is ResultKind.APPROVED
    assert GATEWAY.capture(charge, 49_900, client.link).kind is ResultKind.REJECTED
    assert GATEWAY.status(charge, client.link).kind is ResultKind.APPROVED


def test_an_order_takes_money_once_and_a_refused_one_may_be_tried_again(client):
    charge = client.prepared(planned="iso:51")
    declined = GATEWAY.charge(charge, client.link)
    assert (declined.kind, declined.code, declined.raw_code) == (ResultKind.DECLINED, "51", "insufficient_funds")
    assert GATEWAY.status(replace(charge, ids=declined.ids), client.link).code == "51"
    assert GATEWAY.lookup(charge, client.link).kind is ResultKind.DECLINED

    paid = GATEWAY.charge(replace(charge, planned="success"), client.link)
    assert paid.kind is ResultKind.APPROVED
    twice = GATEWAY.charge(replace(charge, planned="success"), client.link)
    assert (twice.kind, twice.raw_code) == (ResultKind.REJECTED, "order_already_paid")
    assert GATEWAY.lookup(charge, client.link).ids == paid.ids
    order = client.call("GET", f"/v1/orders/{charge.ids['order']}")[1]
    assert (order["status"], order["amount_paid"], order["attempts"]) == ("paid", 49_900, 2)


def test_what_the_network_does_not_know_is_known_later(client):
    ends = {
        "pendingok": (ResultKind.APPROVED, "00"),
        "pendingreversed": (ResultKind.DECLINED, "reversed"),
        "pending": (ResultKind.PENDING, "00"),
        "deemed": (ResultKind.APPROVED, "00"),
    }
    for planned, end in ends.items():
        charge, result = client.paid(planned=planned, attempt_id=f"att_{planned}")
        assert result.kind is ResultKind.PENDING
        assert client.call("POST", "/v1/payments/create/json", _payment(charge))[1]["error"]["reason"] == (
            "order_already_paid"
        )
        client.world.advance(29.999)
        assert GATEWAY.status(charge, client.link).kind is ResultKind.PENDING
        client.world.advance(0.001)
        known = GATEWAY.status(charge, client.link)
        assert (known.kind, known.code) == end


def _payment(charge):
    return {"order_id": charge.ids["order"], "amount": 49_900, "currency": "INR", "method": "card"}


def test_a_payment_that_becomes_known_of_an_order_captured_by_hand_is_authorised(client):
    charge, _ = client.paid(capture=False, planned="pendingok")
    client.world.advance(30)
    assert GATEWAY.status(charge, client.link).kind is ResultKind.AUTHORIZED


def test_a_reference_that_nobody_paid_is_absent(client):
    charge = replace(CHARGE, attempt_id="att_nobody")
    assert GATEWAY.lookup(charge, client.link).kind is ResultKind.ABSENT
    GATEWAY.prepare(charge, client.link, capture=True)
    assert GATEWAY.lookup(charge, client.link).kind is ResultKind.ABSENT


def test_two_sellers_have_other_names_and_see_nothing_of_each_other(client, runtime):
    charge, _ = client.paid()
    other = Client(type(client.world).new(runtime))
    assert other.link.credentials != client.link.credentials
    assert GATEWAY.status(charge, other.link).kind is ResultKind.REJECTED
    foreign = replace(client.link, credentials=other.link.credentials)
    refused = GATEWAY.status(charge, foreign)
    assert (refused.kind, refused.elsewhere) == (ResultKind.REJECTED, True)
    assert refused.exchange.status == 401


def test_every_refusal_of_every_network_comes_back_with_its_reason(subtests):
    for method in METHOD_OF:
        codes = METHODS[method].response_codes
        for row in codes.codes.values():
            if row.money is MoneyStatus.DECLINED:
                with subtests.test(method=method, code=row.code):
                    back = codes.codes[code_of(codes, error_of(codes, row.code, "order_1", "pay_1"))]
                    assert (back.reason, back.source) == (row.reason, row.source)


def test_what_cannot_be_is_refused_in_the_companys_own_words(client, subtests):
    order = client.prepared().ids["order"]
    card = {"method": "card", "card": {"number": NUMBER}}
    money = {"amount": 49_900, "currency": "INR"}
    wrong = [
        ("POST", "/v1/orders", {"amount": 99, "currency": "INR"}, 400, "at least INR 1.00"),
        ("POST", "/v1/orders", {"amount": "4x", "currency": "INR"}, 400, "must be an integer"),
        ("POST", "/v1/orders", {"amount": True, "currency": "INR"}, 400, "must be an integer"),
        ("POST", "/v1/orders", {"amount": 100, "currency": "USD"}, 400, "currency"),
        ("POST", "/v1/orders", {**money, "receipt": "x" * 41}, 400, "40 characters"),
        ("POST", "/v1/orders", b"500", 400, "must be an object"),
        ("POST", "/v1/orders", b"{", 400, "well-formed"),
        ("POST", "/v1/payments/create/json", {**money, **card, "order_id": "order_x"}, 400, "does not exist"),
        ("POST", "/v1/payments/create/json", {**card, "order_id": order, "amount": 1}, 400, "different from"),
        ("POST", "/v1/payments/create/json", {**money, "order_id": order, "method": ["card"]}, 400, "method"),
        ("POST", "/v1/orders", {**money, "receipt": "\0"}, 400, "40 characters"),
        ("GET", "/v1/orders", None, 400, "receipt"),
        ("GET", "/v1/orders?receipt=%00", None, 400, "receipt"),
        ("GET", "/v1/payments/%00", None, 400, "does not exist"),
        ("GET", f"/v1/payments/{order}", None, 400, "does not exist"),
        ("POST", "/v1/refunds", {}, 400, "does not exist"),
        ("DELETE", "/v1/orders", None, 404, "not found"),
        ("GET", "/v2/orders", None, 404, "not found"),
    ]
    for method, path, body, status, words in wrong:
        with subtests.test(method=method, path=path, body=body):
            answered, plain = client.call(method, path, body)
            assert answered == status
            assert words in plain["error"]["description"]
            assert plain["error"]["code"] == "BAD_REQUEST_ERROR"
    odd = client.call(
        "POST", "/v1/payments/create/json", {**money, **card, "order_id": order}, **{"Mockpay-Outcome": "issuer=odd"}
    )
    assert odd[0] == 400
    short = client.call(
        "POST", "/v1/refunds", {"payment_id": client.paid()[0].ids["payment"]}, **{"X-Refund-Idempotency": "R-1"}
    )
    assert "10 characters" in short[1]["error"]["description"]


class Scripted:
    """A sender that answers as it is told."""

    def __init__(self, answer):
        self.answer = answer

    def send(self, call):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def reply(status, body=b"{}", **headers):
    return HttpReply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


ERROR = b'{"error":{"code":"BAD_REQUEST_ERROR","description":"No.","reason":"NA","metadata":{}}}'
#: What comes back, and what is then known: the kind, whether to try again, whether others might do better, the wait.
ANSWERS = [
    (Unreachable("late", code="http.timeout"), ResultKind.NO_ANSWER, None, False, None),
    (Unreachable("reset"), ResultKind.NO_ANSWER, None, False, None),
    (Unreachable("late", code="http.connect_timeout"), ResultKind.NOT_SENT, None, False, None),
    (Unreachable("refused", code="http.refused"), ResultKind.NOT_SENT, None, False, None),
    (Unreachable("nobody vouches", code="http.certificate"), ResultKind.NOT_SENT, None, False, None),
    (Forbidden("not allowed"), ResultKind.NOT_SENT, None, True, None),
    (reply(500, ERROR), ResultKind.NO_ANSWER, None, False, None),
    (reply(502, b"<html>"), ResultKind.NO_ANSWER, None, False, None),
    (reply(503, ERROR, Retry_After="3"), ResultKind.NO_ANSWER, None, False, 3_000),
    (reply(409, ERROR), ResultKind.NO_ANSWER, True, False, None),
    (reply(429, ERROR, retry_after="7"), ResultKind.REJECTED, True, False, 7_000),
    (reply(429, ERROR, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), ResultKind.REJECTED, True, False, None),
    (reply(400, ERROR), ResultKind.REJECTED, False, False, None),
    (reply(401, ERROR), ResultKind.REJECTED, False, True, None),
    (reply(404, ERROR), ResultKind.REJECTED, False, True, None),
    (reply(302, b"{}"), ResultKind.NO_ANSWER, None, False, None),
    (reply(200, b'{"razorpay_pay'), ResultKind.NO_ANSWER, None, False, None),
    (reply(200, b'{"razorpay_payment_id": 7}'), ResultKind.NO_ANSWER, None, False, None),
    (reply(200, b"[]"), ResultKind.NO_ANSWER, None, False, None),
    (reply(200, b'{"razorpay_payment_id":"pay_1","razorpay_signature":"0"}'), ResultKind.NO_ANSWER, None, False, None),
]


def test_each_answer_has_its_class(subtests):
    charge = replace(CHARGE, ids={"order": "order_1"})
    for answer, kind, may_retry, elsewhere, wait in ANSWERS:
        with subtests.test(answer=answer):
            link = Link("http://x", Scripted(answer), {"key_id": "k", "key_secret": "s"})
            result = GATEWAY.charge(charge, link)
            assert (result.kind, result.may_retry, result.elsewhere) == (kind, may_retry, elsewhere)
            assert result.retry_after_ms == wait
            assert NUMBER not in repr(result)
            assert "Basic" not in repr(result)


def test_the_log_has_what_was_asked_and_answered_without_what_is_secret(client):
    _, result = client.paid()
    exchange = result.exchange
    assert (exchange.method, exchange.url, exchange.status) == ("POST", "http://gateway/v1/payments/create/json", 200)
    assert exchange.request["amount"] == 49_900
    assert exchange.answer["razorpay_payment_id"] == result.ids["payment"]
    for secret in (NUMBER, client.link.credentials["key_secret"], "Basic", "Card holder"):
        assert secret not in repr(exchange)


def test_a_webhook_is_believed_by_its_raw_body(client):
    charge, _ = client.paid()
    payment = client.call("GET", f"/v1/payments/{charge.ids['payment']}")[1]
    event = {"entity": "event", "event": "payment.captured", "payload": {"payment": {"entity": payment}}}
    body = json.dumps(event).encode()
    signature = signatures.webhook_signature(client.link.credentials["webhook_secret"], body)
    headers = {"X-Razorpay-Signature": signature, "X-Razorpay-Event-Id": "ev_1"}
    webhook = GATEWAY.parse_webhook(headers, body, client.link.credentials)
    assert (webhook.event_id, webhook.result.kind, webhook.result.ids) == ("ev_1", ResultKind.APPROVED, charge.ids)
    with pytest.raises(Forbidden):
        GATEWAY.parse_webhook(headers, body + b" ", client.link.credentials)
    with pytest.raises(Forbidden):
        GATEWAY.parse_webhook({}, body, client.link.credentials)
    for other, expected in [({**event, "event": "order.paid"}, None), ({"event": "payment.captured"}, Invalid)]:
        raw = json.dumps(other).encode()
        signed = {"x-razorpay-signature": signatures.webhook_signature(client.link.credentials["webhook_secret"], raw)}
        if expected is None:
            assert GATEWAY.parse_webhook(signed, raw, client.link.credentials) is None
        else:
            with pytest.raises(expected):
                GATEWAY.parse_webhook(signed, raw, client.link.credentials)
