"""Paying an order by control API: every method to its end, what waits and is answered, and what is refused."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from mockpay.testing import ControlError

CARD = {"number": "4111 1111 1111 1111", "expiry": "08/35", "cvv": "123", "name": "Asha Rao"}
CHALLENGED = CARD | {"number": "4100 2800 0000 1007"}


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


UPI = {"method": "upi", "vpa": "asha@okaxis"}
BANK = {"method": "netbanking", "bank": "HDFC"}
BALANCE = {"method": "wallet", "email": "rich@buyers.mockpay.test"}
EMI = CARD | {"method": "emi", "number": "5241 8100 0000 0000", "bank": "HDFC", "tenure": "6"}
#: What is typed -> the refusal's field, and the nearest right word where one is near.
WRONG = (
    ({}, "method", None),
    ({"method": "crd"}, "method", "card"),
    ({"method": "upi", "vap": "x"}, "vap", "vpa"),
    (UPI | {"amount": "1.00"}, "amount", None),
    (UPI | {"vpa": "asha"}, "vpa", None),
    (UPI | {"answer": "aprove"}, "answer", "approve"),
    (UPI | {"answer": "success"}, "answer", None),
    (UPI | {"pin": "12"}, "pin", None),
    (UPI | {"pin": " 1234"}, "pin", None),
    (UPI | {"pin": 1234}, "pin", "1234"),
    (UPI | {"answer": "decline", "pin": "1234"}, "pin", None),
    (UPI | {"user": "locked"}, "user", None),
    (UPI | {"bank": "HDFC"}, "bank", None),
    (UPI | {"email": "asha"}, "email", None),
    ({"method": "upi", "save": True, "buyer": "asha@example.com"}, "save", None),
    (BANK | {"bank": "HDCF"}, "bank", "HDFC"),
    (BANK | {"answer": "sucess"}, "answer", "success"),
    (BANK | {"user": "lockd"}, "user", "locked"),
    (BANK | {"user": "locked", "answer": "success"}, "answer", None),
    (BANK | {"pin": "1234"}, "pin", None),
    (BALANCE | {"email": "rich"}, "email", None),
    (BALANCE | {"otp": 123456}, "otp", "123456"),
    (BALANCE | {"answer": "success"}, "answer", None),
    (CARD | {"method": "card", "expiry": "01/20"}, "expiry", None),
    (CARD | {"method": "card", "cvv": "12"}, "cvv", None),
    (CARD | {"method": "card", "vpa": "asha@okaxis"}, "vpa", None),
    (CARD | {"method": "card", "token": "tok_1"}, "token", None),
    (CARD | {"method": "card", "tenure": "6"}, "tenure", None),
    (CARD | {"method": "card", "save": True}, "save", None),
    (CARD | {"method": "card", "save": "true", "buyer": "asha@example.com"}, "save", "true"),
    (CARD | {"method": "card", "buyer": "asha"}, "buyer", None),
    (CARD | {"method": "card", "buyer": "asha@example"}, "buyer", None),
    (EMI | {"bank": "HDCF"}, "bank", "HDFC"),
    (EMI | {"tenure": "7"}, "tenure", None),
    (EMI | {"tenure": 6}, "tenure", "6"),
    ({"method": "saved", "buyer": "asha@example.com"}, "token", None),
    ({"method": "saved", "token": "tok_1"}, "buyer", None),
    ({"method": "saved", "token": "tok_1", "buyer": "asha@example.com"}, "token", None),
)


def refusal(seller, order_id, typed):
    with pytest.raises(ControlError) as error:
        seller.control("POST", f"/orders/{order_id}/pay", typed)
    return error.value


def test_what_cannot_be_or_would_not_be_looked_at_is_refused_by_its_field_and_begins_no_try(seller, order):
    order_id = order(amount="4999.00")
    for typed, field, nearest in WRONG:
        refused = refusal(seller, order_id, typed)
        assert (refused.status, refused.problem["field"], refused.problem.get("nearest")) == (422, field, nearest), (
            typed
        )
    assert seller.order(order_id)["attempts"] == []


def test_a_token_pays_for_its_own_buyer_and_takes_only_what_its_method_asks(seller, order):
    order_id = order()
    card = seller.save_method("asha@example.com", "card", number="4111111111111111", expiry="08/35", name="Asha Rao")
    saved = {"method": "saved", "token": card["token"], "buyer": "asha@example.com"}
    for wrong, field in (
        ({"buyer": "ravi@example.com"}, "token"),
        ({"save": True}, "save"),
        ({"pin": "1234"}, "pin"),
        ({"cvv": "123"}, "cvv"),
    ):
        refused = refusal(seller, order_id, saved | wrong)
        assert (refused.status, refused.problem["field"]) == (422, field)
    waiting = seller.pay(order_id, "Saved", token=card["token"], buyer=" Asha@Example.com")
    assert waiting["waits_for"] == "3ds"
    assert seller.pay(order_id, **saved, otp="123456")["state"] == "PAID"


def test_capitals_and_spaces_around_a_word_change_nothing(seller, order):
    ways = (
        (UPI | {"method": " UPI ", "answer": "Approve", "pin": "1234"}, "PAID"),
        (UPI | {"vpa": " Success@Mockpay ", "answer": "APPROVE "}, "PAID"),
        (UPI | {"answer": "DECLINE"}, "PENDING"),
        (BANK | {"bank": " hdfc", "answer": "Success"}, "PAID"),
        (BANK | {"user": "Locked"}, "PENDING"),
        (BALANCE | {"email": " RICH@buyers.mockpay.test"}, "PAID"),
        (EMI | {"bank": "hdfc", "tenure": " 6 ", "otp": "123456"}, "PAID"),
    )
    for number, (typed, state) in enumerate(ways):
        order_id = order(f"ORDER-{number}", "2000.00" if "tenure" in typed else "499.00")
        assert seller.control("POST", f"/orders/{order_id}/pay", typed)["state"] == state, typed
        if "user" in typed:
            assert "locked" in str(seller.order(order_id)["attempts"][0])


def test_a_try_that_waits_takes_only_what_it_waits_for(seller, order):
    by_app, by_code = order("ORDER-1"), order("ORDER-2", "5001.00")
    seller.pay(by_app, **UPI)
    seller.pay(by_code, **BALANCE)
    for order_id, typed, field in (
        (by_app, {"answer": "yes"}, "answer"),
        (by_app, {"pin": "12"}, "pin"),
        (by_app, {"otp": "123456"}, "otp"),
        (by_app, {"user": "locked"}, "user"),
        (by_app, {"vpa": "success@mockpay", "pin": "1234"}, "vpa"),
        (by_app, {"method": "crd"}, "method"),
        (by_code, {"answer": "success"}, "answer"),
        (by_code, {"save": True}, "save"),
    ):
        refused = refusal(seller, order_id, typed)
        assert (refused.status, refused.problem["field"]) == (422, field), typed
    another = refusal(seller, by_app, BANK)
    assert (another.status, another.problem["code"]) == (409, "attempt.waits")
    assert seller.pay(by_app)["waits_for"] == seller.pay(by_app, **UPI)["waits_for"] == "upi-app"
    assert seller.pay(by_app, answer="Approve")["state"] == "PAID"
    assert seller.pay(by_code, **BALANCE, otp="123456")["state"] == "PAID"


def test_a_bank_that_decides_later_is_answered_by_nobody(seller, order):
    order_id = order()
    assert seller.pay(order_id, **BANK, answer="pending")["waits_for"] == "issuer"
    refused = refusal(seller, order_id, {"answer": "success"})
    assert (refused.status, refused.problem["allowed"]) == (422, [])
    seller.advance(until="idle")
    assert seller.order(order_id)["state"] == "PAID"


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


def test_a_buyer_who_never_came_before_is_known_from_then_on(seller, order):
    order_id = order()
    seller.pay(order_id, "upi", vpa="success@mockpay", buyer="new@example.com")
    page = requests.get(f"{seller.dashboard}/{order_id}", timeout=20)
    assert (page.status_code, "n***@example.com" in page.text) == (200, True)


def test_an_order_that_is_over_takes_no_payment(seller, order):
    order_id = order()
    seller.pay(order_id, "upi", vpa="success@mockpay")
    with pytest.raises(ControlError) as over:
        seller.pay(order_id, "upi", vpa="success@mockpay")
    assert (over.value.status, over.value.problem["code"]) == (409, "order.over")
