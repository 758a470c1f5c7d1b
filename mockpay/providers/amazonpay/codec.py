"""Amazon's request to pay, from its form to a `PaymentRequest`; facts in this folder's README."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mockpay.domain.orders import PaymentRequest
from mockpay.domain.return_urls import mismatch
from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Forbidden, Invalid
from mockpay.kernel.money import MINIMUM_MINOR, Money
from mockpay.providers.amazonpay.freshness import staleness
from mockpay.providers.amazonpay.ids import NAME
from mockpay.providers.amazonpay.parameters import missing, quoted, wrong
from mockpay.providers.amazonpay.request_forms import CONTROL
from mockpay.providers.amazonpay.signatures import check_envelope, envelope_warnings
from mockpay.providers.amazonpay.simulation import of_payment
from mockpay.providers.amazonpay.text_limits import check_payment
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.amazonpay import opening
from mockpay.wire.amazonpay.opening import OpenedEnvelope

CURRENCY = "INR"
#: How an amount is written on every wire of Amazon's.
AMOUNT_RULE = "digits, at most ten before the point and two after it, such as 1.00"
_DIGITS = re.compile(r"[0-9]{1,12}")
#: Text fields and the longest that is taken at all; what is published is in `text_limits`.
_LONGEST = {"sellerOrderId": 127, "customInformation": 8192, "sellerNote": 4096, "sellerStoreName": 1024}
#: What a refusal tells the seller again.
_ECHOED = ("sellerOrderId", "customInformation")
#: The fields that clients send; the journal keeps no other names.
FIELDS = frozenset(
    {
        *_LONGEST,
        "orderTotalAmount",
        "orderTotalCurrencyCode",
        "transactionTimeout",
        "isSandbox",
        "sellerId",
        "startTime",
        "AWSAccessKeyId",
        "Signature",
    }
)


def access_key(opened: OpenedEnvelope) -> str:
    """
    Who says that they wrote this.

    Raises:
        Invalid: code ``access_key.missing``.
    """
    if not opened.access_key:
        raise Invalid("AWSAccessKeyId is missing.", code="access_key.missing")
    return storable(opened.access_key)


def storable(text: str) -> str:
    """A name to look for; one that no database could hold becomes one that nothing has."""
    return CONTROL.sub("\ufffd", text)


def known_names(opened: OpenedEnvelope) -> list[str]:
    """Which of the fields that clients send are in the payload."""
    return sorted(FIELDS.intersection(opened.values))


def echoed(opened: OpenedEnvelope, refused: str | None = None) -> dict[str, str]:
    """What of a refused request goes back to the seller: what could have been stored, and not the `refused` field."""
    texts = {name: opened.values.get(name, "") for name in _ECHOED if name != refused}
    return {name: text for name, text in texts.items() if text and _storable(name, text)}


def _storable(name: str, text: str) -> bool:
    return len(text) <= _LONGEST[name] and not CONTROL.search(text)


def check_origin(opened: OpenedEnvelope, seller: Seller, redirect_url: str | None) -> str:
    """
    Everything that must hold before the buyer may be sent anywhere; the URL that is allowed.

    Raises:
        Forbidden: code ``signature.invalid``, ``seller.another`` or ``return_url.not_allowed``.
        Invalid: code ``signature.missing`` or ``return_url.missing``.
    """
    check_caller(opened, seller)
    if not redirect_url:
        raise Invalid("The parameter redirectUrl is missing.", code="return_url.missing")
    difference = mismatch(redirect_url, seller.return_urls)
    if difference is not None:
        message = f"redirectUrl is not one of the seller's return URLs: {difference}."
        allowed = ", ".join(seller.return_urls)
        reason = f"{message} Sent: {quoted(redirect_url, 500)}. Allowed: {allowed}."
        raise Forbidden(message, code="return_url.not_allowed", reason=reason)
    return redirect_url


def check_caller(opened: OpenedEnvelope, seller: Seller) -> None:
    """
    Whether the seller signed this, and speaks for itself.

    Raises:
        Forbidden: code ``signature.invalid`` or ``seller.another``.
        Invalid: code ``signature.missing``.
    """
    if not opened.signature:
        raise Invalid("The payload is not signed.", code="signature.missing")
    check_envelope(seller, opened)
    seller_id = opened.values.get("sellerId", "")
    if seller_id != seller.seller_id:
        raise Forbidden(f"The sellerId {quoted(seller_id)} is not the caller's.", code="seller.another")


def payment_request(sandbox: Sandbox, opened: OpenedEnvelope, payload: str, redirect_url: str) -> PaymentRequest:
    """
    Read a verified request.

    What was sealed anew is a new request, though startTime counts seconds and a shop may
    say the same twice within one: so the digest is the sealed payload's.

    Raises:
        Invalid: with one of the codes of `reasons.FAILURES`, which tells the seller.
    """
    values = opened.values
    _check_texts(values)
    of_payment(values.get("sellerNote"))
    warnings = check_payment(sandbox.seller, values, redirect_url) | envelope_warnings(opened)
    return PaymentRequest(
        provider=NAME,
        seller_order_id=values["sellerOrderId"],
        amount=_amount(values),
        redirect_url=redirect_url,
        digest=ids.fingerprint(payload.encode()),
        live=_live(values),
        stale=staleness(sandbox, "startTime", start_time(values)) is not None,
        custom_information=values.get("customInformation"),
        seller_note=values.get("sellerNote"),
        store_name=values.get("sellerStoreName"),
        timeout_seconds=_timeout(values),
        fields={name: value for name, value in values.items() if name != "Signature"},
        marks=_marks(opened, sandbox.now - start_time(values)),
        warnings=warnings,
    )


def _check_texts(values: Mapping[str, str]) -> None:
    if not values.get("sellerOrderId"):
        raise missing("sellerOrderId", "seller_order_id.invalid")
    for name, longest in _LONGEST.items():
        text = values.get(name, "")
        if not _storable(name, text):
            raise wrong(name, text, f"at most {longest} characters, and no control character", "field.invalid")


def _amount(values: Mapping[str, str]) -> Money:
    currency, text = values.get("orderTotalCurrencyCode", ""), values.get("orderTotalAmount", "")
    if currency != CURRENCY:
        raise wrong("orderTotalCurrencyCode", currency, f"only {CURRENCY}", "currency.unknown")
    try:
        amount = Money.parse(text, CURRENCY)
    except Invalid as error:
        raise wrong("orderTotalAmount", text, AMOUNT_RULE, error.code) from error
    if amount.minor < MINIMUM_MINOR:
        raise wrong("orderTotalAmount", text, "at least 1.00", "amount.too_small")
    return amount


def start_time(values: Mapping[str, str], code: str = "start_time.invalid") -> int:
    """
    When the seller made the request, by its own clock, in ms.

    Raises:
        Invalid: `code`.
    """
    text = values.get("startTime", "")
    if not _DIGITS.fullmatch(text):
        raise wrong("startTime", text, "whole seconds since 1970", code)
    return int(text) * SECOND


def _timeout(values: Mapping[str, str]) -> int | None:
    text = values.get("transactionTimeout", "")
    if not text:
        return None
    if not _DIGITS.fullmatch(text) or int(text) < 1:
        raise wrong("transactionTimeout", text, "whole seconds, at least 1", "timeout.invalid")
    return int(text)


def _live(values: Mapping[str, str]) -> bool:
    text = values.get("isSandbox", "true")
    if text not in {"true", "false", ""}:
        raise wrong("isSandbox", text, "true or false", "is_sandbox.invalid")
    return text == "false"


def _marks(opened: OpenedEnvelope, age_ms: int) -> dict[str, object]:
    """What the way back and the dashboard need to know of how the request was written."""
    return {
        "encoding": str(opening.result_encoding(opened)),
        "iv_bytes": opened.iv_bytes,
        "plaintext_bytes": len(opened.plaintext),
        "double_utf8": opened.double_utf8,
        "node_marks": opened.node_marks,
        "signature": opened.signature,
        "string_to_sign": opened.string_to_sign,
        "start_time_age_seconds": age_ms / SECOND,
    }
