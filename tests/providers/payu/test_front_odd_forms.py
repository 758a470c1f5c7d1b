"""Whatever is posted to the front door, it answers in the company's format and never breaks."""

import json

import pytest

from mockpay.providers.payu.commands import COMMANDS
from mockpay.wire import forms
from mockpay.wire.payu import requests
from mockpay.wire.payu.requests import Command
from tests.providers import odd
from tests.providers.amazonpay.http_client import send_request
from tests.providers.payu.merchant import Merchant

TEXTS = [
    "",
    " ",
    "0",
    "-1",
    "1",
    "499.00",
    "1e9",
    "99999999999999",
    "nan",
    "\0",
    "\x01\x7f",
    "é",
    "💸",
    "a|b",
    "'\"<b>",
    "x" * 300,
]
TEXTS += [
    "key:asha",
    "4111111111111111",
    '{"requestId": "1", "transactionDetails": {"amount": 5000}, "useCase": {"checkDownStatus": true}}',
    "{}",
    "[]",
    "null",
    '{"amount": "1"}',
    "2026-11-30",
    "9999-12-31 23:59:59",
    "0001-01-01",
    "payuid",
    "+",
    "%",
    "&=",
    "\u202e",
]
PATHS = [
    "/_payment",
    "/merchant/postservice.php?form=2",
    "/merchant/postservice",
    "/",
    "/nothing",
    "/_payment/",
    "/%2e%2e/x",
]
FIELDS = [*requests.MANDATORY, "pg", "bankcode", "ccnum", "ccexpmon", "ccexpyr", "vpa", "udf1", "pre_authorize", "curl"]
FIELDS += [
    "txn_s2s_flow",
    "api_version",
    "additional_charges",
    "mockpay_outcome",
    "user_credentials",
    "store_card_token",
    "store_card",
    "key",
    "hash",
    "command",
    "var1",
]


def odd_form(merchant, dice, known):
    """A form of a payment or of a command, mostly believed, with a few odd values."""
    texts = [*TEXTS, *known]
    if dice.random() < 0.5:
        changes = {dice.choice(FIELDS): dice.choice(texts) for _ in range(dice.randint(0, 3))}
        form = merchant.signed(
            {**merchant.fields(), **{name: changes[name] for name in changes if name not in {"key", "hash"}}}
        )
        return {**form, **changes} if dice.random() < 0.2 else form
    values = {f"var{number}": dice.choice(texts) for number in range(1, dice.randint(2, 9))}
    return requests.command_form(Command(dice.choice([*COMMANDS, "odd"]), values), **merchant.credentials)


@pytest.fixture
def merchant(either_server):
    return Merchant(either_server.new_seller())


def test_no_form_breaks_it(merchant, either_server):
    dice, paid = odd.dice(), merchant.paid()
    known = [paid["txnid"], paid["mihpayid"]]
    for _ in range(odd.NUMBER):
        form = odd_form(merchant, dice, known)
        path = dice.choice(PATHS[: 3 if dice.random() < 0.9 else None])
        if "command" in form and path == "/_payment":
            path = PATHS[1]
        body = forms.encode_form(form.items()).encode()
        if dice.random() < 0.05:
            body = dice.randbytes(dice.randint(0, 200))
        headers = (
            {"Mockpay-Outcome": dice.choice(["issuer=success", "odd", "a=b,c", ""])} if dice.random() < 0.1 else {}
        )
        method = dice.choice(["POST"] * 18 + ["GET", "PUT"])
        reply = send_request(either_server, f"/gw/payu{path}", form=body, method=method, headers=headers)
        assert reply.status < 500, (method, path, body, reply.text)
        if reply.content_type.startswith("application/json"):
            assert isinstance(json.loads(reply.text), dict)
        else:
            assert reply.status == 302 or reply.content_type.startswith("text/html")
        assert merchant.credentials["salt"] not in reply.text
    assert merchant.seller.control("GET", "/audit")["ok"]
