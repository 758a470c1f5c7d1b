"""A wallet's history: entries by filters, the newest first, page by page or all of them in turn."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, select, tuple_

from mockpay.domain.orders import Order
from mockpay.domain.wallet.ledger import Direction, Journal, JournalType, Kind
from mockpay.kernel.money import Money
from mockpay.store.attempts import attempts
from mockpay.store.db.paging import PAGE, Page, page_of, pair_of
from mockpay.store.orders import orders
from mockpay.store.reads.lists import orders_of_attempts
from mockpay.store.unit_of_work import Runtime, Sandbox, read
from mockpay.store.wallet import accounts, journals, mapper, postings

_NOUN = "wallet"
#: Entries of a file that are read at a time.
_CHUNK = 1_000
#: Attempts of the orders that a reference names, at most.
_ATTEMPTS = 200


class EntryFilter(Struct, frozen=True):
    """Which entries; `since` counts, `until` does not, `order` is the provider's or the seller's id."""

    type: JournalType | None = None
    direction: Direction | None = None
    since: int | None = None
    until: int | None = None
    order: str | None = None


class Posting(Struct, frozen=True):
    """What a journal changed of one account, and what that then had."""

    account: Kind
    amount: Money
    balance_after: Money


class Entry(Struct, frozen=True):
    """A journal with its postings on all accounts, its order, and the number of the journal that reverses it."""

    journal: Journal
    postings: Sequence[Posting]
    order: Order | None
    reversed_by: int | None


def entries_page(
    sandbox: Sandbox, owner: str, filter_: EntryFilter, after: str | None = None, limit: int = PAGE
) -> Page[Entry]:
    """
    A buyer's entries by the seller's time, the newest first.

    Raises:
        Invalid: code ``cursor.invalid``.
    """
    query = select_entries(sandbox, owner, filter_)
    if after:
        query = query.where(tuple_(journals.c.posted_at, journals.c.id) < pair_of(_NOUN, after))
    found = mapper.all(sandbox.connection, query.limit(limit + 1))
    page = page_of(_NOUN, found, limit, lambda journal: f"{journal.posted_at}.{journal.number}")
    return Page(_with_parts(sandbox, page.items), page.next_cursor)


def select_entries(sandbox: Sandbox, owner: str, filter_: EntryFilter) -> Select[Any]:
    """The query of a filter; each has an index that finds it in the order of the list."""
    query = select(journals).order_by(journals.c.posted_at.desc(), journals.c.id.desc())
    if filter_.order is not None:
        # By the index of attempts: that of the owner would be walked from its newest entry to its oldest.
        query = query.where(journals.c.attempt_id.in_(_attempts_of(sandbox, filter_.order)))
        query = query.where(journals.c.seller_id + "" == sandbox.seller_id, journals.c.owner + "" == owner)
    else:
        query = query.where(journals.c.seller_id == sandbox.seller_id, journals.c.owner == owner)
    if filter_.type is not None:
        query = query.where(journals.c.type == str(filter_.type))
    if filter_.direction is not None:
        query = query.where(journals.c.direction == str(filter_.direction))
    if filter_.since is not None:
        query = query.where(journals.c.posted_at >= filter_.since)
    if filter_.until is not None:
        query = query.where(journals.c.posted_at < filter_.until)
    return query


def _attempts_of(sandbox: Sandbox, reference: str) -> Sequence[str]:
    """The attempts of the orders that a reference names."""
    by_name: ColumnElement[bool] = (orders.c.order_id == reference) | (orders.c.seller_order_id == reference)
    named = (
        select(attempts.c.attempt_id)
        .join(orders, orders.c.id == attempts.c.order_pk)
        .where(orders.c.seller_id == sandbox.seller_id, by_name)
        .limit(_ATTEMPTS)
    )
    return sandbox.connection.execute(named).scalars().all()


def all_entries(runtime: Runtime, seller_id: str, owner: str, filter_: EntryFilter) -> Iterator[Entry]:
    """The same, all of them, read in small transactions while they are sent."""
    cursor = None
    while True:
        with read(runtime, seller_id) as sandbox:
            page = entries_page(sandbox, owner, filter_, cursor, _CHUNK)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def find_entry(sandbox: Sandbox, owner: str, number: int) -> Entry | None:
    """One entry of a buyer."""
    of_buyer = (journals.c.seller_id == sandbox.seller_id, journals.c.owner == owner)
    journal = mapper.first(sandbox.connection, *of_buyer, journals.c.id == number)
    return _with_parts(sandbox, [journal])[0] if journal else None


def entries_of_attempt(sandbox: Sandbox, owner: str, attempt_id: str) -> list[Journal]:
    """All that a payment moved, in the order of posting."""
    query = select(journals).where(journals.c.attempt_id == attempt_id)
    query = query.where(journals.c.seller_id == sandbox.seller_id, journals.c.owner == owner)
    return mapper.all(sandbox.connection, query.order_by(journals.c.id))


def _with_parts(sandbox: Sandbox, found: Sequence[Journal]) -> list[Entry]:
    numbers = [journal.number for journal in found]
    parts = _postings(sandbox, numbers)
    query = select(journals.c.reverses, journals.c.id).where(journals.c.reverses.in_(numbers))
    reversals = {row.reverses: row.id for row in sandbox.connection.execute(query)}
    ordered = orders_of_attempts(sandbox, [journal.attempt_id for journal in found if journal.attempt_id])
    return [
        Entry(
            journal, parts.get(journal.number, []), ordered.get(journal.attempt_id or ""), reversals.get(journal.number)
        )
        for journal in found
    ]


def _postings(sandbox: Sandbox, numbers: Collection[int]) -> dict[int, list[Posting]]:
    query = (
        select(
            postings.c.journal_id,
            accounts.c.kind,
            accounts.c.currency,
            postings.c.amount_minor,
            postings.c.balance_after_minor,
        )
        .join_from(postings, accounts, accounts.c.id == postings.c.account_id)
        .where(postings.c.journal_id.in_(numbers))
        .order_by(postings.c.id)
    )
    result: dict[int, list[Posting]] = {}
    for number, kind, currency, change, after in sandbox.connection.execute(query):
        posting = Posting(Kind(kind), Money(change, currency), Money(after, currency))
        result.setdefault(number, []).append(posting)
    return result
