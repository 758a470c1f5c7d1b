"""Every try to deliver a notification, as sent and as answered; the newest 50,000 a seller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Index, Table, UniqueConstraint, select

from mockpay.domain.notifications import Try
from mockpay.store.db.metadata import big, dump, load, metadata, row_id, text
from mockpay.store.db.prepared import PreparedInsert
from mockpay.store.db.retention import keep_newest
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

_insert = PreparedInsert(tries)


def add(sandbox: Sandbox, notification_id: str, one: Try) -> None:
    """Write down a try."""
    row = {
        "seller_id": sandbox.seller_id,
        "notification_id": notification_id,
        "number": one.number,
        "at": one.at,
        "url": one.url,
        "headers": dump(one.headers),
        "body": one.body,
        "signed": one.signed,
        "status": one.status,
        "answer": one.answer,
        "latency_ms": one.latency_ms,
        "reason": one.reason,
    }
    number = _insert.number(sandbox.connection, row)
    keep_newest(sandbox.connection, tries, sandbox.seller_id, number)


def of_notification(sandbox: Sandbox, notification_id: str) -> list[Try]:
    """Every try of a delivery that is still kept, the oldest first."""
    query = (
        select(tries)
        .where(tries.c.notification_id == notification_id, tries.c.seller_id == sandbox.seller_id)
        .order_by(tries.c.number)
    )
    return [_try(row) for row in sandbox.connection.execute(query).mappings()]


def _try(row: Mapping[Any, Any]) -> Try:
    return Try(
        number=row["number"],
        at=row["at"],
        url=row["url"],
        headers=load(row["headers"]),
        body=row["body"],
        signed=row["signed"],
        status=row["status"],
        answer=row["answer"],
        latency_ms=row["latency_ms"],
        reason=row["reason"],
    )
