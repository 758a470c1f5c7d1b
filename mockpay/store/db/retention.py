"""Keeping the newest rows of a log, each seller's for itself."""

from __future__ import annotations

from sqlalchemy import Connection, Table, delete, select

#: Rows that a log keeps of each seller (contract section 3).
MOST_ROWS = 50_000
#: How many rows come before somebody looks again.
_EVERY = 500


def keep_newest(connection: Connection, table: Table, seller_id: str, number: int) -> None:
    """Now and then, after the row of this number was stored, delete all but the newest."""
    if number % _EVERY:
        return
    mine = table.c.seller_id == seller_id
    newest = select(table.c.id).where(mine).order_by(table.c.id.desc())
    oldest_kept = connection.execute(newest.limit(1).offset(MOST_ROWS)).scalar()
    if oldest_kept is not None:
        connection.execute(delete(table).where(mine, table.c.id <= oldest_kept))
