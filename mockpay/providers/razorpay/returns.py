"""The way back: what the buyer's browser posts to the shop's callback, or the page of one who gave up."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState, Stage
from mockpay.domain.sellers import Seller
from mockpay.providers.razorpay import objects
from mockpay.providers.razorpay.credentials import credentials
from mockpay.providers.razorpay.outcomes import error_of_attempt
from mockpay.wire.faults import change_first, change_last
from mockpay.wire.razorpay import signatures
from mockpay.wire.razorpay.answers import BAD_REQUEST, ApiError

_LEFT = "Your payment has been cancelled. Try again or complete the payment later."
_WAITS = "Your payment is being processed by the bank. You will be told of its result."


def return_url(seller: Seller, order: Order, attempt: Attempt | None) -> str:
    """The callback; the page for a buyer who gave up, where there is one; a link's own callback, signed."""
    marks = objects.marks_of(order)
    if link := marks.get("link"):
        url = str(marks.get("callback_url") or _own_page(order))
        signed = marks.get("callback_url") and _succeeded(order, attempt)
        fields = _link_fields(seller, attempt, link) if signed else {}
        return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}" if fields else url
    if _gave_up(order, attempt) and marks.get("cancel_url"):
        return str(marks["cancel_url"])
    return order.redirect_url or _own_page(order)


def _own_page(order: Order) -> str:
    """Where a buyer stays whom nobody waits for."""
    return f"/pay/{order.page_token}/result"


def return_fields(seller: Seller, order: Order, attempt: Attempt | None) -> Mapping[str, str] | None:
    """The ids with their signature, or the error; None where the buyer only goes back."""
    marks = objects.marks_of(order)
    if marks.get("link") or not order.redirect_url or (_gave_up(order, attempt) and marks.get("cancel_url")):
        return None
    if attempt is None or not _succeeded(order, attempt):
        return _error_fields(order, attempt)
    secret = credentials(seller)["key_secret"]
    fields = {
        "razorpay_payment_id": attempt.attempt_id,
        "razorpay_order_id": order.order_id,
        "razorpay_signature": signatures.payment_signature(secret, order.order_id, attempt.attempt_id),
    }
    return _with_fault(fields, "razorpay_order_id", _fault(attempt))


def _link_fields(seller: Seller, attempt: Attempt | None, link: Mapping[str, str]) -> dict[str, str]:
    """What a payment link's callback is told of its payment."""
    payment_id = attempt.attempt_id if attempt is not None else ""
    reference, status = link.get("reference_id") or "", "paid"
    secret = credentials(seller)["key_secret"]
    fields = {
        "razorpay_payment_id": payment_id,
        "razorpay_payment_link_id": link["id"],
        "razorpay_payment_link_reference_id": reference,
        "razorpay_payment_link_status": status,
        "razorpay_signature": signatures.link_signature(secret, link["id"], reference, status, payment_id),
    }
    return _with_fault(fields, "razorpay_payment_link_id", _fault(attempt))


def _succeeded(order: Order, attempt: Attempt | None) -> bool:
    told_as_failure = _fault(attempt) == "failure_though_captured"
    return (order.state in PAID or order.state is OrderState.AUTHORIZED) and not told_as_failure


def _gave_up(order: Order, attempt: Attempt | None) -> bool:
    """Whether the buyer left without a try, or in the middle of one."""
    return order.open and (attempt is None or attempt.state is AttemptState.CANCELLED)


def _fault(attempt: Attempt | None) -> str:
    return attempt.plan.at(Stage.REDIRECT).outcome if attempt is not None else "success"


def _error_fields(order: Order, attempt: Attempt | None) -> dict[str, str]:
    error = error_of_attempt(attempt, order.order_id) if attempt is not None else None
    if error is None:
        waits = attempt is not None
        reason = "payment_pending" if waits else "payment_cancelled"
        error = ApiError(
            BAD_REQUEST,
            _WAITS if waits else _LEFT,
            reason,
            "customer",
            "payment_authentication",
            None,
            order.order_id,
            attempt.attempt_id if attempt is not None else None,
        )
    about = {name: value for name, value in (("payment_id", error.payment_id), ("order_id", error.order_id)) if value}
    parts = {
        "code": error.code,
        "description": error.description,
        "source": error.source,
        "step": error.step,
        "reason": error.reason,
        "metadata": msgspec.json.encode(about).decode(),
    }
    return {f"error[{name}]": value for name, value in parts.items()}


def _with_fault(fields: dict[str, str], named: str, fault: str) -> dict[str, str]:
    """What a fault of the redirect stage does to a result that was signed already."""
    if fault == "bad_signature":
        fields["razorpay_signature"] = change_first(fields["razorpay_signature"])
    elif fault == "missing_field":
        del fields["razorpay_signature"]
    elif fault == "order_changed":
        fields[named] = change_last(fields[named])
    return fields
