"""Small counters of a world, for what a scenario does to the first so many calls."""

from __future__ import annotations

from sqlalchemy import Table, select, update

from mockpay.store.db.metadata import big, metadata, text
from mockpay.store.db.prepared import insert_new
from mockpay.store.unit_of_work import Sandbox

counters = Table(
    "counters", metadata, text("seller_id", primary_key=True), text("name", primary_key=True), big("count")
)


def bump(sandbox: Sandbox, name: str) -> int:
    """Count one more of `name`; how many there are now."""
    row = {"seller_id": sandbox.seller_id, "name": name, "count": 0}
    insert_new(sandbox.connection, counters, row)
    statement = (
        update(counters)
        .where(counters.c.seller_id == sandbox.seller_id, counters.c.name == name)
        .values(count=counters.c.count + 1)
        .returning(counters.c.count)
    )
    return int(sandbox.connection.execute(statement).scalar_one())


def count(sandbox: Sandbox, name: str) -> int:
    """How often `name` was counted so far."""
    query = select(counters.c.count).where(counters.c.seller_id == sandbox.seller_id, counters.c.name == name)
    return int(sandbox.connection.execute(query).scalar() or 0)
