"""What the buyer brings back to the shop: ten parameters, verified as both client families do."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from mockpay.merchant.results import Outcome
from mockpay.testing import TestSeller
from mockpay.wire.amazonpay.opening import Flavour
from mockpay.wire.amazonpay.signing import Encoding, sign_result
from tests.providers.amazonpay.http_client import send_request
from tests.providers.amazonpay.shop import RETURN, TEN, Shop

OWN = "क्रम é !'()* ~ +%2B&=/?#"


def cancelled(shop: Shop, page: str):
    send_request(shop.server, f"{page}cancel", form="")
    return shop.leave(page)


def cancelled_by_seller(shop: Shop, page: str):
    """While the bank decides."""
    shop.finish(page, "pendingok@mockpay")
    (order,) = shop.seller.orders()
    shop.seller.cancel(order["order_id"])
    return shop.leave(page)


def expired(shop: Shop, page: str):
    shop.seller.advance(seconds=1000)
    return shop.leave(page)


ENDS = {
    "success": (lambda shop, page: shop.finish(page), Outcome.SUCCESS, "001", "Txn Success"),
    "failure": (
        lambda shop, page: shop.finish(page, "insufficient@mockpay"),
        Outcome.FAILURE,
        "204",
        "Not enough funds",
    ),
    "pending": (lambda shop, page: shop.finish(page, "pending@mockpay"), Outcome.PENDING, "01", "Txn Pending"),
    "deemed": (lambda shop, page: shop.finish(page, "deemed@mockpay"), Outcome.PENDING, "01", "Txn Pending"),
    "cancel": (cancelled, Outcome.FAILURE, "201", "Cancelled by the buyer"),
    "cancel by seller": (cancelled_by_seller, Outcome.FAILURE, "201", "Cancelled by the seller"),
    "expiry": (expired, Outcome.FAILURE, "202", "The time to pay is over"),
}


@pytest.mark.parametrize("flavour", Flavour)
@pytest.mark.parametrize("end", ENDS)
def test_every_end_is_told_in_ten_verified_parameters(shop, end, flavour):
    shop = shop.with_flavour(flavour)
    leave, outcome, code, description = ENDS[end]
    page = shop.order(customInformation=OWN)

    reply = leave(shop, page)

    assert set(reply.result) == TEN
    result = shop.verified(reply)
    assert (result.outcome, result.reason_code, result.description) == (outcome, code, description)
    [order] = shop.seller.orders()
    assert result.amazon_order_id == order["order_id"]
    assert (result.seller_order_id, result.amount, result.currency) == ("order-1", "499.00", "INR")
    assert result.custom_information == OWN
    assert result.transaction_date is not None


@pytest.mark.parametrize("end", ENDS)
def test_a_plain_result_is_verified_by_both_client_families(shop, end):
    """Plain ASCII in the request: nothing tells the client, so one signature must suit all."""
    leave, outcome, *_ = ENDS[end]
    reply = leave(shop, shop.order(customInformation="plain text-1_2.~"))

    for flavour in Flavour:
        assert shop.verified(reply, flavour).outcome is outcome


def test_without_custom_information_nine_parameters_come_back(shop):
    assert set(shop.buy().result) == TEN - {"customInformation"}


def test_an_empty_custom_information_comes_back_empty(shop):
    reply = shop.buy(customInformation="")

    assert reply.result["customInformation"] == ""
    assert shop.verified(reply).custom_information == ""


def test_a_flavours_marks_decide_whose_encoding_the_signature_has(shop):
    """The same text from both families; each is answered so that the other could not verify."""
    for mine, other in ((Flavour.PHP, Flavour.NODE), (Flavour.NODE, Flavour.PHP)):
        speaking = shop.with_flavour(mine)
        reply = speaking.buy(sellerOrderId=f"order-{mine}", customInformation="it's (é)!")
        assert speaking.verified(reply).custom_information == "it's (é)!"
        with pytest.raises(Exception, match="not signed"):
            speaking.verified(reply, other)


def test_a_sellers_setting_decides_the_encoding_over_the_marks(shop):
    shop.seller.control("PATCH", "", {"settings": {"result_encoding": "node"}})

    reply = shop.with_flavour(Flavour.PHP).buy(customInformation="it's")

    assert shop.verified(reply, Flavour.NODE).outcome is Outcome.SUCCESS


def test_a_single_encoded_request_is_answered_single_encoded(shop):
    """The order's own encoding is plain RFC 3986: no client family of India, but seen abroad."""
    shop.seller.control("PATCH", "", {"settings": {"result_encoding": "rfc3986"}})
    params = shop.buy(customInformation="é").result

    plain = shop.seller.fields
    expected = sign_result(params, plain["access_key"], plain["secret_key"], Encoding.RFC3986)
    assert params["signature"] == expected


def test_the_signature_is_percent_encoded_whatever_it_holds(shop):
    """A bare plus sign would turn into a space at the shop."""
    seen = ""
    for number in range(12):
        reply = shop.pay(sellerOrderId=f"o{number}", orderTotalAmount="0")
        raw = next(p for p in urlsplit(reply.location).query.split("&") if p.startswith("signature"))
        seen += reply.result["signature"]
        assert not set("+/") & set(raw)
        assert raw.count("=") == 1
        shop.verified(reply)
    assert "+" in seen
    assert "/" in seen


@pytest.mark.parametrize(
    ("url", "begins"),
    [
        ("http://127.0.0.1/back", "http://127.0.0.1/back?status="),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080?status="),
        ("http://127.0.0.1/back?x=1", "http://127.0.0.1/back?x=1&status="),
        ("http://127.0.0.1/back?x=a+b%20c", "http://127.0.0.1/back?x=a+b%20c&status="),
        ("http://127.0.0.1/back?x=a b/é", "http://127.0.0.1/back?x=a%20b/%C3%A9&status="),
        ("http://127.0.0.1/back?", "http://127.0.0.1/back?&status="),
        ('http://127.0.0.1/a"b<c>|{d}', "http://127.0.0.1/a%22b%3Cc%3E%7C%7Bd%7D?status="),
        ("http://localhost/%2Fback;v=1", "http://localhost/%2Fback;v=1?status="),
        ("HTTP://127.0.0.1/Back", "http://127.0.0.1/Back?status="),
    ],
)
@pytest.mark.parametrize("flavour", Flavour)
def test_the_return_url_keeps_its_own_query_and_gets_the_result_after_it(shop, url, begins, flavour):
    shop = shop.with_flavour(flavour)
    reply = shop.buy(redirect_url=url)

    assert reply.location.startswith(begins)
    assert reply.location.isascii()
    params = dict(parse_qsl(urlsplit(reply.location).query))
    assert shop.seller.client().verify_result({n: v for n, v in params.items() if n in TEN})


def test_an_apps_own_scheme_is_a_return_url_too(mockpay_server):
    url = "amzn://amazonpay.amazon.in/customerApp"
    shop = Shop(mockpay_server.new_seller(return_urls=[url]))

    reply = shop.buy(redirect_url=url)

    assert reply.location.startswith(f"{url}?status=SUCCESS&")
    assert shop.verified(reply).outcome is Outcome.SUCCESS
    for wrong in ("amzn://amazonpay.amazon.in/other", "amzn://other/customerApp", RETURN):
        assert shop.pay(wrong).status == 400


def test_a_host_of_another_script_goes_back_in_punycode(mockpay_server):
    url = "https://दुकान.example/वापस"
    shop = Shop(mockpay_server.new_seller(return_urls=[url]))

    reply = shop.buy(redirect_url=url)

    assert reply.location.startswith(
        "https://xn--11b7ah1gn.example/%E0%A4%B5%E0%A4%BE%E0%A4%AA%E0%A4%B8?status=SUCCESS"
    )


def test_a_return_url_that_the_seller_took_away_since_gets_nobody(shop):
    """It was allowed when the order was opened, and that is what counts."""
    page = shop.order()
    shop.seller.control("PATCH", "", {"return_urls": ["https://shop.example/elsewhere"]})

    assert shop.finish(page).location.startswith(f"{RETURN}?status=SUCCESS")
    assert shop.pay(sellerOrderId="next").status == 400


def test_a_result_tells_the_sellers_time_not_the_machines(shop):
    shop.seller.control("PUT", "/clock", {"mode": "frozen", "now": "2028-02-29T12:00:00Z"})

    result = shop.verified(shop.buy())

    assert result.transaction_date == 1_835_438_400_000


def test_the_unsigned_seller_id_is_added_only_where_the_seller_wants_it(shop):
    shop.seller.control("PATCH", "", {"settings": {"send_seller_id": True}})

    params = shop.buy().result

    assert params.pop("sellerId") == shop.seller.seller_id
    assert shop.seller.client().verify_result(params).outcome is Outcome.SUCCESS


def test_the_way_back_is_the_same_however_often_it_is_asked(shop):
    page = shop.order()
    first = shop.finish(page).location
    shop.seller.advance(seconds=30)

    assert {shop.leave(page).location for _ in range(3)} == {first}


def test_a_pending_payment_that_resolved_tells_success_later(shop):
    page = shop.order()
    assert shop.verified(shop.finish(page, "pendingok@mockpay")).outcome is Outcome.PENDING

    shop.seller.advance(until="idle")

    assert shop.verified(shop.leave(page)).outcome is Outcome.SUCCESS


def test_nobody_leaves_before_anything_happened(shop):
    page = shop.order()

    assert shop.leave(page).location == page
    assert shop.seller.orders()[0]["state"] == "CREATED"


def test_a_failed_order_is_given_up_by_leaving_it(shop: Shop, mockpay_seller: TestSeller):
    shop.buy("failure@mockpay")

    [order] = mockpay_seller.orders()
    assert order["state"] == "FAILED"
