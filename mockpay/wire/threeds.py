"""
3-D Secure messages as a browser carries them: base64url without padding around flat JSON.

EMV 3DS 2.2.0: ``creq``, ``cres`` and ``threeDSMethodData`` are base64url (RFC 4648, section 5)
of a JSON object, ``threeDSSessionData`` is base64url of at most 1,024 characters.  What comes in
was in a stranger's hands: it is bounded, and read strictly.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping

from mockpay.kernel.errors import MockpayError

#: What a challenge message or session data may have at most, in characters of base64url.
MAX_CHARACTERS = 1_024
_ALPHABET = re.compile("[A-Za-z0-9_-]*")

Element = str | int | bool


class MessageError(MockpayError):
    """
    A text that is no 3-D Secure message.

    Its detail has the `error_code` of EMV 3DS: 101 no message at all, 203 a form that no
    element has, 204 an element given twice.
    """

    code = "threeds.malformed"

    def __init__(self, message: str, error_code: str = "101") -> None:
        super().__init__(message, error_code=error_code)
        self.error_code = error_code


def pack(octets: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unpack(text: str) -> bytes:
    """
    Read base64url.

    Padding is forgiven, as several payment companies' samples have it; other alphabets,
    white space and bits beyond the last octet are not.

    Raises:
        MessageError: not base64url, or longer than `MAX_CHARACTERS`.
    """
    bare = text.removesuffix("=").removesuffix("=")
    if len(bare) > MAX_CHARACTERS or not _ALPHABET.fullmatch(bare):
        raise MessageError("This is not base64url of a message's length.")
    try:
        octets = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error as error:
        raise MessageError("This is not base64url.") from error
    if pack(octets) != bare:
        raise MessageError("This base64url ends in bits that belong to no octet.")
    return octets


def encode(message: Mapping[str, Element]) -> str:
    """A message as ``creq``, ``cres`` or ``threeDSMethodData`` carry it."""
    return pack(json.dumps(dict(message), separators=(",", ":")).encode())


def decode(text: str) -> dict[str, Element]:
    """
    Read what `encode` writes.

    Raises:
        MessageError: not base64url, not one JSON object in UTF-8, an element twice, or one
            that is neither text nor a whole number nor true or false.
    """
    try:
        found = json.loads(unpack(text).decode(), object_pairs_hook=_flat, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise MessageError("This is not JSON.") from error
    if not isinstance(found, dict):
        raise MessageError("A message is one JSON object.")
    return found


def _flat(pairs: Iterable[tuple[str, object]]) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for name, value in pairs:
        if name in found:
            raise MessageError("An element is there twice.", "204")
        if not isinstance(value, str | int):
            raise MessageError("An element has a value that none has.", "203")
        found[name] = value
    return found


def _no_number(name: str) -> object:
    raise MessageError(f"{name} is no JSON.")


def session_text(text: str) -> str:
    """
    Check ``threeDSSessionData``, which is handed back as it came; empty for none.

    Raises:
        MessageError: code 203 of EMV 3DS.
    """
    if len(text) > MAX_CHARACTERS or not _ALPHABET.fullmatch(text):
        raise MessageError("threeDSSessionData is base64url of at most 1,024 characters.", "203")
    return text
