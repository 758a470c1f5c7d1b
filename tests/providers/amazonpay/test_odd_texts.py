"""Requests that look odd and are right, and bytes that are no text at all."""

from urllib.parse import quote, urlsplit

import pytest

from mockpay.merchant.results import Outcome
from mockpay.wire.amazonpay.opening import Flavour
from tests.providers.amazonpay.http_client import assert_refused_with_a_page, send_request, short_id


@pytest.mark.parametrize(
    "text",
    [
        "हिन्दी में",
        "👩‍👩‍👧‍👦💰",
        "z\u0335a\u0321lgo",
        "\u202eevil\u202c",
        "<b>&\"'</b>",
        "{{7*7}}",
        "%41%2B%",
        "a+b c",
        "\u2028\u2029",
        "line\r\nline\tend",
        "\ufffd",
        "A" * 100,
        "'; DROP TABLE orders;--",
        "\U0010ffff\ufdd0",
    ],
    ids=short_id,
)
@pytest.mark.parametrize("flavour", Flavour)
def test_any_other_text_comes_back_as_it_was_sent(shop, text, flavour):
    shop = shop.with_flavour(flavour)
    page = shop.order(sellerOrderId=text[:60], customInformation=text, sellerStoreName=text)

    shown = send_request(shop.server, page)
    assert shown.status == 200
    assert "<b>&" not in shown.text
    result = shop.verified(shop.finish(page))
    assert (result.custom_information, result.seller_order_id) == (text, text[:60])
    [order] = shop.seller.orders()
    assert (order["custom_information"], order["store_name"]) == (text, text)


@pytest.mark.parametrize("value", ["%ED%A0%80", "%FF%FE", "%C3", "%C0%AF", "%F5%80%80%80"])
def test_bytes_that_are_no_utf_8_never_break_anything(shop, value):
    """Encoded twice, as a signed field; and once, where the signature cannot hold."""
    plain = shop.plaintext(customInformation="MARK")
    twice = plain.replace("MARK", quote(value))

    assert_refused_with_a_page(shop.pay_with(twice), 403)
    assert_refused_with_a_page(shop.pay_with(plain.replace("MARK", value)), 403)
    reply = send_request(shop.server, f"/initiatePayment?{shop.query()}&x={value}&{value}=1")
    assert reply.status == 302


def test_fifty_unknown_fields_are_signed_over_and_kept_out_of_the_way(shop):
    extra = {f"field{n}": f"value {n} é" for n in range(50)}

    result = shop.verified(shop.buy(**extra))

    assert result.outcome is Outcome.SUCCESS


def test_a_timeout_of_the_request_decides_when_the_order_expires(shop):
    page = shop.order(transactionTimeout="120")
    shop.order(sellerOrderId="other", transactionTimeout="999999999999")

    shop.seller.advance(seconds=119)
    states = {o["seller_order_id"]: o["state"] for o in shop.seller.orders()}
    assert states == {"order-1": "CREATED", "other": "CREATED"}
    shop.seller.advance(seconds=2)
    states = {o["seller_order_id"]: o["state"] for o in shop.seller.orders()}
    assert states == {"order-1": "EXPIRED", "other": "CREATED"}
    assert shop.verified(shop.leave(page)).outcome is Outcome.FAILURE


def test_no_refusal_leads_anywhere_but_to_the_shop(shop):
    for reply in (shop.pay(orderTotalAmount="0"), shop.pay(start_time=1)):
        assert urlsplit(reply.location).netloc == "127.0.0.1"
        assert reply.headers["cache-control"] == "no-store"
