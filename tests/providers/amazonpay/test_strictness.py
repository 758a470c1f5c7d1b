"""The traps of the real service, each by a setting of the seller's; by default none is there."""

import time

import pytest

from mockpay.kernel.clock import rfc3339
from mockpay.merchant.results import Outcome
from tests.providers.amazonpay.http_client import assert_xml_error, send_request
from tests.providers.amazonpay.shop import MWS, Shop, stamp

LIVE = "/OffAmazonPayments/2013-01-01"
AMOUNT = {"RefundAmount__Amount": "1.00", "RefundAmount__CurrencyCode": "INR", "RefundReferenceId": "R-1"}


def change(shop: Shop, **settings: object) -> None:
    shop.seller.control("PATCH", "", {"settings": settings})


def call_at(shop: Shop, host: str, path: str = MWS, **params: str):
    form = shop.signed("GetServiceStatus", path, "POST", host, **params)
    return send_request(shop.server, path, form=form, host=host)


def listed(shop: Shop, path: str = MWS, **params: str) -> list[dict]:
    reply = shop.call("ListOrderReference", path, **params)
    result = reply.xml["ListOrderReferenceResponse"]["ListOrderReferenceResult"]["OrderReferenceList"]
    orders = result["OrderReference"] if result else []
    return orders if isinstance(orders, list) else [orders]


# --- regions


def test_strict_regions_deny_a_seller_at_the_hosts_of_others(shop):
    others = ["mws.amazonservices.com", "mws-eu.amazonservices.com", "mws.amazonservices.jp"]
    assert {call_at(shop, host).status for host in others} == {200}
    change(shop, regions="strict")
    for host in others:
        error = assert_xml_error(call_at(shop, host), 401, "AccessDenied")
        assert host.partition(":")[0] in error["Message"]
        assert shop.journal()[0]["outcome"] == "region.denied"
    assert call_at(shop, "mws.amazonservices.in").status == 200
    assert shop.call("GetServiceStatus").status == 200


def test_strict_regions_know_an_order_at_the_address_of_its_environment_alone(shop):
    ids = {}
    for sandbox in ("true", "false"):
        bought = shop.buy(isSandbox=sandbox, sellerOrderId=f"sandbox-{sandbox}")
        ids[sandbox] = shop.verified(bought).amazon_order_id
    questions = [
        (MWS, {}, "true", "false"),
        (LIVE, {}, "false", "true"),
        ("/v2/payments/orderReference", {"isSandbox": "true"}, "true", "false"),
        ("/v2/payments/orderReference", {"isSandbox": "false"}, "false", "true"),
    ]
    assert all(len(listed(shop, path, **extra)) == 2 for path, extra, *_ in questions)
    change(shop, regions="strict")
    for path, extra, own, foreign in questions:
        assert [order["AmazonOrderReferenceId"] for order in listed(shop, path, **extra)] == [ids[own]]
        assert listed(shop, path, QueryId=f"sandbox-{foreign}", QueryIdType="SellerOrderId", **extra) == []
    for path, own, foreign in ((MWS, "true", "false"), (LIVE, "false", "true")):
        reply = shop.call("GetOrderReferenceDetails", path, AmazonOrderReferenceId=ids[foreign])
        assert_xml_error(reply, 404, "InvalidOrderReferenceId")
        entry = shop.journal()[0]
        assert "and the call is for" in entry["reason"]
        assert entry["order_id"] == ids[foreign]
        assert shop.call("GetOrderReferenceDetails", path, AmazonOrderReferenceId=ids[own]).status == 200
        assert shop.call("RefundPayment", path, AmazonTransactionId=ids[foreign], **AMOUNT).status == 404


def test_strict_regions_find_a_refund_at_the_address_of_its_order_alone(shop):
    order = shop.verified(shop.buy()).amazon_order_id
    shop.call("RefundPayment", AmazonTransactionId=order, **AMOUNT)
    [refund] = shop.seller.order(order)["refunds"]
    change(shop, regions="strict")
    assert shop.call("GetRefundDetails", AmazonRefundId=refund["refund_id"]).status == 200
    reply = shop.call("GetRefundDetails", LIVE, AmazonRefundId=refund["refund_id"])
    assert_xml_error(reply, 404, "InvalidTransactionId")


def test_the_next_page_is_of_the_address_that_is_asked(shop):
    change(shop, regions="strict")
    for number in range(3):
        shop.order(sellerOrderId=f"o{number}")
    reply = shop.call("ListOrderReference", PageSize="1")
    token = reply.xml["ListOrderReferenceResponse"]["ListOrderReferenceResult"]["NextPageToken"]
    following = shop.call("ListOrderReferenceByNextToken", LIVE, NextPageToken=token)
    assert b"<OrderReference>" not in following.body


# --- one seller order id, two payments


def test_a_paid_seller_order_id_can_be_paid_again_where_duplicates_are_allowed(shop):
    shop.seller.control("PATCH", "", {"ipn_url": "http://127.0.0.1:9/nobody"})
    first = shop.verified(shop.buy())
    assert shop.verified(shop.pay(sellerNote="second shop")).reason_code == "250"
    change(shop, duplicate_orders="allow")
    second = shop.verified(shop.buy(sellerNote="second shop"))
    assert (first.outcome, second.outcome) == (Outcome.SUCCESS, Outcome.SUCCESS)
    ids = {first.amazon_order_id, second.amazon_order_id}
    assert len(ids) == 2
    rows = listed(shop, QueryId="order-1", QueryIdType="SellerOrderId")
    assert {row["AmazonOrderReferenceId"] for row in rows} == ids
    assert {row["OrderReferenceStatus"]["ReasonCode"] for row in rows} == {"UpfrontChargeSuccess"}
    told = shop.seller.control("GET", "/notifications")["items"]
    assert {notification["order_id"] for notification in told} == ids


def test_an_open_order_is_still_joined_where_duplicates_are_allowed(shop):
    change(shop, duplicate_orders="allow")
    assert shop.order() == shop.order(sellerNote="another payload")


# --- PaymentDomain


def test_a_payment_domain_selects_nothing_unless_it_is_strict(shop):
    shop.order()
    foreign = ("NA_USD", "EU_GBP", "EU_EUR", "FE_JPY")
    assert all(len(listed(shop, PaymentDomain=domain)) == 1 for domain in foreign)
    assert shop.journal()[0]["reason"] is None
    change(shop, payment_domain="strict")
    for domain in foreign:
        assert listed(shop, PaymentDomain=domain) == []
        entry = shop.journal()[0]
        assert (entry["outcome"], entry["status"]) == ("ok", 200)
        assert f'PaymentDomain "{domain}"' in entry["reason"]
    journal = send_request(shop.server, f"/_mockpay/ui/sellers/{shop.seller.seller_id}/journal")
    assert "are IN_INR ones." in journal.text
    assert len(listed(shop, PaymentDomain="IN_INR")) == len(listed(shop)) == 1


# --- freshness


@pytest.fixture
def frozen(shop):
    """The seller's clock stands an hour and 40 seconds before the real one."""
    now = (int(time.time()) - 3640) * 1000
    shop.seller.control("PUT", "/clock", {"mode": "frozen", "now": rfc3339(now)})
    return rfc3339(now)


def test_a_timestamp_may_be_held_against_the_sellers_clock_alone(shop, frozen):
    assert shop.call("GetServiceStatus").status == 200
    change(shop, freshness_clock="seller")
    assert_xml_error(shop.call("GetServiceStatus"), 400, "RequestExpired")
    assert shop.verified(shop.pay()).reason_code == "252"
    assert shop.call("GetServiceStatus", Timestamp=frozen).status == 200


def test_a_refusal_of_a_timestamp_tells_both_times_and_the_distance(shop, frozen):
    change(shop, freshness_clock="seller")
    sent = stamp(-40)
    message = assert_xml_error(shop.call("GetServiceStatus", Timestamp=sent), 400, "RequestExpired")["Message"]
    start = message.partition(";")[0]
    assert start.startswith(f"Timestamp is not fresh: {sent} is 3")
    assert start.endswith(f" seconds ahead of the clock of the seller, {frozen}")
    assert "; 900 seconds are allowed. It looks like the local time of UTC+1:00" in message
    assert shop.journal()[0]["reason"] == message


def test_a_refusal_of_a_start_time_tells_both_clocks_to_shop_and_journal(shop, frozen):
    sent = int(time.time()) - 1000
    result = shop.verified(shop.pay(start_time=sent))
    assert result.description.startswith(f"startTime is not fresh: {rfc3339(sent * 1000)} is 26")
    assert f" seconds ahead of the clock of the seller, {frozen} and 10" in result.description
    assert " seconds behind the real clock, " in result.description
    assert "local time" not in result.description
    assert shop.journal()[0]["reason"] == result.description
    status = shop.charge_status(transactionId="S04-0000000-0000000", start_time=sent)
    assert status.json["error"]["message"].startswith("startTime is not fresh: ")


# --- text limits


DEVANAGARI = "क" * 4_096
LONG = {
    "sellerStoreName": ("x" * 51, "51 characters; Amazon publishes 50"),
    "sellerNote": ("x" * 1_025, "1025 characters; Amazon publishes 1024"),
    "customInformation": ("x" * 4_097, "4097 characters; Amazon publishes 4096"),
}


def test_a_text_longer_than_published_is_warned_of_in_journal_and_dashboard(shop):
    for name, (text, words) in LONG.items():
        shop.order(**{name: text, "sellerOrderId": name})
        [warning] = shop.journal()[0]["facts"]["warnings"].values()
        assert f"{name} has {words}" in warning
        [order] = shop.seller.orders(seller_order_id=name)
        seller = shop.seller.seller_id
        page = send_request(shop.server, f"/_mockpay/ui/sellers/{seller}/orders/{order['order_id']}")
        assert words in page.text
    shop.order(sellerOrderId="short", **{name: text[1:] for name, (text, _) in LONG.items()})
    assert "warnings" not in shop.journal()[0]["facts"]


def test_a_return_url_that_no_server_takes_is_warned_of(shop):
    page = shop.order(customInformation=DEVANAGARI)
    [warning] = shop.journal()[0]["facts"]["warnings"].values()
    reply = shop.finish(page)
    assert len(reply.location) > 36_000
    assert "customInformation makes a return URL of 37" in warning
    shop.order(customInformation="क" * 800, sellerOrderId="fits")
    assert "warnings" not in shop.journal()[0]["facts"]


def test_a_text_longer_than_published_is_refused_by_its_name_where_the_seller_says(shop):
    change(shop, text_limits="refuse")
    for name, (text, words) in {**LONG, "customInformation": (DEVANAGARI, "servers take 8192")}.items():
        reply = shop.pay(**{name: text})
        result = shop.verified(reply)
        assert (result.outcome, result.reason_code) == (Outcome.FAILURE, "260")
        assert result.description.startswith(name)
        assert words in result.description
        assert len(reply.location) < 1_000
    assert shop.seller.orders() == []
    shop.order(**{name: text[1:] for name, (text, _) in LONG.items()})


def test_a_reason_longer_than_published_is_warned_of_or_refused(shop):
    shop.order()
    [order] = shop.seller.orders()
    params = {"AmazonOrderReferenceId": order["order_id"], "CancelationReason": "x" * 1_025}
    change(shop, text_limits="refuse")
    error = assert_xml_error(shop.call("CancelOrderReference", **params), 400, "InvalidParameterValue")
    assert error["Message"] == "CancelationReason has 1025 characters; Amazon publishes 1024 as the most."
    change(shop, text_limits="warn")
    assert shop.call("CancelOrderReference", **params).status == 200
    assert shop.journal()[0]["facts"]["warnings"] == {"CancelationReason": error["Message"]}


# --- IdList


def test_details_have_an_id_list_where_the_seller_says(shop):
    shop.order(sellerOrderId="open")
    paid = shop.verified(shop.buy(sellerOrderId="paid")).amazon_order_id
    [opened] = shop.seller.orders(seller_order_id="open")

    def details(order: str) -> dict:
        name = "GetOrderReferenceDetails"
        return shop.call(name, AmazonOrderReferenceId=order).xml[f"{name}Response"][f"{name}Result"][
            "OrderReferenceDetails"
        ]

    assert "IdList" not in details(paid)
    change(shop, id_list=True)
    assert details(opened["order_id"])["IdList"] == ""
    assert details(paid)["IdList"]["member"].startswith(f"{paid}-A")
