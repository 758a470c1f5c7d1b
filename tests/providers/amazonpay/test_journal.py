"""The journal is a log of requests: each with its line, its answer and the orders that it was about."""

import json

import pytest

from mockpay.domain.methods.cards import redact
from mockpay.providers.amazonpay.request_forms import request_values
from tests.providers.amazonpay.http_client import send_request
from tests.providers.amazonpay.shop import MWS

AMOUNT = {"RefundAmount__Amount": "100.00", "RefundAmount__CurrencyCode": "INR"}


def entries(shop, query: str) -> list[dict]:
    return shop.seller.control("GET", f"/journal?{query}")["items"]


def ask_everything(shop, order: str) -> list[str]:
    """Every call that names an order, right or refused; the kinds of their entries, the newest first."""
    refund = {"AmazonTransactionId": order, "RefundReferenceId": "R-1", **AMOUNT}
    shop.call("ListOrderReference", QueryId="order-1", QueryIdType="SellerOrderId")
    shop.call("GetOrderReferenceDetails", AmazonOrderReferenceId=order)
    shop.call("RefundPayment", "/v2/payments/refund", **refund)
    shop.call("RefundPayment", **refund | {"RefundReferenceId": "R-2", "RefundAmount__Amount": "9000.00"})
    (refunded,) = shop.seller.order(order)["refunds"]
    shop.call("GetRefundDetails", AmazonRefundId=refunded["refund_id"])
    shop.call("ListOrderReference", PageSize="1", QueryId="order-1", QueryIdType="SellerOrderId", PaymentDomain="x")
    shop.charge_status(transactionId=order)
    shop.charge_status(transactionId=order, transactionIdType="ANOTHER")
    shop.pay()
    shop.with_credentials(secret_key="not-the-secret-of-this-seller").call(
        "GetOrderReferenceDetails", AmazonOrderReferenceId=order
    )
    shop.call("GetRefundDetails", AmazonRefundId=f"{order}-R000000")
    shop.pay(orderTotalAmount="0")
    shop.pay("https://elsewhere.example/")
    names = "processPayment processPayment GetRefundDetails GetOrderReferenceDetails processPayment chargeStatus chargeStatus ListOrderReference".split()
    names += "GetRefundDetails RefundPayment RefundPayment".split()
    return [
        f"amazonpay.{name}" for name in (*names, "GetOrderReferenceDetails", "ListOrderReference", "processPayment")
    ]


def test_an_orders_filter_finds_every_call_that_was_about_it(shop):
    order = shop.verified(shop.buy()).amazon_order_id
    shop.buy(sellerOrderId="order-2")
    expected = ask_everything(shop, order)
    found = entries(shop, f"order_id={order}")
    assert [entry["kind"] for entry in found] == expected
    assert {entry["order_id"] for entry in found} == {order}
    outcomes = [entry["outcome"] for entry in found]
    assert outcomes[:2] == ["return_url.not_allowed", "amount.too_small"]
    assert outcomes[2:6] == ["refund.not_found", "signature.invalid", "order.already_paid", "parameter.invalid"]
    assert outcomes[7:10] == ["parameter.invalid", "ok", "refund.exceeds_capture"]


def test_a_list_of_several_orders_is_found_by_each_of_them(shop):
    orders = [shop.verified(shop.buy(sellerOrderId=name)).amazon_order_id for name in ("A", "B")]
    shop.call("ListOrderReference")
    for order in orders:
        entry = entries(shop, f"order_id={order}&kind=amazonpay.ListOrderReference")[0]
        assert (sorted(entry["orders"]), entry["order_id"]) == (sorted(orders), None)
        assert order in entry["answer"]
    assert not entries(shop, f"order_id={orders[0][:-1]}")


def test_an_entry_has_the_requests_line_and_what_was_answered(shop):
    order = shop.verified(shop.buy()).amazon_order_id
    reply = shop.call("ListOrderReference", method="POST", QueryId="order-1", QueryIdType="SellerOrderId")
    entry, opened = shop.journal()
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", MWS, 200)
    assert 0 < entry["duration_ms"] < 30_000
    assert entry["answer"] == reply.text
    assert entry["facts"] == {
        "flavour": entry["facts"]["flavour"],
        "QueryId": "order-1",
        "QueryIdType": "SellerOrderId",
    }
    assert (opened["method"], opened["path"], opened["status"]) == ("GET", "/initiatePayment", 302)
    assert (opened["orders"], opened["answer"]) == ([order], None)


def test_a_refusal_has_its_status_and_the_answer_that_was_sent(shop):
    reply = shop.with_credentials(secret_key="another").call("GetServiceStatus")
    entry = shop.journal()[0]
    assert (entry["status"], entry["answer"]) == (403, reply.text)
    assert shop.pay(None).status == 400
    entry = shop.journal()[0]
    assert (entry["path"], entry["status"], entry["answer"]) == ("/initiatePayment", 400, None)


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ("R-SPECIAL", ["RefundPayment"]),
        ("getservice", ["GetServiceStatus"]),
        ("302", ["processPayment"]),
        ("404", []),
        ("%25", []),
    ],
)
def test_the_journal_is_searched_by_what_was_asked_and_answered(shop, words, kinds):
    order = shop.verified(shop.buy()).amazon_order_id
    shop.call("RefundPayment", AmazonTransactionId=order, RefundReferenceId="R-SPECIAL", **AMOUNT)
    shop.call("GetServiceStatus")
    assert [entry["kind"].partition(".")[2] for entry in entries(shop, f"q={words}")] == kinds


def test_calls_that_no_seller_signs_are_in_nobodys_journal(shop):
    for path, kind, status in [
        ("/getDynamicConfig?key=x", "getDynamicConfig", 200),
        ("/publishMetrics/4111111111111111", "publishMetrics", 200),
        ("/v2/payments/nothing", "unknown", 404),
        ("/SimpleNotificationService-0.pem", "certificate", 404),
    ]:
        send_request(shop.server, path)
        entry = shop.server.control("GET", "/journal")["items"][0]
        assert (entry["kind"], entry["status"]) == (f"amazonpay.{kind}", status)
        assert entry["method"] == "GET"
        assert "4111111111111111" not in json.dumps(entry)


def test_an_answer_is_kept_without_card_numbers_and_without_what_proves_the_caller(shop):
    order = shop.verified(shop.buy(customInformation="typed 4111 1111 1111 1111 here")).amazon_order_id
    shop.call("GetOrderReferenceDetails", AmazonOrderReferenceId=order)
    written = json.dumps(shop.journal())
    assert "typed XXXXXXXXXXXX1111 here" in written
    assert "4111 1111" not in written
    for name in ("secret_key", "access_key"):
        assert shop.credentials[name] not in written


def test_only_the_beginning_of_a_long_answer_is_kept(shop):
    order = shop.verified(shop.buy(customInformation="x" * 8_000)).amazon_order_id
    shop.call("GetOrderReferenceDetails", AmazonOrderReferenceId=order)
    answer = shop.journal()[0]["answer"]
    assert len(answer) < 6_100
    assert answer.endswith("characters more")


def test_what_a_call_asked_is_kept_without_what_proves_the_caller():
    asked = {"QueryId": "order-1", "OrderReferenceStatusListFilter.OrderReferenceStatus.12": "Open"}
    others = {"Signature": "c2ln", "AWSAccessKeyId": "AKIA", "Unknown": "x", "OrderReferenceStatus.1": "Open"}
    assert request_values(asked | others) == asked


def test_the_fields_of_a_payload_are_named_in_the_journal(shop):
    shop.pay(
        orderTotalAmount="0", sellerNote="n", sellerStoreName="s", transactionTimeout="600", isSandbox="true", x="y"
    )
    named = (
        "AWSAccessKeyId Signature isSandbox orderTotalAmount orderTotalCurrencyCode sellerId sellerNote sellerOrderId"
        " sellerStoreName startTime transactionTimeout"
    )
    assert shop.journal()[0]["facts"]["fields"] == named.split()


def test_only_card_numbers_are_masked(subtests):
    for text, masked in [
        ("4111111111111111", "XXXXXXXXXXXX1111"),
        ("x378282246310005.", "xXXXXXXXXXXX0005."),
        ("4111-1111-1111-1111", "XXXXXXXXXXXX1111"),
        ("4111111111111112", "4111111111111112"),
        ("S04-4111111-1111111", "S04-4111111-1111111"),
        ("A4111 1111 1111 1111", "A4111 1111 1111 1111"),
        ("1790000000000", "1790000000000"),
        ("41111111111111110000000000", "41111111111111110000000000"),
    ]:
        with subtests.test(text=text):
            assert redact(text) == masked
