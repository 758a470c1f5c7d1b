"""What sellers made at a company's front door beside orders and refunds: customers, sessions, endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Index, Table, UniqueConstraint, bindparam, insert, select

from mockpay.store.db.mapping import Mapper, Prepared, dump, keep_newest, load
from mockpay.store.db.metadata import big, metadata, row_id, sealed, text
from mockpay.store.unit_of_work import Sandbox

objects = Table(
    "api_objects",
    metadata,
    row_id(),
    text("seller_id"),
    text("provider"),
    text("kind"),
    text("object_id"),
    text("parent", null=True),
    text("reference", null=True),
    text("state"),
    text("facts"),
    big("created_at"),
    big("updated_at"),
    UniqueConstraint("seller_id", "provider", "object_id"),
    Index("api_objects_of_kind", "seller_id", "provider", "kind", "id"),
    Index("api_objects_of_parent", "seller_id", "provider", "parent", "kind", "id"),
    Index("api_objects_of_reference", "seller_id", "provider", "reference", "id"),
)


class ApiObject(Struct, frozen=True):
    """
    One object in a company's own words.

    `parent` is the object or order that it belongs to, `reference` another name by which it is looked for, `state` in
    the company's words, `facts` the rest; instants in ms of the seller's clock.
    """

    number: int
    provider: str
    kind: str
    object_id: str
    created_at: int
    updated_at: int
    parent: str | None = None
    reference: str | None = None
    state: str = ""
    facts: Mapping[str, Any] = {}


mapper = Mapper(ApiObject, objects, id="number", key="number")
_of_kind = (
    select(objects)
    .where(objects.c.seller_id == bindparam("seller_id"), objects.c.provider == bindparam("provider"))
    .where(objects.c.kind == bindparam("kind"))
)
_by_id = Prepared(_of_kind.where(objects.c.object_id == bindparam("object_id")))
_by_reference = Prepared(
    _of_kind.where(objects.c.reference == bindparam("reference")).order_by(objects.c.id.desc()), "LIMIT 1"
)
_in_state = Prepared(_of_kind.where(objects.c.state == bindparam("state")).order_by(objects.c.id))


def add(
    sandbox: Sandbox,
    provider: str,
    kind: str,
    object_id: str,
    facts: Mapping[str, Any],
    *,
    parent: str | None = None,
    reference: str | None = None,
    state: str = "",
    log: bool = False,
) -> ApiObject:
    """
    Store a new object.

    Args:
        log: Of its kind the newest 50,000 of a seller are kept.
    """
    now = sandbox.now
    new = ApiObject(0, provider, kind, object_id, now, now, parent, reference, state, facts)
    stored = mapper.insert(sandbox.connection, new, seller_id=sandbox.seller_id)
    if log:
        keep_newest(sandbox.connection, objects, sandbox.seller_id, stored.number, provider=provider, kind=kind)
    return stored


def change(sandbox: Sandbox, before: ApiObject, **changes: Any) -> ApiObject:
    """Change an object; its world is locked, so nobody has changed it meanwhile."""
    after = mapper.update(sandbox.connection, before, {"updated_at": sandbox.now, **changes})
    assert after is not None
    return after


def find(sandbox: Sandbox, provider: str, kind: str, object_id: str) -> ApiObject | None:
    """An object by its id."""
    values = {"seller_id": sandbox.seller_id, "provider": provider, "kind": kind, "object_id": object_id}
    return mapper.load_first(_by_id.row(sandbox.connection, values))


def in_state(sandbox: Sandbox, provider: str, kind: str, state: str) -> list[ApiObject]:
    """Every object of a kind in a state, the oldest first; for kinds of which there are few."""
    values = {"seller_id": sandbox.seller_id, "provider": provider, "kind": kind, "state": state}
    return [mapper.load(row) for row in _in_state.run(sandbox.connection, values).fetchall()]


def by_reference(sandbox: Sandbox, provider: str, kind: str, reference: str) -> ApiObject | None:
    """The newest object of another name."""
    values = {"seller_id": sandbox.seller_id, "provider": provider, "kind": kind, "reference": reference}
    return mapper.load_first(_by_reference.row(sandbox.connection, values))


def list_newest(
    sandbox: Sandbox,
    provider: str,
    kind: str,
    *,
    parent: str | None = None,
    before: int | None = None,
    after: int | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[ApiObject]:
    """
    Objects of a kind, the newest first.

    Args:
        parent: Only those that belong to it.
        before: Only those with a smaller number: the page after.
        after: Only those with a greater number, of these the oldest: the page before.
    """
    query = select(objects).where(objects.c.seller_id == sandbox.seller_id, objects.c.provider == provider)
    query = query.where(objects.c.kind == kind)
    if parent is not None:
        query = query.where(objects.c.parent == parent)
    if before is not None:
        query = query.where(objects.c.id < before)
    if after is not None:
        query = query.where(objects.c.id > after).order_by(objects.c.id)
        return mapper.all(sandbox.connection, query.limit(limit))[::-1]
    return mapper.all(sandbox.connection, query.order_by(objects.c.id.desc()).limit(limit).offset(offset))


# --- secrets

_KIND = "api_object.secret"
#: What of an object is sealed, such as a card's number; for as long as the object is there.
secrets = Table(
    "api_object_secrets",
    metadata,
    text("object_id", primary_key=True),
    text("seller_id"),
    sealed("sealed", _KIND, of="object_id"),
    Index("api_object_secrets_of_seller", "seller_id"),
)


def add_secret(sandbox: Sandbox, object_id: str, secret: Mapping[str, str]) -> None:
    """Seal what belongs to an object; it opens for that object only."""
    ciphertext = sandbox.runtime.keyring.seal(_KIND, object_id, dump(secret).encode())
    row = {"object_id": object_id, "seller_id": sandbox.seller_id, "sealed": ciphertext}
    sandbox.connection.execute(insert(secrets), row)


def find_secret(sandbox: Sandbox, object_id: str) -> Mapping[str, str]:
    """What is sealed for an object; empty where nothing is."""
    query = select(secrets.c.sealed).where(secrets.c.object_id == object_id, secrets.c.seller_id == sandbox.seller_id)
    ciphertext = sandbox.connection.execute(query).scalar()
    if ciphertext is None:
        return {}
    secret: Mapping[str, str] = load(sandbox.runtime.keyring.open_(_KIND, object_id, bytes(ciphertext)).decode())
    return secret
