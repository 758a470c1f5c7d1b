"""An order as Razorpay's API answers it, for whoever looks at it in the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockpay.domain.orders import Order
from mockpay.domain.providers import CompanyObject
from mockpay.providers.razorpay import objects
from mockpay.store import attempts, refunds
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.razorpay import answers
from mockpay.wire.redaction import redact


def order_objects(sandbox: Sandbox, order: Order) -> list[CompanyObject]:
    """The payment link where there is one, the order, its payments and their refunds."""
    link = [("payment_links", objects.link_body(sandbox, order))] if objects.marks_of(order).get("link") else []
    tries = attempts.of_order(sandbox, order.order_pk)
    payments = [objects.payment_body(objects.payment_of(sandbox, order, attempt), card=True) for attempt in tries]
    bodies: list[tuple[str, Mapping[str, Any]]] = [
        *link,
        ("orders", objects.order_body(order, objects.captured_of(sandbox, order))),
        *(("payments", payment) for payment in payments),
        *(("refunds", objects.refund_body(refund)) for refund in refunds.of_order(sandbox, order.order_pk)),
    ]
    return [CompanyObject(f"GET /v1/{path}/{body['id']}", _text(body)) for path, body in bodies]


def _text(body: Mapping[str, Any]) -> str:
    """Without what is secret or about the buyer; what the seller has written to it itself stays."""
    shown = {**redact(body, answers.SHOWN), "notes": body["notes"]}
    return msgspec.json.encode(shown).decode()
