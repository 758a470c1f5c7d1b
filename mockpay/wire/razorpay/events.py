"""A webhook's body: an event with the objects that it is about, spelt as PHP writes JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

EVENT_ID, SIGNATURE = "x-razorpay-event-id", "X-Razorpay-Signature"
#: Every event that is sent here.
EVENTS = frozenset(
    {
        "payment.authorized",
        "payment.captured",
        "payment.failed",
        "order.paid",
        "refund.created",
        "refund.processed",
        "refund.failed",
        "refund.speed_changed",
        "payment_link.paid",
        "payment_link.cancelled",
        "payment_link.expired",
    }
)
#: Events of the real service that can be subscribed to and never come, for nothing here makes them.
OTHERS = frozenset(
    {
        "payment.dispute.created",
        "payment.dispute.won",
        "payment.dispute.lost",
        "payment.dispute.closed",
        "payment.downtime.started",
        "payment.downtime.updated",
        "payment.downtime.resolved",
        "payment_link.partially_paid",
        "invoice.paid",
        "invoice.partially_paid",
        "invoice.expired",
        "subscription.activated",
        "subscription.charged",
        "subscription.cancelled",
        "subscription.completed",
        "subscription.halted",
        "subscription.pending",
        "settlement.processed",
        "transfer.processed",
        "virtual_account.credited",
        "token.confirmed",
        "token.rejected",
        "token.cancelled",
    }
)


def body(name: str, account_id: str, objects: Mapping[str, Mapping[str, Any]], created_at: int) -> str:
    """
    The text that is sent and signed.

    Slashes and all that is not ASCII are escaped, so a body that was parsed and written again may differ.

    Args:
        objects: By their kinds: ``payment``, ``order``, ``refund``, ``payment_link``.
        created_at: In s.
    """
    event = {
        "entity": "event",
        "account_id": account_id,
        "event": name,
        "contains": list(objects),
        "payload": {kind: {"entity": entity} for kind, entity in objects.items()},
        "created_at": created_at,
    }
    return dump(event)


def dump(plain: Any) -> str:
    """JSON as PHP writes it."""
    return json.dumps(plain, separators=(",", ":")).replace("/", "\\/")
