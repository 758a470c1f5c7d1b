"""Notifications: one row a delivery, and the one way in which its state changes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Table,
    UniqueConstraint,
    bindparam,
    literal_column,
    select,
    update,
)

from mockpay.domain.notifications import DELIVERY, WAITING, DeliveryState, Misbehaviour, Notification, Try
from mockpay.store import transitions
from mockpay.store.db.mapping import Mapper, Prepared, insert_row, keep_newest
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.db.paging import PAGE, Page, number_of, page_of
from mockpay.store.unit_of_work import Sandbox

notifications = Table(
    "notifications",
    metadata,
    row_id(),
    text("notification_id", unique=True),
    text("message_id"),
    text("seller_id"),
    big("order_pk"),
    text("order_id"),
    text("refund_id", null=True),
    text("provider"),
    text("type"),
    big("copy"),
    text("state"),
    text("outcome"),
    text("facts"),
    big("tries"),
    big("due_at"),
    big("first_due_at"),
    big("created_at"),
    big("updated_at"),
    text("reason", null=True),
    Column("by_hand", Boolean, nullable=False, default=False),
    text("url", null=True),
    Index("notifications_of_seller", "seller_id", "id"),
    Index("notifications_of_order", "order_pk", "id"),
)

mapper = Mapper(Notification, notifications, machine=DELIVERY, key="notification_id", id="number")
_by_id = Prepared(
    select(notifications).where(
        notifications.c.notification_id == bindparam("notification_id"),
        notifications.c.seller_id == bindparam("seller_id"),
    )
)


_overtaken = Prepared(
    select(notifications)
    .where(
        notifications.c.order_pk == bindparam("order_pk"),
        notifications.c.state == literal_column(f"'{DeliveryState.QUEUED}'"),
        notifications.c.outcome == literal_column(f"'{Misbehaviour.OUT_OF_ORDER}'"),
        notifications.c.tries == literal_column("0"),
    )
    .order_by(notifications.c.id)
)
_free = notifications.alias("free")
_mark_sending = Prepared(
    update(notifications)
    .where(
        # Skipping what is locked: whoever empties the world just now waits for us already.
        notifications.c.id
        == select(_free.c.id)
        .where(
            _free.c.notification_id == bindparam("its_id"),
            _free.c.state.in_([literal_column(f"'{state}'") for state in sorted(WAITING)]),
        )
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    .values(state=literal_column(f"'{DeliveryState.SENDING}'"))
)


def add(sandbox: Sandbox, notification: Notification) -> None:
    """Store a new delivery."""
    mapper.insert(sandbox.connection, notification)


def transition(
    sandbox: Sandbox, notification: Notification, event: str, *, reason: str | None = None, **changes: Any
) -> Notification:
    """
    Take one step of the delivery's machine, with its reason or none.

    Raises:
        IllegalTransition: no such step from the state that the row has.
    """
    return transitions.transition(sandbox, mapper, notification, event, reason=reason, **changes)


def mark_sending(connection: Connection, notification_id: str) -> None:
    """Mark what a sender has just claimed, of any seller, as being sent."""
    _mark_sending.run(connection, {"its_id": notification_id})


def by_id(sandbox: Sandbox, notification_id: str) -> Notification | None:
    """A delivery of this seller."""
    values = {"notification_id": notification_id, "seller_id": sandbox.seller_id}
    return mapper.load_first(_by_id.row(sandbox.connection, values))


def of_order(sandbox: Sandbox, order_pk: int) -> list[Notification]:
    """All deliveries about an order, the oldest first."""
    of_seller = notifications.c.seller_id == sandbox.seller_id
    query = select(notifications).where(notifications.c.order_pk == order_pk, of_seller)
    return mapper.all(sandbox.connection, query.order_by(notifications.c.id))


def waiting_overtaken(sandbox: Sandbox, order_pk: int) -> list[Notification]:
    """Deliveries about an order that wait for a later one to go first."""
    rows = _overtaken.run(sandbox.connection, {"order_pk": order_pk}).fetchall()
    return [mapper.load(row) for row in rows]


def list_page(
    sandbox: Sandbox,
    *,
    states: tuple[str, ...] = (),
    type_: str | None = None,
    order_id: str | None = None,
    refund_id: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Notification]:
    """The seller's deliveries, the newest first."""
    conditions: list[ColumnElement[bool]] = [notifications.c.seller_id == sandbox.seller_id]
    if states:
        conditions.append(notifications.c.state.in_(states))
    for column, value in (
        (notifications.c.type, type_),
        (notifications.c.order_id, order_id),
        (notifications.c.refund_id, refund_id),
    ):
        if value:
            conditions.append(column == value)
    if cursor:
        conditions.append(notifications.c.id < number_of("notification", cursor))
    query = select(notifications).where(*conditions).order_by(notifications.c.id.desc())
    rows = mapper.all(sandbox.connection, query.limit(limit + 1))
    return page_of("notification", rows, limit, lambda notification: notification.number)


tries = Table(
    "notification_tries",
    metadata,
    row_id(),
    text("seller_id"),
    text("notification_id"),
    big("number"),
    big("at"),
    text("url"),
    text("headers"),
    text("body"),
    text("signed"),
    big("status", null=True),
    text("answer"),
    big("latency_ms"),
    text("reason", null=True),
    UniqueConstraint("notification_id", "number"),
    Index("notification_tries_of_seller", "seller_id", "id"),
)

try_mapper = Mapper(Try, tries)


def add_try(sandbox: Sandbox, notification_id: str, attempted: Try) -> None:
    """Write down a try."""
    row = {**try_mapper.dump(attempted), "seller_id": sandbox.seller_id, "notification_id": notification_id}
    keep_newest(sandbox.connection, tries, sandbox.seller_id, insert_row(sandbox.connection, tries, row))


def of_notification(sandbox: Sandbox, notification_id: str) -> list[Try]:
    """Every try of a delivery that is still stored, the oldest first."""
    query = (
        select(tries)
        .where(tries.c.notification_id == notification_id, tries.c.seller_id == sandbox.seller_id)
        .order_by(tries.c.number)
    )
    return try_mapper.all(sandbox.connection, query)
