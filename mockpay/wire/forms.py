"""
Flat forms and the percent encodings of Amazon Pay's clients.

Nothing here raises UnicodeError: bad bytes become U+FFFD when read, and text that cannot
be written (a lone surrogate) is refused with a `FormError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from urllib.parse import quote, unquote_to_bytes

from mockpay.kernel.errors import MockpayError

#: Far above any request a client sends (the longest has about 30 parameters).
MAX_PAIRS = 200
#: The contract's bound for a request body.
MAX_CHARACTERS = 1_048_576

#: What Node's encodeURIComponent leaves bare beyond RFC 3986's unreserved set.
NODE_MARKS = "!'()*"

_HEXADECIMAL = "0123456789ABCDEFabcdef"
#: Each octet by its two digits, in whatever case: half the time of urllib's own decoding.
_OCTETS = {
    f"{high}{low}".encode(): bytes((int(f"{high}{low}", 16),))
    for high in _HEXADECIMAL
    for low in _HEXADECIMAL
}
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


class FormError(MockpayError):
    """A form that cannot be read, or text that cannot be written into one."""

    code = "form.malformed"


class Encoding(StrEnum):
    """How a client percent-encodes a value before signing it."""

    #: UTF-8 twice, RFC 3986's unreserved set: the PHP client.
    PHP = "php"
    #: UTF-8 twice, ``!'()*`` bare as well: the Node client.
    NODE = "node"
    #: UTF-8 once, RFC 3986's unreserved set: the MWS clients.
    RFC3986 = "rfc3986"
    #: UTF-8 once, ``!'()*`` bare as well: JavaScript's encodeURIComponent.
    JAVASCRIPT = "javascript"

    def percent_encode(self, text: str) -> str:
        """
        Percent-encode one value.

        Raises:
            FormError: code ``form.unencodable``: a lone surrogate.
        """
        octets = _octets(text)
        if self in {Encoding.PHP, Encoding.NODE}:
            octets = octets.decode("latin-1").encode()
        return quote(octets, safe=NODE_MARKS if self in _JAVASCRIPT_SETS else "")


_JAVASCRIPT_SETS = frozenset({Encoding.NODE, Encoding.JAVASCRIPT})


def encode_php(text: str) -> str:
    """Encode as the PHP client does: UTF-8 twice, so ``é`` becomes ``%C3%83%C2%A9``."""
    return Encoding.PHP.percent_encode(text)


def encode_node(text: str) -> str:
    """Encode as the Node client does: UTF-8 twice, ``!'()*`` left bare."""
    return Encoding.NODE.percent_encode(text)


def encode_rfc3986(text: str) -> str:
    """Encode plain UTF-8 with RFC 3986's unreserved set."""
    return Encoding.RFC3986.percent_encode(text)


def reencode(encoded: str, *, safe: str = "", plus_is_space: bool = True) -> str:
    """Decode a sent value to its bytes and encode those anew, whatever text they are."""
    text = encoded.replace("+", " ") if plus_is_space else encoded
    return quote(unquote_to_bytes(_octets(text, "replace")), safe=safe)


def lower_hex(encoded: str) -> str:
    """Spell every percent code in lower case: ``%2F`` becomes ``%2f``."""
    return _ESCAPE.sub(lambda found: found.group().lower(), encoded)


def upper_hex(encoded: str) -> str:
    """Spell every percent code in upper case, as RFC 3986 asks."""
    return _ESCAPE.sub(lambda found: found.group().upper(), encoded)


def undo_double_utf8(text: str) -> str:
    """
    Undo a second UTF-8 encoding (``Ã©`` becomes ``é``); any other text stays as it is.

    Text that is mojibake by its author's will cannot be told apart; nobody sends that.
    """
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def percent_decode(text: str, *, plus_is_space: bool = False) -> str:
    """
    Decode one name or value; bytes that are no UTF-8 become U+FFFD.

    Raises:
        FormError: a percent sign without two hexadecimal digits.
    """
    if plus_is_space:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    first, *others = _octets(text, "replace").split(b"%")
    try:
        octets = first + b"".join([_OCTETS[other[:2]] + other[2:] for other in others])
    except KeyError:
        message = "A percent sign is not followed by two hexadecimal digits."
        raise FormError(message) from None
    return octets.decode(errors="replace")


def split_form(raw: str) -> list[tuple[str, str]]:
    """
    Split ``a=b&c=d`` into pairs in their order, still encoded; empty pieces are skipped.

    Raises:
        FormError: code ``form.too_large``.
    """
    if len(raw) > MAX_CHARACTERS or raw.count("&") >= MAX_PAIRS:
        raise FormError("The form is too large.", code="form.too_large")
    pairs = (piece.partition("=") for piece in raw.split("&") if piece)
    return [(name, value) for name, _, value in pairs]


def decode_form(raw: str | bytes, *, plus_is_space: bool = True) -> list[tuple[str, str]]:
    """
    Read a query string or form body into pairs in their order.

    Raises:
        FormError: too large, or a broken percent escape.
    """
    octets = raw if isinstance(raw, bytes) else raw.encode(errors="replace")
    text = octets.decode(errors="replace")
    return [
        (
            percent_decode(name, plus_is_space=plus_is_space),
            percent_decode(value, plus_is_space=plus_is_space),
        )
        for name, value in split_form(text)
    ]


def encode_form(pairs: Iterable[tuple[str, str]], encoding: Encoding = Encoding.RFC3986) -> str:
    """Write pairs as ``a=b&c=d``; names and values encoded once, a space as ``%20``."""
    return "&".join(
        f"{encoding.percent_encode(name)}={encoding.percent_encode(value)}" for name, value in pairs
    )


def unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """
    Turn pairs into a dict.

    Raises:
        FormError: code ``form.duplicate``: a name comes twice.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            shown = name[:64]
            raise FormError(f"{shown} is given twice.", code="form.duplicate", name=shown)
        found[name] = value
    return found


def _octets(text: str, errors: str = "strict") -> bytes:
    try:
        return text.encode(errors=errors)
    except UnicodeEncodeError as error:
        message = "The text holds half a surrogate pair."
        raise FormError(message, code="form.unencodable") from error
