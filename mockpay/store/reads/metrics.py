"""Counts over all sellers, for whoever watches the server; nothing of it names a seller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from mockpay.domain.payments.breaker import Force
from mockpay.kernel.clock import Clock, Mode
from mockpay.store import gateway_breakers
from mockpay.store.gateway_breakers import breakers, forced
from mockpay.store.gateway_calls import calls
from mockpay.store.notifications import notifications
from mockpay.store.orders import orders
from mockpay.store.outbox import QUEUED, outbox
from mockpay.store.sellers import sellers

#: Counts by the values of their labels.
Counts = Mapping[tuple[str, ...], int]


def _counts(connection: Connection, *columns: ColumnElement[Any], where: ColumnElement[bool] | None = None) -> Counts:
    query = select(*columns, func.count()).group_by(*columns)
    rows = connection.execute(query if where is None else query.where(where))
    return {tuple(str(value or "") for value in values): count for *values, count in rows}


def payments(connection: Connection) -> Counts:
    """Orders by provider (empty where a wallet is filled) and state."""
    return _counts(connection, orders.c.provider, orders.c.state)


def gateway_calls(connection: Connection) -> Counts:
    """Calls in the log by gateway, operation and outcome; of those on their way it is empty."""
    return _counts(connection, calls.c.gateway, calls.c.operation, calls.c.outcome)


def outbox_rows(connection: Connection) -> Counts:
    """What waits to be sent, by kind."""
    return _counts(connection, outbox.c.kind, where=outbox.c.state == QUEUED)


def notification_states(connection: Connection) -> Counts:
    """Notifications by state."""
    return _counts(connection, notifications.c.state)


def latencies(connection: Connection, bounds: Sequence[int]) -> Mapping[tuple[str, str], tuple[list[int], int]]:
    """How many answers came within each of the bounds, in ms, and the sum of all, by gateway and operation."""
    within = [func.sum(case((calls.c.latency_ms <= bound, 1), else_=0)) for bound in bounds]
    query = select(calls.c.gateway, calls.c.operation, func.sum(calls.c.latency_ms), func.count(), *within)
    query = query.where(calls.c.latency_ms.is_not(None)).group_by(calls.c.gateway, calls.c.operation)
    return {
        (gateway, operation): ([*map(int, counts), count], int(total))
        for gateway, operation, total, count, *counts in connection.execute(query)
    }


def breaker_states(connection: Connection, real_now: int) -> Counts:
    """Circuit breakers of all sellers by gateway, method and state, each by its seller's clock."""
    forces = {(row.seller_id, row.gateway): Force(row.force) for row in connection.execute(select(forced))}
    of_seller = sellers.c
    clock = (of_seller.clock_mode, of_seller.clock_real_anchor, of_seller.clock_seller_anchor)
    query = select(*breakers.c, *clock).join(sellers, of_seller.seller_id == breakers.c.seller_id)
    counts: Counter[tuple[str, ...]] = Counter()
    for row in connection.execute(query):
        breaker = gateway_breakers.mapper.load(row)
        now = Clock(Mode(row.clock_mode), row.clock_real_anchor, row.clock_seller_anchor).now(real_now)
        state = breaker.state(now, forces.get((row.seller_id, breaker.gateway), Force.AUTO))
        counts[breaker.gateway, breaker.method, state] += 1
    return counts
