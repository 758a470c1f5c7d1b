"""What Razorpay answers: orders, payments, refunds, lists of them, and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from mockpay.kernel.errors import Invalid

#: The comment of a refund that nobody asked for.
BY_ITSELF = "Auto-refund of a payment that was not captured"
BAD_REQUEST, GATEWAY, SERVER = "BAD_REQUEST_ERROR", "GATEWAY_ERROR", "SERVER_ERROR"


class ApiError(Struct, frozen=True):
    """The `error` of an answer; `reason`, `source` and `step` say of a declined payment who refused it and why."""

    code: str
    description: str
    reason: str = "NA"
    source: str = "NA"
    step: str = "NA"
    field: str | None = None
    order_id: str | None = None
    payment_id: str | None = None


def error_body(error: ApiError) -> dict[str, Any]:
    """An error as it is answered."""
    metadata = {"payment_id": error.payment_id, "order_id": error.order_id}
    body: dict[str, Any] = {
        "code": error.code,
        "description": error.description,
        "source": error.source,
        "step": error.step,
        "reason": error.reason,
        "metadata": {name: value for name, value in metadata.items() if value is not None},
    }
    return {"error": body if error.field is None else {**body, "field": error.field}}


def order_body(
    order_id: str, amount: int, currency: str, receipt: str | None, *, paid: int, attempts: int, created_at: int
) -> dict[str, Any]:
    """An order; instants in seconds."""
    status = "paid" if paid else "attempted" if attempts else "created"
    return {
        "id": order_id,
        "entity": "order",
        "amount": amount,
        "amount_paid": paid,
        "amount_due": amount - paid,
        "currency": currency,
        "receipt": receipt,
        "offer_id": None,
        "status": status,
        "attempts": attempts,
        "notes": [],
        "created_at": created_at,
    }


def payment_body(
    payment_id: str,
    order_id: str,
    amount: int,
    currency: str,
    status: str,
    *,
    instrument: Mapping[str, Any],
    refunded: int,
    created_at: int,
    error: ApiError | None = None,
    acquirer: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """A payment; `instrument` has the method and how it is shown, never a full number."""
    whole = {"refunded": "full", "captured": "partial" if refunded else None}
    return {
        "id": payment_id,
        "entity": "payment",
        "amount": amount,
        "currency": currency,
        "status": status,
        "order_id": order_id,
        "invoice_id": None,
        "international": False,
        "method": None,
        "amount_refunded": refunded,
        "refund_status": whole.get(status),
        "captured": status in {"captured", "refunded"},
        "description": None,
        "card_id": None,
        "bank": None,
        "wallet": None,
        "vpa": None,
        "email": None,
        "contact": None,
        "notes": [],
        "fee": None,
        "tax": None,
        "error_code": error.code if error else None,
        "error_description": error.description if error else None,
        "error_source": error.source if error else None,
        "error_step": error.step if error else None,
        "error_reason": error.reason if error else None,
        "acquirer_data": dict(acquirer or {}),
        "created_at": created_at,
        **instrument,
    }


def refund_body(
    refund_id: str, payment_id: str, amount: int, currency: str, status: str, receipt: str | None, created_at: int
) -> dict[str, Any]:
    """A refund."""
    return {
        "id": refund_id,
        "entity": "refund",
        "amount": amount,
        "currency": currency,
        "payment_id": payment_id,
        "notes": [],
        "receipt": receipt,
        "acquirer_data": {"arn": None},
        "created_at": created_at,
        "batch_id": None,
        "status": status,
        "speed_processed": "normal",
        "speed_requested": "normal",
    }


def collection_body(items: Sequence[Any]) -> dict[str, Any]:
    """A list; it has no cursor."""
    return {"entity": "collection", "count": len(items), "items": list(items)}


# --- reading


def read_error(plain: Mapping[str, Any]) -> ApiError | None:
    """The error of an answer; None where it has none."""
    error = plain.get("error")
    if not isinstance(error, Mapping):
        return None
    about = error.get("metadata")
    metadata: Mapping[str, Any] = about if isinstance(about, Mapping) else {}
    return ApiError(
        _text(error.get("code")) or "",
        _text(error.get("description")) or "",
        _text(error.get("reason")) or "NA",
        _text(error.get("source")) or "NA",
        _text(error.get("step")) or "NA",
        _text(error.get("field")),
        _text(metadata.get("order_id")),
        _text(metadata.get("payment_id")),
    )


def read_payment_error(payment: Mapping[str, Any]) -> ApiError:
    """The error that a failed payment tells of itself."""
    parts = [_text(payment.get(f"error_{name}")) for name in ("code", "description", "reason", "source", "step")]
    code, description, reason, source, step = (part or "NA" for part in parts)
    return ApiError(code, description, reason, source, step, None, None, _text(payment.get("id")))


def read_items(plain: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """
    The objects of a list.

    Raises:
        Invalid: code ``answer.malformed``.
    """
    items = plain.get("items")
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise Invalid("The answer is no list.", code="answer.malformed")
    return items


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


#: What of an answer may be stored.
SHOWN = frozenset(
    "id entity amount amount_paid amount_due amount_refunded currency receipt status attempts order_id payment_id"
    " method bank refund_status error_code error_source error_step error_reason error_description code"
    " description reason source step field rrn auth_code arn created_at count last4 network type issuer"
    " speed_processed speed_requested razorpay_payment_id razorpay_order_id event account_id contains action".split()
)
SHOWN_HEADERS = frozenset({"content-type", "retry-after", "x-razorpay-event-id"})
