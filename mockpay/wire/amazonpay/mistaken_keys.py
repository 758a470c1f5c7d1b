"""The right string to sign, put through a wrong HMAC, with a wrong key, or a signature spelt wrongly afterwards."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, unquote

from mockpay.wire.amazonpay.mistakes import Mistake, mistake
from mockpay.wire.amazonpay.signing import matches, sign


def of_another_seller(strings: Iterable[str], signature: str, others: Mapping[str, str]) -> tuple[Mistake, ...]:
    """The right string, signed with the key of another seller."""
    for text in strings:
        for seller_id, secret in others.items():
            if matches(sign(secret, text), signature):
                sentence = f"The string to sign is right, but the secret key is another seller's, of {seller_id}."
                return (mistake("key.other_seller", sentence),)
    return ()


def wrong_signature(strings: Iterable[str], secret: str, signature: str) -> tuple[Mistake, ...]:
    """The right string, put through the wrong HMAC, with a wrong key or spelt wrongly afterwards."""
    if not signature:
        return (mistake("signature.missing", "The request carries no signature."),)
    for text in strings:
        right = sign(secret, text)
        for name, sentence, wrong in (*_wrong_forms(text, secret, signature), *_wrong_keys(text, secret)):
            if wrong == signature != right:
                return (mistake(name, sentence),)
    return ()


def _wrong_forms(text: str, secret: str, signature: str) -> Iterator[tuple[str, str, str]]:
    key, octets = secret.encode(errors="replace"), text.encode(errors="replace")
    mac = hmac.digest(key, octets, "sha256")
    right = _base64(mac)
    yield "signature.hex", "The signature is in hexadecimal; it must be base64.", mac.hex()
    yield "signature.hex", "The signature is in hexadecimal; it must be base64.", mac.hex().upper()
    yield (
        "signature.hex",
        "The signature is base64 of the hexadecimal text; it must be of the bytes.",
        _base64(mac.hex().encode()),
    )
    spaced = "A + in the signature was sent bare and became a space; send it as %2B."
    yield "signature.space", spaced, right.replace("+", " ")
    urlsafe = "The signature is in the URL-safe alphabet; it must be standard base64."
    yield "signature.urlsafe", urlsafe, base64.urlsafe_b64encode(mac).decode()
    yield "signature.padding", "The signature lacks the = at its end, base64's padding.", right.rstrip("=")
    if signature.strip() == right:
        yield "signature.newline", "The signature has a newline or white space around it.", signature
    if unquote(signature) == right:
        yield "signature.twice", "The signature is percent-encoded twice; encode it once.", signature
    for digest, name in (("sha1", "SHA-1"), ("sha512", "SHA-512"), ("md5", "MD5")):
        sentence = f"The signature is an HMAC with {name}; it must be SHA-256, whatever SignatureMethod says."
        yield "hmac.digest", sentence, _base64(hmac.digest(key, octets, digest))
    swapped = "Key and text of the HMAC are swapped."
    yield "hmac.swapped", swapped, _base64(hmac.digest(octets, key, "sha256"))
    plain = "The signature is a plain SHA-256, no HMAC with the secret key."
    for hashed in (octets, key + octets, octets + key):
        yield "hmac.plain", plain, _base64(hashlib.sha256(hashed).digest())


def _wrong_keys(text: str, secret: str) -> Iterator[tuple[str, str, str]]:
    fields = dict(piece.partition("=")[::2] for piece in text.rpartition("\n")[2].split("&"))
    spaced = "The secret key has white space around it where you signed."
    for wrong in (secret.strip(), f"{secret} ", f" {secret}"):
        yield "key.space", spaced, sign(wrong, text)
    for wrong in (f"{secret}\n", f"{secret}\r\n", f"{secret}\r"):
        yield "key.newline", "The secret key ends in a newline where you signed.", sign(wrong, text)
    for wrong in (f'"{secret}"', f"'{secret}'"):
        yield "key.quotes", "The secret key has quotes around it where you signed.", sign(wrong, text)
    for wrong in (quote(secret, safe="", errors="replace"), quote(secret, errors="replace"), unquote(secret)):
        yield "key.encoded", "The secret key was percent-encoded or decoded where you signed.", sign(wrong, text)
    yield "key.encoded", "The secret key was changed to other capitals where you signed.", sign(secret.lower(), text)
    for name in ("AWSAccessKeyId", "SellerId", "sellerId", "MWSAuthToken"):
        if name in fields:
            yield "key.other", f"{name} was used as the secret key.", sign(fields[name], text)
    yield "key.other", "The secret key was empty where you signed.", sign("", text)
    try:
        decoded = hmac.digest(base64.b64decode(secret, validate=True), text.encode(errors="replace"), "sha256")
    except ValueError:
        return
    yield "key.encoded", "The secret key was decoded from base64; its text is the key.", _base64(decoded)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
