"""Requests that open but are refused: a page until the caller is sure, then a signed FAILURE."""

import time
from urllib.parse import quote, urlsplit

import pytest

from mockpay.merchant.results import Outcome
from mockpay.wire.envelope import Flavour
from tests.providers.amazonpay.asking import ask, assert_refused_with_a_page, short
from tests.providers.amazonpay.shop import RETURN, Shop, assert_nobodys_journal_says


def assert_signed_failure(shop: Shop, reply, outcome: str, *secrets: str) -> str:
    """The buyer goes back with a FAILURE that the shop's client believes; its reason code."""
    assert reply.location.startswith((f"{RETURN}?", f"{RETURN}&"))
    result = shop.verified(reply)
    assert result.outcome is Outcome.FAILURE
    assert result.description
    shop.assert_nothing_was_left_behind(outcome, *secrets)
    return result.reason_code


# --- a page: nobody knows yet whose buyer this is, or where he may go ---


def test_an_unknown_access_key_is_refused_with_a_page(shop):
    reply = shop.calling_itself(access_key="AKIDNOBODYKNOWS").pay()

    assert_refused_with_a_page(reply, 403)
    assert_nobodys_journal_says(shop.server, "seller.not_found", "AKIDNOBODYKNOWS", "order-1")


@pytest.mark.parametrize(
    "access_key", ["\x00", "A\x00B", "ключ", "A" * 5000, "' OR 1=1 --", "\ufffd"], ids=short
)
def test_an_access_key_of_odd_characters_is_only_unknown(shop, access_key):
    assert_refused_with_a_page(shop.calling_itself(access_key=access_key).pay(), 403)


def test_a_payload_without_an_access_key_is_refused_with_a_page(shop):
    assert_refused_with_a_page(shop.pay_with("sellerId=A1&Signature=x"), 401)


def test_a_wrong_secret_is_refused_with_a_page(shop):
    reply = shop.calling_itself(secret_key="not-the-secret-of-this-seller").pay()

    assert_refused_with_a_page(reply, 403)
    shop.assert_nothing_was_left_behind("signature.invalid", "not-the-secret", "order-1")


@pytest.mark.parametrize("signature", ["", "x", "%00", "%F0%9F%92%B0", "A" * 3000], ids=short)
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
        reply = shop.calling_itself(seller_id=seller_id).pay()
        assert_refused_with_a_page(reply, 401)
        told.add(reply.body)

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


@pytest.mark.parametrize("url", BAD_RETURN_URLS, ids=short)
def test_a_return_url_that_is_not_the_sellers_gets_a_page(shop, url):
    flat = ask(shop.server, f"/processPayment?{shop.query(None)}&redirectUrl={quote(url, safe='')}")

    assert_refused_with_a_page(flat, 400)
    assert "x-injected" not in flat.headers
    assert shop.journal()[0]["outcome"] in {"return_url.not_allowed", "return_url.missing"}
    assert shop.seller.orders() == []


def test_a_return_url_is_checked_before_anything_else_is_told(shop):
    """A stale request of nobody's amount must not become an open redirect."""
    reply = shop.pay("https://evil.example/", start_time=1, orderTotalAmount="0")

    assert_refused_with_a_page(reply, 400)


# --- a signed FAILURE: the shop is told ---


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
    ["", "-1", "1.001", "1e3", "१२", "12\n", "12345678901", "12345678901.00", "+5", " 5", "5 ",
     "1,000.00", "1.", ".5", "05", "00.50", "0x10", "NaN", "Infinity", "1_000", "1.0.0", "₹5",
     "5\x00", "٥", "five", "9" * 5000], ids=short,
)  # fmt: skip
def test_an_amount_that_is_none_is_told_to_the_shop(shop, amount):
    reply = shop.pay(orderTotalAmount=amount)

    assert assert_signed_failure(shop, reply, "amount.invalid") == "253"


@pytest.mark.parametrize("amount", ["0", "0.00", "0.99", "0.1"])
def test_an_amount_below_one_rupee_is_told_to_the_shop(shop, amount):
    reply = shop.pay(orderTotalAmount=amount)

    assert assert_signed_failure(shop, reply, "amount.too_small") == "254"


@pytest.mark.parametrize(("amount", "stored"), [
    ("1", "1.00"), ("1.00", "1.00"), ("1.5", "1.50"), ("9999999999.99", "9999999999.99"),
])  # fmt: skip
def test_amounts_at_the_edges_are_taken(shop, amount, stored):
    shop.order(orderTotalAmount=amount)

    assert [order["amount"] for order in shop.seller.orders()] == [stored]


@pytest.mark.parametrize("currency", [None, "", "USD", "inr", "INR ", "INR\x00", "₹"])
def test_another_currency_is_told_to_the_shop(shop, currency):
    reply = shop.pay(orderTotalCurrencyCode=currency)

    assert assert_signed_failure(shop, reply, "currency.unknown") == "255"


@pytest.mark.parametrize("changed", [
    {"sellerOrderId": None}, {"sellerOrderId": ""}, {"isSandbox": "maybe"},
    {"isSandbox": "FALSE"}, {"transactionTimeout": "-5"}, {"transactionTimeout": "soon"},
    {"transactionTimeout": "0"}, {"transactionTimeout": "1e9"}, {"transactionTimeout": "१०"},
    {"sellerOrderId": "x" * 128}, {"sellerNote": "x" * 5000}, {"sellerStoreName": "x" * 2000},
    {"customInformation": "x" * 9000}, {"orderTotalAmount": None},
], ids=short)  # fmt: skip
def test_any_other_field_that_cannot_be_is_told_to_the_shop(shop, changed):
    reply = shop.pay(**changed)

    assert shop.verified(reply).outcome is Outcome.FAILURE
    assert len(reply.location) < 4000
    entry = shop.journal()[0]
    assert entry["outcome"].endswith(".invalid")
    assert entry["reason"]
    assert shop.seller.orders() == []


@pytest.mark.parametrize("control", ["\x00", "\x01", "\x08", "\x0b", "\x1b[31m", "\x7f"], ids=short)
@pytest.mark.parametrize(
    "name", ["sellerOrderId", "customInformation", "sellerNote", "sellerStoreName"]
)
def test_control_characters_in_a_text_are_told_to_the_shop(shop, name, control):
    reply = shop.pay(**{name: f"a{control}b"})

    assert_signed_failure(shop, reply, "field.invalid")
    assert control not in "".join(reply.result.values())


def test_a_refusal_goes_back_in_the_flavour_of_the_request(shop):
    for flavour in Flavour:
        speaking = shop.speaking(flavour)
        reply = speaking.pay(customInformation="क !'()* é", orderTotalAmount="0")
        result = speaking.verified(reply)
        assert result.custom_information == "क !'()* é"
        assert result.seller_order_id == "order-1"


def test_a_refusal_keeps_the_shops_own_query(shop):
    reply = shop.pay(f"{RETURN}?session=1", orderTotalAmount="0")

    assert reply.location.startswith(f"{RETURN}?session=1&status=FAILURE&")


# --- what looks odd and is right ---


@pytest.mark.parametrize("text", [
    "हिन्दी में", "👩‍👩‍👧‍👦💰", "z\u0335a\u0321lgo", "\u202eevil\u202c", "<b>&\"'</b>", "{{7*7}}", "%41%2B%",
    "a+b c", "\u2028\u2029", "line\r\nline\tend", "\ufffd", "A" * 100, "'; DROP TABLE orders;--",
    "\U0010ffff\ufdd0",
], ids=short)  # fmt: skip
@pytest.mark.parametrize("flavour", Flavour)
def test_any_other_text_comes_back_as_it_was_sent(shop, text, flavour):
    shop = shop.speaking(flavour)
    page = shop.order(sellerOrderId=text[:60], customInformation=text, sellerStoreName=text)

    shown = ask(shop.server, page)
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
    reply = ask(shop.server, f"/initiatePayment?{shop.query()}&x={value}&{value}=1")
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
