"""A signature over the right string that is wrong all the same: each way by name, made here without the product."""

import base64
import hashlib
import hmac

import pytest

from mockpay.wire.amazonpay.mistaken_keys import of_another_seller, wrong_signature

KEY = "Secret+key/1"
TEXT = "POST\nh\n/p\nAWSAccessKeyId=AK&MWSAuthToken=MT&SellerId=S1&a=9&sellerId=s2"


def mac(key=KEY, text=TEXT, digest="sha256"):
    key, text = (part if isinstance(part, bytes) else part.encode() for part in (key, text))
    return hmac.new(key, text, digest).digest()


def b64(octets):
    return base64.b64encode(octets).decode()


def plain(octets):
    return b64(hashlib.sha256(octets.encode()).digest())


RIGHT = b64(mac())


def found(signature, key=KEY, text=TEXT):
    return [(each.name, each.sentence) for each in wrong_signature([text], key, signature)]


@pytest.mark.parametrize(
    ("signature", "name", "words"),
    [
        ("", "signature.missing", "The request carries no signature."),
        (mac().hex(), "signature.hex", "in hexadecimal"),
        (mac().hex().upper(), "signature.hex", "in hexadecimal"),
        (b64(mac().hex().encode()), "signature.hex", "base64 of the hexadecimal text"),
        (RIGHT.rstrip("="), "signature.padding", "lacks the ="),
        (f"{RIGHT}\n", "signature.newline", "white space around it"),
        (f" {RIGHT}", "signature.newline", "white space around it"),
        (RIGHT.replace("=", "%3D"), "signature.twice", "percent-encoded twice"),
        (b64(mac(digest="sha1")), "hmac.digest", "HMAC with SHA-1;"),
        (b64(mac(digest="sha512")), "hmac.digest", "HMAC with SHA-512;"),
        (b64(mac(digest="md5")), "hmac.digest", "HMAC with MD5;"),
        (b64(mac(TEXT, KEY)), "hmac.swapped", "swapped"),
        (plain(TEXT), "hmac.plain", "no HMAC"),
        (plain(KEY + TEXT), "hmac.plain", "no HMAC"),
        (plain(TEXT + KEY), "hmac.plain", "no HMAC"),
        *((b64(mac(f"{KEY}{end}")), "key.newline", "ends in a newline") for end in ("\n", "\r\n", "\r")),
        *((b64(mac(key)), "key.space", "white space around it") for key in (f" {KEY}", f"{KEY} ")),
        *((b64(mac(key)), "key.quotes", "quotes around it") for key in (f"'{KEY}'", f'"{KEY}"')),
        *((b64(mac(key)), "key.encoded", "percent-encoded") for key in ("Secret%2Bkey%2F1", "Secret%2Bkey/1")),
        (b64(mac(KEY.lower())), "key.encoded", "other capitals"),
        (b64(mac("AK")), "key.other", "AWSAccessKeyId was used"),
        (b64(mac("MT")), "key.other", "MWSAuthToken was used"),
        (b64(mac("S1")), "key.other", "SellerId was used"),
        (b64(mac("s2")), "key.other", "sellerId was used"),
        (b64(mac("")), "key.other", "was empty"),
    ],
)
def test_a_wrong_signature_is_told_by_name(signature, name, words):
    ((told, sentence),) = found(signature)
    assert told == name
    assert words in sentence


def test_a_key_is_told_to_be_trimmed_decoded_or_read_as_base64():
    for key, wrong, name in [
        (" spaced ", b"spaced", "key.space"),
        ("per%2Bcent", b"per+cent", "key.encoded"),
        ("c2VjcmV0", b"secret", "key.encoded"),
    ]:
        ((told, _),) = found(b64(mac(wrong)), key)
        assert told == name
    assert "base64" in found(b64(mac(b"secret")), "c2VjcmV0")[0][1]
    assert found(b64(mac(b"secret")), "c2V*jcmV0") == []


def test_the_alphabet_and_a_lost_plus_are_told():
    texts = (f"POST\nh\n/\na={number}" for number in range(1000))
    text = next(text for text in texts if {"+", "/"} <= set(b64(mac(text=text))))
    right = b64(mac(text=text))
    assert found(right.replace("+", " "), text=text)[0][0] == "signature.space"
    assert found(right.replace("+", "-").replace("/", "_"), text=text)[0][0] == "signature.urlsafe"


def test_the_right_signature_and_an_unknown_one_have_no_such_mistake():
    assert found(RIGHT) == []
    assert found(b64(mac("another"))) == []


def test_what_no_utf8_can_hold_is_signed_as_a_question_mark():
    key, text = "\ud800", "POST\nh\n/\na=\ud800"
    assert found(b64(mac("?\n", "POST\nh\n/\na=?")), key, text)[0][0] == "key.newline"
    assert found(b64(mac(b"secret", "POST\nh\n/\na=?")), "c2VjcmV0", text)[0][0] == "key.encoded"


def test_each_right_string_is_tried():
    (told,) = wrong_signature(["other", TEXT], KEY, mac().hex())
    assert told.name == "signature.hex"


def test_another_sellers_key_is_told_with_its_seller():
    others = {"A1": "one", "A2": "two"}
    (told,) = of_another_seller(["other", TEXT], b64(mac("two")), others)
    assert (told.name, "of A2." in told.sentence) == ("key.other_seller", True)
    assert of_another_seller([TEXT], b64(mac("three")), others) == ()
