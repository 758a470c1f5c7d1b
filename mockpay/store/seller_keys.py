"""By which keys a company's calls say whose they are: digests, for some keys are secrets."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Index, Table, bindparam, delete, insert, select

from mockpay.kernel import ids
from mockpay.store.db.mapping import Prepared
from mockpay.store.db.metadata import SETTINGS, metadata, text

seller_keys = Table(
    "seller_keys",
    metadata,
    text("digest", primary_key=True),
    text("seller_id"),
    Index("seller_keys_of_seller", "seller_id"),
    info=SETTINGS,
)
_owner = Prepared(select(seller_keys.c.seller_id).where(seller_keys.c.digest == bindparam("digest")))


def _digest(provider: str, key: str) -> str:
    return ids.fingerprint(f"{provider} {key}".encode())


def add(connection: Connection, seller_id: str, keys: Iterable[tuple[str, str]]) -> None:
    """Keep the keys of a new seller, each with its company's name."""
    rows = [{"digest": _digest(provider, key), "seller_id": seller_id} for provider, key in keys]
    if rows:
        connection.execute(insert(seller_keys), rows)


def find_seller(connection: Connection, provider: str, key: str) -> str | None:
    """The id of the seller that has a key; None where nobody has."""
    row = _owner.row(connection, {"digest": _digest(provider, key)})
    return None if row is None else str(row[0])


def remove(connection: Connection, seller_id: str) -> None:
    """Forget all keys of a seller."""
    connection.execute(delete(seller_keys).where(seller_keys.c.seller_id == seller_id))
