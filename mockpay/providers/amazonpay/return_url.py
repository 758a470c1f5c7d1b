"""The return to the seller: the ten parameters that a result may have, signed as the seller verifies them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState, Stage
from mockpay.domain.sellers import Seller
from mockpay.domain.timeline import Actor
from mockpay.providers.amazonpay import reasons
from mockpay.providers.amazonpay.reasons import Reason, Status
from mockpay.wire.amazonpay.signing import Encoding, sign_result

_WAITING = frozenset({AttemptState.PENDING, AttemptState.UNKNOWN, AttemptState.PROCESSING})
#: Everything that may stand in a URL as it is; the rest of a redirectUrl is percent-encoded.
_URL_SAFE = "%/:=&?~+!$,;'@()*[]-._"


def return_url(seller: Seller, order: Order, last: Attempt | None) -> str:
    """The seller's URL with the signed result; the attempt's plan may ask for a fault in it."""
    fields = _fields(order, *outcome(order, last))
    fault = last.plan.at(Stage.REDIRECT).outcome if last else "success"
    if fault == "failure_though_captured" and order.state in PAID:
        fields = _fields(order, Status.FAILURE, reasons.failure("told_as_failure"))
    params = signed(seller, fields, encoding_of(seller, order.request))
    return _url(seller, order.redirect_url, _with_fault(params, fault))


def refusal_url(
    seller: Seller, redirect_url: str, refused: Reason, values: Mapping[str, str], encoding: Encoding
) -> str:
    """The signed FAILURE for a request that opened no order; `values` go back with it."""
    fields = {"status": str(Status.FAILURE), "reasonCode": refused.code, "description": refused.description}
    return _url(seller, redirect_url, signed(seller, {**fields, **values}, encoding))


def outcome(order: Order, last: Attempt | None) -> tuple[Status, Reason]:
    """How an order stands, in the result's words; cancel and expiry are FAILURE."""
    if order.state in PAID:
        return Status.SUCCESS, reasons.SUCCESS
    if order.state is OrderState.AUTHORIZED or (order.open and last is not None and last.state in _WAITING):
        return Status.PENDING, reasons.PENDING
    if order.state is OrderState.CANCELLED and order.cancelled_by not in {None, Actor.BUYER}:
        return Status.FAILURE, reasons.failure("cancelled_by_seller")
    return Status.FAILURE, reasons.failure(order.reason or (last.reason if last else None))


def _fields(order: Order, status: Status, reason: Reason) -> dict[str, str]:
    fields = {
        "status": str(status),
        "reasonCode": reason.code,
        "description": reason.description,
        "amazonOrderId": order.order_id,
        "sellerOrderId": order.seller_order_id,
        "orderTotalAmount": order.amount.wire(),
        "orderTotalCurrencyCode": order.amount.currency,
        "transactionDate": str(order.updated_at),
    }
    if order.custom_information is not None:
        fields["customInformation"] = order.custom_information
    return fields


def encoding_of(seller: Seller, request: Mapping[str, object]) -> Encoding:
    """In which encoding the seller's client verifies: its setting, else as it wrote itself."""
    encoding: str = seller.settings.result_encoding
    marks = request.get("marks")
    if encoding == "auto":
        encoding = str(marks.get("encoding", Encoding.PHP)) if isinstance(marks, dict) else "php"
    return Encoding(encoding)


def signed(seller: Seller, fields: Mapping[str, str], encoding: Encoding) -> dict[str, str]:
    """The fields with their signature."""
    signature = sign_result(fields, seller.access_key, seller.secret_key, encoding)
    return {**fields, "signature": signature}


def _with_fault(params: dict[str, str], fault: str) -> dict[str, str]:
    """What a fault of the redirect stage does to a result that was signed already."""
    if fault == "bad_signature":
        first = params["signature"][0]
        params["signature"] = ("B" if first == "A" else "A") + params["signature"][1:]
    elif fault == "missing_field":
        del params["reasonCode"]
    elif fault == "amount_changed":
        params["orderTotalAmount"] = "1.00"
    elif fault == "order_changed":
        params["amazonOrderId"] = "S04-0000000-0000000"
    return params


def _url(seller: Seller, redirect_url: str, params: Mapping[str, str]) -> str:
    if seller.settings.send_seller_id:
        params = {**params, "sellerId": seller.seller_id}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in params.items())
    url = _ascii(redirect_url)
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _ascii(url: str) -> str:
    """A URL as a header can hold it: the host in Punycode, the rest percent-encoded."""
    netloc = urlsplit(url).netloc
    if not netloc.isascii():
        url = url.replace(netloc, netloc.encode("idna").decode("ascii"), 1)
    return quote(url, safe=_URL_SAFE)
