"""The banks' own book: what each bank decided about each request, known to the bank alone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Index, Table, insert, select, update

from mockpay.store.db.metadata import big, metadata, text
from mockpay.store.unit_of_work import Sandbox

bank_book = Table(
    "bank_book",
    metadata,
    text("bank_ref", primary_key=True),
    text("seller_id", primary_key=True),
    text("attempt_id"),
    big("amount_minor"),
    text("outcome", null=True),
    big("decided_at", null=True),
    Index("bank_book_of_attempt", "attempt_id"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request at a bank; `outcome` is None until its buyer decided."""

    bank_ref: str
    attempt_id: str
    amount_minor: int
    outcome: str | None


def open_(sandbox: Sandbox, bank_ref: str, attempt_id: str, amount_minor: int) -> None:
    """A new request at a bank."""
    row = {
        "bank_ref": bank_ref,
        "seller_id": sandbox.seller_id,
        "attempt_id": attempt_id,
        "amount_minor": amount_minor,
    }
    sandbox.connection.execute(insert(bank_book), row)


def of_attempt(sandbox: Sandbox, attempt_id: str) -> Entry | None:
    """The request of an attempt."""
    query = select(bank_book).where(
        bank_book.c.attempt_id == attempt_id, bank_book.c.seller_id == sandbox.seller_id
    )
    row = sandbox.connection.execute(query).first()
    if row is None:
        return None
    return Entry(row.bank_ref, row.attempt_id, row.amount_minor, row.outcome)


def decide(sandbox: Sandbox, bank_ref: str, outcome: str) -> bool:
    """Write down the bank's decision; False where it had decided before."""
    done = sandbox.connection.execute(
        update(bank_book)
        .where(
            bank_book.c.bank_ref == bank_ref,
            bank_book.c.seller_id == sandbox.seller_id,
            bank_book.c.outcome.is_(None),
        )
        .values(outcome=outcome, decided_at=sandbox.now)
    )
    return done.rowcount == 1
