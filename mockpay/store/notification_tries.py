"""Every try to deliver a notification, as sent and as answered; the newest 50,000 a seller."""

from __future__ import annotations

from sqlalchemy import Index, Table, UniqueConstraint, select

from mockpay.domain.notifications import Try
from mockpay.store.db.mapping import Mapper, insert_row, keep_newest
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.unit_of_work import Sandbox

tries = Table(
    "notification_tries",
    metadata,
    row_id(),
    text("seller_id"),
    text("notification_id"),
    big("number"),
    big("at"),
    text("url"),
    text("headers"),
    text("body"),
    text("signed"),
    big("status", null=True),
    text("answer"),
    big("latency_ms"),
    text("reason", null=True),
    UniqueConstraint("notification_id", "number"),
    Index("notification_tries_of_seller", "seller_id", "id"),
)

mapper = Mapper(Try, tries)


def add(sandbox: Sandbox, notification_id: str, attempted: Try) -> None:
    """Write down a try."""
    row = {**mapper.dump(attempted), "seller_id": sandbox.seller_id, "notification_id": notification_id}
    keep_newest(sandbox.connection, tries, sandbox.seller_id, insert_row(sandbox.connection, tries, row))


def of_notification(sandbox: Sandbox, notification_id: str) -> list[Try]:
    """Every try of a delivery that is still stored, the oldest first."""
    query = (
        select(tries)
        .where(tries.c.notification_id == notification_id, tries.c.seller_id == sandbox.seller_id)
        .order_by(tries.c.number)
    )
    return mapper.all(sandbox.connection, query)
