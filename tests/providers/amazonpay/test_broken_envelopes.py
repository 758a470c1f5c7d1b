"""Envelopes that do not open: a page, no way back, and only the journal knows which lock held."""

import base64
from urllib.parse import parse_qsl, quote

import pytest

from mockpay.wire.amazonpay.opening import Flavour
from tests.providers.amazonpay.http_client import assert_refused_with_a_page, send_request
from tests.providers.amazonpay.shop import RETURN, assert_nobodys_journal_says
from tests.wire.known_answers import seal_text

_PATH, _HOST = "/processPayment", "amazonpay.amazon.in"


def parts_of(shop) -> dict[str, str]:
    return dict(parse_qsl(shop.query()))


def query_of(parts: dict[str, str]) -> str:
    return "&".join(f"{name}={quote(text, safe='')}" for name, text in parts.items())


def flipped(text: str, at: int, bit: int) -> str:
    octets = bytearray(base64.b64decode(text))
    octets[at % len(octets)] ^= 1 << bit
    return base64.b64encode(octets).decode()


@pytest.mark.parametrize("flavour", Flavour)
@pytest.mark.parametrize("name", ["payload", "key", "iv"])
def test_a_flipped_bit_anywhere_is_refused_in_the_same_words(shop, name, flavour):
    parts = parts_of(shop.with_flavour(flavour))
    size = len(base64.b64decode(parts[name]))
    places = sorted({0, 1, size // 3, size // 2, size - 17, size - 16, size - 1} & set(range(size)))

    told = set()
    for number, at in enumerate(places):
        spoilt = parts | {name: flipped(parts[name], at, number % 8)}
        reply = send_request(shop.server, f"{_PATH}?{query_of(spoilt)}")
        assert_refused_with_a_page(reply, 400)
        told.add(reply.body)

    assert len(told) == 1
    assert shop.seller.orders() == []


def test_wrapped_key_iv_and_tag_failures_look_alike_and_only_the_journal_tells(shop):
    parts = parts_of(shop)
    short_iv = base64.b64encode(b"1234567").decode()
    long_key = base64.b64encode(b"k" * 300).decode()
    broken = {
        "data key does not unwrap": {"key": flipped(parts["key"], 9, 3)},
        "does not unwrap": {"key": long_key},
        "7 bytes, not 12 or 16": {"iv": short_iv},
        "the payload's tag": {"payload": flipped(parts["payload"], -1, 0)},
        "tag does not fit": {"iv": flipped(parts["iv"], 0, 0)},
    }

    answers = set()
    for why, change in broken.items():
        # At the real service's address, as a buyer would: a tester is told more at the sandbox's own.
        reply = send_request(shop.server, f"{_PATH}?{query_of(parts | change)}", host=_HOST)
        answers.add((reply.status, reply.body))
        entry = assert_nobodys_journal_says(shop.server, "envelope.unreadable", parts["payload"][:30])
        assert why in entry["reason"]
        assert entry["facts"] == {"fields": ["iv", "key", "payload", "redirectUrl"]}
    data_key_of_odd_size = dict(zip(("payload", "key", "iv"), seal_text("a=1", data_key=b"x" * 20), strict=True))
    reply = send_request(shop.server, f"{_PATH}?{query_of(data_key_of_odd_size)}&redirectUrl=x", host=_HOST)
    answers.add((reply.status, reply.body))

    assert len(answers) == 1


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize("name", ["payload", "key", "iv", "redirectUrl"])
def test_a_parameter_missing_empty_or_given_twice_is_refused(shop, name, verb):
    parts = parts_of(shop)
    without = {key: text for key, text in parts.items() if key != name}
    queries = {
        "missing": query_of(without),
        "missing ": query_of(parts | {name: ""}),
        "twice": f"{query_of(parts)}&{name}={quote(parts[name], safe='')}",
        "twice ": f"{query_of(parts)}&{name}=",
    }

    for why, query in queries.items():
        reply = (
            send_request(shop.server, f"{_PATH}?{query}")
            if verb == "GET"
            else send_request(shop.server, _PATH, form=query)
        )
        assert_refused_with_a_page(reply, 400)
        assert name in reply.text
        assert why.strip() in reply.text
    assert shop.seller.orders() == []


@pytest.mark.parametrize("name", ["payload", "key", "iv"])
@pytest.mark.parametrize(
    "text", ["!", "a", "%00", "%", "%zz", "%ff%fe", "AAAA%0aAAAA", "====", "%F0%9F%92%B0", "%ED%A0%80", "é"]
)
def test_what_is_not_base64_is_refused(shop, name, text):
    parts = parts_of(shop)
    query = query_of({key: sent for key, sent in parts.items() if key != name})
    octets = text.encode().decode("latin-1") if text.isascii() else quote(text)

    assert_refused_with_a_page(send_request(shop.server, f"{_PATH}?{query}&{name}={octets}"), 400)
    assert shop.seller.orders() == []


@pytest.mark.parametrize("name", ["payload", "key", "iv"])
def test_an_oversized_parameter_is_refused(shop, name):
    form = query_of(parts_of(shop) | {name: "A" * 300_000})

    for reply in (
        send_request(shop.server, _PATH, form=form),
        send_request(shop.server, f"{_PATH}?{form}"),
        send_request(shop.server, _PATH, form=query_of(parts_of(shop) | {name: "A" * 1_100_000})),
    ):
        assert_refused_with_a_page(reply, 413)
    entry = assert_nobodys_journal_says(shop.server, "request.too_large", "AAAA")
    assert entry["kind"] == "amazonpay.processPayment"


def test_a_form_of_too_many_parameters_is_refused(shop):
    query = shop.query() + "&a=1" * 250

    assert_refused_with_a_page(send_request(shop.server, f"{_PATH}?{query}"), 413)


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"no form at all",
        b'{"sellerId": "A1"}',
        b"a=1&&b=2",
        b"=1&b=2",
        b"a",
        b"a=%zz",
        b"a=1&b=%2",
        bytes(range(256)),
        b"\x00" * 64,
        "a=é".encode(),
        b"a=1;b=2&c",
        b"<!DOCTYPE x [<!ENTITY e 'x'>]>",
    ],
)
def test_a_plaintext_that_is_no_form_is_refused(shop, plaintext):
    reply = shop.pay_with(plaintext)

    assert_refused_with_a_page(reply, 400)
    assert_nobodys_journal_says(shop.server, "envelope.content")


def test_a_plaintext_above_16_kb_is_refused(shop):
    reply = shop.pay(customInformation="x" * 16_500)

    assert_refused_with_a_page(reply, 413)
    assert_nobodys_journal_says(shop.server, "envelope.too_large", "xxxx")


@pytest.mark.parametrize("name", ["sellerOrderId", "Signature", "AWSAccessKeyId", "%73ellerOrderId"])
def test_a_field_named_twice_in_the_payload_is_refused(shop, name):
    plaintext = f"{shop.plaintext()}&{name}=another-value"

    reply = shop.pay_with(plaintext)

    assert_refused_with_a_page(reply, 400)
    entry = assert_nobodys_journal_says(shop.server, "envelope.duplicate", "another-value", "order-1")
    assert entry["facts"]["name"] in {"sellerOrderId", "Signature", "AWSAccessKeyId"}


def test_a_name_that_holds_a_script_is_shown_as_text(shop):
    reply = shop.pay_with("%3Cscript%3Ealert(1)%3C/script%3E=1&%3Cscript%3Ealert(1)%3C/script%3E=2")

    assert_refused_with_a_page(reply, 400)
    assert "<script>alert" not in reply.text


def test_the_journal_never_takes_a_value_for_a_name(shop):
    secret = shop.seller.fields["secret_key"]

    for query in (secret, f"{secret}=1", f"payload={secret}", f"%20{secret}=%20"):
        assert_refused_with_a_page(send_request(shop.server, f"{_PATH}?{query}"))
        assert_refused_with_a_page(send_request(shop.server, _PATH, form=query))
        assert_nobodys_journal_says(shop.server, "envelope.missing", secret, secret[:20])


def test_a_form_in_the_query_of_a_post_is_read_too(shop):
    reply = send_request(shop.server, f"{_PATH}?{shop.query()}", form="")

    assert reply.status == 302


def test_unknown_parameters_beside_the_four_are_ignored(shop):
    reply = send_request(shop.server, f"{_PATH}?requestId=7&requestId=8&{shop.query()}&utm=x%20y")

    assert reply.status == 302


def test_the_url_safe_alphabet_bare_plus_signs_and_missing_padding_are_read(shop):
    parts = parts_of(shop)
    bare = "&".join(f"{name}={parts[name].rstrip('=')}" for name in ("payload", "key", "iv"))
    url_safe = bare.replace("+", "-").replace("/", "_")

    for query in (bare, url_safe):
        reply = send_request(shop.server, f"{_PATH}?{query}&redirectUrl={quote(RETURN, safe='')}")
        assert reply.status == 302
    assert len(shop.seller.orders()) == 1
