"""The vault's own rows: what is secret of saved methods, each under a key of its own."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Column, Index, LargeBinary, Table, select, update

from mockpay.kernel.errors import NotFound
from mockpay.kernel.keys.envelopes import Envelope, disclose, enclose
from mockpay.store.db.mapping import dump, load
from mockpay.store.db.metadata import big, metadata, text
from mockpay.store.db.prepared import insert_new
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault.rules import SavedMethod
from mockpay.vault.tokens import binding

envelopes = Table(
    "vault_secrets",
    metadata,
    text("token", primary_key=True),
    text("seller_id"),
    big("kek_id"),
    # Thrown away with the method; then nobody opens the rest any more.
    Column("wrapped_dek", LargeBinary),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    big("created_at"),
    Index("vault_secrets_of_seller", "seller_id"),
    Index("vault_secrets_by_key", "kek_id"),
)


def save(sandbox: Sandbox, method: SavedMethod, secret: Mapping[str, str]) -> None:
    """Enclose a method's secret, which opens in this row only; a former one is replaced."""
    bound = binding(sandbox.seller_id, method.token, method.kind)
    envelope = enclose(sandbox.runtime.keyring, bound, dump(secret).encode())
    contents = {
        "kek_id": envelope.version,
        "wrapped_dek": envelope.wrapped,
        "nonce": envelope.nonce,
        "ciphertext": envelope.sealed,
        "created_at": sandbox.now,
    }
    row = {"token": method.token, "seller_id": sandbox.seller_id, **contents}
    if not insert_new(sandbox.connection, envelopes, row):
        where = envelopes.c.token == method.token
        sandbox.connection.execute(update(envelopes).where(where).values(contents))


def find(sandbox: Sandbox, method: SavedMethod) -> Mapping[str, str]:
    """
    A method's secret.

    Raises:
        NotFound: code ``method.not_found``: it was shredded.
        Unusable: code ``store.sealed_by_another_key``.
    """
    envelope = _envelope(sandbox, method)
    bound = binding(sandbox.seller_id, method.token, method.kind)
    found: Mapping[str, str] = load(disclose(sandbox.runtime.keyring, bound, envelope).decode())
    return found


def _envelope(sandbox: Sandbox, method: SavedMethod) -> Envelope:
    query = select(envelopes).where(envelopes.c.token == method.token, envelopes.c.seller_id == sandbox.seller_id)
    row = sandbox.connection.execute(query).first()
    if row is None or row.wrapped_dek is None:
        raise NotFound("There is no such saved method.", code="method.not_found")
    return Envelope(row.kek_id, bytes(row.wrapped_dek), bytes(row.nonce), bytes(row.ciphertext))


def shred(sandbox: Sandbox, token: str) -> None:
    """Throw the secret's key away; the row stays as a tombstone."""
    sandbox.connection.execute(
        update(envelopes)
        .where(envelopes.c.token == token, envelopes.c.seller_id == sandbox.seller_id)
        .values(wrapped_dek=None)
    )
