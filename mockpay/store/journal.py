"""The journal: what came in, how it was answered and why; the newest 50,000 rows a seller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Index, Table, delete, select

from mockpay.store.metadata import big, dump, load, metadata, row_id, text
from mockpay.store.prepared import PreparedInsert

journal = Table(
    "journal",
    metadata,
    row_id(),
    text("seller_id"),
    big("at"),
    big("real_at"),
    text("kind"),
    text("outcome"),
    text("reason", null=True),
    text("amazon_order_id", null=True),
    text("facts"),
    Index("journal_of_seller", "seller_id", "id"),
)

#: Rows kept for each seller (contract section 3).
KEPT = 50_000
_SWEEP_EVERY = 500
_insert = PreparedInsert(journal)


def add(
    connection: Connection,
    seller_id: str,
    at: int,
    real_at: int,
    *,
    kind: str,
    outcome: str,
    reason: str | None = None,
    amazon_order_id: str | None = None,
    facts: Mapping[str, object] | None = None,
) -> None:
    """
    Write down one request and its answer, in the transaction of what it changed.

    `outcome` is ``ok`` or an error's code.  `facts` never hold a refused form's values.
    A request that no seller could be found for belongs to the seller ``""``.
    """
    row = {
        "seller_id": seller_id,
        "at": at,
        "real_at": real_at,
        "kind": kind,
        "outcome": outcome,
        "reason": reason,
        "amazon_order_id": amazon_order_id,
        "facts": dump(facts or {}),
    }
    if _insert.number(connection, row) % _SWEEP_EVERY == 0:
        _sweep(connection, seller_id)


def _sweep(connection: Connection, seller_id: str) -> None:
    newest = select(journal.c.id).where(journal.c.seller_id == seller_id)
    oldest_kept = connection.execute(
        newest.order_by(journal.c.id.desc()).limit(1).offset(KEPT)
    ).scalar()
    if oldest_kept is not None:
        mine = journal.c.seller_id == seller_id
        connection.execute(delete(journal).where(mine, journal.c.id <= oldest_kept))


def read(row: Mapping[Any, Any]) -> dict[str, object]:
    """A row as plain values."""
    return {**row, "facts": load(row["facts"])}
