"""
SignatureVersion 2: how each client family encodes, the string that is signed, the HMAC over it, the comparison.

``VERB\\nhost\\npath\\nk=v&k=v`` with the parameters in byte order of their names and each
value percent-encoded once; HMAC-SHA256 with the seller's secret, in base64.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import quote_plus

from mockpay.wire.forms import encode_utf8, percent_encode

# --- client families


#: What Node's encodeURIComponent leaves bare beyond RFC 3986's unreserved set.
NODE_MARKS = "!'()*"

#: The two fields in which the Node client turns the first ``%2F`` into a slash, each time before it encodes.
SLASH_QUIRK_FIELDS = frozenset({"sellerNote", "sellerStoreName"})


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
        if self in _DOUBLE_UTF8:
            text = encode_utf8(text).decode("latin-1")
        return percent_encode(text, safe=NODE_MARKS if self in _JAVASCRIPT_SETS else "")


_DOUBLE_UTF8 = frozenset({Encoding.PHP, Encoding.NODE})
_JAVASCRIPT_SETS = frozenset({Encoding.NODE, Encoding.JAVASCRIPT})


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


class Flavour(StrEnum):
    """Which client family writes: they differ in IV, percent encoding and one quirk."""

    NODE = "node"
    PHP = "php"

    @property
    def iv_bytes(self) -> int:
        """The length of the AES-GCM nonce: Node (and Java) 12, every PHP copy 16."""
        return 12 if self is Flavour.NODE else 16

    @property
    def encoding(self) -> Encoding:
        """How this client percent-encodes a value."""
        return Encoding.NODE if self is Flavour.NODE else Encoding.PHP

    def encode_field(self, name: str, value: str) -> str:
        """Encode a field's value once, as this client does it, quirk included."""
        if self is Flavour.NODE and name in SLASH_QUIRK_FIELDS:
            value = value.replace("%2F", "/", 1)
        return self.encoding.percent_encode(value)

    def encode_url(self, url: str) -> str:
        """Encode redirectUrl: PHP's urlencode (a space is ``+``), or Node's encoding."""
        if self is Flavour.NODE:
            return self.encoding.percent_encode(url)
        return quote_plus(url, errors="replace").replace("~", "%7E")


# --- signatures


#: What both client families sign over for envelopes and results, whatever URL they use.
VERB, HOST, PATH = "POST", "amazonpay.amazon.in", "/"

#: Signed over, never sent inside an envelope or a result.
SIGNATURE_FIELDS = {"SignatureMethod": "HmacSHA256", "SignatureVersion": "2"}


def string_to_sign(verb: str, host: str, path: str, encoded_params: Mapping[str, str]) -> str:
    """Write the canonical string; values must be encoded already and are taken as they are."""
    query = "&".join([f"{name}={value}" for name, value in sorted(encoded_params.items())])
    return f"{verb}\n{host}\n{path}\n{query}"


def sign(secret: str, text: str) -> str:
    """HMAC-SHA256 in base64."""
    mac = hmac.digest(_octets(secret), _octets(text), "sha256")
    return base64.b64encode(mac).decode("ascii")


def matches(signature: str, expected: str) -> bool:
    """Compare two signatures in constant time; any text is allowed."""
    return hmac.compare_digest(_octets(signature), _octets(expected))


def request_string(encoded: Mapping[str, str]) -> str:
    """What is signed for an envelope: all its fields but the signature, plus the two constants."""
    return string_to_sign(VERB, HOST, PATH, SIGNATURE_FIELDS | _without(encoded, "Signature"))


def result_string(fields: Mapping[str, str], access_key: str, encoding: Encoding) -> str:
    """What is signed for a result: the parameters sent back, but the signature."""
    encoded = {n: encoding.percent_encode(v) for n, v in _without(fields, "signature").items()}
    encoded["AWSAccessKeyId"] = access_key
    return string_to_sign(VERB, HOST, PATH, SIGNATURE_FIELDS | encoded)


def sign_result(fields: Mapping[str, str], access_key: str, secret: str, encoding: Encoding) -> str:
    """
    Sign what goes back to the merchant: redirect parameters or a chargeStatus response.

    Raises:
        FormError: code ``form.unencodable``: a value holds a lone surrogate.
    """
    return sign(secret, result_string(fields, access_key, encoding))


def _without(fields: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in fields.items() if key != name}


def _octets(text: str) -> bytes:
    return text.encode(errors="replace")
