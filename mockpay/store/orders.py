"""Orders: their rows, and the one way in which their state changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, Column, Index, Table, UniqueConstraint, bindparam, func, insert, select

from mockpay.domain.orders import ORDER, Order, OrderState
from mockpay.kernel.errors import IllegalTransition
from mockpay.kernel.money import Money
from mockpay.store.db.metadata import big, dump, load, metadata, row_id, text
from mockpay.store.db.prepared import Prepared, PreparedInsert, PreparedStep
from mockpay.store.unit_of_work import Sandbox

orders = Table(
    "orders",
    metadata,
    row_id(),
    text("seller_id"),
    text("order_id"),
    text("seller_order_id"),
    text("state"),
    big("amount_minor"),
    text("currency"),
    text("custom_information", null=True),
    text("seller_note", null=True),
    text("store_name", null=True),
    Column("live", Boolean, nullable=False),
    text("provider"),
    text("redirect_url"),
    text("page_token", unique=True),
    text("digest"),
    text("request"),
    big("attempt_count", default=0),
    text("reason", null=True),
    big("refunded_minor", default=0),
    big("created_at"),
    big("updated_at"),
    big("expires_at"),
    UniqueConstraint("seller_id", "order_id"),
    Index("orders_by_reference", "seller_id", "seller_order_id", "id"),
    Index("orders_by_time", "seller_id", "id"),
)

#: Payloads that joined an order which another payload had opened.
joined = Table(
    "joined_payloads",
    metadata,
    text("seller_id", primary_key=True),
    text("digest", primary_key=True),
    big("order_pk"),
)

_insert = PreparedInsert(orders)
#: The newest comes first; a LIMIT would only tell the database what fetching one row says.
_of_seller = select(orders).where(orders.c.seller_id == bindparam("seller_id")).order_by(orders.c.id.desc())
_by_number = Prepared(_of_seller.where(orders.c.id == bindparam("id")))
_by_id = Prepared(_of_seller.where(orders.c.order_id == bindparam("order_id")))
_by_own_id = _of_seller.where(orders.c.seller_order_id == bindparam("seller_order_id"))
_newest = Prepared(_by_own_id)
_by_digest = Prepared(_by_own_id.where(orders.c.digest == bindparam("digest")))
_of_page = Prepared(
    select(orders.c.seller_id, orders.c.id).where(orders.c.page_token == bindparam("page_token"))
)
_step = PreparedStep(orders, orders.c.id)


def add(sandbox: Sandbox, row: Mapping[str, Any]) -> Order:
    """Store a new order; `row` has every column but the number."""
    number = _insert.number(sandbox.connection, {**row, "request": dump(row["request"])})
    return _order({**row, "id": number}, row["request"])


def _order(row: Mapping[Any, Any], request: Mapping[str, Any] | None = None) -> Order:
    return Order(
        order_pk=row["id"],
        seller_id=row["seller_id"],
        order_id=row["order_id"],
        seller_order_id=row["seller_order_id"],
        state=OrderState(row["state"]),
        amount=Money(row["amount_minor"], row["currency"]),
        custom_information=row["custom_information"],
        seller_note=row["seller_note"],
        store_name=row["store_name"],
        live=bool(row["live"]),
        provider=row["provider"],
        redirect_url=row["redirect_url"],
        page_token=row["page_token"],
        digest=row["digest"],
        request=load(row["request"]) if request is None else request,
        attempt_count=row["attempt_count"],
        reason=row["reason"],
        refunded_minor=row["refunded_minor"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        expires_at=row["expires_at"],
    )


def _first(sandbox: Sandbox, query: Prepared, **where: object) -> Order | None:
    row = query.first(sandbox.connection, {"seller_id": sandbox.seller_id, **where})
    return _order(row) if row is not None else None


def by_number(sandbox: Sandbox, order_pk: int) -> Order | None:
    """The order with this row number."""
    return _first(sandbox, _by_number, id=order_pk)


def by_id(sandbox: Sandbox, order_id: str) -> Order | None:
    """The order of this id."""
    return _first(sandbox, _by_id, order_id=order_id)


def newest(sandbox: Sandbox, seller_order_id: str) -> Order | None:
    """The last order that the seller opened under its own id."""
    return _first(sandbox, _newest, seller_order_id=seller_order_id)


def by_digest(sandbox: Sandbox, seller_order_id: str, digest: str) -> Order | None:
    """The order that this very payload opened or joined."""
    found = _first(sandbox, _by_digest, seller_order_id=seller_order_id, digest=digest)
    if found is not None:
        return found
    query = select(joined.c.order_pk).where(
        joined.c.seller_id == sandbox.seller_id, joined.c.digest == digest
    )
    number = sandbox.connection.execute(query).scalar()
    return by_number(sandbox, number) if number is not None else None


def count_of(sandbox: Sandbox, seller_order_id: str) -> int:
    """How many orders the seller opened under one id of its own."""
    query = select(func.count()).where(
        orders.c.seller_id == sandbox.seller_id, orders.c.seller_order_id == seller_order_id
    )
    return int(sandbox.connection.execute(query).scalar() or 0)


def seller_of_page(connection: Any, page_token: str) -> tuple[str, int] | None:
    """Whose order, and which, a hosted page's token opens."""
    row = _of_page.first(connection, {"page_token": page_token})
    return (row["seller_id"], row["id"]) if row is not None else None


def join_payload(sandbox: Sandbox, digest: str, order: Order) -> None:
    """Remember that a second payload led to an order that was open already."""
    row = {"seller_id": sandbox.seller_id, "digest": digest, "order_pk": order.order_pk}
    sandbox.connection.execute(insert(joined), row)


def transition(sandbox: Sandbox, order: Order, event: str, **changes: Any) -> Order:
    """
    Take one step of the order's machine as one conditional UPDATE.

    Raises:
        IllegalTransition: no such step from the state that the row has.
    """
    target = ORDER.target(order.state, event)
    row = _step.take(
        sandbox.connection,
        order.order_pk,
        str(order.state),
        state=str(target),
        updated_at=sandbox.now,
        **changes,
    )
    if row is None:
        message = "The order moved on meanwhile."
        raise IllegalTransition(message, machine="order", event=event)
    return _order(row)


def read(row: Mapping[Any, Any]) -> Order:
    """A row of a list as an order."""
    return _order(row)
