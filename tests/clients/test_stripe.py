"""Stripe's own clients, unmodified: Python's 16.1.0 with another base address, npm's 23.1.0 under `mockpay run`."""

import json

import pytest

from tests.clients.conftest import PROGRAMS, environment, is_proxy, run_program


@pytest.fixture(scope="module")
def new_customer(mockpay_server):
    """A new seller whose clock is a year behind: what is signed is signed by the real one."""

    def new():
        seller = mockpay_server.new_seller()
        seller.freeze("2025-01-02T00:00:00Z")
        return seller, seller.fields["credentials"]["stripe"]["secret_key"]

    return new


@pytest.fixture(scope="module")
def python_client(new_customer, mockpay_server, clients_python):
    """A seller, and what its Python client was answered."""
    customer, key = new_customer()
    program = str(PROGRAMS / "stripe_steps.py")
    printed = run_program(
        clients_python, program, f"{mockpay_server.url}/gw/stripe", key, env=environment(is_proxy), seconds=100
    )
    return customer, json.loads(printed)


@pytest.fixture(scope="module")
def npm_client(new_customer, mockpay_server, npm_program):
    """A seller, and what its npm client was answered."""
    customer, key = new_customer()
    return customer, npm_program("stripe_steps.mjs", mockpay_server.url, key)


MISSING = ["InvalidRequestError", 404, "resource_missing", None]
#: Each step of a client, and its answer: of both clients, and of Python's alone.
STEPS = {
    "create_and_pay": ["succeeded", 49_900, True, "visa"],
    "authorise_and_capture": ["requires_capture", "succeeded", 40_000, "canceled"],
    "refunds": ["succeeded", 39_900, True, ["InvalidRequestError", 400, None, None], 10_000],
    "decline": ["CardError", 402, "card_declined", "insufficient_funds"],
    "replay": [True, "true", ["IdempotencyError", 400, None, None]],
    "lost_answer": ["succeeded", 1, [None, "true"], 1],
    "paging": True,
    "webhook_verified": ["payment_intent.succeeded", True, True, "refused", 0],
}
MORE_STEPS = {
    "raw_card": ["requires_confirmation", "succeeded"],
    "errors": [
        ["InvalidRequestError", 400, "amount_too_small", None],
        MISSING,
        ["AuthenticationError", 401, None, None],
        ["InvalidRequestError", 404, None, None],
    ],
    "saved_card": ["succeeded", True, "succeeded", True, 0],
    "webhook_times": {
        "success": "customer.created",
        "old_signature": "Timestamp outside the tolerance zone",
        "future_signature": "customer.created",
    },
}
#: Those in which somebody has to pay on a page, each in a test of its own.
BY_THE_BUYER = ("challenge",)


def test_each_step_of_a_shop_is_answered_as_pythons_client_wants_it(python_client, subtests):
    for step, expected in (STEPS | MORE_STEPS).items():
        with subtests.test(step):
            assert python_client[1][step] == expected


def test_each_step_of_a_shop_is_answered_as_npms_client_wants_it(npm_client, subtests):
    for step, expected in STEPS.items():
        with subtests.test(step):
            assert npm_client[1][step] == expected


@pytest.mark.parametrize("client", ["python_client", "npm_client"])
def test_a_challenge_leads_to_a_page_that_is_there(client, request):
    customer, answers = request.getfixturevalue(client)
    status, page, intent = answers["challenge"]
    assert (status, page.endswith("/3ds")) == ("requires_action", True)
    assert "redirect_status=succeeded" in customer.pay(intent, otp="123456")["return_url"]


def test_a_checkout_leads_to_a_page_that_is_there(python_client):
    customer, answers = python_client
    status, total, item, url, session = answers["checkout"]
    assert (status, total, item) == ("open", 10_000, "Bell")
    [order] = [each for each in customer.orders() if each["state"] == "CREATED" and each["amount"] == "100.00"]
    paid = customer.pay(order["order_id"], "upi", vpa="success@mockpay", pin="1234")
    assert (paid["state"], paid["return_url"]) == ("PAID", f"http://127.0.0.1/ok?id={session}")
    assert "/pay/" in url
