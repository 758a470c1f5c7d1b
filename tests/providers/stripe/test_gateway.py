"""Stripe as a gateway: what its client sends and understands, answered by its own acquirer in process."""

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
from mockpay.providers.stripe import provider
from mockpay.providers.stripe.acquirer import METHOD_OF
from mockpay.providers.stripe.outcomes import code_of, error_of
from mockpay.wire.stripe import forms, signatures
from mockpay.wire.stripe.errors import ApiError

NUMBER = "4111111111111111"
CARD = {"payment_method_data": {"type": "card", "card": {"number": NUMBER, "exp_month": 8, "exp_year": 2029}}}
CHARGE = Charge(
    attempt_id="att_k5xq2mjv6n3c4w8e7r9t",
    seller_id="",
    amount=Money(49_900),
    method="card",
    instrument={"network": "Visa", "bin": "411111", "last4": "1111", "expiry": "08/29"},
    idempotency_key="att_k5xq2mjv6n3c4w8e7r9t-stripe-CHARGE",
    planned="success",
    agreed=True,
    patience_ms=0,
    secret={"number": NUMBER},
    delay_ms=30_000,
)
GATEWAY = provider.adapter
K = ResultKind


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
        return replace(charge, ids={**charge.ids, **result.ids}), result

    def call(self, method, path, params=None, **headers):
        """A request by hand, with the seller's credentials unless other ones are named; headers as they come."""
        own = {"Authorization": signatures.authorization(self.link.credentials["secret_key"])}
        raw = params if isinstance(params, bytes) else forms.encode(params or {}).encode()
        call = HttpCall(method, f"http://gateway/gw/stripe{path}", {**own, **headers}, raw)
        reply = self.link.sender.send(call)
        return reply.status, json.loads(reply.body), {name.lower(): value for name, value in reply.headers.items()}

    def intent(self, charge):
        return self.call("GET", f"/v1/payment_intents/{charge.ids['intent']}?expand%5B%5D=latest_charge")[1]


@pytest.fixture
def client(world):
    return Client(world)


def test_a_card_is_charged_looked_up_and_refunded(client):
    charge, result = client.paid()
    assert (result.kind, result.code, len(result.reference)) == (K.APPROVED, "00", 6)
    assert GATEWAY.status(charge, client.link).kind is K.APPROVED
    assert GATEWAY.lookup(charge, client.link).ids == result.ids == charge.ids
    assert client.call("GET", f"/v1/charges/{charge.ids['payment']}")[1] == client.intent(charge)["latest_charge"]

    refund = GATEWAY.refund(charge, 10_000, "R-1-stripe-REFUND", client.link)
    again = GATEWAY.refund(charge, 10_000, "R-1-stripe-REFUND", client.link)
    assert (refund.kind, again.ids) == (K.APPROVED, refund.ids)
    other = GATEWAY.refund(charge, 20_000, "R-1-stripe-REFUND", client.link)
    assert (other.kind, other.raw_code) == (K.REJECTED, "idempotency_error")
    over = GATEWAY.refund(charge, 39_901, "R-2-stripe-REFUND", client.link)
    assert (over.kind, over.elsewhere) == (K.REJECTED, False)
    assert client.intent(charge)["latest_charge"]["refunded"] is False
    assert GATEWAY.refund(charge, 39_900, "R-3-stripe-REFUND", client.link).kind is K.APPROVED
    latest = client.intent(charge)["latest_charge"]
    assert (latest["amount_refunded"], latest["refunded"], latest["amount_captured"]) == (49_900, True, 49_900)
    assert GATEWAY.refund(charge, 1, "R-4-stripe-REFUND", client.link).raw_code == "charge_already_refunded"
    stored = client.call("GET", f"/v1/refunds/{refund.ids['refund']}")[1]
    assert (stored["amount"], stored["charge"], stored["payment_intent"], stored["metadata"], stored["status"]) == (
        10_000,
        charge.ids["payment"],
        charge.ids["intent"],
        {"reference": "R-1-stripe-REFUND"},
        "succeeded",
    )


def test_what_was_authorised_is_captured_once_and_the_rest_released(client):
    charge, result = client.paid(capture=False)
    assert result.kind is K.AUTHORIZED
    assert GATEWAY.status(charge, client.link).kind is K.AUTHORIZED
    assert client.intent(charge)["amount_capturable"] == 49_900
    assert GATEWAY.refund(charge, 100, "R-1-stripe-REFUND", client.link).kind is K.REJECTED
    capture = replace(charge, idempotency_key="att_k5xq2mjv6n3c4w8e7r9t-stripe-CAPTURE")
    assert GATEWAY.capture(capture, 49_901, client.link).raw_code == "amount_too_large"
    assert GATEWAY.capture(capture, 40_000, client.link).kind is K.APPROVED
    intent = client.intent(charge)
    assert (intent["status"], intent["amount_received"], intent["amount_capturable"]) == ("succeeded", 40_000, 0)
    # Asked again, by the same key or another, it says what it is; nothing more is taken.
    for key in (capture.idempotency_key, "another"):
        assert GATEWAY.capture(replace(capture, idempotency_key=key), 40_000, client.link).kind is K.APPROVED
    assert client.intent(charge)["amount_received"] == 40_000
    assert GATEWAY.refund(charge, 40_001, "R-1-stripe-REFUND", client.link).kind is K.REJECTED
    assert GATEWAY.refund(charge, 40_000, "R-2-stripe-REFUND", client.link).kind is K.APPROVED


def test_a_hold_is_released_and_then_captured_no_more(client):
    charge, _ = client.paid(capture=False)
    void = replace(charge, idempotency_key="att_k5xq2mjv6n3c4w8e7r9t-stripe-VOID")
    assert GATEWAY.void(void, client.link).kind is K.APPROVED
    assert GATEWAY.void(replace(void, idempotency_key="again"), client.link).kind is K.APPROVED
    intent = client.intent(charge)
    assert (intent["status"], intent["cancellation_reason"], intent["amount_capturable"]) == (
        "canceled",
        "abandoned",
        0,
    )
    assert GATEWAY.capture(replace(charge, idempotency_key="c"), 49_900, client.link).kind is K.REJECTED
    assert GATEWAY.status(charge, client.link).kind is K.ABSENT


def test_a_fence_keeps_a_late_confirmation_away(client):
    charge = client.prepared()
    fence = replace(charge, idempotency_key="att_k5xq2mjv6n3c4w8e7r9t-stripe-FENCE")
    assert GATEWAY.fence(fence, client.link).kind is K.APPROVED
    late = GATEWAY.charge(charge, client.link)
    assert (late.kind, late.raw_code) == (K.REJECTED, "payment_intent_unexpected_state")
    assert GATEWAY.lookup(charge, client.link).kind is K.ABSENT
    # What is paid, or may be, cannot be fenced; nor can what has no name.
    paid, _ = client.paid(attempt_id="att_paid", idempotency_key="paid")
    pending, _ = client.paid(attempt_id="att_pending", idempotency_key="pending", planned="pending")
    for money in (paid, pending):
        assert (
            GATEWAY.fence(replace(money, idempotency_key=f"{money.attempt_id}-FENCE"), client.link).kind is K.REJECTED
        )
    assert GATEWAY.fence(replace(charge, ids={}), client.link).kind is K.REJECTED


def test_a_decline_is_replayed_by_its_key_and_a_charge_after_it_is_another_one(client):
    charge = client.prepared(planned="iso:51")
    declined = GATEWAY.charge(charge, client.link)
    assert (declined.kind, declined.code, declined.raw_code) == (K.DECLINED, "51", "insufficient_funds")
    assert GATEWAY.charge(replace(charge, planned="success"), client.link).ids == declined.ids
    assert GATEWAY.lookup(charge, client.link).code == "51"
    # The issuer wanted a challenge: what the intent says of the first charge says nothing of the second.
    again = replace(charge, planned="success", ids=declined.ids)
    assert GATEWAY.lookup(again, client.link).kind is K.ABSENT
    paid = GATEWAY.charge(again, client.link)
    assert (paid.kind, paid.ids["intent"]) == (K.APPROVED, charge.ids["intent"])
    assert GATEWAY.lookup(again, client.link).ids == paid.ids
    twice = GATEWAY.charge(replace(again, ids={**charge.ids, "declined": "ch_other"}), client.link)
    assert twice.ids == paid.ids
    assert client.intent(charge)["amount_received"] == 49_900


def test_what_the_network_does_not_know_is_known_later(client):
    ends = {
        "pendingok": (K.APPROVED, "00"),
        "pendingreversed": (K.DECLINED, "reversed"),
        "pending": (K.PENDING, "00"),
        "deemed": (K.APPROVED, "00"),
    }
    for planned, end in ends.items():
        charge, result = client.paid(planned=planned, attempt_id=f"att_{planned}", idempotency_key=planned)
        assert result.kind is K.PENDING
        assert client.intent(charge)["status"] == "processing"
        client.world.advance(29.999)
        assert GATEWAY.status(charge, client.link).kind is K.PENDING
        client.world.advance(0.001)
        known = GATEWAY.status(charge, client.link)
        assert (known.kind, known.code) == end
    charge, _ = client.paid(planned="pendingreversed", attempt_id="att_back", idempotency_key="back")
    client.world.advance(30)
    assert GATEWAY.refund(charge, 1, "R-1-stripe-REFUND", client.link).kind is K.REJECTED


def test_a_payment_that_becomes_known_of_an_intent_captured_by_hand_is_authorised(client):
    charge, _ = client.paid(capture=False, planned="pendingok")
    client.world.advance(30)
    assert GATEWAY.status(charge, client.link).kind is K.AUTHORIZED


def test_a_reference_that_nobody_paid_is_absent(client):
    assert GATEWAY.lookup(replace(CHARGE, attempt_id="att_nobody"), client.link).kind is K.ABSENT
    assert GATEWAY.lookup(client.prepared(), client.link).kind is K.ABSENT


def test_two_sellers_have_other_names_and_see_nothing_of_each_other(client, runtime):
    charge, _ = client.paid()
    other = Client(type(client.world).new(runtime))
    assert other.link.credentials != client.link.credentials
    unknown = GATEWAY.status(charge, other.link)
    assert (unknown.kind, unknown.raw_code) == (K.REJECTED, "resource_missing")
    foreign = replace(client.link, credentials=other.link.credentials)
    refused = GATEWAY.status(charge, foreign)
    assert (refused.kind, refused.elsewhere, refused.exchange.status) == (K.REJECTED, True, 401)


def test_a_key_gives_its_first_answer_again_for_a_day_and_means_one_request(client):
    intent = {"amount": 49_900, "currency": "inr"}
    first = client.call("POST", "/v1/payment_intents", intent, **{"Idempotency-Key": "k-1"})
    again = client.call("POST", "/v1/payment_intents", intent, **{"Idempotency-Key": "k-1"})
    assert again[:2] == first[:2]
    assert ("idempotent-replayed" in first[2], again[2]["idempotent-replayed"]) == (False, "true")
    other = client.call("POST", "/v1/payment_intents", {**intent, "amount": 50_000}, **{"Idempotency-Key": "k-1"})
    assert (other[0], other[1]["error"]["type"]) == (400, "idempotency_error")
    assert "'k-1'" in other[1]["error"]["message"]
    elsewhere = client.call("POST", "/v1/refunds", intent, **{"Idempotency-Key": "k-1"})
    assert "('/v1/refunds' vs '/v1/payment_intents')" in elsewhere[1]["error"]["message"]
    client.world.advance(24 * 3_600 - 0.001)
    assert client.call("POST", "/v1/payment_intents", intent, **{"Idempotency-Key": "k-1"})[1] == first[1]
    client.world.advance(0.001)
    renewed = client.call("POST", "/v1/payment_intents", intent, **{"Idempotency-Key": "k-1"})[1]
    assert renewed["id"] != first[1]["id"]
    assert client.call("POST", "/v1/payment_intents", intent, **{"Idempotency-Key": "k-1"})[1] == renewed
    # What was refused before it was tried is not kept, what a network declined is.
    assert client.call("POST", "/v1/payment_intents", {"amount": 1}, **{"Idempotency-Key": "k-2"})[0] == 400
    assert client.call("POST", "/v1/payment_intents", intent, **{"Idempotency-Key": "k-2"})[0] == 200
    assert client.call("GET", f"/v1/payment_intents/{renewed['id']}", **{"Idempotency-Key": "k-1"})[1] == renewed
    assert client.call("POST", "/v1/payment_intents", intent, **{"Idempotency-Key": "k" * 256})[0] == 400
    assert client.call("POST", "/v1/payment_intents", intent, **{"Idempotency-Key": "k" * 255})[0] == 200


def test_an_intent_is_made_and_paid_in_one_call(client):
    params = {"amount": 500, "currency": "INR", "confirm": True, "expand": ["latest_charge"], **CARD}
    status, intent, _ = client.call("POST", "/v1/payment_intents", params)
    assert (status, intent["status"], intent["latest_charge"]["paid"]) == (200, "succeeded", True)
    status, plain, _ = client.call("POST", "/v1/payment_intents", params, **{"Mockpay-Outcome": "issuer=iso:54"})
    error = plain["error"]
    assert (status, error["type"], error["code"], error["decline_code"]) == (
        402,
        "card_error",
        "expired_card",
        "expired_card",
    )
    assert error["payment_intent"]["last_payment_error"]["charge"] == error["charge"]
    assert (error["payment_intent"]["status"], error["network_decline_code"]) == ("requires_payment_method", "54")


def test_every_refusal_of_every_network_comes_back_as_it_was(subtests):
    for method in METHOD_OF:
        codes = METHODS[method].response_codes
        for row in codes.codes.values():
            if row.money is MoneyStatus.DECLINED:
                with subtests.test(method=method, code=row.code):
                    error = error_of(row.code, "ch_1")
                    assert code_of(codes, error) == row.code
                    # Without the network's own code the reason comes back, or one that is told alike.
                    alike = code_of(codes, replace(error, network_decline_code=None))
                    assert error_of(alike, "ch_1").decline_code == error.decline_code
    codes = METHODS["card"].response_codes
    assert code_of(codes, ApiError("card_error", "", "card_declined", "do_not_honor")) == codes.other
    assert code_of(codes, ApiError("card_error", "", "expired_card")) == "54"
    assert code_of(codes, ApiError("card_error", "", "card_declined", "lost_card", "00")) == "41"


def test_what_cannot_be_is_refused_in_the_companys_own_words(client, subtests):
    money = {"amount": 49_900, "currency": "inr"}
    charge, _ = client.paid()
    paid = f"/v1/payment_intents/{charge.ids['intent']}"
    fresh = f"/v1/payment_intents/{client.prepared(attempt_id='att_2', idempotency_key='k').ids['intent']}"
    missing, unexpected = "parameter_missing", "payment_intent_unexpected_state"
    wrong = [
        ("POST", "/v1/payment_intents", {"currency": "inr"}, 400, missing),
        ("POST", "/v1/payment_intents", {"amount": 100}, 400, missing),
        ("POST", "/v1/payment_intents", {**money, "amount": "4x"}, 400, "parameter_invalid_integer"),
        ("POST", "/v1/payment_intents", {**money, "amount": "10.5"}, 400, "parameter_invalid_integer"),
        ("POST", "/v1/payment_intents", {**money, "amount": 0}, 400, "parameter_invalid_integer"),
        ("POST", "/v1/payment_intents", {**money, "amount": 49}, 400, "amount_too_small"),
        ("POST", "/v1/payment_intents", {**money, "currency": "usd"}, 400, None),
        ("POST", "/v1/payment_intents", {**money, "currency": {"a": 1}}, 400, "parameter_invalid_string"),
        ("POST", "/v1/payment_intents", {**money, "capture_method": "never"}, 400, None),
        ("POST", "/v1/payment_intents", {**money, "metadata": "x"}, 400, None),
        ("POST", "/v1/payment_intents", {**money, "metadata": {"reference": "\0"}}, 400, None),
        ("POST", "/v1/payment_intents", {**money, "metadata": {"a": "x" * 501}}, 400, None),
        ("POST", "/v1/payment_intents", {**money, "payment_method_types": ["sofort"]}, 400, None),
        ("POST", "/v1/payment_intents", b"a=%zz", 400, None),
        ("POST", "/v1/payment_intents", b"a=1&a[b]=2", 400, None),
        ("POST", f"{fresh}/confirm", {}, 400, unexpected),
        ("POST", f"{fresh}/confirm", {"payment_method_data": {"type": "card"}}, 400, missing),
        ("POST", f"{fresh}/confirm", {"payment_method_data": {**CARD["payment_method_data"], "type": "x"}}, 400, None),
        ("POST", f"{fresh}/capture", {}, 400, unexpected),
        ("POST", f"{paid}/confirm", CARD, 400, unexpected),
        ("POST", f"{paid}/cancel", {}, 400, unexpected),
        ("POST", "/v1/refunds", {}, 400, "resource_missing"),
        ("POST", "/v1/refunds", {"payment_intent": "pi_x"}, 400, "resource_missing"),
        ("GET", "/v1/payment_intents/pi_x", None, 404, "resource_missing"),
        ("GET", "/v1/payment_intents/%00", None, 404, "resource_missing"),
        ("GET", f"/v1/payment_intents/{charge.ids['payment']}", None, 404, "resource_missing"),
        ("DELETE", "/v1/refunds", None, 404, None),
        ("GET", "/v2/core/events", None, 404, None),
    ]
    for method, path, params, status, code in wrong:
        with subtests.test(method=method, path=path, params=params):
            answered, plain, headers = client.call(method, path, params)
            error = plain["error"]
            assert (answered, error["type"], error.get("code")) == (status, "invalid_request_error", code)
            assert headers["request-id"].startswith("req_")
    odd = client.call("POST", f"{fresh}/confirm", CARD, **{"Mockpay-Outcome": "issuer=odd"})
    assert odd[0] == 400
    nobody = client.call("GET", paid, Authorization="")
    assert (nobody[0], nobody[1]["error"]["message"]) == (401, "You did not provide an API key.")


class Scripted:
    """A sender that answers as it is told, in turn."""

    def __init__(self, *answers):
        self.answers, self.calls = list(answers), []

    def send(self, call):
        self.calls.append(call)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def reply(status, body=b"{}", **headers):
    return HttpReply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


ERROR = b'{"error":{"type":"invalid_request_error","message":"No."}}'
STORED_500 = b'{"error":{"type":"api_error","message":"No."}}'
CARD_ERROR = b'{"error":{"type":"card_error","code":"incorrect_cvc","message":"No."}}'
#: What comes back, and what is then known: the kind, whether to try again, whether others might do better, the wait.
ANSWERS = [
    (Unreachable("late", code="http.timeout"), K.NO_ANSWER, None, False, None),
    (Unreachable("refused", code="http.refused"), K.NOT_SENT, None, False, None),
    (Forbidden("not allowed"), K.NOT_SENT, None, True, None),
    (reply(500, STORED_500), K.NO_ANSWER, None, False, None),
    (reply(500, ERROR, Stripe_Should_Retry="true"), K.NO_ANSWER, True, False, None),
    (reply(502, b"<html>"), K.NO_ANSWER, None, False, None),
    (reply(503, ERROR, Retry_After="3"), K.NO_ANSWER, None, False, 3_000),
    (reply(409, ERROR), K.NO_ANSWER, True, False, None),
    (reply(409, ERROR, stripe_should_retry="false"), K.NO_ANSWER, False, False, None),
    (reply(429, ERROR, Retry_After="7"), K.REJECTED, True, False, 7_000),
    (reply(400, ERROR), K.REJECTED, False, False, None),
    (reply(400, ERROR, Stripe_Should_Retry="true"), K.REJECTED, True, False, None),
    (reply(401, ERROR), K.REJECTED, False, True, None),
    (reply(404, ERROR), K.REJECTED, False, True, None),
    (reply(402, CARD_ERROR, Stripe_Should_Retry="true"), K.DECLINED, None, False, None),
    (reply(400, b"{}"), K.REJECTED, False, False, None),
    (reply(302, b"{}"), K.NO_ANSWER, None, False, None),
    (reply(200, ERROR), K.NO_ANSWER, None, False, None),
    (reply(200, b'{"id":"pi_'), K.NO_ANSWER, None, False, None),
    (reply(200, b'{"id":7,"status":"succeeded"}'), K.NO_ANSWER, None, False, None),
    (reply(200, b'{"id":"pi_1","status":"odd"}'), K.NO_ANSWER, None, False, None),
    # An intent that nobody has paid does not say what became of a confirmation.
    (reply(200, b'{"id":"pi_1","status":"requires_payment_method"}'), K.NO_ANSWER, None, False, None),
    (reply(200, b'{"id":"pi_1","status":"requires_action"}'), K.AUTH_REQUIRED, None, False, None),
    (reply(200, b"[]"), K.NO_ANSWER, None, False, None),
]


def test_each_answer_has_its_class(subtests):
    charge = replace(CHARGE, ids={"intent": "pi_1"})
    for answer, kind, may_retry, elsewhere, wait in ANSWERS:
        with subtests.test(answer=answer):
            link = Link("http://x", Scripted(answer), {"secret_key": "sk_test_secret"})
            result = GATEWAY.charge(charge, link)
            assert (result.kind, result.may_retry, result.elsewhere) == (kind, may_retry, elsewhere)
            assert result.retry_after_ms == wait
            assert NUMBER not in repr(result)
            assert "sk_test_secret" not in repr(result)


def test_an_intent_that_was_cancelled_after_a_decline_has_no_payment():
    error = {"type": "card_error", "message": "No.", "charge": "ch_1"}
    intent = {"id": "pi_1", "status": "canceled", "last_payment_error": error}
    link = Link("http://x", Scripted(reply(200, json.dumps(intent).encode())), {"secret_key": "k"})
    assert GATEWAY.lookup(replace(CHARGE, ids={"intent": "pi_1"}), link).kind is K.ABSENT


def test_a_refund_that_was_pending_is_read_anew_when_its_key_replays_that(client):
    def refund(status):
        return json.dumps({"id": "re_1", "object": "refund", "status": status}).encode()

    pending = reply(200, refund("pending"))
    charge, words = replace(CHARGE, ids={"intent": "pi_1"}), {"secret_key": "k"}
    assert GATEWAY.refund(charge, 1, "R-1", Link("http://x", Scripted(pending), words)).kind is K.PENDING
    replayed = reply(200, refund("pending"), Idempotent_Replayed="true")
    for status, kind in {"succeeded": K.APPROVED, "failed": K.DECLINED, "requires_action": K.PENDING}.items():
        sender = Scripted(replayed, reply(200, refund(status)))
        assert GATEWAY.refund(charge, 1, "R-1", Link("http://x", sender, words)).kind is kind
        assert [(call.method, call.url) for call in sender.calls] == [
            ("POST", "http://x/v1/refunds"),
            ("GET", "http://x/v1/refunds/re_1"),
        ]
    odd = Scripted(reply(200, refund("odd")))
    assert GATEWAY.refund(charge, 1, "R-1", Link("http://x", odd, words)).kind is K.NO_ANSWER


def test_the_log_has_what_was_asked_and_answered_without_what_is_secret(client):
    charge, result = client.paid()
    exchange = result.exchange
    url = f"http://gateway/v1/payment_intents/{charge.ids['intent']}/confirm"
    assert (exchange.method, exchange.url, exchange.status) == ("POST", url, 200)
    assert exchange.request["payment_method_data"]["type"] == "card"
    assert exchange.answer["latest_charge"]["id"] == charge.ids["payment"]
    assert exchange.request_headers["Idempotency-Key"] == charge.idempotency_key
    for secret in (NUMBER, client.link.credentials["secret_key"], "Bearer"):
        assert secret not in repr(exchange)


def test_a_webhook_is_believed_by_its_raw_body(client):
    charge, _ = client.paid()
    secret = client.link.credentials["webhook_secret"]
    intent = client.intent(charge)

    def parse(event, *, header=None):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        signature = signatures.webhook_header(secret, body, 1_700_000_000) if header is None else header
        return GATEWAY.parse_webhook({"stripe-signature": signature}, body, client.link.credentials)

    event = {"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": intent}}
    webhook = parse(event)
    assert (webhook.event_id, webhook.reference) == ("evt_1", charge.ids["intent"])
    assert (webhook.result.kind, webhook.result.ids) == (K.APPROVED, charge.ids)
    for header in ("", signatures.webhook_header(secret, b"other", 1_700_000_000)):
        with pytest.raises(Forbidden):
            parse(event, header=header)
    assert parse({**event, "type": "payment_intent.created"}) is None
    for malformed in (
        {"type": "payment_intent.succeeded"},
        {**event, "data": {"object": {**intent, "payment_method_types": ["sofort"]}}},
        {**event, "data": {"object": {**intent, "payment_method_types": []}}},
        {**event, "data": {"object": {**intent, "id": None}}},
        {**event, "id": None},
        b"[]",
    ):
        with pytest.raises(Invalid):
            parse(malformed)
