"""
One seller, one basket, four companies: `pytest -n 2`.

A buyer's browser is a few lines here: it goes to the page, the sandbox types what a buyer would, and what the browser
would bring back is given to the shop. No browser, no real money, no waiting.
"""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from companies import AmazonPay, PayU, Razorpay, Stripe

BACK = "http://localhost/back"
BASKET = {"Brass bell": "499.00", "Clay lamp": "120.50"}
TOTAL = "619.50"
NUMBER = "BASKET-1"


COMPANIES = [AmazonPay, Razorpay, Stripe, PayU]


@pytest.fixture(params=COMPANIES)
def company(request, mockpay_seller):
    return request.param(mockpay_seller.fields["environment"])


def press_pay(company, seller, number=NUMBER):
    """A buyer goes from the shop to the page; the order as the sandbox has it."""
    page = company.begin(number, TOTAL, BACK)
    with requests.Session() as browser:
        browser.trust_env = False
        shown = browser.request("POST" if page.form else "GET", page.url, data=page.form, timeout=20)
    [token] = re.findall(r"/pay/([^/]+)/", shown.url)
    [order] = seller.orders(token=token)
    return order["order_id"]


@pytest.fixture
def order_id(company, mockpay_seller):
    return press_pay(company, mockpay_seller)


def test_the_basket_is_paid_and_the_shop_believes_it(company, order_id, mockpay_seller):
    assert not company.is_paid(NUMBER)
    paid = mockpay_seller.pay(order_id, "upi", vpa="success@mockpay")
    brought = dict(parse_qsl(urlsplit(paid["return_url"]).query)) | (paid["return_fields"] or {})
    assert company.believes(NUMBER, TOTAL, brought)
    assert not company.believes(NUMBER, "1.00", brought)
    assert company.is_paid(NUMBER)


def test_a_buyer_without_funds_tries_once_more(company, order_id, mockpay_seller):
    mockpay_seller.pay(order_id, "upi", vpa="insufficient@mockpay")
    assert not company.is_paid(NUMBER)
    mockpay_seller.pay(order_id, "upi", vpa="success@mockpay")
    assert company.is_paid(NUMBER)


def test_the_lamp_is_given_back(company, order_id, mockpay_seller):
    mockpay_seller.pay(order_id, "upi", vpa="success@mockpay")
    refund = company.refund(NUMBER, BASKET["Clay lamp"])
    mockpay_seller.advance(until="idle")
    assert company.is_refunded(refund)
    assert company.is_paid(NUMBER)
    [given_back] = mockpay_seller.refunds()
    assert (given_back["amount"], given_back["state"]) == (BASKET["Clay lamp"], "COMPLETED")


def test_one_seller_sells_through_all_four(mockpay_seller):
    for company in COMPANIES:
        number = f"BASKET-{company.__name__}"
        order_id = press_pay(company(mockpay_seller.fields["environment"]), mockpay_seller, number)
        mockpay_seller.pay(order_id, "upi", vpa="success@mockpay")
    orders = mockpay_seller.orders()
    assert [(order["provider"], order["amount"], order["state"]) for order in reversed(orders)] == [
        ("amazonpay", TOTAL, "PAID"),
        ("razorpay", TOTAL, "PAID"),
        ("stripe", TOTAL, "PAID"),
        ("payu", TOTAL, "PAID"),
    ]
