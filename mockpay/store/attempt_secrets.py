"""The attempt's vault: what only its gateway call may see, sealed, and shredded when it ends."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Index, Table, delete, insert, select

from mockpay.store.db.metadata import dump, load, metadata, sealed, text
from mockpay.store.unit_of_work import Sandbox

_KIND = "attempt.secret"

secrets = Table(
    "attempt_secrets",
    metadata,
    text("attempt_id", primary_key=True),
    text("seller_id"),
    sealed("sealed", _KIND, of="attempt_id"),
    Index("secrets_of_seller", "seller_id"),
)


def add(sandbox: Sandbox, attempt_id: str, secret: Mapping[str, str]) -> None:
    """Seal a secret for one attempt; it opens for that attempt only."""
    ciphertext = sandbox.runtime.keyring.seal(_KIND, attempt_id, dump(secret).encode())
    row = {"attempt_id": attempt_id, "seller_id": sandbox.seller_id, "sealed": ciphertext}
    sandbox.connection.execute(insert(secrets), row)


def find(sandbox: Sandbox, attempt_id: str) -> Mapping[str, str]:
    """The attempt's secret; empty where it has none, or has it no more."""
    query = select(secrets.c.sealed).where(secrets.c.attempt_id == attempt_id, secrets.c.seller_id == sandbox.seller_id)
    ciphertext = sandbox.connection.execute(query).scalar()
    if ciphertext is None:
        return {}
    secret: Mapping[str, str] = load(sandbox.runtime.keyring.open_(_KIND, attempt_id, bytes(ciphertext)).decode())
    return secret


def shred(sandbox: Sandbox, attempt_id: str) -> None:
    """Throw the secret away."""
    sandbox.connection.execute(delete(secrets).where(secrets.c.attempt_id == attempt_id))
