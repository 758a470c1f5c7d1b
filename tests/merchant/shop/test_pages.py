"""The shop's pages: what is bought, what comes back, what is refused."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import escape
from urllib.parse import urlsplit

import pytest

from mockpay.merchant.ledger import OrderState
from tests.merchant.shop.pretend_sandbox import (
    FAILED,
    FIRST,
    OPEN,
    PAID,
    books_say,
    buy,
    come_back,
    opened_request,
    signed_result,
)
from tests.wire.known_answers import SELLER_ID


@pytest.mark.parametrize("path", ["/shop", "/shop/"])
def test_the_catalogue_offers_three_things_with_their_prices(shop, path):
    page = shop.get(path)
    assert page.status_code == 200
    assert re.findall(r'data-testid="buy-(\w+)"', page.text) == ["bell", "pannier", "tourer"]
    for price in ("₹499.00", "₹1,499.00", "₹24,999.00"):
        assert price in page.text
    assert "A demo shop. Nothing is sold here" in page.text


def test_buying_sends_the_buyer_to_the_payment_page_with_a_sealed_request(shop, ledger):
    reply = buy(shop)
    where = urlsplit(reply.headers["Location"])
    assert (reply.status_code, where.netloc, where.path) == (303, "127.0.0.1:8420", "/initiatePayment")
    said, redirect_url = opened_request(where.query)
    assert redirect_url == "http://localhost/shop/return"
    assert (said["sellerOrderId"], said["orderTotalAmount"]) == (FIRST, "499.00")
    assert (said["orderTotalCurrencyCode"], said["sellerId"]) == ("INR", SELLER_ID)
    assert said["sellerStoreName"] == "Nilgiri Cycle Works"
    assert ledger.find(FIRST).state is OrderState.PLACED


def test_the_way_back_leads_to_the_host_the_buyer_came_to(shop):
    reply = shop.post("/shop/buy", data={"sku": "bell"}, base_url="https://shop.example:9443", buffered=True)
    _, redirect_url = opened_request(urlsplit(reply.headers["Location"]).query)
    assert redirect_url == "https://shop.example:9443/shop/return"


def test_buyers_may_find_the_sandbox_elsewhere_than_the_shop_does(shop_with, sandbox):
    shop = shop_with(page_url=lambda: "https://pay.example", public_key=None)
    where = urlsplit(buy(shop).headers["Location"])
    assert where.netloc == "pay.example"


def test_a_tester_may_ask_for_a_magic_amount(shop, ledger):
    said, _ = opened_request(urlsplit(buy(shop, amount=" 1701.10 ").headers["Location"]).query)
    assert said["orderTotalAmount"] == "1701.10"
    assert "amount for testing" in shop.get(f"/shop/orders/{FIRST}").text


@pytest.mark.parametrize("amount", ["0", "-1", "1e3", "१२", "1.001", "12345678901", "<b>"])
def test_an_amount_that_is_none_stays_in_the_field_and_orders_nothing(shop, ledger, amount):
    page = buy(shop, amount=amount)
    assert page.status_code == 400
    assert 'aria-invalid="true"' in page.text
    assert "<title>Error: " in page.text
    assert f'value="{escape(amount)}"' in page.text
    assert ledger.newest() == []


@pytest.mark.parametrize("sku", ["", "yacht", "' OR 1=1"])
def test_what_the_shop_does_not_have_cannot_be_bought(shop, ledger, sku):
    assert buy(shop, sku).status_code == 404
    assert ledger.newest() == []


def test_an_unreachable_sandbox_is_said_and_the_order_is_kept(shop, sandbox, ledger):
    sandbox.away = True
    page = buy(shop)
    assert page.status_code == 503
    assert 'data-testid="shop-notice"' in page.text
    assert "No answer from 127.0.0.1." in page.text
    assert ledger.find(FIRST).state is OrderState.PLACED


# --- the way back ---


@pytest.mark.parametrize(
    ("status", "reference_state", "state"),
    [("SUCCESS", PAID, "PAID"), ("FAILURE", FAILED, "FAILED"), ("PENDING", OPEN, "PENDING")],
)
def test_a_verified_result_is_entered_and_shown(shop, sandbox, status, reference_state, state):
    buy(shop)
    sandbox.knows(FIRST, reference_state)
    reply = come_back(shop, signed_result(status, FIRST))
    assert (reply.status_code, reply.headers["Location"]) == (303, f"/shop/orders/{FIRST}")
    page = shop.get(reply.headers["Location"])
    assert f'data-testid="shop-verified" data-status="{status}"' in page.text
    assert f'data-testid="shop-list-order-reference" data-state="{reference_state[0]}"' in page.text
    assert books_say(page) == state
    assert page.headers["Cache-Control"] == "no-store"


def test_an_order_that_nobody_told_of_has_no_source(shop):
    buy(shop)
    page = shop.get(f"/shop/orders/{FIRST}")
    assert books_say(page) == "PLACED"
    assert ", from " not in page.text


def test_a_result_that_comes_twice_is_entered_once(shop, sandbox, ledger):
    buy(shop)
    sandbox.knows(FIRST, PAID)
    replies = [come_back(shop, signed_result("SUCCESS", FIRST)) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [303, 303]
    assert len(ledger.results(FIRST)) == 1
    assert "shop-conflict" not in shop.get(f"/shop/orders/{FIRST}").text


def test_a_result_that_comes_eight_times_at_once_is_entered_once(shop_with, ledger):
    buy(shop_with())
    browsers = [shop_with() for _ in range(8)]
    result = signed_result("SUCCESS", FIRST)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda browser: come_back(browser, result), browsers))
    assert [reply.status_code for reply in replies] == [303] * 8
    assert len(ledger.results(FIRST)) == 1
    assert ledger.find(FIRST).state is OrderState.PAID


TAMPERED = {
    "status": "SUCCESS",
    "reasonCode": "001",
    "description": "Txn Succes",
    "amazonOrderId": "S04-1-2",
    "sellerOrderId": "NCW-2026-000002",
    "orderTotalAmount": "1.00",
    "orderTotalCurrencyCode": "USD",
    "transactionDate": "1795255447001",
    "customInformation": "NCW-2026-000002",
    "signature": "AAAA",
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_change_to_any_parameter_is_refused_for_all_to_see(shop, ledger, name):
    buy(shop)
    buy(shop)
    result = signed_result("FAILURE", FIRST)
    assert result[name] != TAMPERED[name]
    page = come_back(shop, result | {name: TAMPERED[name]})
    assert page.status_code == 400
    assert 'data-testid="shop-refused" data-code="result.signature"' in page.text
    assert {order.state for order in ledger.newest()} == {OrderState.PLACED}
    assert ledger.results(FIRST) == []


def test_a_refused_amount_is_shown_beside_the_one_in_the_books(shop):
    buy(shop)
    page = come_back(shop, signed_result("SUCCESS", FIRST) | {"orderTotalAmount": "1.00"})
    assert "the books say 499.00" in page.text


@pytest.mark.parametrize("name", ["status", "reasonCode", "description", "signature"])
def test_a_missing_parameter_is_named(shop, name):
    buy(shop)
    result = signed_result("SUCCESS", FIRST)
    del result[name]
    page = come_back(shop, result)
    assert page.status_code == 400
    assert f"The parameter {name} is missing." in page.text


def test_an_unknown_parameter_is_named_and_escaped(shop):
    buy(shop)
    page = come_back(shop, signed_result("SUCCESS", FIRST) | {"<script>": "<img>"})
    assert page.status_code == 400
    assert "The parameter &lt;script&gt; is unknown." in page.text
    assert "<img>" not in page.text


@pytest.mark.parametrize("query", ["", "status=SUCCESS&status=SUCCESS", "status=%zz", "a=%ff&=&"])
def test_a_query_that_is_no_result_is_refused(shop, query):
    page = shop.get(f"/shop/return?{query}")
    assert page.status_code == 400
    assert 'data-testid="shop-refused"' in page.text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"orderTotalAmount": "1.00"}, "orderTotalAmount is not the 499.00 INR"),
        ({"orderTotalAmount": "x"}, "orderTotalAmount is not the 499.00 INR"),
        ({"orderTotalCurrencyCode": "USD"}, "orderTotalAmount is not the 499.00 INR"),
        ({"orderTotalAmount": None}, "orderTotalAmount is missing"),
        ({"sellerOrderId": "NCW-2026-000002"}, "do not name the same order"),
        ({"sellerOrderId": "NCW-2026-000009"}, "is not in the shop&#39;s books"),
        ({"sellerOrderId": None, "customInformation": None}, "is not in the shop&#39;s books"),
    ],
)
def test_a_signed_result_that_does_not_fit_the_books_is_refused(shop, ledger, changes, reason):
    buy(shop)
    buy(shop)
    page = come_back(shop, signed_result("SUCCESS", FIRST, **changes))
    assert page.status_code == 400
    assert reason in page.text
    assert {order.state for order in ledger.newest()} == {OrderState.PLACED}


def test_a_refusal_that_made_no_order_finds_its_order_by_custom_information(shop, ledger):
    buy(shop)
    bare = signed_result(
        "FAILURE",
        FIRST,
        amazonOrderId=None,
        sellerOrderId=None,
        orderTotalAmount=None,
        orderTotalCurrencyCode=None,
        transactionDate=None,
    )
    assert come_back(shop, bare).status_code == 303
    assert ledger.find(FIRST).state is OrderState.FAILED


def test_an_unsigned_seller_id_of_the_real_service_is_overlooked(shop, ledger):
    buy(shop)
    result = signed_result("SUCCESS", FIRST) | {"sellerId": SELLER_ID}
    assert come_back(shop, result).status_code == 303
    assert ledger.find(FIRST).state is OrderState.PAID


def test_a_result_is_verified_without_asking_the_sandbox(shop, sandbox, ledger):
    buy(shop)
    sandbox.away = True
    assert come_back(shop, signed_result("SUCCESS", FIRST)).status_code == 303
    assert ledger.find(FIRST).state is OrderState.PAID


# --- lists and unknown things ---


def test_orders_are_listed_newest_first(shop):
    assert "Nothing ordered yet" in shop.get("/shop/orders").text
    buy(shop)
    buy(shop, "tourer")
    page = shop.get("/shop/orders").text
    assert page.index("NCW-2026-000002") < page.index(FIRST)
    assert "₹24,999.00" in page


@pytest.mark.parametrize("path", ["/shop/orders/NCW-2026-000009", "/shop/orders/%00%ff"])
def test_an_unknown_order_is_not_found(shop, path):
    page = shop.get(path)
    assert page.status_code == 404
    assert "The shop has no such product or order." in page.text
