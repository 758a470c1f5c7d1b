"""The two client families of Amazon Pay India, and the percent encodings that they use."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import quote_plus

from mockpay.wire.forms import encode_utf8, percent_encode

#: What Node's encodeURIComponent leaves bare beyond RFC 3986's unreserved set.
NODE_MARKS = "!'()*"

#: The two fields in which the Node client turns the first ``%2F`` into a slash, each time
#: before it encodes.
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
