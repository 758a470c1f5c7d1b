"""Consents: what each buyer agreed to, when and from where."""

from __future__ import annotations

from sqlalchemy import Index, Table

from mockpay.store.db.mapping import Mapper
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


mapper = Mapper(Consent, consents)


def add(sandbox: Sandbox, consent_id: str, buyer_id: str, consent: Consent, attempt_id: str | None) -> None:
    """Store what a buyer agreed to; consents are never changed and outlive their method."""
    mapper.insert(
        sandbox.connection,
        consent,
        consent_id=consent_id,
        seller_id=sandbox.seller_id,
        buyer_id=buyer_id,
        attempt_id=attempt_id,
    )


def find(sandbox: Sandbox, consent_id: str) -> Consent | None:
    """What a buyer agreed to."""
    mine = consents.c.seller_id == sandbox.seller_id
    return mapper.first(sandbox.connection, mine, consents.c.consent_id == consent_id)
