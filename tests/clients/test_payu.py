"""
PayU's own clients, unmodified: payu-websdk 0.1.7 and npm's payu-websdk 1.3.1 under `mockpay run`, paywix 2.0.2 with
other addresses.
"""

import json

import pytest

from tests.clients.conftest import CLIENTS, PROGRAMS, environment, is_proxy, run_program

SURL, FURL = "http://127.0.0.1/success", "http://127.0.0.1/failure"
QUEUED = [1, 102, "Refund Request Queued"]
REFUNDS = [QUEUED, QUEUED, [0, 105, "Invalid amount"], QUEUED]
#: Of a result as it came, and of one that was changed on its way.
BELIEVED = [True, False]

#: Each step, and its answer.
STEPS = {
    "create_and_pay": [SURL, "captured", BELIEVED, "success", "T-1"],
    "refunds": [REFUNDS, "refund", "100.00", "queued"],
    "decline": [FURL, "failure", "E202", BELIEVED, "failure"],
    "challenge": [[FURL, "CC", "failure", "E303", BELIEVED], [SURL, "CC", "success", "E000", BELIEVED]],
    "replay": [True, [QUEUED, [0, 106, "Token already exists."]]],
    "lost_answer": [True, "pending", "success"],
    "webhook_verified": ["T-7", "success", BELIEVED],
}
#: It has no call that asks what became of a refund.
WEBSDK_STEPS = STEPS | {"refunds": REFUNDS}
#: It tells an error by a name of its own.
PAYWIX_STEPS = STEPS | {
    "decline": [FURL, "failure", "TRANSACTION_INVALID", BELIEVED, "failure"],
    "challenge": [
        [FURL, "CC", "failure", "AUTHENTICATION_ERROR", BELIEVED],
        [SURL, "CC", "success", "NO_ERROR", BELIEVED],
    ],
}
NPM_STEPS = STEPS


@pytest.fixture
def merchant(mockpay_server):
    """The address, a seller whose clock is a year behind, its key and salt."""
    seller = mockpay_server.new_seller()
    seller.freeze("2025-01-02T00:00:00Z")
    credentials = seller.fields["credentials"]["payu"]
    return mockpay_server.url, seller.seller_id, credentials["key"], credentials["salt"]


def test_each_step_of_a_shop_is_answered_as_payus_python_client_wants_it(
    merchant, under_mockpay_run, clients_python, subtests
):
    packages = str(CLIENTS.parent / "payu")  # at the top level it has `base`, `request`, `errors`...
    program = (clients_python, str(PROGRAMS / "payu_websdk_steps.py"), *merchant)
    answers = json.loads(under_mockpay_run(*program, PYTHONPATH=packages))
    for step, expected in WEBSDK_STEPS.items():
        with subtests.test(step):
            assert answers[step] == expected


def test_each_step_of_a_shop_is_answered_as_paywix_wants_it(merchant, clients_python, subtests):
    program = (clients_python, str(PROGRAMS / "paywix_steps.py"), *merchant)
    answers = json.loads(run_program(*program, env=environment(is_proxy), seconds=100))
    for step, expected in PAYWIX_STEPS.items():
        with subtests.test(step):
            assert answers[step] == expected


def test_each_step_of_a_shop_is_answered_as_npms_client_wants_it(merchant, npm_program, subtests):
    answers = npm_program("payu_steps.mjs", *merchant)
    for step, expected in NPM_STEPS.items():
        with subtests.test(step):
            assert answers[step] == expected
