"""Orders and the payloads that joined them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Connection, Index, Table, UniqueConstraint, bindparam, func, insert, select

from mockpay.domain.orders import ORDER, Order
from mockpay.store.db.mapping import Mapper, Prepared
from mockpay.store.db.metadata import big, metadata, row_id, text
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
    text("kind"),
    text("wallet_owner", null=True),
    text("redirect_url"),
    text("page_token", unique=True),
    text("digest"),
    text("request"),
    big("attempt_count", default=0),
    text("reason", null=True),
    text("cancelled_by", null=True),
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
    "joined_payloads", metadata, text("seller_id", primary_key=True), text("digest", primary_key=True), big("order_pk")
)

mapper = Mapper(Order, orders, machine=ORDER, id="order_pk")
#: The newest comes first; a LIMIT would only tell the database what fetching one row says.
_of_seller = select(orders).where(orders.c.seller_id == bindparam("seller_id")).order_by(orders.c.id.desc())
_by_number = Prepared(_of_seller.where(orders.c.id == bindparam("id")))
_by_id = Prepared(_of_seller.where(orders.c.order_id == bindparam("order_id")))
_by_own_id = _of_seller.where(orders.c.seller_order_id == bindparam("seller_order_id"))
_newest = Prepared(_by_own_id)
_newest_of_provider = Prepared(_by_own_id.where(orders.c.provider == bindparam("provider")))
_by_digest = Prepared(_by_own_id.where(orders.c.digest == bindparam("digest")))
_by_page = Prepared(select(orders.c.seller_id, orders.c.id).where(orders.c.page_token == bindparam("page_token")))


def add(sandbox: Sandbox, order: Order) -> Order:
    """Store a new order; the order with its row number."""
    return mapper.insert(sandbox.connection, order)


def _first(sandbox: Sandbox, query: Prepared, **where: object) -> Order | None:
    return mapper.load_first(query.row(sandbox.connection, {"seller_id": sandbox.seller_id, **where}))


def by_number(sandbox: Sandbox, order_pk: int) -> Order | None:
    """The order with this row number."""
    return _first(sandbox, _by_number, id=order_pk)


def by_id(sandbox: Sandbox, order_id: str) -> Order | None:
    """The order of this id."""
    return _first(sandbox, _by_id, order_id=order_id)


def newest(sandbox: Sandbox, seller_order_id: str, provider: str | None = None) -> Order | None:
    """The last order that was opened under an id of the seller's, through one company or any."""
    if provider is None:
        return _first(sandbox, _newest, seller_order_id=seller_order_id)
    return _first(sandbox, _newest_of_provider, seller_order_id=seller_order_id, provider=provider)


def by_digest(sandbox: Sandbox, seller_order_id: str, digest: str) -> Order | None:
    """The order that this very payload opened or joined."""
    order = _first(sandbox, _by_digest, seller_order_id=seller_order_id, digest=digest)
    if order is not None:
        return order
    query = select(joined.c.order_pk).where(joined.c.seller_id == sandbox.seller_id, joined.c.digest == digest)
    number = sandbox.connection.execute(query).scalar()
    return by_number(sandbox, number) if number is not None else None


def count_of(sandbox: Sandbox, seller_order_id: str) -> int:
    """How many orders the seller opened under one id of its own."""
    query = select(func.count()).where(
        orders.c.seller_id == sandbox.seller_id, orders.c.seller_order_id == seller_order_id
    )
    return int(sandbox.connection.execute(query).scalar() or 0)


def seller_of_page(connection: Connection, page_token: str) -> tuple[str, int] | None:
    """Whose order, and which, a hosted page's token opens."""
    return _by_page.row(connection, {"page_token": page_token})


def join_payload(sandbox: Sandbox, digest: str, order: Order) -> None:
    """Remember that a second payload led to an order that was open already."""
    row = {"seller_id": sandbox.seller_id, "digest": digest, "order_pk": order.order_pk}
    sandbox.connection.execute(insert(joined), row)
