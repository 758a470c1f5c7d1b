"""
Open an envelope without knowing which client sealed it.

A wrapped key, an IV and a tag that do not fit are told apart only in `reason`, for the
journal: message and code are the same, or the server would be a decryption oracle.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from mockpay.kernel.errors import MockpayError
from mockpay.wire.amazonpay.sealing import DATA_KEY_PADDING
from mockpay.wire.amazonpay.sealing import Envelope as Envelope
from mockpay.wire.amazonpay.sealing import seal as seal
from mockpay.wire.amazonpay.signature_verification import reencode
from mockpay.wire.amazonpay.signing import (
    NODE_MARKS,
    SLASH_QUIRK_FIELDS,
    Encoding,
    matches,
    request_string,
    sign,
    undo_double_utf8,
)
from mockpay.wire.amazonpay.signing import Flavour as Flavour
from mockpay.wire.forms import MAX_PAIRS, FormError, percent_decode

#: The contract's bound, for the fields as the shop wrote them.
MAX_PLAINTEXT = 16_384
#: Two UTF-8 passes and two percent passes make up to ten characters of one byte of
#: Devanagari, so a form within the bound can be this long before it is decoded.
MAX_ENCODED_PLAINTEXT = 10 * MAX_PLAINTEXT
_MAX_BASE64 = (MAX_ENCODED_PLAINTEXT + 16) * 4 // 3 + 4

_IV_BYTES = frozenset({12, 16})
_AES_KEY_BYTES = frozenset({16, 24, 32})
_ENCODED_ONCE = frozenset({"AWSAccessKeyId", "Signature"})
_NODE_MARKS = frozenset(NODE_MARKS)
#: What neither client leaves in a value that it has encoded once.
_MISSPELT = re.compile(r"[^A-Za-z0-9_.~!'()*%-]|%(?![0-9A-F]{2})")
#: What no client encodes, so what most fields consist of.
_PLAIN = re.compile(r"[A-Za-z0-9_.-]*")


class EnvelopeError(MockpayError):
    """An envelope that does not open; `reason` says to the journal which lock held."""

    code = "envelope.unreadable"


class EnvelopeParameterError(EnvelopeError):
    """payload, key, iv or redirectUrl is missing, empty or given twice."""


class EnvelopeEncodingError(EnvelopeError):
    """A parameter is not base64."""

    code = "envelope.encoding"


class EnvelopeTooLarge(EnvelopeError):
    """The payload holds more than any payment request needs."""

    code = "envelope.too_large"


class EnvelopeContentError(EnvelopeError):
    """What was sealed is no form, or names a field twice."""

    code = "envelope.content"


class EnvelopeParameters(Struct, frozen=True):
    """The parameters of one request; `redirect_url` as the merchant wrote it."""

    payload: str
    key: str
    iv: str
    redirect_url: str | None


class OpenedEnvelope(Struct, frozen=True):
    """
    A request that came out of its envelope; its signature is not yet verified.

    Attributes:
        plaintext: The form that was sealed.
        encoded: Values percent-encoded once, as they were signed.
        values: Values as the shop wrote them.
        double_utf8: Whether non-ASCII text was UTF-8 encoded twice; None if all is ASCII.
        node_marks: Whether only the Node client can have written this.
        string_to_sign: What must have been signed.
        misspelt: The fields whose values are percent-encoded as neither client does it.
    """

    plaintext: str
    encoded: dict[str, str]
    values: dict[str, str]
    signature: str
    access_key: str
    iv_bytes: int
    double_utf8: bool | None
    node_marks: bool
    string_to_sign: str = ""
    misspelt: tuple[str, ...] = ()


def read_parameters(pairs: Iterable[tuple[str, str]]) -> EnvelopeParameters:
    """
    Pick the envelope out of a decoded form; other parameters are ignored.

    A Node client's redirectUrl arrives encoded in UTF-8 twice; that is undone here.

    Raises:
        EnvelopeParameterError: code ``envelope.missing`` or ``envelope.doubled``.
    """
    values: dict[str, str] = {}
    for name, value in pairs:
        if name not in {"payload", "key", "iv", "redirectUrl"}:
            continue
        if name in values:
            raise EnvelopeParameterError(f"The parameter {name} is given twice.", code="envelope.doubled", name=name)
        values[name] = value
    for name in ("payload", "key", "iv"):
        if not values.get(name):
            raise EnvelopeParameterError(f"The parameter {name} is missing.", code="envelope.missing", name=name)
    redirect_url = undo_double_utf8(values.get("redirectUrl", "")) or None
    return EnvelopeParameters(values["payload"], values["key"], values["iv"], redirect_url)


def open_envelope(payload: str, key: str, iv: str, private_key: RSAPrivateKey) -> OpenedEnvelope:
    """
    Decrypt an envelope and read its form.

    Args:
        payload: The three parameters after one form decoding; a space may stand for ``+``,
            the URL-safe alphabet and missing padding are accepted.

    Raises:
        EnvelopeError: the family; its `code` says what, its `reason` why.
    """
    iv_octets = _from_base64("iv", iv)
    plaintext = _decrypt(_from_base64("payload", payload), _from_base64("key", key), iv_octets, private_key)
    return _read_form(plaintext, len(iv_octets))


def verify_envelope(opened: OpenedEnvelope, secret: str) -> bool:
    """Whether the seller with this secret signed the opened request."""
    return matches(sign(secret, opened.string_to_sign), opened.signature)


def client_strings(opened: OpenedEnvelope) -> list[str]:
    """The string to sign as the clients spell it, the likelier one first; one where nothing is misspelt."""
    if not opened.misspelt:
        return [opened.string_to_sign]
    return [
        request_string({name: reencode(value, safe=safe) for name, value in opened.encoded.items()})
        for safe in ((NODE_MARKS, "") if opened.node_marks else ("", NODE_MARKS))
    ]


def result_encoding(opened: OpenedEnvelope) -> Encoding:
    """
    The encoding in which the client that sent this request will verify an answer.

    Only non-ASCII text and ``!'()*`` make a difference. UTF-8 twice unless the request had it once; Node's set when
    its marks were seen, or the IV is Node's and the text was encoded twice.
    """
    node = opened.node_marks or (opened.iv_bytes == 12 and opened.double_utf8 is True)
    if opened.double_utf8 is False:
        return Encoding.JAVASCRIPT if node else Encoding.RFC3986
    return Encoding.NODE if node else Encoding.PHP


def _from_base64(name: str, text: str) -> bytes:
    if not text:
        raise EnvelopeParameterError(f"The parameter {name} is missing.", code="envelope.missing", name=name)
    if len(text) > _MAX_BASE64:
        raise EnvelopeTooLarge(f"The parameter {name} is too large.", name=name)
    bare = text.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        octets = base64.b64decode(bare + "=" * (-len(bare) % 4))
    except ValueError:  # binascii.Error and non-ASCII text are both of this kind
        octets = b""
    # Writing it anew shows what decoding forgives: flipped bits that the last character
    # does not use, and padding without end.
    if not octets or base64.b64encode(octets).rstrip(b"=") != bare.encode():
        raise EnvelopeEncodingError(f"The parameter {name} is not base64.", name=name)
    return octets


def _decrypt(sealed: bytes, wrapped: bytes, iv: bytes, private_key: RSAPrivateKey) -> str:
    try:
        data_key = private_key.decrypt(wrapped, DATA_KEY_PADDING)
    except ValueError as error:
        raise _unreadable("the data key does not unwrap with this server's key") from error
    if len(data_key) not in _AES_KEY_BYTES:
        raise _unreadable(f"the data key has {len(data_key)} bytes, not 16, 24 or 32")
    if len(iv) not in _IV_BYTES:
        raise _unreadable(f"the iv has {len(iv)} bytes, not 12 or 16")
    try:
        return AESGCM(data_key).decrypt(iv, sealed, None).decode("ascii")
    except InvalidTag as error:
        raise _unreadable("the payload's tag does not fit its text, key and iv") from error
    except UnicodeDecodeError as error:
        raise EnvelopeContentError("The payload holds no form.") from error


def _unreadable(reason: str) -> EnvelopeError:
    return EnvelopeError("The payload cannot be decrypted.", reason=reason)


def _read_form(plaintext: str, iv_bytes: int) -> OpenedEnvelope:
    encoded: dict[str, str] = {}
    values: dict[str, str] = {}
    doubled: dict[str, bool] = {}  # of non-ASCII values: was there a second UTF-8 pass?
    node_marks = False
    misspelt = []
    for raw_name, raw_value in _split(plaintext):
        name, decoded, text, marked, odd = _read_field(raw_name, raw_value)
        if name in values:
            raise EnvelopeContentError(
                f"The payload names {name[:64]} twice.", code="envelope.duplicate", name=name[:64]
            )
        encoded[raw_name], values[name] = decoded, text
        if not text.isascii():
            values[name] = undo_double_utf8(text)
            doubled[name] = values[name] != text
        node_marks = node_marks or marked
        if odd:
            misspelt.append(name)
    _check_size(plaintext, values)
    # customInformation is what comes back in the answer, so its own verdict counts most.
    double_utf8 = doubled.get("customInformation", all(doubled.values())) if doubled else None
    return OpenedEnvelope(
        plaintext,
        encoded,
        values,
        values.get("Signature", ""),
        values.get("AWSAccessKeyId", ""),
        iv_bytes,
        double_utf8,
        node_marks,
        request_string(encoded),
        tuple(misspelt),
    )


def _split(plaintext: str) -> list[tuple[str, str]]:
    if plaintext.count("&") >= MAX_PAIRS:
        raise EnvelopeTooLarge("The payload has too many fields.", name="payload")
    pairs = [pair.partition("=") for pair in plaintext.split("&")]
    if not all(name and equals for name, equals, _ in pairs):
        raise EnvelopeContentError("The payload holds no form.")
    return [(name, value) for name, _, value in pairs]


def _read_field(raw_name: str, raw_value: str) -> tuple[str, str, str, bool, bool]:
    """Name, value encoded once, value decoded, and whether only Node or neither client writes it so."""
    if _PLAIN.fullmatch(raw_name) and _PLAIN.fullmatch(raw_value):
        return raw_name, raw_value, raw_value, False, False
    try:
        name, decoded = percent_decode(raw_name), percent_decode(raw_value)
        if name in _ENCODED_ONCE:
            return name, decoded, decoded, False, False
        marked = not _NODE_MARKS.isdisjoint(decoded)
        if "/" in decoded:
            # Node's quirk left this slash encoded once less than the others.
            decoded = decoded.replace("/", "%2F")
            marked = marked or name in SLASH_QUIRK_FIELDS
        return name, decoded, percent_decode(decoded), marked, _MISSPELT.search(decoded) is not None
    except FormError as error:
        raise EnvelopeContentError("The payload holds no form.", reason=f"{raw_name[:64]}: {error.message}") from error


def _check_size(plaintext: str, values: dict[str, str]) -> None:
    if len(plaintext) <= MAX_PLAINTEXT:
        return
    octets = sum(len(name) + len(value.encode()) + 2 for name, value in values.items())
    if octets > MAX_PLAINTEXT:
        raise EnvelopeTooLarge("The payload is too large.", name="payload")
