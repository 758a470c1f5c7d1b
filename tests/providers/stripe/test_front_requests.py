"""How a request finds the door, and what becomes of one whose key is taken."""

import pytest

from mockpay.providers.stripe import idempotency
from mockpay.store import api_objects
from mockpay.store.unit_of_work import transaction
from tests.factories import run_concurrently
from tests.providers.amazonpay.http_client import send_request

WANTED = {"amount": 500, "currency": "inr"}


def test_the_door_answers_under_the_companys_own_name_too(software):
    headers = {"Authorization": f"Bearer {software.key}"}
    intent = software.pay()
    for host in ("api.stripe.com", "API.stripe.com:443"):
        reply = send_request(software.seller.server, f"/v1/payment_intents/{intent['id']}", host=host, headers=headers)
        assert (reply.status, reply.json) == (200, intent)
    listed = send_request(software.seller.server, "/v1/payment_intents", host="api.stripe.com", headers=headers)
    assert listed.json["url"] == "/v1/payment_intents"
    elsewhere = send_request(software.seller.server, "/v1/nothing", host="api.stripe.com", headers=headers)
    assert (elsewhere.status, elsewhere.content_type) == (404, "application/json")


def test_a_key_is_taken_by_bearer_or_as_a_users_name(software):
    assert software.send("GET", "/v1/balance").status == 200
    basic = software.send("GET", "/v1/balance", Authorization="Basic c2tfdGVzdF9ub2JvZHk6")
    assert (basic.status, "sk_test_" in basic.text) == (401, False)
    assert software.send("GET", "/v1/balance/").status == 200


@pytest.mark.parametrize(("age_ms", "status"), [(59_000, 409), (61_000, 200)])
def test_a_key_whose_request_still_runs_is_refused_until_it_is_taken_to_be_lost(
    software, mockpay_server, age_ms, status
):
    runtime, key = mockpay_server.runtime, f"running-{age_ms}"
    params = {name: str(value) for name, value in WANTED.items()}
    with transaction(runtime, software.seller.seller_id) as sandbox:
        facts = idempotency.describe(sandbox.seller.secret_key, "/v1/payment_intents", params)
        facts |= {"began": sandbox.real_now - age_ms}
        name = idempotency.request_id(key)
        api_objects.add(sandbox, "stripe", "request", name, facts, state="running")
    reply = software.send("POST", "/v1/payment_intents", WANTED, Idempotency_Key=key)
    assert reply.status == status
    if status == 409:
        error = reply.json["error"]
        assert (error["type"], error["code"]) == ("idempotency_error", "idempotency_key_in_use")
    else:
        again = software.send("POST", "/v1/payment_intents", WANTED, Idempotency_Key=key)
        assert again.json == reply.json


def test_two_calls_of_one_key_at_once_make_one_payment(software):
    wanted = {**WANTED, "payment_method": "pm_card_visa", "confirm": True}
    replies = run_concurrently(
        4, lambda _: software.send("POST", "/v1/payment_intents", wanted, Idempotency_Key="once")
    )
    assert {reply.status for reply in replies} <= {200, 409}
    assert len({reply.json["id"] for reply in replies if reply.status == 200}) == 1
    assert len(software.seller.orders()) == 1
