"""Alerts about gateways: one row each, from when it was seen first until it was over; the newest 50,000 of a seller."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Column, Float, Index, Table, select

from mockpay.domain.payments.health import AlertKind
from mockpay.store.db.mapping import Mapper, keep_newest
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.unit_of_work import Sandbox

alerts = Table(
    "gateway_alerts",
    metadata,
    row_id(),
    text("seller_id"),
    text("gateway"),
    text("method"),
    text("kind"),
    Column("value", Float, nullable=False),
    big("opened_at"),
    big("acknowledged_at", null=True),
    big("cleared_at", null=True),
    text("delivery", null=True),
    Index("gateway_alerts_of_seller", "seller_id", "id"),
    Index("gateway_alerts_open", "seller_id", "cleared_at"),
)


class Alert(Struct, frozen=True):
    """
    One alert; instants by the seller's clock.

    `value` is what it is about: a rate, or milliseconds. `delivery` is what came of telling it by webhook, None where
    nobody is told.
    """

    alert_id: int
    gateway: str
    method: str
    kind: AlertKind
    value: float
    opened_at: int
    acknowledged_at: int | None = None
    cleared_at: int | None = None
    delivery: str | None = None


mapper = Mapper(Alert, alerts, id="alert_id")


def add(sandbox: Sandbox, alert: Alert) -> Alert:
    """Store a new alert; with its number."""
    stored = mapper.insert(sandbox.connection, alert, seller_id=sandbox.seller_id)
    keep_newest(sandbox.connection, alerts, sandbox.seller_id, stored.alert_id)
    return stored


def find(sandbox: Sandbox, alert_id: int) -> Alert | None:
    """An alert of this seller's."""
    return mapper.first(sandbox.connection, alerts.c.seller_id == sandbox.seller_id, alerts.c.id == alert_id)


def open_alerts(sandbox: Sandbox) -> list[Alert]:
    """Those that are not over, the oldest first."""
    query = select(alerts).where(alerts.c.seller_id == sandbox.seller_id, alerts.c.cleared_at.is_(None))
    return mapper.all(sandbox.connection, query.order_by(alerts.c.id))


def newest(sandbox: Sandbox, number: int) -> list[Alert]:
    """So many of the last ones, over or not, the newest first."""
    query = select(alerts).where(alerts.c.seller_id == sandbox.seller_id)
    return mapper.all(sandbox.connection, query.order_by(alerts.c.id.desc()).limit(number))


def update(sandbox: Sandbox, alert: Alert, **changes: object) -> Alert:
    """An alert with other fields."""
    return mapper.update(sandbox.connection, alert, changes) or alert
