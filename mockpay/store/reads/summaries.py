"""What lists tell beside their rows, by one query for a whole page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from mockpay.store.notification_tries import tries
from mockpay.store.unit_of_work import Sandbox


@dataclass(frozen=True, slots=True)
class TryLine:
    """A try to deliver a notification without what was sent and answered."""

    number: int
    at: int
    status: int | None
    latency_ms: int
    reason: str | None


def tries_of(sandbox: Sandbox, notification_ids: Sequence[str]) -> dict[str, list[TryLine]]:
    """The tries of several notifications by notification, the oldest first."""
    query = (
        select(tries.c.notification_id, tries.c.number, tries.c.at, tries.c.status, tries.c.latency_ms, tries.c.reason)
        .where(tries.c.seller_id == sandbox.seller_id)
        .where(tries.c.notification_id.in_(notification_ids))
        .order_by(tries.c.notification_id, tries.c.number)
    )
    found: dict[str, list[TryLine]] = {name: [] for name in notification_ids}
    for name, *line in sandbox.connection.execute(query):
        found[name].append(TryLine(*line))
    return found
