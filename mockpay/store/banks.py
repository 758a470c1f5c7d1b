"""Requests at the simulated banks: what each bank decided, known to the bank alone."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Index, Table, update

from mockpay.store.db.mapping import Mapper
from mockpay.store.db.metadata import big, metadata, text
from mockpay.store.unit_of_work import Sandbox

bank_requests = Table(
    "bank_requests",
    metadata,
    text("bank_ref", primary_key=True),
    text("seller_id", primary_key=True),
    text("attempt_id"),
    big("amount_minor"),
    text("outcome", null=True),
    big("decided_at", null=True),
    Index("bank_requests_of_attempt", "attempt_id"),
)


class BankRequest(Struct, frozen=True):
    """One request at a bank; `outcome` is None until its buyer decided."""

    bank_ref: str
    attempt_id: str
    amount_minor: int
    outcome: str | None


mapper = Mapper(BankRequest, bank_requests)


def add(sandbox: Sandbox, bank_ref: str, attempt_id: str, amount_minor: int) -> None:
    """Store a new request at a bank, its amount in paise."""
    request = BankRequest(bank_ref, attempt_id, amount_minor, outcome=None)
    mapper.insert(sandbox.connection, request, seller_id=sandbox.seller_id)


def of_attempt(sandbox: Sandbox, attempt_id: str) -> BankRequest | None:
    """The request of an attempt; None where it was sent to no bank's page."""
    of_seller = bank_requests.c.seller_id == sandbox.seller_id
    return mapper.first(sandbox.connection, of_seller, bank_requests.c.attempt_id == attempt_id)


def decide(sandbox: Sandbox, bank_ref: str, outcome: str) -> bool:
    """Write down the bank's decision; False where it had decided before."""
    result = sandbox.connection.execute(
        update(bank_requests)
        .where(
            bank_requests.c.bank_ref == bank_ref,
            bank_requests.c.seller_id == sandbox.seller_id,
            bank_requests.c.outcome.is_(None),
        )
        .values(outcome=outcome, decided_at=sandbox.now)
    )
    return result.rowcount == 1
