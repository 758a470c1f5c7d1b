"""What is wrong with a webhook's signature: the mistakes that handlers are known to make, each tried in turn."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from mockpay.wire.stripe import signatures

UNKNOWN = "The signature does not fit, and no known mistake explains it."
_PREFIX = "whsec_"


class Mistake(Struct, frozen=True):
    """One mistake by its dotted name, what it is in a sentence, the text that was signed so, and what to write."""

    name: str
    sentence: str
    text: str
    code: str


def find_mistake(header: str, body: str, secrets: Mapping[str, str]) -> Mistake | None:
    """
    The first known mistake that makes a header's signature from this body.

    Args:
        secrets: What a webhook may have been signed with, by what it is; the right ones begin with `endpoint`.
    """
    timestamp, received = signatures.read_webhook_header(header)
    if not timestamp or not received:
        return _unreadable(header)
    for name, secret in secrets.items():
        for mistake, text, signed, sentence, code in _tries(timestamp, body):
            own = secret if mistake is None else _of(secret, mistake)
            right = name.startswith("endpoint")
            if mistake is None and right:
                continue
            if not any(hmac.compare_digest(each.encode(), _sign(own, signed, mistake).encode()) for each in received):
                continue
            if not right:
                whose = f"It is signed with {name}, not with an endpoint's secret."
                return Mistake("secret.other", whose, text, "the `secret` that webhook_endpoints.create has answered")
            assert mistake is not None
            return Mistake(mistake, sentence, text, code)
    return None


def _unreadable(header: str) -> Mistake | None:
    if ", " in header and "v1=" in header:
        sentence = "There is a blank after the comma, which the public clients do not skip."
        return Mistake("header.blank", sentence, "", "t=1700000000,v1=...")
    if header:
        return Mistake("header.malformed", "The header has no t= or no v1=.", "", 'request.headers["Stripe-Signature"]')
    return Mistake("header.missing", "There is no Stripe-Signature.", "", 'request.headers["Stripe-Signature"]')


_Try = tuple[str | None, str, bytes, str, str]


def _tries(timestamp: str, body: str) -> Iterator[_Try]:
    """Name of the mistake (None: none), the text as shown, the bytes that are signed, a sentence, and the cure."""
    text = f"{timestamp}.{body}"
    raw = "the raw body: request.get_data() in Flask, express.raw() in Express"
    yield None, text, text.encode(), "", ""
    yield "body.alone", body, body.encode(), "The body is signed without the time and the dot.", 'f"{t}.{body}"'
    for form in _other_forms(body):
        sentence = "The body was parsed and written anew: the signature is of the bytes as they came."
        yield "body.reserialized", f"{timestamp}.{form}", f"{timestamp}.{form}".encode(), sentence, raw
    stripped = body.strip()
    if stripped != body:
        sentence = "White space at an end of the body is not as it came."
        yield "body.stripped", f"{timestamp}.{stripped}", f"{timestamp}.{stripped}".encode(), sentence, raw
    yield "signature.base64", text, text.encode(), "The signature is base64; it has to be hexadecimal.", ".hexdigest()"
    prefix = "The secret is used without its whsec_."
    yield "secret.prefix", text, text.encode(), prefix, "the whole secret, whsec_ included"


def _other_forms(body: str) -> list[str]:
    """The same JSON as it is written by us, by JavaScript and by Python."""
    try:
        plain = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    compact = msgspec.json.encode(plain)
    spaced = msgspec.json.format(compact, indent=0)
    forms = [msgspec.json.format(compact, indent=2), compact, spaced, msgspec.json.encode(plain, order="sorted")]
    return [form for form in dict.fromkeys(each.decode() for each in forms) if form != body]


def _of(secret: str, mistake: str) -> str:
    return secret.removeprefix(_PREFIX) if mistake == "secret.prefix" else secret


def _sign(secret: str, signed: bytes, mistake: str | None) -> str:
    digest = hmac.digest(secret.encode(), signed, "sha256")
    return base64.b64encode(digest).decode() if mistake == "signature.base64" else digest.hex()
