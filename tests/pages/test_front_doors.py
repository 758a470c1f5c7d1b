"""3-D Secure in a browser where the shop called another company: from the shop's page to ours and back with the answer."""

from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import pytest
import razorpay
from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible
from tests.pages.buyer import Buyer
from tests.providers.payu.merchant import Merchant
from tests.providers.stripe.software import Software

WRONG_OTP = "333333"


class OtherShop:
    """A shop's pages: one with a form that leads to a company, and those to which the buyer comes back."""

    def __init__(self, page):
        self.buyer, self._page = Buyer(page, None), page
        self._came, self._form = [], ""
        # A server: a browser asks no other when it is redirected.
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def sends(self, url, fields):
        """A buyer presses the shop's button, a form whose fields are these."""
        inputs = [f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items()]
        self._form = f'<form method="post" action="{escape(url)}">{"".join(inputs)}<button>Pay</button></form>'
        self._page.goto(f"{self.url}/cart")
        self._page.get_by_role("button").click()
        return self.buyer

    def finds_back(self, path):
        """The buyer is on that page of the shop again: the method, and the fields that came with them."""
        expect(self._page.get_by_text("Back at the shop")).to_be_visible()
        method, target, body = self._came[-1]
        assert urlsplit(target).path == path
        return method, dict(parse_qsl(body or urlsplit(target).query, keep_blank_values=True))

    def answers(self, method, target, body):
        """The page that is shown for a request."""
        if target == "/cart":
            return self._form
        self._came.append((method, target, body))
        return "<p>Back at the shop</p>"


def handler(shop):
    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            shown = shop.answers(self.command, self.path, body)
            text = f"<!doctype html><html lang=en><title>Shop</title>{shown}".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self):
            self.answer()

        def do_POST(self):
            self.answer()

        def log_message(self, *_):
            pass

    return Handler


@pytest.fixture
def other_shop(page):
    shop = OtherShop(page)
    yield shop
    shop.close()


def test_stripes_redirect_leads_to_the_cards_bank_and_back(other_shop, page, mockpay_seller):
    software = Software(mockpay_seller)
    wanted = {"payment_method": "pm_card_threeDSecure2Required", "return_url": f"{other_shop.url}/back"}
    for otp, redirect_status, status in (
        (WRONG_OTP, "failed", "requires_payment_method"),
        ("123456", "succeeded", "succeeded"),
    ):
        intent = software.pay(**wanted)
        page.goto(intent["next_action"]["redirect_to_url"]["url"])
        expect(other_shop.buyer.frame.get_by_test_id("acs-submit")).to_be_visible()
        assert_accessible(page)
        other_shop.buyer.confirm_in_frame(otp)
        other_shop.buyer.press("return-to-seller")
        method, back = other_shop.finds_back("/back")
        secret = intent["client_secret"]
        told = {
            "payment_intent": intent["id"],
            "payment_intent_client_secret": secret,
            "redirect_status": redirect_status,
        }
        assert (method, back) == ("GET", told)
        assert software.get(f"payment_intents/{intent['id']}")["status"] == status


def test_razorpays_checkout_asks_the_cards_bank_and_posts_a_signed_form(other_shop, mockpay_server, mockpay_seller):
    credentials = mockpay_seller.fields["credentials"]["razorpay"]
    key = (credentials["key_id"], credentials["key_secret"])
    client = razorpay.Client(auth=key, base_url=f"{mockpay_server.url}/gw/razorpay")
    order = client.order.create({"amount": 49_900, "currency": "INR"})
    form = {
        "key_id": key[0],
        "order_id": order["id"],
        "callback_url": f"{other_shop.url}/callback",
        "cancel_url": f"{other_shop.url}/cart",
    }
    buyer = other_shop.sends(f"{mockpay_server.url}/gw/razorpay/v1/checkout/embedded", form)
    buyer.pay_by_card(otp=WRONG_OTP).reads_status("FAILURE").press("retry")
    buyer.pay_by_card().reads_status("SUCCESS").press("return-to-seller")
    method, signed = other_shop.finds_back("/callback")
    assert (method, signed["razorpay_order_id"]) == ("POST", order["id"])
    assert client.utility.verify_payment_signature(signed)
    assert client.payment.fetch(signed["razorpay_payment_id"])["status"] == "captured"
    assert [each["status"] for each in client.order.payments(order["id"])["items"]] == ["failed", "captured"]


def test_payus_form_asks_the_cards_bank_and_comes_back_with_its_hash(other_shop, mockpay_server, mockpay_seller):
    merchant = Merchant(mockpay_seller)
    address = f"{mockpay_server.url}/gw/payu/_payment"
    for otp, path, status, error in (
        (WRONG_OTP, "/failure", "failure", "E303"),
        ("123456", "/success", "success", "E000"),
    ):
        fields = merchant.fields(surl=f"{other_shop.url}/success", furl=f"{other_shop.url}/failure")
        buyer = other_shop.sends(address, merchant.signed(fields))
        buyer.pay_by_card(otp=otp).press("return-to-seller")
        method, result = other_shop.finds_back(path)
        assert (method, result["txnid"], result["status"]) == ("POST", fields["txnid"], status)
        assert (result["mode"], result["error"]) == ("CC", error)
        assert merchant.believes(result)
        assert not merchant.believes({**result, "status": "success", "amount": "1.00"})
