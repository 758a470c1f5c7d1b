"""Requests, objects and signatures as the public Python client (16.1.0) sends, knows and accepts them."""

import base64
import json
from pathlib import Path

import pytest

from mockpay.kernel.errors import Invalid
from mockpay.wire.redaction import HIDDEN, redact, redact_headers
from mockpay.wire.stripe import errors, forms, objects, requests, signatures
from mockpay.wire.stripe.errors import ApiError

KNOWN = json.loads((Path(__file__).parents[2] / "vectors" / "stripe.json").read_text())
KEY, WEBHOOK_SECRET = KNOWN["credentials"]["secret_key"], KNOWN["credentials"]["webhook_secret"]
INTENT = "pi_3MtwBwLkdIwHu7ix28a3tqPa"
REFERENCE = "att_k5xq2mjv6n3c4w8e7r9t"
CHARGE_KEY = f"{REFERENCE}-stripe-CHARGE"
CARD = {"type": "card", "card": {"number": "4111111111111111", "exp_month": 8, "exp_year": 2029}}
REQUESTS = {
    "create_intent_manual": requests.create_intent(49_900, "INR", REFERENCE, f"{CHARGE_KEY}-intent", capture=False),
    "confirm_card": requests.confirm_intent(INTENT, CARD, CHARGE_KEY),
    "retrieve_intent": requests.retrieve_intent(INTENT),
    "capture": requests.capture_intent(INTENT, 40_000, CHARGE_KEY),
    "cancel": requests.cancel_intent(INTENT, CHARGE_KEY),
    "create_refund": requests.create_refund(INTENT, 10_000, "R-1-stripe-REFUND"),
    "retrieve_refund": requests.retrieve_refund("re_1Nispe2eZvKYlo2Cd31jOCgZ"),
}


def test_requests_are_those_of_the_public_client(subtests):
    for name, request in REQUESTS.items():
        with subtests.test(name):
            known = KNOWN["requests"][name]
            call = requests.encode(request, "http://mock/gw/stripe/", KEY, 3)
            assert (call.method, call.url) == (known["method"], f"http://mock/gw/stripe{known['path']}")
            assert (dict(call.headers), call.timeout) == (known["headers"], 3)
            assert call.body.decode() == (known["body"] or "")


def test_an_intent_is_captured_by_itself_or_by_hand():
    automatic = requests.create_intent(1, "INR", "r", "k", capture=True).params
    assert automatic["capture_method"] == "automatic"


def test_forms_are_read_as_the_public_clients_write_them(subtests):
    odd = KNOWN["requests"]["odd_text"]["body"]
    expected = {
        "name": "Asha & Rao=é+ [1]",
        "metadata": {"a": "", "k": {"x": "v"}},
        "email": "a@b.c",
        "address": {"line1": "1 Main St"},
    }
    known = [
        (odd, expected),
        ("expand[0]=a&expand[1]=b", {"expand": {"0": "a", "1": "b"}}),
        ("expand%5B0%5D=a", {"expand": {"0": "a"}}),
        ("expand[]=a&expand[]=b", {"expand": {"0": "a", "1": "b"}}),
        ("line_items[0][price_data][currency]=inr", {"line_items": {"0": {"price_data": {"currency": "inr"}}}}),
        ("created[gte]=5&limit=2", {"created": {"gte": "5"}, "limit": "2"}),
        ("name=two%20words", {"name": "two words"}),
        ("a=1&a=2&receipt_email=", {"a": "2", "receipt_email": ""}),
        ("", {}),
    ]
    for raw, form in known:
        with subtests.test(raw):
            assert forms.decode(raw) == form
    assert forms.decode(forms.encode(CARD)) == {
        "type": "card",
        "card": {name: str(v) for name, v in CARD["card"].items()},
    }
    assert forms.encode({"a": None, "b": False, "c": ["x", {"d": 1}]}) == "a=&b=false&c[0]=x&c[1][d]=1"


def test_a_name_that_is_two_things_or_too_deep_is_refused(subtests):
    for raw in ["a=1&a[b]=2", "a[b]=2&a=1", "a[b]=1&a[b][c]=1", "a" + "[b]" * 8 + "=1"]:
        with subtests.test(raw), pytest.raises(Invalid) as refused:
            forms.decode(raw)
        assert refused.value.code == "form.nested"
    assert forms.decode("a" + "[b]" * 7 + "=1")


def test_a_list_is_read_in_the_order_of_its_numbers():
    assert forms.items(forms.decode("&".join(f"e[{n}]={n}" for n in (10, 2, 0)))["e"]) == ["0", "2", "10"]
    assert (forms.items("latest_charge"), forms.items(""), forms.items(None)) == (["latest_charge"], [], [])


def test_a_key_is_read_from_the_header_that_carries_it(subtests):
    def basic(text):
        return f"Basic {base64.b64encode(text).decode()}"

    assert signatures.parse_authorization(signatures.authorization(KEY)) == KEY
    assert signatures.parse_authorization(basic(f"{KEY}:".encode())) == KEY
    for header in ["", "Bearer", "Bearer ", "Basic", "Basic %%%", basic(b":pw"), basic(b"\xff:"), "Token x"]:
        with subtests.test(header):
            assert signatures.parse_authorization(header) is None


def test_a_webhook_is_signed_as_the_public_client_signs_it_and_believed_by_its_raw_body(subtests):
    known = KNOWN["webhook_signature"]
    body, header = known["body"].encode(), known["header"]
    assert signatures.webhook_header(WEBHOOK_SECRET, body, known["timestamp"]) == header
    assert signatures.webhook_fits(WEBHOOK_SECRET, body, header)
    time, signature = header.split(",")
    assert signatures.webhook_fits(WEBHOOK_SECRET, body, f"{time},v0=x,v1=x,{signature}")
    wrong = [
        (WEBHOOK_SECRET, body + b" ", header),
        ("whsec_other", body, header),
        (WEBHOOK_SECRET, body, f"t=1700000001,{signature}"),
        # The public clients do not skip a blank either.
        (WEBHOOK_SECRET, body, f"{time}, {signature}"),
        (WEBHOOK_SECRET, body, f"{time},v1=é"),
        (WEBHOOK_SECRET, body, signature),
        (WEBHOOK_SECRET, body, time),
        (WEBHOOK_SECRET, body, ""),
    ]
    for secret, raw, received in wrong:
        with subtests.test(received=received):
            assert not signatures.webhook_fits(secret, raw, received)


def test_an_object_has_every_field_that_the_public_client_knows(subtests):
    # What comes only where it says something or is asked for; other methods of payment; what subscriptions have.
    sometimes = {
        "charge": {"refunds"},
        "customer": {"cash_balance", "deleted", "sources", "subscriptions", "tax", "tax_ids"},
        "webhook_endpoint": {"deleted", "secret"},
        "checkout.session": {"line_items"},
    }
    for kind in KNOWN["fields"]:
        with subtests.test(kind):
            fields = KNOWN["fields"][kind]
            never_null, others = set(fields["never_null"].split()), set(fields["others"].split())
            made = objects.new_object(kind, "x_1", 5)
            if kind == "payment_method":
                others &= made.keys()
            assert made.keys() == never_null | others - sometimes.get(kind, set())
            assert [name for name in never_null if made[name] is None] == []
            assert (made["id"], made["object"], made["created"]) == ("x_1", kind, 5)
    assert objects.new_object("refund", "re_1", 5, amount=7)["amount"] == 7
    with pytest.raises(KeyError):
        objects.new_object("refund", "re_1", 5, captured=True)


def test_a_list_names_its_own_address_without_a_mount():
    assert objects.new_list("/v1/refunds", [{"id": "re_1"}], has_more=True) == {
        "object": "list",
        "url": "/v1/refunds",
        "has_more": True,
        "data": [{"id": "re_1"}],
    }


def test_an_error_is_read_as_it_is_written():
    intent = objects.new_object("payment_intent", INTENT, 5)
    error = ApiError("card_error", "No.", "card_declined", "insufficient_funds", "51", "amount", "ch_1", intent)
    body = errors.error_body(error)["error"]
    assert errors.read_error(json.loads(json.dumps(body))) == error
    assert body["doc_url"] == "https://stripe.com/docs/error-codes/card_declined"
    assert errors.error_body(ApiError("api_error", "No.")) == {"error": {"type": "api_error", "message": "No."}}
    assert errors.read_error(None) is errors.read_error("odd") is None
    assert errors.read_error({"type": 7, "message": [], "payment_intent": "pi_1"}) == ApiError("", "")


def test_nothing_is_stored_that_no_list_allows():
    request = REQUESTS["confirm_card"]
    stored = redact(request.params, requests.SHOWN)
    assert stored["payment_method_data"] == {"type": "card", "card": dict.fromkeys(CARD["card"], HIDDEN)}
    call = requests.encode(request, "http://mock", KEY, 3, Mockpay_Outcome="issuer=success")
    headers = redact_headers(call.headers, requests.SHOWN_HEADERS)
    assert headers["Authorization"] == HIDDEN
    assert (headers["Idempotency-Key"], headers["Mockpay-Outcome"]) == (CHARGE_KEY, "issuer=success")
    intent = objects.new_object(
        "payment_intent", INTENT, 5, client_secret="pi_1_secret_2", description="4111111111111111"
    )
    answer = redact(intent, objects.SHOWN)
    assert (answer["id"], answer["client_secret"], answer["description"]) == (INTENT, HIDDEN, HIDDEN)
