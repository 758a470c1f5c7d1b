"""What people do wrong when they sign: each mistake as a table row with its sentence."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import unquote

from mockpay.wire.amazonpay.signing import sign
from mockpay.wire.forms import lower_hex


def wrong_signature(strings: Iterable[str], secret: str, signature: str) -> str | None:
    """The right string, put through the wrong HMAC or spelt wrongly afterwards."""
    for text in strings:
        key, octets = secret.encode(errors="replace"), text.encode(errors="replace")
        mac = hmac.digest(key, octets, hashlib.sha256)
        forms = {
            mac.hex(): "The signature is in hexadecimal; it must be base64.",
            base64.b64encode(mac.hex().encode()).decode(): (
                "The signature is base64 of the hexadecimal text; it must be of the bytes."
            ),
            base64.b64encode(mac).decode().replace("+", " "): (
                "A + in the signature was sent bare and became a space; send it as %2B."
            ),
            base64.urlsafe_b64encode(mac).decode(): (
                "The signature is in the URL-safe alphabet; it must be standard base64."
            ),
            base64.b64encode(hmac.digest(key, octets, hashlib.sha1)).decode(): (
                "The signature is an HMAC with SHA-1; it must be SHA-256."
            ),
            sign(secret.strip(), text): "The secret key has white space around it.",
            sign(secret + "\n", text): "The secret key ends in a newline where you signed.",
        }
        if signature in forms and signature != base64.b64encode(mac).decode():
            return forms[signature]
    return None


def mistaken_strings(strings: Sequence[str], sent_order: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Strings that come out when one known mistake is made, each with its sentence."""
    for sentence, spoil in _MISTAKES:
        for text in strings:
            spoilt = spoil(text)
            if spoilt not in strings:
                yield sentence, spoilt
    if sent_order:
        place = {name: index for index, name in enumerate(sent_order)}
        for text in strings:
            spoilt = _with_query(
                text, lambda query: _in_order(query, lambda name: (place.get(name, len(place)), ""))
            )
            if spoilt not in strings:
                yield "The parameters are not sorted by the byte order of their names.", spoilt


def _with_query(text: str, change: Callable[[str], str]) -> str:
    head, _, query = text.rpartition("\n")
    return f"{head}\n{change(query)}"


def _in_order(query: str, key: Callable[[str], tuple[int, str]]) -> str:
    pieces = query.split("&")
    pieces.sort(key=lambda piece: key(piece.partition("=")[0]))
    return "&".join(pieces)


def _other_verb(text: str) -> str:
    verb, _, rest = text.partition("\n")
    return f"{'GET' if verb == 'POST' else 'POST'}\n{rest}"


def _with_scheme(text: str) -> str:
    verb, host, rest = text.split("\n", 2)
    return f"{verb}\nhttps://{host}\n{rest}"


def _root_path(text: str) -> str:
    verb, host, _, query = text.split("\n", 3)
    return f"{verb}\n{host}\n/\n{query}"


_MISTAKES: tuple[tuple[str, Callable[[str], str]], ...] = (
    (
        "Percent codes are written in lower case; they must be in upper case.",
        lambda text: _with_query(text, lower_hex),
    ),
    (
        "A space is written as + in the string to sign; it must be %20.",
        lambda text: _with_query(text, lambda query: query.replace("%20", "+")),
    ),
    (
        "The tilde is percent-encoded in the string to sign; it must stay bare.",
        lambda text: _with_query(text, lambda query: query.replace("~", "%7E")),
    ),
    ("The values are not percent-encoded in the string to sign.", lambda text: _with_query(text, unquote)),
    (
        "The parameters are sorted without regard to case; capitals come first.",
        lambda text: _with_query(text, lambda query: _in_order(query, lambda name: (0, name.lower()))),
    ),
    ("The verb that was signed is not the one that was sent.", _other_verb),
    ("The host was signed with its scheme; only the name belongs there.", _with_scheme),
    ("The path was signed as /; it must be the path of the endpoint.", _root_path),
    ("The string to sign ends in a newline.", lambda text: text + "\n"),
)
