"""Odd calls to every address: always an answer of the company's shape, never a broken sandbox."""

import json

import pytest

from mockpay.providers.razorpay.views import CHECKOUT, ROUTES
from tests.providers import odd
from tests.providers.razorpay.conftest import opened
from tests.providers.razorpay.software import CARD, MOUNT

FIELDS = (
    "amount currency receipt notes payment order_id payment_id method card vpa upi bank customer_id token otp speed url"
    " events secret active email contact name reference_id expire_by callback_url customer notify id save key_id prefill"
    " email flow number expiry_month expire_by fail_existing description capture payment_capture cancel_url"
).split()
ODD = [None, True, 0, -1, 1.5, 10**25, 49_900, "", "x", "49900", "INR", "card", "upi", "é\u2028", "a\0b", "x" * 5_000]
ODD += [[], [1], {}, {"a": {"b": [1]}}, {"capture": "manual"}, {"mockpay_outcome": "issuer=51"}, CARD, "\ud800"]
TYPES = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""]
QUERIES = [
    "",
    "?count=x",
    "?expand[]=payments",
    "?from=9" + "9" * 30,
    "?%00=%zz",
    "?skip=-1&count=1000",
    "?receipt=%00",
]


@pytest.fixture
def razorpay_app(database_url):
    """On SQLite and on PostgreSQL: the two do not take the same values."""
    with opened(database_url) as app_and_sender:
        yield app_and_sender


def test_nothing_that_is_sent_breaks_an_address(software):
    dice = odd.dice()
    order, payment = software.order(), software.paid()
    customer = software.client.customer.create({"name": "Asha"})
    names = [order["id"], payment["id"], customer["id"], "nobody", "%00", "%F0%9F%92%B8", "x" * 300, "pay_"]
    addresses = [(route.method, route.path, route.public) for route in ROUTES] + [("POST", CHECKOUT, True)]
    for number in range(odd.NUMBER):
        method, target, public = addresses[number % len(addresses)]  # each in turn
        for part in ("name", "refund", "token", "account", "medium"):
            target = target.replace(f"<{part}>", dice.choice(names))
        body = {name: dice.choice(ODD) for name in dice.sample(FIELDS, 8)}
        known = {"order_id": order["id"], "amount": 49_900, "currency": "INR", "key_id": software.key[0]}
        body |= {name: value for name, value in known.items() if dice.random() < 0.6}
        data = json.dumps(dice.choice([body, body, body, *ODD]))
        answer = software.http.open(
            f"{MOUNT}{target}{dice.choice(QUERIES)}",
            method=method,
            data=data if dice.random() < 0.95 else data[: len(data) // 2],
            content_type=dice.choice([TYPES[0]] * 4 + TYPES),
            auth=(software.key[0], "" if public and dice.random() < 0.3 else software.key[1]),
        )
        assert answer.status_code < 500, (method, target, data[:500], answer.get_data(as_text=True)[:300])
        if answer.status_code != 302:
            assert isinstance(answer.get_json(), dict)
        if answer.status_code >= 400:
            assert answer.get_json()["error"]["description"]
    software.advance(60)
