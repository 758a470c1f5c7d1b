"""Requests and signatures as the public Python client (2.0.1) sends and accepts them."""

import json
from pathlib import Path

import pytest

from mockpay.kernel.errors import Invalid
from mockpay.wire.json_objects import read_object
from mockpay.wire.razorpay import answers, requests, signatures
from mockpay.wire.redaction import HIDDEN, redact, redact_headers

KNOWN = json.loads((Path(__file__).parents[2] / "vectors" / "razorpay.json").read_text())
KEY_ID, SECRET = KNOWN["credentials"]["key_id"], KNOWN["credentials"]["key_secret"]
ORDER, PAYMENT = "order_EKwxwAgItmmXdp", "pay_29QQoUBi66xm2f"
CARD = {"number": "4111111111111111", "name": "Asha Rao", "expiry_month": "08", "expiry_year": "29"}
REQUESTS = {
    "create_order": requests.create_order(49_900, "INR", "att_k5xq2mjv6n3c4w8e7r9t", capture=True),
    "order_payments": requests.fetch_order_payments(ORDER),
    "orders_by_receipt": requests.fetch_orders("att_1"),
    "create_payment": requests.create_payment(
        ORDER, 49_900, "INR", {"method": "card", "email": "a@b.c", "contact": "9999999999", "card": CARD}
    ),
    "fetch_payment": requests.fetch_payment(PAYMENT),
    "capture_with_currency": requests.capture_payment(PAYMENT, 49_900, "INR"),
}


def plain(request) -> dict[str, object]:
    call = requests.encode(request, "http://mock/gw/razorpay/", KEY_ID, SECRET, 3)
    headers = {name.lower(): value for name, value in call.headers.items() if name != "Accept"}
    assert call.timeout == 3
    body = json.loads(call.body) if call.body else None
    return {"method": call.method, "path": call.url, "headers": headers, "body": body}


def sent(name: str) -> dict[str, object]:
    known = KNOWN["requests"][name]
    headers = {key.lower(): value for key, value in known["headers"].items()}
    body = json.loads(known["body"]) if known["body"] else None
    return {**known, "path": f"http://mock/gw/razorpay{known['path']}", "headers": headers, "body": body}


def test_requests_are_those_of_the_public_client(subtests):
    for name, request in REQUESTS.items():
        with subtests.test(name):
            assert plain(request) == sent(name)


def test_a_refund_carries_its_key_as_the_public_client_sends_it():
    known = sent("payment_refund")
    request = plain(requests.create_refund(PAYMENT, 100, "R-1-razorpay-REFUND"))
    assert request["headers"] == known["headers"]
    assert (request["method"], request["path"]) == (known["method"], known["path"])
    assert request["body"] == {"amount": 100, "receipt": "R-1-razorpay-REFUND"}


def test_signatures_are_those_that_the_public_client_accepts():
    payment, webhook = KNOWN["payment_signature"], KNOWN["webhook_signature"]
    signature = signatures.payment_signature(SECRET, payment["order_id"], payment["payment_id"])
    assert signature == payment["signature"]
    assert signatures.fits(signature, payment["signature"])
    assert not signatures.fits(signature, payment["signature"][:-1] + "é")
    secret = KNOWN["credentials"]["webhook_secret"]
    assert signatures.webhook_signature(secret, webhook["body"].encode()) == webhook["signature"]


def test_credentials_are_read_from_the_header_that_carries_them(subtests):
    assert signatures.parse_authorization(signatures.authorization(KEY_ID, SECRET)) == (KEY_ID, SECRET)
    assert signatures.parse_authorization(signatures.authorization(KEY_ID, "a:b")) == (KEY_ID, "a:b")
    for header in ["", "Basic", "Basic %%%", "Basic cnpw", "Bearer cnpwOng=", "Basic /w=="]:
        with subtests.test(header):
            assert signatures.parse_authorization(header) is None


def test_a_body_of_nothing_is_an_empty_object_and_a_bare_number_is_itself():
    assert requests.decode_body(b"") == requests.decode_body(b" \n") == requests.decode_body(b"{}") == {}
    assert requests.decode_body(b"500") == 500
    for malformed in [b"{", b"\xff", b"[" * 100_000]:
        with pytest.raises(Invalid) as refused:
            requests.decode_body(malformed)
        assert refused.value.code == "json.malformed"


def test_an_error_is_read_as_it_is_written():
    error = answers.ApiError(
        "BAD_REQUEST_ERROR", "Declined", "insufficient_funds", "issuer_bank", "payment_authorization", "amount", ORDER
    )
    assert answers.read_error(read_object(json.dumps(answers.error_body(error)).encode())) == error
    assert answers.read_error({}) is answers.read_error({"error": "odd"}) is None
    assert answers.read_error({"error": {"code": 7, "metadata": []}}) == answers.ApiError("", "")


def test_an_answer_that_is_no_object_or_no_list_is_malformed(subtests):
    for body in [b"", b"<html>", b'{"a":', b"[]", b"7", b"\xff"]:
        with subtests.test(body=body), pytest.raises(Invalid):
            read_object(body)
    for listed in [{}, {"items": {}}, {"items": [1]}]:
        with subtests.test(listed=listed), pytest.raises(Invalid):
            answers.read_items(listed)


def test_an_order_says_whether_it_was_tried_and_paid():
    def status(paid, attempts):
        body = answers.order_body(ORDER, 500, "INR", None, paid=paid, attempts=attempts, created_at=1)
        return body["status"], body["amount_due"]

    assert [status(0, 0), status(0, 1), status(500, 2)] == [("created", 500), ("attempted", 500), ("paid", 0)]


def test_nothing_is_stored_that_no_list_allows():
    request = REQUESTS["create_payment"]
    call = requests.encode(request, "http://mock", KEY_ID, SECRET, 3, Mockpay_Outcome="issuer=success")
    kept = redact(request.body, requests.SHOWN)
    assert kept["amount"] == 49_900
    assert kept["card"] == dict.fromkeys(CARD, HIDDEN)
    assert (kept["email"], kept["contact"]) == (HIDDEN, HIDDEN)
    headers = redact_headers(call.headers, requests.SHOWN_HEADERS)
    assert headers["Authorization"] == HIDDEN
    assert headers["Mockpay-Outcome"] == "issuer=success"
    assert redact("4111111111111111", requests.SHOWN) == HIDDEN
    assert redact({"notes": ["4111111111111111"], "amount": [1, {"pin": 1}]}, requests.SHOWN) == {
        "notes": [HIDDEN],
        "amount": [1, {"pin": HIDDEN}],
    }
