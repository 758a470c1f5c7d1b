"""Paying an order by control API: every method to its end, what waits and is answered, and what is refused."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from mockpay.testing import ControlError

CARD = {"number": "4111 1111 1111 1111", "expiry": "08/35", "cvv": "123", "name": "Asha Rao"}
CHALLENGED = CARD | {"number": "4100 2800 0000 1007"}


@pytest.fixture
def seller(mockpay_server):
    seller = mockpay_server.new_seller()
    seller.freeze()
    return seller


@pytest.fixture
def order(seller):
    """An order that a shop has opened and nobody paid; by its number and amount."""

    def open_order(number="ORDER-1", amount="499.00"):
        client = seller.client()
        url = client.payment_url(amount=amount, seller_order_id=number, redirect_url="http://localhost/return")
        requests.get(url, timeout=20)
        return seller.orders(seller_order_id=number)[0]["order_id"]

    return open_order


def test_each_method_pays_in_one_call(seller, order):
    buyer = seller.buyer("rich@buyers.mockpay.test")
    saved = seller.save_method(buyer["buyer_id"], "upi", vpa="asha@mockpay")
    ways = {
        "upi": {"vpa": "asha@okaxis", "pin": "1234"},
        "card": CHALLENGED | {"otp": "123456"},
        "netbanking": {"bank": "HDFC", "answer": "success"},
        "wallet": {"email": "rich@buyers.mockpay.test", "otp": "123456"},
        "saved": {"token": saved["token"], "buyer": buyer["buyer_id"], "pin": "1234", "otp": "123456"},
    }
    for number, (method, typed) in enumerate(ways.items()):
        paid = seller.pay(order(f"ORDER-{number}"), method, **typed)
        assert (paid["state"], paid["waits_for"]) == ("PAID", None), method
        result = parse_qs(urlsplit(paid["return_url"]).query)
        assert result["status"] == ["SUCCESS"], method
        assert seller.client().verify_result(urlsplit(paid["return_url"]).query).amount == "499.00"


def test_what_waits_is_answered_by_a_second_call(seller, order):
    order_id = order()
    waiting = seller.pay(order_id, "card", **CHALLENGED)
    assert (waiting["state"], waiting["waits_for"], waiting["return_url"]) == ("PENDING", "3ds", None)
    # The issuer sends its code when its page is opened, which a code typed does.
    assert seller.pay(order_id, otp="000000")["waits_for"] == "3ds"
    code = seller.otp(waiting["attempt_id"])
    assert seller.pay(order_id, otp=code)["state"] == "PAID"


def test_a_request_in_the_app_is_answered_by_its_pin_or_by_time(seller, order):
    first, second = order("ORDER-1"), order("ORDER-2")
    assert seller.pay(first, "upi", vpa="asha@okaxis")["waits_for"] == "upi-app"
    assert seller.pay(first, answer="decline")["attempt_state"] == "FAILED"
    assert seller.pay(second, "upi", vpa="asha@okaxis")["waits_for"] == "upi-app"
    seller.advance(until="idle")
    assert seller.order(second)["state"] == "PAID"


def test_after_a_refused_try_the_buyer_pays_again_or_goes_back(seller, order):
    order_id = order()
    failed = seller.pay(order_id, "upi", vpa="insufficient@mockpay")
    assert (failed["state"], failed["attempt_state"]) == ("PENDING", "FAILED")
    assert seller.pay(order_id, "upi", vpa="success@mockpay")["state"] == "PAID"
    given_up = seller.pay(order("ORDER-2"), "netbanking", bank="HDFC", answer="failure")
    back = requests.get(given_up["return_url"], allow_redirects=False, timeout=20)
    assert parse_qs(urlsplit(back.headers["Location"]).query)["status"] == ["FAILURE"]


def test_a_browser_that_never_returns_is_told_by_no_url(seller, order):
    paid = seller.pay(order(amount="1703.07"), "upi", vpa="success@mockpay")
    assert (paid["state"], paid["return_url"]) == ("PAID", None)


def test_an_instrument_is_kept_for_its_buyer(seller, order):
    seller.pay(order(), "card", **CARD, buyer="asha@example.com", save=True, otp="123456")
    (saved,) = seller.saved_methods("asha@example.com")
    assert saved["title"].endswith("1111")


def test_what_cannot_be_paid_is_refused_by_its_field(seller, order):
    order_id = order()
    refused = {
        "method": {"method": "paypal"},
        "expiry": {"method": "card", **CARD, "expiry": "01/20"},
        "token": {"method": "saved", "token": "tok_1"},
        "answer": {"method": "netbanking", "bank": "HDFC", "answer": "yes"},
    }
    for field, typed in refused.items():
        with pytest.raises(ControlError) as error:
            seller.pay(order_id, **typed)
        assert (error.value.status, error.value.problem["field"]) == (422, field)
    with pytest.raises(ControlError) as unknown:
        seller.control("POST", f"/orders/{order_id}/pay", {"method": "upi", "vap": "x"})
    assert unknown.value.status == 422


def test_a_wrong_answer_begins_no_try(seller, order):
    order_id = order()
    wrong = (
        ("answer", {"method": "netbanking", "bank": "HDFC", "answer": "zzz"}),
        ("answer", {"method": "upi", "vpa": "asha@okaxis", "answer": "yes"}),
        ("pin", {"method": "upi", "vpa": "asha@okaxis", "pin": "12"}),
    )
    for field, typed in wrong:
        with pytest.raises(ControlError) as error:
            seller.pay(order_id, **typed)
        assert (error.value.status, error.value.problem["field"]) == (422, field)
        assert seller.order(order_id)["attempts"] == []
    seller.pay(order_id, "upi", vpa="asha@okaxis")
    with pytest.raises(ControlError) as error:
        seller.pay(order_id, answer="yes")
    assert (error.value.problem["field"], error.value.problem["allowed"]) == (
        "answer",
        ["approve", "decline", "ignore", "late"],
    )
    assert seller.pay(order_id, answer="approve")["state"] == "PAID"


def test_twenty_that_pay_at_once_pay_once(seller, order):
    order_id, email = order(), "rich@buyers.mockpay.test"
    before = float(seller.wallet(email)["balance"])

    def pay(_):
        try:
            return seller.pay(order_id, "wallet", email=email)["attempt_id"]
        except ControlError as error:
            return error.problem["code"]

    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(pay, range(20)))
    (attempt,) = seller.order(order_id)["attempts"]
    assert answers <= {attempt["attempt_id"], "order.over"}
    assert seller.order(order_id)["state"] == "PAID"
    assert float(seller.wallet(email)["balance"]) == before - 499
    assert seller.control("GET", "/audit")["violations"] == []


def test_an_order_that_is_over_takes_no_payment(seller, order):
    order_id = order()
    seller.pay(order_id, "upi", vpa="success@mockpay")
    with pytest.raises(ControlError) as over:
        seller.pay(order_id, "upi", vpa="success@mockpay")
    assert (over.value.status, over.value.problem["code"]) == (409, "order.over")
