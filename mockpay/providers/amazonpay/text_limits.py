"""
How long texts may be, as Amazon publishes it, for those that the sandbox takes longer.

India publishes none of its own: the name of a store is limited to 50 characters by the error that Amazon answers
(woocommerce-gateway-amazon-pay, issue 138), a note to 1024 and the reasons of a cancellation and a closure to 1024 by
the pages of OrderReferenceDetails, CancelOrderReference and CloseOrderReference, customInformation to 4096 by the API
reference of version 2 (from memory). A URL of more than 8 KB is refused by nginx and Apache as they are installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from mockpay.domain.sellers import Seller
from mockpay.kernel.errors import Invalid

_PUBLISHED: Mapping[str, int] = {
    "sellerStoreName": 50,
    "sellerNote": 1_024,
    "customInformation": 4_096,
    "CancelationReason": 1_024,
    "ClosureReason": 1_024,
}
#: The longest way back to the seller, and what its parameters but customInformation need at most.
_LONGEST_URL, _OTHER_PARAMETERS = 8_192, 512
#: An octet is three characters at most.
_ENCODED = 3


def check_texts(seller: Seller, values: Mapping[str, str]) -> dict[str, str]:
    """
    By field, a sentence on each text that is longer than published.

    Raises:
        Invalid: code ``field.invalid``: the seller's setting refuses them.
    """
    return _checked(seller, dict(_long_texts(values)))


def check_payment(seller: Seller, values: Mapping[str, str], redirect_url: str) -> dict[str, str]:
    """The same for a request to pay, whose customInformation comes back in a URL."""
    warnings = dict(_long_texts(values))
    length = len(redirect_url) + _OTHER_PARAMETERS
    custom = values.get("customInformation", "")
    if length + _ENCODED * len(custom.encode(errors="replace")) > _LONGEST_URL:
        length += len(quote(custom, safe="", errors="replace"))
        if length > _LONGEST_URL:
            long_url = f"customInformation makes a return URL of {length} characters; servers take {_LONGEST_URL}."
            warnings["customInformation"] = f"{warnings.get('customInformation', '')} {long_url}".strip()
    return _checked(seller, warnings)


def _long_texts(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, most in _PUBLISHED.items():
        length = len(values.get(name, ""))
        if length > most:
            yield name, f"{name} has {length} characters; Amazon publishes {most} as the most."


def _checked(seller: Seller, warnings: dict[str, str]) -> dict[str, str]:
    if warnings and seller.settings.text_limits == "refuse":
        name, sentence = next(iter(warnings.items()))
        raise Invalid(sentence, code="field.invalid", name=name)
    return warnings
