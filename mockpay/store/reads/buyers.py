"""Read-only lists about buyers: who came by, and how their balance moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from mockpay.domain.buyers import Buyer
from mockpay.domain.wallet.ledger import JournalType, Kind
from mockpay.kernel.money import Money
from mockpay.store.buyers import buyers, mapper
from mockpay.store.db.paging import PAGE, Page, mark_of, number_of, page_of
from mockpay.store.unit_of_work import Sandbox
from mockpay.store.wallet import accounts, journals, postings


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One posting on an account of a buyer; `amount` is below nought where money went out.

    `number` grows in the order of posting, `after` is what the account then had.
    """

    number: int
    at: int
    type: JournalType
    account: Kind
    amount: Money
    after: Money
    attempt_id: str | None


def buyers_page(sandbox: Sandbox, *, after: str | None = None, limit: int = PAGE) -> Page[Buyer]:
    """
    Buyers who came by, by their e-mail.

    Raises:
        Invalid: code ``cursor.invalid``.
    """
    query = select(buyers).where(buyers.c.seller_id == sandbox.seller_id).order_by(buyers.c.email)
    if after:
        query = query.where(buyers.c.email > mark_of("buyer", after))
    rows = mapper.all(sandbox.connection, query.limit(limit + 1))
    return page_of("buyer", rows, limit, lambda buyer: buyer.email)


def wallet_entries(sandbox: Sandbox, owner: str, *, after: str | None = None, limit: int = PAGE) -> Page[Entry]:
    """
    What was posted on a buyer's accounts, the newest first.

    Raises:
        Invalid: code ``cursor.invalid``.
    """
    query = (
        select(
            postings.c.id,
            journals.c.posted_at,
            journals.c.type,
            accounts.c.kind,
            postings.c.amount_minor,
            postings.c.balance_after_minor,
            journals.c.currency,
            journals.c.attempt_id,
        )
        .join_from(postings, accounts, accounts.c.id == postings.c.account_id)
        .join(journals, journals.c.id == postings.c.journal_id)
        .where(accounts.c.seller_id == sandbox.seller_id, accounts.c.owner == owner)
        .order_by(postings.c.id.desc())
    )
    if after:
        query = query.where(postings.c.id < number_of("wallet", after))
    rows = sandbox.connection.execute(query.limit(limit + 1)).mappings()
    entries = [_entry(row) for row in rows]
    return page_of("wallet", entries, limit, lambda entry: entry.number)


def _entry(row: Mapping[Any, Any]) -> Entry:
    return Entry(
        number=row["id"],
        at=row["posted_at"],
        type=JournalType(row["type"]),
        account=Kind(row["kind"]),
        amount=Money(row["amount_minor"], row["currency"]),
        after=Money(row["balance_after_minor"], row["currency"]),
        attempt_id=row["attempt_id"],
    )
