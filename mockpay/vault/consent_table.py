"""Consents: what each buyer agreed to, when and from where."""

from __future__ import annotations

from sqlalchemy import Index, Table, insert, select

from mockpay.store.db.metadata import big, metadata, text
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault.consents import Consent

consents = Table(
    "consents",
    metadata,
    text("consent_id", primary_key=True),
    text("seller_id"),
    text("buyer_id"),
    text("text_version"),
    text("text_sha256"),
    big("accepted_at"),
    text("ip"),
    text("attempt_id", null=True),
    Index("consents_of_buyer", "seller_id", "buyer_id"),
)


def add(sandbox: Sandbox, consent_id: str, buyer_id: str, given: Consent, attempt_id: str | None) -> None:
    """Keep what a buyer agreed to; consents are never changed and outlive their method."""
    row = {
        "consent_id": consent_id,
        "seller_id": sandbox.seller_id,
        "buyer_id": buyer_id,
        "text_version": given.text_version,
        "text_sha256": given.text_sha256,
        "accepted_at": given.accepted_at,
        "ip": given.ip,
        "attempt_id": attempt_id,
    }
    sandbox.connection.execute(insert(consents), row)


def find(sandbox: Sandbox, consent_id: str) -> Consent | None:
    """What a buyer agreed to."""
    query = select(consents).where(
        consents.c.consent_id == consent_id, consents.c.seller_id == sandbox.seller_id
    )
    row = sandbox.connection.execute(query).first()
    if row is None:
        return None
    return Consent(row.text_version, row.text_sha256, row.accepted_at, row.ip)
