"""Razorpay's own clients, unmodified: Python's 2.0.1 with another base address, npm's 2.9.8 under `mockpay run`."""

import json

import pytest

from tests.clients.conftest import PROGRAMS, environment, is_proxy, run_program


@pytest.fixture(scope="module")
def key(mockpay_server):
    """Of a seller whose clock is a year behind: a webhook is believed all the same."""

    def new():
        seller = mockpay_server.new_seller()
        seller.freeze("2025-01-02T00:00:00Z")
        credentials = seller.fields["credentials"]["razorpay"]
        return credentials["key_id"], credentials["key_secret"]

    return new


DECLINED = "Your payment could not be completed due to insufficient account balance. Try again with another card or payment method."
UNAUTHENTICATED = "Your payment didn't go through due to a failed authentication. Try another method."
OTHER_AMOUNT = "Capture amount must be equal to the amount authorized"
TWICE = "This payment has already been captured"
OVER = "The refund amount provided is greater than amount captured"
OTHER_BODY = "Different request with the same idempotency key has already been processed."


def answers_of(bad, gateway):
    """What each step is answered, where errors of the request and of the gateway begin so."""
    return {
        "create_and_pay": ["created", True, False, "captured", "card", "1007", "paid", {"basket": "1"}],
        "authorise_and_capture": ["authorized", [*bad, OTHER_AMOUNT], "captured", [*bad, TWICE]],
        "refunds": [10_000, 15_000, [*bad, OVER], 25_000, "partial", 25_000],
        "decline": [*bad, DECLINED],
        "challenge": [[*gateway, UNAUTHENTICATED], ["failed", "captured"]],
        "lost_answer": [True, ["captured"]],
        "paging": [[2, 2, 1], True],
        "webhook_verified": ["payment.captured", True, True, False],
    }


PYTHON_STEPS = answers_of(["BadRequestError"], ["GatewayError"]) | {
    "replay": [True, 100, ["BadRequestError", OTHER_BODY]]
}
NPM_STEPS = answers_of([400, "BAD_REQUEST_ERROR"], [400, "GATEWAY_ERROR"]) | {
    "receipt_twice": [400, "BAD_REQUEST_ERROR"]
}


def test_each_step_of_a_shop_is_answered_as_pythons_client_wants_it(key, mockpay_server, clients_python, subtests):
    program = (str(PROGRAMS / "razorpay_steps.py"), f"{mockpay_server.url}/gw/razorpay", *key())
    answers = json.loads(run_program(clients_python, *program, env=environment(is_proxy), seconds=100).splitlines()[-1])
    for step, expected in PYTHON_STEPS.items():
        with subtests.test(step):
            assert answers[step] == expected


def test_each_step_of_a_shop_is_answered_as_npms_client_wants_it(key, mockpay_server, npm_program, subtests):
    answers = npm_program("razorpay_steps.mjs", mockpay_server.url, *key())
    for step, expected in NPM_STEPS.items():
        with subtests.test(step):
            assert answers[step] == expected
