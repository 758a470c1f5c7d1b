"""Requests that open but are refused with a page: nobody knows yet where the buyer may go."""

from types import SimpleNamespace
from urllib.parse import quote, unquote

import pytest
from flask import Flask
from jinja2 import DictLoader
from markupsafe import escape
from msgspec.structs import replace

from mockpay.providers.amazonpay import provider
from mockpay.providers.amazonpay.keys import PAYMENT_KEY
from mockpay.providers.amazonpay.parameters import quoted
from mockpay.wire.amazonpay.signing import request_string, sign
from tests.factories import on_sqlite
from tests.providers.amazonpay.http_client import assert_refused_with_a_page, send_request, short_id
from tests.providers.amazonpay.shop import RETURN, assert_nobodys_journal_says
from tests.wire.known_answers import PRIVATE_KEY, seal_text


def test_an_unknown_access_key_is_refused_with_a_page(shop):
    reply = shop.with_credentials(access_key="AKIDNOBODYKNOWS").pay()

    assert_refused_with_a_page(reply, 403)
    assert_nobodys_journal_says(shop.server, "seller.not_found", "AKIDNOBODYKNOWS", "order-1")


@pytest.mark.parametrize("access_key", ["\x00", "A\x00B", "ключ", "A" * 5000, "' OR 1=1 --", "\ufffd"], ids=short_id)
def test_an_access_key_of_odd_characters_is_only_unknown(shop, access_key):
    assert_refused_with_a_page(shop.with_credentials(access_key=access_key).pay(), 403)


def test_a_payload_without_an_access_key_is_refused_with_a_page(shop):
    assert_refused_with_a_page(shop.pay_with("sellerId=A1&Signature=x"), 401)


def test_a_wrong_secret_is_refused_with_a_page(shop):
    reply = shop.with_credentials(secret_key="not-the-secret-of-this-seller").pay()

    assert_refused_with_a_page(reply, 403)
    shop.assert_nothing_was_left_behind("signature.invalid", "not-the-secret", "order-1")


def test_a_payload_that_names_no_seller_is_refused_with_a_page(shop, mockpay_seller):
    unsigned = shop.plaintext().rpartition("&")[0]
    without = "&".join(pair for pair in unsigned.split("&") if not pair.startswith("sellerId="))
    once = dict(pair.split("=", 1) for pair in without.split("&"))
    signed = {name: value if name == "AWSAccessKeyId" else unquote(value) for name, value in once.items()}
    signature = quote(sign(shop.seller.fields["secret_key"], request_string(signed)), safe="")

    assert_refused_with_a_page(shop.pay_with(f"{without}&Signature={signature}"), 401)
    assert shop.seller.orders() == []


@pytest.mark.parametrize("signature", ["", "x", "%00", "%F0%9F%92%B0", "A" * 3000], ids=short_id)
def test_a_signature_that_is_none_is_refused_with_a_page(shop, signature):
    unsigned = shop.plaintext().rpartition("&")[0]

    assert_refused_with_a_page(shop.pay_with(f"{unsigned}&Signature={signature}"))
    assert_refused_with_a_page(shop.pay_with(unsigned), 401)
    assert shop.seller.orders() == []


@pytest.mark.parametrize("field", ["orderTotalAmount=499.00", "sellerOrderId=order-1"])
def test_a_field_changed_after_signing_is_refused_with_a_page(shop, field):
    name = field.partition("=")[0]
    changed = shop.plaintext().replace(field, f"{name}=1")

    assert_refused_with_a_page(shop.pay_with(changed), 403)
    assert_refused_with_a_page(shop.pay_with(f"isSandbox=true&{shop.plaintext()}"), 403)
    assert shop.seller.orders() == []


def test_another_sellers_id_is_refused_like_an_unknown_one(shop, mockpay_server):
    other = mockpay_server.new_seller()

    told = set()
    for seller_id in (other.seller_id, "A1NOSUCHSELLER", "\x00", ""):
        reply = shop.with_credentials(seller_id=seller_id).pay()
        assert_refused_with_a_page(reply, 401)
        told.add(reply.text.replace(str(escape(quoted(seller_id))), ""))

    assert len(told) == 1
    shop.assert_nothing_was_left_behind("seller.another", other.seller_id)
    assert other.orders() == []
    assert other.control("GET", "/journal")["items"] == []


BAD_RETURN_URLS = [
    "https://evil.example/back",
    "http://127.0.0.1.evil.example/back",
    "http://evil.example\\@127.0.0.1/back",
    "http://127.0.0.1\\@evil.example/back",
    "http://127.0.0.1@evil.example/back",
    "http://evil.example@127.0.0.1/back",
    "http://user:pass@127.0.0.1/back",
    "http://127.0.0.1#@evil.example/",
    "http://127.0.0.1/back#fragment",
    "http:\\\\127.0.0.1/back",
    "http:/127.0.0.1/back",
    "http:127.0.0.1/back",
    "//127.0.0.1/back",
    "///127.0.0.1/back",
    "/back",
    "back",
    "?x",
    "https://127.0.0.1/back",
    "javascript:alert(1)",
    "JaVaScRiPt://127.0.0.1/%0aalert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:http://127.0.0.1/x",
    "http://127.0.0.1/back\r\nX-Injected: 1",
    "http://127.0.0.1/back\nX-Injected: 1",
    "http://127.0.0.1/ba\tck",
    "http://127.0.0.1/\x00",
    "http://127.0.0.1/\x7f",
    " http://127.0.0.1/back",
    "http://127.0.0.1/back ",
    "\u00a0http://127.0.0.1/back",
    "http://127.0.0.1:99999/back",
    "http://127.0.0.1:x/back",
    "http://[::1",
    "http://[::1]/back",
    "http://127.1/back",
    "http://2130706433/back",
    "http://①②⑦.0.0.1/back",
    "http://127。0。0。1/back",
    "http://127.0.0.1/a/../back",
    "http://127.0.0.1/a/%2e%2E/back",
    "http://127.0.0.1/" + "x" * 3000,
    "http://" + "x" * 64 + ".example/back",
]


@pytest.mark.parametrize("url", BAD_RETURN_URLS, ids=short_id)
def test_a_return_url_that_is_not_the_sellers_gets_a_page(shop, url):
    flat = send_request(shop.server, f"/processPayment?{shop.query(None)}&redirectUrl={quote(url, safe='')}")

    assert_refused_with_a_page(flat, 400)
    assert "x-injected" not in flat.headers
    assert shop.journal()[0]["outcome"] in {"return_url.not_allowed", "return_url.missing"}
    assert shop.seller.orders() == []


def test_a_return_url_is_checked_before_anything_else_is_told(shop):
    """A stale request of nobody's amount must not become an open redirect."""
    reply = shop.pay("https://evil.example/", start_time=1, orderTotalAmount="0")

    assert_refused_with_a_page(reply, 400)


@pytest.fixture
def counted_visitor(runtime):
    """A browser before Amazon's addresses alone, and the decryptions that it has cost."""
    decrypted = []

    def decrypt(ciphertext, padding):
        decrypted.append(ciphertext)
        return PRIVATE_KEY.decrypt(ciphertext, padding)

    key = SimpleNamespace(decrypt=decrypt)
    counted = replace(runtime, keys=replace(runtime.keys, private={PAYMENT_KEY.private: key}))
    app = Flask("counted")
    app.jinja_loader = DictLoader({"error.html": "{{ page.code }}"})
    app.register_blueprint(provider.blueprint(counted))
    app.wsgi_app = provider.shortcut(app.wsgi_app, counted)
    return app.test_client(), decrypted


@on_sqlite
@pytest.mark.parametrize(
    ("plaintext", "code"),
    [("sellerId=A1&Signature=x", "access_key.missing"), ("AWSAccessKeyId=NOBODY&Signature=x", "seller.not_found")],
)
def test_a_refused_request_is_decrypted_once(counted_visitor, plaintext, code):
    """RSA is what such a request costs: the shortcut before Flask hands over what it has found."""
    visitor, decrypted = counted_visitor
    parts = zip(("payload", "key", "iv"), seal_text(plaintext), strict=True)
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in parts)
    reply = visitor.get(f"/processPayment?{query}&redirectUrl={quote(RETURN, safe='')}")
    assert reply.text == code
    assert len(decrypted) == 1
