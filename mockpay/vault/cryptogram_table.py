"""Cryptograms: which one-time proofs were given out, kept as digests, each used up once."""

from __future__ import annotations

from sqlalchemy import Index, Table, insert, update

from mockpay.kernel.ids import fingerprint
from mockpay.store.db.metadata import big, metadata, text
from mockpay.store.unit_of_work import Sandbox

cryptograms = Table(
    "cryptograms",
    metadata,
    text("digest", primary_key=True),
    text("seller_id"),
    text("token"),
    big("created_at"),
    big("expires_at"),
    big("used_at", null=True),
    Index("cryptograms_of_seller", "seller_id"),
)


def add(sandbox: Sandbox, cryptogram: str, token: str, expires_at: int) -> None:
    """Note what was given out."""
    row = {
        "digest": fingerprint(cryptogram.encode()),
        "seller_id": sandbox.seller_id,
        "token": token,
        "created_at": sandbox.now,
        "expires_at": expires_at,
    }
    sandbox.connection.execute(insert(cryptograms), row)


def use_up(sandbox: Sandbox, cryptogram: str) -> str | None:
    """The token it was given out for; None where it is unknown, too old or used before."""
    statement = (
        update(cryptograms)
        .where(
            cryptograms.c.digest == fingerprint(cryptogram.encode()),
            cryptograms.c.seller_id == sandbox.seller_id,
            cryptograms.c.used_at.is_(None),
            cryptograms.c.expires_at > sandbox.now,
        )
        .values(used_at=sandbox.now)
        .returning(cryptograms.c.token)
    )
    return sandbox.connection.execute(statement).scalar()
