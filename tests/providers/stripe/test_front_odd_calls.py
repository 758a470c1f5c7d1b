"""Whatever is called at the front door, it answers in the company's JSON and never breaks."""

import json
from urllib.parse import quote

import pytest

from mockpay.providers.stripe.views import VIEWS
from tests.providers import odd
from tests.providers.amazonpay.http_client import send_request
from tests.providers.stripe.software import MOUNT, Software

TEXTS = ["", " ", "0", "-1", "1", "100", "49900", "10.5", "99999999999999", "1e9", "true", "false", "inr", "manual"]
TEXTS += ["\0", "\x01", "é", "💸", "\u202e", "'\"<b>", "x" * 600, "card", "upi", "4242424242424242", "pm_card_visa"]
TEXTS += ["pm_card_threeDSecure2Required", "tok_visa", "http://127.0.0.1/x", "http://[", "succeeded", "*", "13", "2040"]
TEXTS += ["status:'succeeded'", "latest_charge", "data.latest_charge.payment_intent", "a.b.c.d.e", "issuer=odd"]
NAMES = """
    amount currency confirm capture_method payment_method payment_method_data[type] payment_method_data[card][number]
    payment_method_data[card][exp_month] payment_method_data[card][exp_year] payment_method_data[upi][vpa] return_url
    metadata metadata[a] metadata[mockpay_outcome] customer charge payment_intent amount_to_capture limit starting_after
    ending_before created created[gte] expand expand[] expand[0] query page email name address[city] type card[number]
    card[exp_month] card[exp_year] url enabled_events[] enabled_events line_items line_items[0][quantity] off_session
    line_items[0][price_data][currency] line_items[0][price_data][unit_amount] success_url cancel_url expires_at shipping
    line_items[0][price_data][product_data][name] payment_method_types[] automatic_payment_methods[enabled] disabled
""".split()
ODD_NAMES = ["", "[", "]", "a[b", "a[]b]", "a" + "[b]" * 9, "\0", "amount[x]", "é[é]"]


def form(dice, known):
    names = [dice.choice(NAMES if dice.random() < 0.95 else ODD_NAMES) for _ in range(dice.randint(0, 6))]
    usual = {"amount": "49900", "currency": "inr", "payment_method": "pm_card_visa", "confirm": "true"}
    values = {**(usual if dice.random() < 0.5 else {}), **{name: dice.choice([*TEXTS, *known]) for name in names}}
    return "&".join(f"{quote(name, safe='[]')}={quote(value, safe='')}" for name, value in values.items())


def address(dice, known):
    path = dice.choice(VIEWS)[1]
    while "([^/]+)" in path:
        path = path.replace("([^/]+)", dice.choice([*known, *known, "pi_x", "%00", "%F0%9F%92%B8", "..%2f"]), 1)
    return (
        f"/v1/{path}" if dice.random() < 0.95 else dice.choice(["/", "/v2/core/events", "/v1", f"/v1/{path}/odd", "//"])
    )


@pytest.fixture
def software(either_server):
    return Software(either_server.new_seller())


def test_no_call_breaks_it(software, either_server):
    dice, paid = odd.dice(), software.pay()
    refund = software.post("refunds", payment_intent=paid["id"], amount=1)["id"]
    known = [paid["id"], paid["latest_charge"], paid["payment_method"], refund, software.post("customers")["id"]]
    for _ in range(odd.NUMBER):
        method, path, raw = (
            dice.choice(["POST", "POST", "GET", "DELETE", "PUT"]),
            address(dice, known),
            form(dice, known),
        )
        headers = {"Authorization": f"Bearer {software.key}"} if dice.random() < 0.97 else {}
        if dice.random() < 0.1:
            headers["Mockpay-Outcome"] = dice.choice(
                ["issuer=pendingok", "auth=challenge", "refund=held", "odd", "a=b,c"]
            )
        if dice.random() < 0.1:
            headers["Idempotency-Key"] = dice.choice(["k", "l", "k" * 300])
        body = None
        if method != "POST":
            path = f"{path}?{raw}"
        else:
            body = dice.randbytes(dice.randint(0, 100)) if dice.random() < 0.03 else raw.encode()
        reply = send_request(either_server, f"{MOUNT}{path}", form=body, method=method, headers=headers)
        assert reply.status < 500, (method, path, body, reply.text)
        assert reply.content_type == "application/json", (method, path, body)
        plain = json.loads(reply.text)
        assert isinstance(plain, dict)
        assert ("error" in plain) is (reply.status >= 400)
    assert software.seller.control("GET", "/audit")["ok"]
