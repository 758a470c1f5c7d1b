"""
Flat forms and percent encoding.

Nothing here raises UnicodeError: bad bytes become U+FFFD when read, and text that cannot
be written (a lone surrogate) is refused with a `FormError`.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from mockpay.kernel.errors import MockpayError

#: Far above any request a client sends (the longest has about 30 parameters).
MAX_PAIRS = 200
#: The contract's bound for a request body.
MAX_CHARACTERS = 1_048_576

_HEXADECIMAL = "0123456789ABCDEFabcdef"
#: Each octet by its two digits, in whatever case: half the time of urllib's own decoding.
_OCTETS = {f"{high}{low}".encode(): bytes((int(f"{high}{low}", 16),)) for high in _HEXADECIMAL for low in _HEXADECIMAL}


class FormError(MockpayError):
    """A form that cannot be read, or text that cannot be written into one."""

    code = "form.malformed"


def percent_encode(text: str, safe: str = "") -> str:
    """
    Percent-encode one name or value in UTF-8, bare only RFC 3986's unreserved set and `safe`.

    Raises:
        FormError: code ``form.unencodable``: a lone surrogate.
    """
    return quote(encode_utf8(text), safe=safe)


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
    first, *others = text.encode(errors="replace").split(b"%")
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
    return [piece.partition("=")[::2] for piece in raw.split("&") if piece]


def decode_form(raw: str | bytes, *, plus_is_space: bool = True) -> list[tuple[str, str]]:
    """
    Read a query string or form body into pairs in their order.

    Raises:
        FormError: too large, or a broken percent escape.
    """
    octets = raw if isinstance(raw, bytes) else raw.encode(errors="replace")
    text = octets.decode(errors="replace")
    return [
        (percent_decode(name, plus_is_space=plus_is_space), percent_decode(value, plus_is_space=plus_is_space))
        for name, value in split_form(text)
    ]


def encode_form(pairs: Iterable[tuple[str, str]]) -> str:
    """Write pairs as ``a=b&c=d``; names and values encoded once, a space as ``%20``."""
    return "&".join(f"{percent_encode(name)}={percent_encode(value)}" for name, value in pairs)


def unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """
    Turn pairs into a dict.

    Raises:
        FormError: code ``form.duplicate``: a name comes twice.
    """
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise FormError(f"{name[:64]} is given twice.", code="form.duplicate", name=name[:64])
        values[name] = value
    return values


def encode_utf8(text: str, errors: str = "strict") -> bytes:
    """
    Text in UTF-8.

    Raises:
        FormError: code ``form.unencodable``: a lone surrogate, if errors are strict.
    """
    try:
        return text.encode(errors=errors)
    except UnicodeEncodeError as error:
        message = "The text holds half a surrogate pair."
        raise FormError(message, code="form.unencodable") from error
