"""Requests that are refused once the caller is sure: the shop is told by a signed FAILURE."""

import time

import pytest

from mockpay.merchant.results import Outcome
from mockpay.wire.amazonpay.opening import Flavour
from tests.providers.amazonpay.http_client import short_id
from tests.providers.amazonpay.shop import RETURN, assert_signed_failure


@pytest.mark.parametrize("age", [1_700_000_000, 3600, 1000, -1000, -3600, -(10**11)])
def test_a_stale_or_future_start_time_is_told_to_the_shop(shop, age):
    start = int(time.time()) - age
    code = assert_signed_failure(shop, shop.pay(start_time=start), "request.stale", "order-1")

    assert code == "252"


def test_a_start_time_is_fresh_by_the_sellers_clock_or_by_the_real_one(shop):
    shop.seller.control("PUT", "/clock", {"mode": "frozen", "now": "2030-01-01T00:00:00Z"})
    sellers_now = 1_893_456_000

    assert shop.pay(sellerOrderId="real").location.startswith("/pay/")
    reply = shop.pay(sellerOrderId="frozen", start_time=sellers_now - 600)
    assert reply.location.startswith("/pay/")
    reply = shop.pay(sellerOrderId="neither", start_time=sellers_now - 1000)
    assert shop.verified(reply).reason_code == "252"


@pytest.mark.parametrize("start", ["", "-1", "1.5", "now", "१२३", "1" * 13, "12\n"])
def test_a_start_time_that_is_no_number_is_told_to_the_shop(shop, start):
    reply = shop.pay(start_time=start)

    assert assert_signed_failure(shop, reply, "start_time.invalid") == "257"


@pytest.mark.parametrize(
    "amount",
    [
        "",
        "-1",
        "1.001",
        "1e3",
        "१२",
        "12\n",
        "12345678901",
        "12345678901.00",
        "+5",
        " 5",
        "5 ",
        "1,000.00",
        "1.",
        ".5",
        "05",
        "00.50",
        "0x10",
        "NaN",
        "Infinity",
        "1_000",
        "1.0.0",
        "₹5",
        "5\x00",
        "٥",
        "five",
        "9" * 5000,
    ],
    ids=short_id,
)
def test_an_amount_that_is_none_is_told_to_the_shop(shop, amount):
    reply = shop.pay(orderTotalAmount=amount)

    assert assert_signed_failure(shop, reply, "amount.invalid") == "253"


@pytest.mark.parametrize("amount", ["0", "0.00", "0.99", "0.1"])
def test_an_amount_below_one_rupee_is_told_to_the_shop(shop, amount):
    reply = shop.pay(orderTotalAmount=amount)

    assert assert_signed_failure(shop, reply, "amount.too_small") == "254"


@pytest.mark.parametrize(
    ("amount", "stored"), [("1", "1.00"), ("1.00", "1.00"), ("1.5", "1.50"), ("9999999999.99", "9999999999.99")]
)
def test_amounts_at_the_edges_are_taken(shop, amount, stored):
    shop.order(orderTotalAmount=amount)

    assert [order["amount"] for order in shop.seller.orders()] == [stored]


@pytest.mark.parametrize("currency", [None, "", "USD", "inr", "INR ", "INR\x00", "₹"])
def test_another_currency_is_told_to_the_shop(shop, currency):
    reply = shop.pay(orderTotalCurrencyCode=currency)

    assert assert_signed_failure(shop, reply, "currency.unknown") == "255"


@pytest.mark.parametrize(
    "changed",
    [
        {"sellerOrderId": None},
        {"sellerOrderId": ""},
        {"isSandbox": "maybe"},
        {"isSandbox": "FALSE"},
        {"transactionTimeout": "-5"},
        {"transactionTimeout": "soon"},
        {"transactionTimeout": "0"},
        {"transactionTimeout": "1e9"},
        {"transactionTimeout": "१०"},
        {"sellerOrderId": "x" * 128},
        {"sellerNote": "x" * 5000},
        {"sellerStoreName": "x" * 2000},
        {"customInformation": "x" * 9000},
        {"orderTotalAmount": None},
    ],
    ids=short_id,
)
def test_any_other_field_that_cannot_be_is_told_to_the_shop(shop, changed):
    reply = shop.pay(**changed)

    assert shop.verified(reply).outcome is Outcome.FAILURE
    assert len(reply.location) < 4000
    entry = shop.journal()[0]
    assert entry["outcome"].endswith(".invalid")
    assert entry["reason"]
    assert shop.seller.orders() == []


@pytest.mark.parametrize("control", ["\x00", "\x01", "\x08", "\x0b", "\x1b[31m", "\x7f"], ids=short_id)
@pytest.mark.parametrize("name", ["sellerOrderId", "customInformation", "sellerNote", "sellerStoreName"])
def test_control_characters_in_a_text_are_told_to_the_shop(shop, name, control):
    reply = shop.pay(**{name: f"a{control}b"})

    assert_signed_failure(shop, reply, "field.invalid")
    assert control not in "".join(reply.result.values())


def test_a_refusal_goes_back_in_the_flavour_of_the_request(shop):
    for flavour in Flavour:
        speaking = shop.with_flavour(flavour)
        reply = speaking.pay(customInformation="क !'()* é", orderTotalAmount="0")
        result = speaking.verified(reply)
        assert result.custom_information == "क !'()* é"
        assert result.seller_order_id == "order-1"


def test_a_refusal_keeps_the_shops_own_query(shop):
    reply = shop.pay(f"{RETURN}?session=1", orderTotalAmount="0")

    assert reply.location.startswith(f"{RETURN}?session=1&status=FAILURE&")
