"""The journal: what came in, how it was answered and why; the newest 50,000 rows a seller."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Index, Table

from mockpay.store.db.mapping import dump, insert_row, keep_newest
from mockpay.store.db.metadata import big, metadata, row_id, text

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
    text("order_id", null=True),
    text("facts"),
    Index("journal_of_seller", "seller_id", "id"),
)


def add(
    connection: Connection,
    seller_id: str,
    at: int,
    real_at: int,
    *,
    kind: str,
    outcome: str,
    reason: str | None = None,
    order_id: str | None = None,
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
        "order_id": order_id,
        "facts": dump(facts or {}),
    }
    keep_newest(connection, journal, seller_id, insert_row(connection, journal, row))
