"""Lists at a company's front door: its orders, attempts and refunds, the newest first, by offset and by time."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Column, Select, func, select

from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState
from mockpay.domain.refunds import Refund
from mockpay.kernel.clock import SECOND
from mockpay.store import attempts as attempt_rows
from mockpay.store import orders as order_rows
from mockpay.store import refunds as refund_rows
from mockpay.store.attempts import attempts
from mockpay.store.orders import orders
from mockpay.store.refunds import refunds
from mockpay.store.unit_of_work import Sandbox


class Part(Struct, frozen=True):
    """Which part of a list: so many after so many; of what was made from and to which second, both included."""

    count: int
    skip: int = 0
    since: int | None = None
    until: int | None = None


def list_orders(sandbox: Sandbox, provider: str, part: Part, seller_order_id: str | None = None) -> list[Order]:
    """Orders that came through a company."""
    query = select(orders).where(orders.c.seller_id == sandbox.seller_id, orders.c.provider == provider)
    if seller_order_id is not None:
        query = query.where(orders.c.seller_order_id == seller_order_id)
    query = query.order_by(orders.c.id.desc())
    return order_rows.mapper.all(sandbox.connection, _part(query, orders.c.created_at, part))


def list_attempts(sandbox: Sandbox, provider: str, part: Part) -> list[Attempt]:
    """Attempts at orders that came through a company."""
    query = select(attempts).join(orders, orders.c.id == attempts.c.order_pk).where(orders.c.provider == provider)
    query = query.where(attempts.c.seller_id == sandbox.seller_id)
    query = query.order_by(attempts.c.created_at.desc(), attempts.c.order_pk.desc(), attempts.c.number.desc())
    return attempt_rows.mapper.all(sandbox.connection, _part(query, attempts.c.created_at, part))


def list_refunds(sandbox: Sandbox, provider: str, part: Part) -> list[Refund]:
    """Refunds of orders that came through a company."""
    query = select(refunds).join(orders, orders.c.id == refunds.c.order_pk).where(orders.c.provider == provider)
    query = query.where(refunds.c.seller_id == sandbox.seller_id).order_by(refunds.c.id.desc())
    return refund_rows.mapper.all(sandbox.connection, _part(query, refunds.c.created_at, part))


def captured_minor(sandbox: Sandbox, provider: str) -> int:
    """What was captured of orders that came through a company, less what is back or on its way, in paise."""
    left = func.coalesce(func.sum(attempts.c.captured_minor - attempts.c.refund_reserved_minor), 0)
    query = select(left).join(orders, orders.c.id == attempts.c.order_pk).where(orders.c.provider == provider)
    query = query.where(attempts.c.seller_id == sandbox.seller_id, attempts.c.state == AttemptState.CAPTURED)
    return int(sandbox.connection.execute(query).scalar_one())


def _part(query: Select[Any], created_at: Column[Any], part: Part) -> Select[Any]:
    if part.since is not None:
        query = query.where(created_at >= part.since * SECOND)
    if part.until is not None:
        query = query.where(created_at < (part.until + 1) * SECOND)
    return query.limit(part.count).offset(part.skip)
