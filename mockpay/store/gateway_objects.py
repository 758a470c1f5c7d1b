"""What gateways that answer in process know: orders, payments and refunds of theirs, by the names they gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Index, Table, UniqueConstraint, func, select

from mockpay.store.db.mapping import Mapper
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.unit_of_work import Sandbox

objects = Table(
    "gateway_objects",
    metadata,
    row_id(),
    text("seller_id"),
    text("gateway"),
    text("kind"),
    text("object_id"),
    text("parent", null=True),
    text("reference", null=True),
    text("state"),
    big("amount_minor"),
    text("currency"),
    text("facts"),
    big("due_at", null=True),
    big("created_at"),
    UniqueConstraint("seller_id", "gateway", "object_id"),
    Index("gateway_objects_of_parent", "seller_id", "gateway", "parent"),
    Index("gateway_objects_of_reference", "seller_id", "gateway", "reference"),
)


class GatewayObject(Struct, frozen=True):
    """
    One object at a gateway.

    `parent` is the object that it belongs to, `reference` the caller's own name or key, `state` in the gateway's
    words; `due_at` is when a state that is not final becomes so, by the seller's clock.
    """

    number: int
    gateway: str
    kind: str
    object_id: str
    parent: str | None
    reference: str | None
    state: str
    amount_minor: int
    currency: str
    facts: Mapping[str, Any]
    due_at: int | None
    created_at: int


mapper = Mapper(GatewayObject, objects, id="number", key="number")


def add(sandbox: Sandbox, new: GatewayObject) -> GatewayObject:
    """Store a new object; with its row number."""
    return mapper.insert(sandbox.connection, new, seller_id=sandbox.seller_id)


def change(sandbox: Sandbox, before: GatewayObject, **changes: Any) -> GatewayObject:
    """Change an object; its world is locked, so nobody has changed it meanwhile."""
    after = mapper.update(sandbox.connection, before, changes)
    assert after is not None
    return after


def find(sandbox: Sandbox, gateway: str, kind: str, object_id: str) -> GatewayObject | None:
    """An object by the name that its gateway gave it."""
    of_gateway = (objects.c.seller_id == sandbox.seller_id, objects.c.gateway == gateway)
    return mapper.first(sandbox.connection, *of_gateway, objects.c.object_id == object_id, objects.c.kind == kind)


def of_parent(sandbox: Sandbox, gateway: str, parent: str) -> list[GatewayObject]:
    """What belongs to an object, the oldest first."""
    query = select(objects).where(objects.c.seller_id == sandbox.seller_id, objects.c.gateway == gateway)
    return mapper.all(sandbox.connection, query.where(objects.c.parent == parent).order_by(objects.c.id))


def of_reference(sandbox: Sandbox, gateway: str, kind: str, reference: str) -> list[GatewayObject]:
    """The objects of a caller's own name, the oldest first."""
    query = select(objects).where(objects.c.seller_id == sandbox.seller_id, objects.c.gateway == gateway)
    query = query.where(objects.c.reference == reference, objects.c.kind == kind)
    return mapper.all(sandbox.connection, query.order_by(objects.c.id))


def count(sandbox: Sandbox, gateway: str, parent: str) -> int:
    """How many objects belong to one."""
    query = select(func.count()).where(objects.c.seller_id == sandbox.seller_id, objects.c.gateway == gateway)
    return int(sandbox.connection.execute(query.where(objects.c.parent == parent)).scalar() or 0)
