"""What gateways told unasked, by the names of their messages, and which attempts their names of payments belong to."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Index, Table, select

from mockpay.store.db.mapping import insert_new
from mockpay.store.db.metadata import big, metadata, text
from mockpay.store.unit_of_work import Sandbox

events = Table(
    "gateway_events",
    metadata,
    text("seller_id", primary_key=True),
    text("gateway", primary_key=True),
    text("event_id", primary_key=True),
    big("created_at"),
)
references = Table(
    "gateway_references",
    metadata,
    text("seller_id", primary_key=True),
    text("gateway", primary_key=True),
    text("reference", primary_key=True),
    text("attempt_id"),
    #: Of the name of a refund: which one it is here.
    text("refund_id", null=True),
    Index("gateway_references_of_attempt", "attempt_id"),
    Index("gateway_references_of_refund", "refund_id"),
)


def add(sandbox: Sandbox, gateway: str, event_id: str) -> bool:
    """Note that a message has come; False where it came before."""
    row = {"seller_id": sandbox.seller_id, "gateway": gateway, "event_id": event_id, "created_at": sandbox.now}
    return insert_new(sandbox.connection, events, row)


def add_reference(
    sandbox: Sandbox, gateway: str, reference: str, attempt_id: str, refund_id: str | None = None
) -> None:
    """Remember what a gateway calls an attempt's payment, or a refund of it."""
    row = {
        "seller_id": sandbox.seller_id,
        "gateway": gateway,
        "reference": reference,
        "attempt_id": attempt_id,
        "refund_id": refund_id,
    }
    insert_new(sandbox.connection, references, row)


def find_attempt_id(sandbox: Sandbox, gateway: str, reference: str) -> str | None:
    """The attempt that a gateway calls so; None where it is nobody's."""
    query = select(references.c.attempt_id).where(*_named(sandbox, gateway, reference))
    return sandbox.connection.execute(query).scalar()


def find_refund_id(sandbox: Sandbox, gateway: str, reference: str) -> str | None:
    """The refund that a gateway calls so; None where it is none of ours, or not known to be yet."""
    query = select(references.c.refund_id).where(*_named(sandbox, gateway, reference))
    return sandbox.connection.execute(query).scalar()


def find_refund_name(sandbox: Sandbox, gateway: str, refund_id: str) -> str | None:
    """What a gateway calls a refund; None before it has told."""
    query = select(references.c.reference).where(
        references.c.seller_id == sandbox.seller_id,
        references.c.gateway == gateway,
        references.c.refund_id == refund_id,
    )
    return sandbox.connection.execute(query).scalar()


def _named(sandbox: Sandbox, gateway: str, reference: str) -> tuple[ColumnElement[bool], ...]:
    mine = (references.c.seller_id == sandbox.seller_id, references.c.gateway == gateway)
    return (*mine, references.c.reference == reference)
