"""Buyers who came by, and their sessions on the account pages."""

from __future__ import annotations

from sqlalchemy import Index, Table, UniqueConstraint, delete, insert, select

from mockpay.domain.buyers import Buyer
from mockpay.kernel.ids import fingerprint
from mockpay.store.db.mapping import Mapper
from mockpay.store.db.metadata import big, metadata, text
from mockpay.store.unit_of_work import Sandbox

buyers = Table(
    "buyers",
    metadata,
    text("buyer_id", primary_key=True),
    text("seller_id", primary_key=True),
    text("email"),
    big("created_at"),
    UniqueConstraint("seller_id", "email"),
)

mapper = Mapper(Buyer, buyers)

#: Times are real ones: a cookie does not move with the sandbox's clock.
sessions = Table(
    "buyer_sessions",
    metadata,
    text("digest", primary_key=True),
    text("seller_id"),
    text("buyer_id"),
    big("created_real"),
    big("expires_real"),
    Index("buyer_sessions_of_seller", "seller_id", "expires_real"),
)


def add(sandbox: Sandbox, buyer: Buyer) -> bool:
    """Store a buyer; False where this seller knows the buyer already."""
    return mapper.insert_new(sandbox.connection, buyer, created_at=sandbox.now)


def find(sandbox: Sandbox, buyer_id: str) -> Buyer | None:
    """A buyer of this seller who came by."""
    of_seller = buyers.c.seller_id == sandbox.seller_id
    return mapper.first(sandbox.connection, of_seller, buyers.c.buyer_id == buyer_id)


def open_session(sandbox: Sandbox, buyer_id: str, session: str, expires_real: int) -> None:
    """Remember a session by its digest; those that are over are forgotten."""
    over = sessions.c.expires_real <= sandbox.real_now
    sandbox.connection.execute(delete(sessions).where(sessions.c.seller_id == sandbox.seller_id, over))
    row = {
        "digest": fingerprint(session.encode()),
        "seller_id": sandbox.seller_id,
        "buyer_id": buyer_id,
        "created_real": sandbox.real_now,
        "expires_real": expires_real,
    }
    sandbox.connection.execute(insert(sessions), row)


def buyer_of(sandbox: Sandbox, session: str) -> Buyer | None:
    """Whose session it is at this seller; None for anything else."""
    query = select(sessions.c.buyer_id).where(
        sessions.c.digest == fingerprint(session.encode()),
        sessions.c.seller_id == sandbox.seller_id,
        sessions.c.expires_real > sandbox.real_now,
    )
    buyer_id = sandbox.connection.execute(query).scalar()
    return find(sandbox, buyer_id) if buyer_id is not None else None


def close_session(sandbox: Sandbox, session: str) -> None:
    """Forget a session."""
    sandbox.connection.execute(
        delete(sessions).where(
            sessions.c.digest == fingerprint(session.encode()), sessions.c.seller_id == sandbox.seller_id
        )
    )
