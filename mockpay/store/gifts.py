"""Gifts of a wallet: grants with what is left of them, and which journal took how much of which."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import CheckConstraint, Index, Table, bindparam, func, insert, literal_column, select, update

from mockpay.domain.wallet.gifts import Grant
from mockpay.kernel.errors import Conflict
from mockpay.store.db.mapping import Mapper, Prepared, insert_row
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.unit_of_work import Sandbox
from mockpay.store.wallet import journals

grants = Table(
    "gift_grants",
    metadata,
    row_id(),
    text("seller_id"),
    text("owner"),
    big("amount_minor"),
    big("remaining_minor"),
    big("expires_at", null=True),
    CheckConstraint("remaining_minor BETWEEN 0 AND amount_minor", name="gift_grants_never_exceeded"),
    Index("gift_grants_of_owner", "seller_id", "owner"),
)

#: A change of what is left of a grant, in paise, by one journal; in the order of spending.
uses = Table(
    "gift_uses",
    metadata,
    row_id(),
    text("seller_id"),
    big("journal_id"),
    big("grant_id"),
    big("amount_minor"),
    Index("gift_uses_of_journal", "journal_id"),
    Index("gift_uses_of_grant", "grant_id"),
)

mapper = Mapper(Grant, grants, id="grant_id")


def add(sandbox: Sandbox, owner: str, minor: int) -> int:
    """Store a grant of which nothing is there yet: its journal brings it; the grant's number."""
    row = {"seller_id": sandbox.seller_id, "owner": owner, "amount_minor": minor, "remaining_minor": 0}
    return insert_row(sandbox.connection, grants, row)


_listed = Prepared(
    select(grants)
    .where(grants.c.seller_id == bindparam("seller_id"), grants.c.owner == bindparam("owner"))
    .where(grants.c.remaining_minor > literal_column("0"))
    .order_by(grants.c.id)
)


def find(sandbox: Sandbox, grant_id: int) -> Grant | None:
    """A grant of this seller."""
    return mapper.first(sandbox.connection, grants.c.seller_id == sandbox.seller_id, grants.c.id == grant_id)


def owner_of(sandbox: Sandbox, grant_id: int) -> str:
    """Whose grant it is."""
    query = select(grants.c.owner).where(grants.c.seller_id == sandbox.seller_id, grants.c.id == grant_id)
    return str(sandbox.connection.execute(query).scalar_one())


def listed(sandbox: Sandbox, owner: str) -> list[Grant]:
    """A buyer's grants of which something is left."""
    values = {"seller_id": sandbox.seller_id, "owner": owner}
    return [mapper.load(row) for row in _listed.run(sandbox.connection, values).fetchall()]


def use(sandbox: Sandbox, journal_id: int, changes: Mapping[int, int]) -> None:
    """
    Change what is left of grants by a journal, in paise.

    Raises:
        Conflict: code ``wallet.insufficient``: less is left of one.
    """
    for grant_id, change in changes.items():
        after = grants.c.remaining_minor + change
        changed = sandbox.connection.execute(
            update(grants)
            .where(grants.c.seller_id == sandbox.seller_id, grants.c.id == grant_id, after >= 0)
            .values(remaining_minor=after)
        )
        if not changed.rowcount:
            raise Conflict("The gift has been spent.", code="wallet.insufficient")
        row = {"seller_id": sandbox.seller_id, "journal_id": journal_id, "grant_id": grant_id, "amount_minor": change}
        sandbox.connection.execute(insert(uses), row)


def set_expiry(sandbox: Sandbox, grant_id: int, expires_at: int) -> None:
    """Set when a grant expires."""
    sandbox.connection.execute(
        update(grants)
        .where(grants.c.seller_id == sandbox.seller_id, grants.c.id == grant_id)
        .values(expires_at=expires_at)
    )


def used_by(sandbox: Sandbox, journal_id: int) -> dict[int, int]:
    """How a journal changed each grant, in paise."""
    query = select(uses.c.grant_id, uses.c.amount_minor).where(
        uses.c.seller_id == sandbox.seller_id, uses.c.journal_id == journal_id
    )
    return {row.grant_id: row.amount_minor for row in sandbox.connection.execute(query.order_by(uses.c.id))}


def spent_by(sandbox: Sandbox, attempt_id: str) -> dict[int, int]:
    """What an attempt took of each grant and has not come back, in paise, in the order of spending."""
    query = (
        select(uses.c.grant_id, -func.sum(uses.c.amount_minor))
        .join_from(uses, journals, journals.c.id == uses.c.journal_id)
        .where(journals.c.seller_id == sandbox.seller_id, journals.c.attempt_id == attempt_id)
        .group_by(uses.c.grant_id)
        .order_by(func.min(uses.c.id))
    )
    return {grant_id: int(minor) for grant_id, minor in sandbox.connection.execute(query)}
