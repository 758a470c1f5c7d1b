"""Notifications: one row a delivery, and the one way in which its state changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Index, Table, bindparam, literal_column, select, update

from mockpay.domain.notifications import (
    DELIVERY,
    WAITING,
    DeliveryState,
    Misbehaviour,
    Notification,
    NotificationType,
)
from mockpay.kernel.errors import IllegalTransition
from mockpay.store.db.metadata import big, dump, load, metadata, row_id, text
from mockpay.store.db.paging import PAGE, Page, number_of, page_of
from mockpay.store.db.prepared import Prepared, PreparedInsert
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
    Index("notifications_of_seller", "seller_id", "id"),
    Index("notifications_of_order", "order_pk", "id"),
)

_insert = PreparedInsert(notifications)
_of_id = Prepared(
    select(notifications).where(
        notifications.c.notification_id == bindparam("notification_id"),
        notifications.c.seller_id == bindparam("seller_id"),
    )
)
_overtaken = Prepared(
    select(notifications.c.notification_id)
    .where(
        notifications.c.order_pk == bindparam("order_pk"),
        notifications.c.state == bindparam("state"),
        notifications.c.outcome == literal_column(f"'{Misbehaviour.OUT_OF_ORDER}'"),
        notifications.c.tries == literal_column("0"),
    )
    .order_by(notifications.c.id)
)
_move = Prepared(
    update(notifications)
    .where(
        notifications.c.notification_id == bindparam("the_id"), notifications.c.state == bindparam("before")
    )
    .values(
        state=bindparam("after"),
        tries=bindparam("so_many"),
        due_at=bindparam("due"),
        updated_at=bindparam("now"),
        reason=bindparam("why"),
    )
    .returning(*notifications.c)
)


def add(sandbox: Sandbox, notification: Notification) -> None:
    """Store a new delivery."""
    row = {
        "notification_id": notification.notification_id,
        "message_id": notification.message_id,
        "seller_id": notification.seller_id,
        "order_pk": notification.order_pk,
        "order_id": notification.order_id,
        "refund_id": notification.refund_id,
        "provider": notification.provider,
        "type": str(notification.type),
        "copy": notification.copy,
        "state": str(notification.state),
        "outcome": notification.outcome,
        "facts": dump(notification.facts),
        "tries": notification.tries,
        "due_at": notification.due_at,
        "first_due_at": notification.first_due_at,
        "created_at": notification.created_at,
        "updated_at": notification.updated_at,
        "reason": notification.reason,
    }
    _insert.run(sandbox.connection, row)


def transition(
    sandbox: Sandbox,
    notification: Notification,
    event: str,
    *,
    tries: int | None = None,
    due_at: int | None = None,
    reason: str | None = None,
) -> Notification:
    """
    Take one step of the delivery's machine as one conditional UPDATE.

    Raises:
        IllegalTransition: no such step from the state that the row has.
    """
    target = DELIVERY.target(notification.state, event)
    values = {
        "the_id": notification.notification_id,
        "before": str(notification.state),
        "after": str(target),
        "so_many": notification.tries if tries is None else tries,
        "due": notification.due_at if due_at is None else due_at,
        "now": sandbox.now,
        "why": reason,
    }
    row = _move.first(sandbox.connection, values)
    if row is None:
        message = "The notification moved on meanwhile."
        raise IllegalTransition(message, machine="delivery", event=event)
    return _notification(row)


def mark_sending(connection: Connection, notification_id: str) -> None:
    """Mark what a sender has just claimed, of any seller, as being sent."""
    waiting = notifications.c.state.in_(sorted(WAITING))
    # Skipping what is locked: whoever empties the world just now waits for us already.
    free = select(notifications.c.id).where(notifications.c.notification_id == notification_id, waiting)
    connection.execute(
        update(notifications)
        .where(notifications.c.id == free.with_for_update(skip_locked=True).scalar_subquery())
        .values(state=str(DeliveryState.SENDING))
    )


def by_id(sandbox: Sandbox, notification_id: str) -> Notification | None:
    """A delivery of this seller."""
    values = {"notification_id": notification_id, "seller_id": sandbox.seller_id}
    row = _of_id.first(sandbox.connection, values)
    return _notification(row) if row is not None else None


def of_order(sandbox: Sandbox, order_pk: int) -> list[Notification]:
    """All deliveries about an order, the oldest first."""
    query = select(notifications).where(notifications.c.order_pk == order_pk)
    rows = sandbox.connection.execute(query.order_by(notifications.c.id)).mappings()
    return [_notification(row) for row in rows]


def waiting_overtaken(sandbox: Sandbox, order_pk: int) -> list[Notification]:
    """Deliveries about an order that wait for a later one to go first."""
    values = {"order_pk": order_pk, "state": str(DeliveryState.QUEUED)}
    rows = _overtaken.run(sandbox.connection, values).fetchall()
    found = [by_id(sandbox, row[0]) for row in rows]
    return [one for one in found if one is not None]


def listed(
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
    wanted: list[ColumnElement[bool]] = [notifications.c.seller_id == sandbox.seller_id]
    if states:
        wanted.append(notifications.c.state.in_(states))
    for column, value in (
        (notifications.c.type, type_),
        (notifications.c.order_id, order_id),
        (notifications.c.refund_id, refund_id),
    ):
        if value:
            wanted.append(column == value)
    if cursor:
        wanted.append(notifications.c.id < number_of("notification", cursor))
    query = select(notifications).where(*wanted).order_by(notifications.c.id.desc())
    rows = sandbox.connection.execute(query.limit(limit + 1)).mappings()
    found = [_notification(row) for row in rows]
    return page_of("notification", found, limit, lambda one: one.number)


def _notification(row: Mapping[Any, Any]) -> Notification:
    return Notification(
        number=row["id"],
        notification_id=row["notification_id"],
        message_id=row["message_id"],
        seller_id=row["seller_id"],
        order_pk=row["order_pk"],
        order_id=row["order_id"],
        refund_id=row["refund_id"],
        provider=row["provider"],
        type=NotificationType(row["type"]),
        copy=row["copy"],
        state=DeliveryState(row["state"]),
        outcome=row["outcome"],
        facts=load(row["facts"]),
        tries=row["tries"],
        due_at=row["due_at"],
        first_due_at=row["first_due_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        reason=row["reason"],
    )
