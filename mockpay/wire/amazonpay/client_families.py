"""The two client families of Amazon Pay India, and what tells them apart on the wire."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import quote_plus

from mockpay.wire.forms import Encoding

#: The two fields in which the Node client turns the first ``%2F`` into a slash, each time
#: before it encodes.
SLASH_QUIRK_FIELDS = frozenset({"sellerNote", "sellerStoreName"})


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
