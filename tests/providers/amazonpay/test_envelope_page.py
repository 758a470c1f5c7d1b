"""docs/envelope.md is right: every value is recomputed from its inputs, and every mistake gets the answer it lists."""

import base64
import hashlib
import hmac
import os
import re
import textwrap
import time
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mockpay.wire.amazonpay.opening import open_envelope, verify_envelope
from tests.wire.known_answers import PRIVATE_KEY

PAGE = (Path(__file__).parents[3] / "docs" / "envelope.md").read_text("utf-8")
BLOCKS = [
    (title, text) for title, text in re.findall(r"^([^\n]+):\n\n```text\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)
]
CONSTANTS = {"SignatureMethod": "HmacSHA256", "SignatureVersion": "2"}


def block(beginning, number=0):
    return [text for title, text in BLOCKS if title.startswith(beginning)][number]


def joined(beginning):
    return block(beginning).replace("\n", "")


def rows(heading):
    """The cells of the first table below a heading, without their marks; its head is left out."""
    lines = PAGE.split(f"\n## {heading}")[1].splitlines()
    table = [line for line in lines[: lines.index("", [line[:1] for line in lines].index("|"))] if line[:1] == "|"]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table[2:]]


INPUTS = dict(rows("The inputs"))


def given(beginning):
    return next(value for name, value in INPUTS.items() if name.startswith(beginning))


def octets(text):
    """As the page shows bytes: 32 of them on a line."""
    return "\n".join(textwrap.wrap(text.hex(), 64))


def encode(text):
    """By hand: UTF-8 twice, then all but RFC 3986's unreserved set."""
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    twice = text.encode().decode("latin-1").encode()
    return "".join(chr(octet) if octet in plain else f"%{octet:02X}" for octet in twice)


def form(params):
    return "&".join(f"{name}={params[name]}" for name in sorted(params))


def string_to_sign(once):
    return f"POST\namazonpay.amazon.in\n/\n{form(once | CONSTANTS | {'AWSAccessKeyId': given('access key')})}"


def mac(text):
    return hmac.digest(given("secret key").encode(), text.encode(), "sha256")


def b64(content):
    return base64.b64encode(content).decode()


@pytest.fixture(scope="module")
def fields():
    return {name: value for name, value, _, _ in rows("1. The fields")}


@pytest.fixture(scope="module")
def plaintext(fields):
    twice = {name: encode(encode(value)) for name, value in fields.items()}
    twice["AWSAccessKeyId"] = encode(given("access key"))
    signature = mac(string_to_sign({name: encode(value) for name, value in fields.items()}))
    return f"{form(twice)}&Signature={encode(b64(signature))}"


def test_the_fields_are_encoded_as_the_table_shows():
    for _, value, once, twice in rows("1. The fields"):
        assert [once, twice] == [encode(value), encode(encode(value))]


def test_the_string_to_sign_and_the_signature_are_right(fields):
    text = string_to_sign({name: encode(value) for name, value in fields.items()})
    assert block("String to sign") == text
    assert block("Its bytes") == octets(text.encode())
    assert block("HMAC-SHA256") == mac(text).hex()
    assert block("In base64: the signature") == b64(mac(text))


def test_the_plaintext_and_its_encryption_are_right(plaintext):
    assert block("Plaintext") == plaintext
    assert block("Its bytes", 1) == octets(plaintext.encode())
    sealed = AESGCM(bytes.fromhex(given("AES key"))).encrypt(bytes.fromhex(given("IV")), plaintext.encode(), None)
    assert block(f"Ciphertext ({len(plaintext)} bytes") == octets(sealed[:-16])
    assert block("Tag (16 bytes)") == sealed[-16:].hex()
    assert joined("payload, in base64") == b64(sealed)
    assert block("iv, in base64") == b64(bytes.fromhex(given("IV")))


def mask(seed, length):
    """MGF1 with SHA-1."""
    blocks = (hashlib.sha1(seed + number.to_bytes(4, "big")).digest() for number in range(length // 20 + 1))
    return b"".join(blocks)[:length]


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def test_the_wrapped_key_is_right():
    """By RFC 8017 (7.1.1), with the seed that a library makes up."""
    public = load_der_public_key(base64.b64decode(joined("The service's public key"))).public_numbers()
    key, seed = bytes.fromhex(given("AES key")), bytes.fromhex(given("seed of OAEP"))
    data = hashlib.sha1(b"").digest() + bytes(256 - 16 - 42) + b"\1" + key
    masked = xor(data, mask(seed, 235))
    padded = b"\0" + xor(seed, mask(masked, 20)) + masked
    assert block("The padded block") == octets(padded)
    wrapped = pow(int.from_bytes(padded, "big"), public.e, public.n).to_bytes(256, "big")
    assert block("Wrapped key") == octets(wrapped)
    assert joined("key, in base64") == b64(wrapped)


def test_the_address_opens_with_the_private_key_and_is_signed(fields, plaintext):
    address = urlsplit(joined("Where the buyer's browser goes"))
    sent = dict(parse_qsl(address.query))
    assert (address.path, sent.pop("redirectUrl")) == ("/initiatePayment", given("return URL"))
    opened = open_envelope(**sent, private_key=PRIVATE_KEY)
    assert opened.plaintext == plaintext
    assert fields.items() <= opened.values.items()
    assert verify_envelope(opened, given("secret key"))


def test_the_way_back_is_signed_as_shown():
    once = {name: encode(value) for name, value in rows("The way back")}
    text = string_to_sign(once)
    assert block("String to sign", 1) == text
    assert block("In base64: what") == b64(mac(text))


# --- the program, and what it is answered


class Request:
    """A request of the page's own program, or one with a mistake in it."""

    def __init__(self, program):
        self._program = program
        self.fields = {
            "sellerId": program["SELLER"],
            "sellerOrderId": f"{time.time_ns()}",
            "orderTotalAmount": "499.00",
            "orderTotalCurrencyCode": "INR",
            "startTime": str(int(time.time())),
            "customInformation": "Chai & Söhne",
        }
        self.access, self.encode, self.secret = program["ACCESS"], program["encode"], program["SECRET"]
        self.verb, self.signed, self.sent, self.tail = "POST", "once", "twice", ""
        self.plaintext = self.wrapped = None
        self.key, self.iv, self.oaep = os.urandom(16), os.urandom(12), OAEP(MGF1(SHA1()), SHA1(), None)
        self.change, self.arrange = lambda sealed: sealed, lambda parts: parts
        self.quote, self.more, self.redirect = lambda text: quote(text, safe=""), "", "http://localhost/return"

    def address(self):
        once = {name: self.encode(value) for name, value in self.fields.items()}
        shapes = {"plain": self.fields, "once": once, "twice": {n: self.encode(v) for n, v in once.items()}}
        params = form(shapes[self.signed] | CONSTANTS | {"AWSAccessKeyId": self.access})
        text = f"{self.verb}\namazonpay.amazon.in\n/\n{params}"
        signature = encode(b64(hmac.digest(self.secret.encode(), text.encode(), "sha256")))
        sent = shapes[self.sent] | ({"AWSAccessKeyId": self.access} if self.access else {})
        plaintext = self.plaintext or form(sent) + (f"&Signature={signature}" if self.secret else "") + self.tail
        parts = {
            "payload": self.change(AESGCM(self.key).encrypt(self.iv, plaintext.encode(), None)),
            "key": self._program["PUBLIC_KEY"].encrypt(self.wrapped or self.key, self.oaep),
            "iv": self.iv,
        }
        parts = self.arrange({name: b64(part) for name, part in parts.items()})
        query = "&".join(f"{name}={self.quote(text)}" for name, text in parts.items())
        redirect = f"&redirectUrl={quote(self.redirect, safe='')}" if self.redirect else ""
        return f"{os.environ['AMAZONPAY_BASE_URL']}/initiatePayment?{query}{redirect}{self.more}"


def small(text):
    return re.sub("%..", lambda pair: pair[0].lower(), encode(text))


def hexadecimal(parts):
    return parts | {"payload": base64.b64decode(parts["payload"]).hex()}


#: What is done to a right request, by the words of the page.
MISTAKES = {
    "`iv` is missing": {"arrange": lambda parts: {n: t for n, t in parts.items() if n != "iv"}},
    "`iv` is sent twice": {"more": "&iv=AAAA"},
    "the base64 is not percent-encoded: `+` arrives as a space": {"quote": str},
    "the base64 is percent-encoded twice": {"quote": lambda text: quote(quote(text, safe=""), safe="")},
    "`payload` is hex, not base64": {"arrange": hexadecimal},
    "the AES key is wrapped by PKCS#1 v1.5": {"oaep": padding.PKCS1v15()},
    "OAEP with SHA-256": {"oaep": OAEP(MGF1(SHA256()), SHA256(), None)},
    "the AES key is wrapped as hex": {"wrapped": os.urandom(16).hex().encode()},
    "the tag is left out": {"change": lambda sealed: sealed[:-16]},
    "the tag stands in front": {"change": lambda sealed: sealed[-16:] + sealed[:-16]},
    "an IV of 8 bytes": {"iv": os.urandom(8)},
    "an IV of 16 bytes, as PHP's": {"iv": os.urandom(16)},
    "an AES key of 32 bytes": {"key": os.urandom(32)},
    "the plaintext is JSON": {"plaintext": '{"orderTotalAmount": "499.00"}'},
    "a field stands in the plaintext twice": {"tail": "&sellerId=A"},
    "the values were not encoded a second time": {"sent": "once"},
    "the secret key is another one": {"secret": "another"},
    "signed over the values encoded twice": {"signed": "twice"},
    "signed over the values as they are": {"signed": "plain"},
    "signed with `GET`": {"verb": "GET"},
    "`+` for a space": {"encode": lambda text: encode(text).replace("%20", "+")},
    "percent-encoded in small letters: `%c3`": {"encode": small},
    "UTF-8 only once": {"encode": lambda text: quote(text, safe="-._~")},
    "the access key is nobody's": {"access": "AKIDNOBODY"},
    "`AWSAccessKeyId` is missing": {"access": ""},
    "`Signature` is missing": {"secret": ""},
    "`sellerId` is another seller's, or missing": {"sellerId": "A1ANOTHER"},
    "`redirectUrl` is missing": {"redirect": ""},
    "`redirectUrl` is not among the seller's return URLs": {"redirect": "https://shop.example/return"},
    "`startTime` in milliseconds": {"startTime": f"{time.time_ns() // 1_000_000}"},
    "`startTime` older than 15 minutes": {"startTime": f"{int(time.time()) - 1000}"},
    "an amount of `499.005` or `1,499.00`": {"orderTotalAmount": "499.005"},
    "an amount below 1.00": {"orderTotalAmount": "0.99"},
    "another currency than INR": {"orderTotalCurrencyCode": "USD"},
    "`sellerOrderId` is missing": {"sellerOrderId": ""},
    "a text that is too long (`customInformation`: 8,192 characters)": {"customInformation": "x" * 8_193},
    "more than 16 KB in all": {"customInformation": "x" * 17_000},
}


@pytest.fixture
def program(mockpay_seller, monkeypatch):
    """The page's own program, run for a seller of this sandbox."""
    for name, value in mockpay_seller.fields["environment"].items():
        monkeypatch.setenv(name, value)
    names = {"__name__": "seal"}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], names)
    return names


def answered(address):
    reply = requests.get(address, allow_redirects=False, timeout=20)
    back = urlsplit(reply.headers.get("Location", ""))
    if back.path.startswith("/pay/"):
        return "taken"
    if back.query:
        result = dict(parse_qsl(back.query))
        return f"{result['status']} {result['reasonCode']}"
    return f"{reply.status_code} `{re.search('error-code.>([^<]*)', reply.text)[1]}`"


def test_the_program_of_the_page_makes_an_order_and_believes_its_result(program, mockpay_seller):
    address = program["payment_url"]("499.00", "PAGE-1", "http://localhost/return", customInformation="Chai & Söhne")
    assert answered(address) == "taken"
    [order] = mockpay_seller.orders()
    assert (order["seller_order_id"], order["custom_information"]) == ("PAGE-1", "Chai & Söhne")
    paid = mockpay_seller.pay(order["order_id"], "upi", vpa="success@mockpay")
    result = dict(parse_qsl(urlsplit(paid["return_url"]).query))
    assert program["is_signed"](result)
    assert not program["is_signed"](result | {"orderTotalAmount": "4.99"})


def test_the_program_encodes_as_the_page_explains(program):
    for text in ("Chai & Söhne", "a/b*c~d'e(f)!", "₹ 1+1=2%"):
        assert program["encode"](text) == encode(text)


def test_every_mistake_is_answered_as_the_page_says(program, subtests):
    listed = re.findall(r"^\| (.+) \| (taken|FAILURE \d+|\d+ `[a-z_.]+`) \|$", PAGE, re.MULTILINE)
    assert [mistake for mistake, _ in listed] == list(MISTAKES)
    for mistake, answer in listed:
        request = Request(program)
        for name, value in MISTAKES[mistake].items():
            if name in request.fields:
                request.fields[name] = value
            else:
                setattr(request, name, value)
        with subtests.test(mistake=mistake):
            assert answered(request.address()) == answer
