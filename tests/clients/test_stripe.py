"""Stripe's own Python client 16.1.0, unmodified: only the base address is another one."""

import json

import pytest

from tests.clients.conftest import PROGRAMS, environment, is_proxy, run_program


@pytest.fixture(scope="module")
def customer(mockpay_server):
    """A seller whose clock is a year behind: what is signed is signed by the real one."""
    seller = mockpay_server.new_seller()
    seller.freeze("2025-01-02T00:00:00Z")
    return seller


@pytest.fixture(scope="module")
def answers(customer, mockpay_server, clients_python):
    key = customer.fields["credentials"]["stripe"]["secret_key"]
    program = str(PROGRAMS / "stripe_steps.py")
    printed = run_program(
        clients_python, program, f"{mockpay_server.url}/gw/stripe", key, env=environment(is_proxy), seconds=100
    )
    return json.loads(printed)


MISSING = ["InvalidRequestError", 404, "resource_missing", None]
STEPS = {
    "create_and_pay": ["succeeded", 49_900, True, "visa"],
    "raw_card": ["requires_confirmation", "succeeded"],
    "authorise_and_capture": ["requires_capture", "succeeded", 40_000, "canceled"],
    "refund": ["succeeded", 39_900, True, ["InvalidRequestError", 400, None, None], 10_000],
    "errors": [
        ["CardError", 402, "card_declined", "insufficient_funds"],
        ["InvalidRequestError", 400, "amount_too_small", None],
        MISSING,
        ["AuthenticationError", 401, None, None],
        ["InvalidRequestError", 404, None, None],
    ],
    "idempotency": [True, "true", ["IdempotencyError", 400, None, None]],
    "lost_answer": ["succeeded", 1, [None, "true"], 1],
    "paging": True,
    "saved_card": ["succeeded", True, "succeeded", True, 0],
    "webhook": ["payment_intent.succeeded", True, True, "refused", 0],
}


def test_each_step_of_a_shop_is_answered_as_its_client_wants_it(answers, subtests):
    for step, expected in STEPS.items():
        with subtests.test(step):
            assert answers[step] == expected


def test_a_challenge_and_a_checkout_lead_to_pages_that_are_there(answers, customer):
    status, page, intent = answers["challenge"]
    assert (status, page.endswith("/3ds")) == ("requires_action", True)
    assert "redirect_status=succeeded" in customer.pay(intent, otp="123456")["return_url"]
    status, total, item, url, session = answers["checkout"]
    assert (status, total, item) == ("open", 10_000, "Bell")
    [order] = [each for each in customer.orders() if each["state"] == "CREATED" and each["amount"] == "100.00"]
    paid = customer.pay(order["order_id"], "upi", vpa="success@mockpay", pin="1234")
    assert (paid["state"], paid["return_url"]) == ("PAID", f"http://127.0.0.1/ok?id={session}")
    assert "/pay/" in url
