"""Answers to writing calls by their `Idempotency-Key`, stored in the call's own transaction."""

from __future__ import annotations

from sqlalchemy import Index, Table, delete, select

from mockpay.kernel.errors import Conflict
from mockpay.store.db.mapping import insert_row, keep_newest
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.unit_of_work import Sandbox

keys = Table(
    "idempotency_keys",
    metadata,
    row_id(),
    text("seller_id"),
    text("key"),
    text("request_digest"),
    text("answer"),
    big("created_at"),
    Index("idempotency_keys_of_seller", "seller_id", "key", unique=True),
)


def find(sandbox: Sandbox, key: str, request_digest: str) -> str | None:
    """
    The stored answer to a call; None where the key is new.

    Raises:
        Conflict: code ``idempotency_conflict``: the key came with another call or body.
    """
    query = select(keys.c.request_digest, keys.c.answer).where(keys.c.seller_id == sandbox.seller_id, keys.c.key == key)
    row = sandbox.connection.execute(query).first()
    if row is None:
        return None
    if row.request_digest != request_digest:
        message = "This Idempotency-Key was used for another call or body."
        raise Conflict(message, code="idempotency_conflict", field="Idempotency-Key")
    return str(row.answer)


def remove(sandbox: Sandbox, key: str) -> None:
    """Let a key be used again: what its call began was taken back."""
    sandbox.connection.execute(delete(keys).where(keys.c.seller_id == sandbox.seller_id, keys.c.key == key))


def store(sandbox: Sandbox, key: str, request_digest: str, answer: str) -> None:
    """Keep a call's answer; the newest 50,000 of a seller are kept."""
    row = {
        "seller_id": sandbox.seller_id,
        "key": key,
        "request_digest": request_digest,
        "answer": answer,
        "created_at": sandbox.now,
    }
    keep_newest(sandbox.connection, keys, sandbox.seller_id, insert_row(sandbox.connection, keys, row))
