"""Small counters of a world, for what a scenario does to the first so many calls."""

from __future__ import annotations

from sqlalchemy import Table, bindparam, delete, insert, literal_column, select, update

from mockpay.domain.throttling import Bucket
from mockpay.store.db.mapping import Prepared, insert_new
from mockpay.store.db.metadata import big, metadata, text
from mockpay.store.unit_of_work import Sandbox

counters = Table(
    "counters", metadata, text("seller_id", primary_key=True), text("name", primary_key=True), big("count")
)

#: One statement, for it stands on the path of every object that a company counts.
_bump = Prepared(
    insert(counters)
    .inline()
    .values(seller_id=bindparam("seller_id"), name=bindparam("name"), count=literal_column("1")),
    "ON CONFLICT (seller_id, name) DO UPDATE SET count = counters.count + 1 RETURNING count",
)


def bump(sandbox: Sandbox, name: str) -> int:
    """Count one more of `name`; how many there are now."""
    return int(_bump.scalar(sandbox.connection, {"seller_id": sandbox.seller_id, "name": name}))


def forget(sandbox: Sandbox, name: str) -> None:
    """Begin to count `name` from nought."""
    sandbox.connection.execute(
        delete(counters).where(counters.c.seller_id == sandbox.seller_id, counters.c.name == name)
    )


def count(sandbox: Sandbox, name: str) -> int:
    """How often `name` was counted so far."""
    query = select(counters.c.count).where(counters.c.seller_id == sandbox.seller_id, counters.c.name == name)
    return int(sandbox.connection.execute(query).scalar() or 0)


buckets = Table(
    "buckets",
    metadata,
    text("seller_id", primary_key=True),
    text("operation", primary_key=True),
    big("milli_tokens"),
    big("at"),
    big("real_at"),
)


def find(sandbox: Sandbox, operation: str) -> Bucket | None:
    """The bucket as it was left; None where nobody has taken from it."""
    query = select(buckets.c.milli_tokens, buckets.c.at, buckets.c.real_at).where(
        buckets.c.seller_id == sandbox.seller_id, buckets.c.operation == operation
    )
    row = sandbox.connection.execute(query).first()
    return None if row is None else Bucket(row.milli_tokens, row.at, row.real_at)


def save(sandbox: Sandbox, operation: str, bucket: Bucket) -> None:
    """Keep what is left; a world has one writer, so nobody has taken from it meanwhile."""
    values = {"milli_tokens": bucket.milli_tokens, "at": bucket.at, "real_at": bucket.real_at}
    key = {"seller_id": sandbox.seller_id, "operation": operation}
    if insert_new(sandbox.connection, buckets, {**key, **values}):
        return
    sandbox.connection.execute(
        update(buckets).where(buckets.c.seller_id == sandbox.seller_id, buckets.c.operation == operation).values(values)
    )
