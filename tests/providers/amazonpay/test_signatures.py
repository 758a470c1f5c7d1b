"""The setting `signatures`: as strict as Amazon, or lenient with a warning."""

import base64
import hashlib
import hmac
from urllib.parse import quote, quote_plus, urlsplit

import pytest
from lxml import html

from tests.providers.amazonpay.http_client import assert_refused_with_a_page, assert_xml_error, send_request
from tests.providers.amazonpay.shop import MWS, stamp
from tests.wire.known_answers import seal_text

REFUSES = "Amazon would refuse this: "
SPACE = "A space is written as + in the string to sign (sellerNote); it must be %20."
MARK = "The mark * is bare in the string to sign (SellerRefundNote); it must be %2A."


@pytest.fixture
def lenient_shop(shop):
    shop.seller.control("PATCH", "", {"settings": {"signatures": "lenient"}})
    return shop


def base64_hmac(secret, text):
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def encode(text):
    return quote(text, safe="")


def plaintext(shop, spell=quote_plus, again=encode, sign=dict, verb="POST", path="/", order=sorted, **fields):
    """A payload whose client writes a space as + before it encodes once more, or makes another mistake."""
    names = shop.credentials
    once = {name: spell(text) for name, text in shop.fields(**fields).items()}
    once |= {"sellerId": names["seller_id"], "AWSAccessKeyId": names["access_key"]}
    once["startTime"] = dict(p.split("=") for p in shop.plaintext().split("&"))["startTime"]
    signed = sign(once | {"SignatureMethod": "HmacSHA256", "SignatureVersion": "2"})
    query = "&".join(f"{name}={signed[name]}" for name in order(signed))
    signature = base64_hmac(names["secret_key"], f"{verb}\namazonpay.amazon.in\n{path}\n{query}")
    pairs = [f"{name}={again(text)}" for name, text in once.items()]
    return "&".join([*pairs, f"Signature={quote(signature, safe='')}"])


def marked_call(shop):
    """A call whose client leaves the star bare where it signs."""
    form = shop.signed("GetServiceStatus", SellerRefundNote="note x").replace("note%20x", "note%20%2A")
    unsigned = form.rpartition("&Signature=")[0]
    host = shop.server.url.partition("//")[2]
    text = f"GET\n{host}\n{MWS}\n" + "&".join(sorted(unsigned.split("&"))).replace("%2A", "*")
    return f"{unsigned}&Signature={quote(base64_hmac(shop.credentials['secret_key'], text), safe='')}"


def test_a_call_spelt_otherwise_is_refused_and_the_journal_names_the_mistake(shop):
    assert_xml_error(shop.send(marked_call(shop)), 403, "SignatureDoesNotMatch")

    assert shop.journal()[0]["reason"] == f"The signature does not match. {MARK}"


def test_a_lenient_seller_has_it_accepted_with_a_warning_in_the_journal(lenient_shop):
    form = marked_call(lenient_shop)
    assert lenient_shop.send(form).status == 200

    entry = lenient_shop.journal()[0]
    assert (entry["outcome"], entry["facts"]["flavour"]) == ("ok", "mws/node")
    assert entry["facts"]["warnings"] == {"Signature": REFUSES + MARK}
    call = {"url": f"{lenient_shop.server.url}{MWS}?{form}"}
    explained = lenient_shop.seller.control("POST", "/signature/explain", call)
    assert explained["warning"] == REFUSES + MARK
    assert lenient_shop.call("GetServiceStatus").status == 200
    assert "warnings" not in lenient_shop.journal()[0]["facts"]


def test_a_star_that_one_client_signs_in_lower_case_is_noted_in_the_journal(shop):
    moment = stamp().replace("Z", "z")
    form = shop.signed("GetServiceStatus", method="POST", SellerRefundNote="*", Timestamp=moment).rpartition("&")[0]
    host = urlsplit(shop.server.url).hostname
    text = f"POST\n{host}\n{MWS}\n" + "&".join(sorted(form.split("&"))).replace("%2A", "%2a")
    signature = quote(base64_hmac(shop.credentials["secret_key"], text), safe="")
    assert shop.send(f"{form}&Signature={signature}", method="POST").status == 200
    facts = shop.journal()[0]["facts"]
    assert facts["flavour"] == "mws/npm"
    assert facts["note"] == "npm amazon-payments signs a star as %2a; it is taken from that client alone."


def test_a_payload_spelt_otherwise_is_refused_with_a_page_that_names_the_mistake(shop):
    reply = shop.pay_with(plaintext(shop, sellerNote="two words"))

    assert_refused_with_a_page(reply, 403)
    assert shop.seller.orders() == []
    assert shop.journal()[0]["reason"] == f"The signature does not match. {SPACE}"
    assert SPACE in html.fromstring(reply.body).text_content()
    assert shop.pay_with(plaintext(shop, sellerNote="word")).status == 302


def test_a_lenient_seller_has_it_opened_with_a_warning_on_the_orders_page(lenient_shop):
    assert lenient_shop.pay_with(plaintext(lenient_shop, sellerNote="two words")).status == 302

    assert lenient_shop.journal()[0]["facts"]["warnings"] == {"Signature": REFUSES + SPACE}
    [order] = lenient_shop.seller.orders()
    for page in (f"orders/{order['order_id']}", "journal"):
        shown = send_request(lenient_shop.server, f"/_mockpay/ui/sellers/{lenient_shop.seller.seller_id}/{page}")
        assert REFUSES + SPACE in html.fromstring(shown.body).text_content()


def test_a_wrong_secret_stays_refused_for_a_lenient_seller(lenient_shop):
    wrong = lenient_shop.with_credentials(secret_key="not-the-secret-of-this-seller")

    assert_refused_with_a_page(wrong.pay(), 403)
    assert_xml_error(wrong.call("GetServiceStatus"), 403, "SignatureDoesNotMatch")
    assert "secret key is another one" in lenient_shop.journal()[0]["reason"]


def test_a_question_spelt_otherwise_is_refused_as_json_and_taken_leniently(shop):
    form = plaintext(shop, sellerNote="two words", transactionId="S04-1-1", transactionIdType="TRANSACTION_ID")
    parts = zip(("payload", "key", "iv"), seal_text(form), strict=True)
    path = "/v2/payments/chargeStatus?" + "&".join(f"{name}={quote(text, safe='')}" for name, text in parts)

    strict = send_request(shop.server, path)
    shop.seller.control("PATCH", "", {"settings": {"signatures": "lenient"}})
    lenient = send_request(shop.server, path)

    assert (strict.status, strict.json["error"]["code"]) == (403, "SignatureDoesNotMatch")
    assert shop.journal()[1]["reason"] == f"The signature does not match. {SPACE}"
    assert (lenient.status, lenient.json["error"]["code"]) == (404, "InvalidTransactionId")


def test_mistakes_in_payloads_are_named_in_the_journal(shop, subtests):
    def left_out(*names):
        return lambda fields: {name: text for name, text in fields.items() if name not in names}

    def encoded_again(fields):
        return {name: encode(text) for name, text in fields.items()}

    def encoded_once(text):
        return text if "%2F" in text else encode(text)

    def lower(text):
        return encode(text).replace("%2F", "%2f")

    for ways, words in [
        ({"verb": "GET"}, "The verb differs: you signed 'GET', right is 'POST'."),
        ({"path": "/initiatePayment"}, "The path differs: you signed '/initiatePayment', right is '/'."),
        ({"sign": left_out("SignatureMethod", "SignatureVersion")}, "belongs into the string though it is not sent"),
        ({"sign": left_out("orderTotalCurrencyCode")}, "You did not sign orderTotalCurrencyCode, which was sent"),
        ({"order": list}, "not sorted by the byte order of their names, but stand as they were sent"),
        ({"sign": encoded_again}, "percent-encoded twice in the string to sign (sellerNote)"),
        (
            {"sign": lambda fields: fields | {"sellerNote": "a/b c"}},
            "The values are not percent-encoded in the string to sign.",
        ),
        ({"again": encoded_once}, "The payload has sellerNote percent-encoded once; it must be twice"),
        ({"spell": lower}, "Percent codes are written in lower case (sellerNote)"),
    ]:
        with subtests.test(words=words):
            assert_refused_with_a_page(
                shop.pay_with(plaintext(shop, **{"spell": encode} | ways, sellerNote="a/b c")), 403
            )
            assert words in shop.journal()[0]["reason"]
    assert shop.pay_with(plaintext(shop, encode, sellerNote="a/b c")).status == 302


def test_a_time_that_is_not_fresh_is_explained_too(shop):
    form = shop.signed("GetServiceStatus", Timestamp="2020-01-01T00:00:00Z")
    call = {"url": f"{shop.server.url}{MWS}?{form}"}

    explained = shop.seller.control("POST", "/signature/explain", call)

    assert explained["matched"] == "mws/rfc3986"
    assert [mistake["name"] for mistake in explained["mistakes"]] == ["time.stale"]
    assert "Timestamp is not fresh: 2020-01-01T00:00:00" in explained["cause"]
