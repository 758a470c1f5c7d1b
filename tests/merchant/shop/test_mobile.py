"""The two endpoints that the mobile SDK needs."""

import re

import pytest

from mockpay.merchant.ledger import OrderState
from mockpay.wire import forms
from tests.merchant.shop.pretend_sandbox import FIRST, buy, opened_request, signed_result


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_sign_endpoint_gives_an_app_a_sealed_request(shop, ledger, method):
    fields = {"query_string" if method == "GET" else "data": {"sku": "pannier"}}
    reply = shop.open("/shop/mobile/sign", method=method, **fields)
    assert reply.content_type == "text/plain; charset=utf-8"
    assert re.fullmatch(r"payload=[^&]+&key=[^&]+&iv=[^&]+", reply.text)
    said, redirect_url = opened_request(reply.text)
    assert (said["orderTotalAmount"], said["sellerOrderId"]) == ("1499.00", FIRST)
    assert redirect_url is None
    assert ledger.find(FIRST).sku == "pannier"


def test_the_sign_endpoint_takes_the_fields_that_amazons_samples_send(shop, ledger):
    fields = {"orderTotalAmount": "12.50", "orderTotalCurrencyCode": "INR", "sellerOrderId": "APP-1"}
    for _ in range(2):
        said, _ = opened_request(shop.get("/shop/mobile/sign", query_string=fields).text)
        assert (said["orderTotalAmount"], said["sellerOrderId"]) == ("12.50", "APP-1")
    assert [order.order_id for order in ledger.newest()] == ["APP-1"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"sku": "yacht"},
        {"sku": "bell", "orderTotalAmount": "0"},
        {"sku": "bell", "orderTotalAmount": "1e3"},
        {"orderTotalAmount": "1.00", "sellerOrderId": "a b"},
        {"orderTotalAmount": "1.00", "sellerOrderId": "x" * 65},
        {"orderTotalAmount": "1.00", "sellerOrderId": FIRST},
    ],
)
def test_the_sign_endpoint_refuses_what_it_cannot_order(shop, ledger, fields):
    buy(shop)
    reply = shop.post("/shop/mobile/sign", data=fields)
    assert (reply.status_code, reply.mimetype) == (400, "text/plain")
    assert [order.order_id for order in ledger.newest()] == [FIRST]


def test_the_sign_endpoint_says_when_the_sandbox_is_away(shop, sandbox):
    sandbox.away = True
    reply = shop.get("/shop/mobile/sign?sku=bell")
    assert (reply.status_code, reply.text) == (503, "No answer from 127.0.0.1.")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_verify_endpoint_answers_true_and_keeps_the_books(shop, ledger, method):
    shop.get("/shop/mobile/sign?sku=bell")
    result = signed_result("SUCCESS", FIRST)
    fields = {"data": result} if method == "POST" else {"query_string": result, "data": "status=FAILURE"}
    reply = shop.open("/shop/mobile/verify", method=method, **fields)
    assert (reply.text, reply.content_type) == ("true", "text/plain; charset=utf-8")
    assert ledger.find(FIRST).state is OrderState.PAID


def test_the_verify_endpoint_answers_true_for_any_signed_outcome(shop, ledger):
    shop.get("/shop/mobile/sign?sku=bell")
    assert shop.post("/shop/mobile/verify", data=signed_result("FAILURE", FIRST)).text == "true"
    assert ledger.find(FIRST).state is OrderState.FAILED


def test_the_verify_endpoint_answers_true_for_a_signed_order_of_other_books(shop):
    assert shop.post("/shop/mobile/verify", data=signed_result("SUCCESS", "X-1")).text == "true"


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "status=SUCCESS",
        "signature=%zz",
        forms.encode_form((signed_result("FAILURE", FIRST) | {"status": "SUCCESS"}).items()),
        forms.encode_form((signed_result("SUCCESS", FIRST) | {"extra": "1"}).items()),
        forms.encode_form(signed_result("SUCCESS", FIRST, amount="1.00").items()),
        forms.encode_form([*signed_result("SUCCESS", FIRST).items(), ("status", "SUCCESS")]),
    ],
)
def test_the_verify_endpoint_answers_false_for_what_is_not_to_be_believed(shop, ledger, sent):
    shop.get("/shop/mobile/sign?sku=bell")
    reply = shop.post("/shop/mobile/verify", data=sent, content_type="application/x-www-form-urlencoded")
    assert (reply.status_code, reply.text) == (200, "false")
    assert ledger.find(FIRST).state is OrderState.PLACED
