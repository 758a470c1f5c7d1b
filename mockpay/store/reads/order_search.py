"""A seller's orders as its own software looks for them: by its id, time and state, page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Select, select

from mockpay.domain.orders import Order
from mockpay.store import orders
from mockpay.store.unit_of_work import Sandbox

_table = orders.orders
#: Rows read at once while looking for those in the wanted states.
_CHUNK = 200


class Search(msgspec.Struct, frozen=True):
    """
    What is looked for; `after` is the row number that the previous page ended with.

    Args:
        provider: Through which company the orders came.
        latest_only: Of several orders under one seller order id only the newest.
        live: Only live orders, or only others; None is both.
    """

    provider: str
    seller_order_id: str | None
    nothing: bool
    latest_only: bool
    size: int
    ascending: bool
    states: tuple[str, ...]
    since: int | None
    until: int | None
    live: bool | None = None
    after: int | None = None


def page(
    sandbox: Sandbox, search: Search, fits: Callable[[Order, tuple[str, ...]], bool]
) -> tuple[list[Order], int | None]:
    """One page of orders, and where the next one begins; None where there is none."""
    fitting: list[Order] = []
    if search.nothing:
        return fitting, None
    after = search.after
    while True:
        rows = orders.mapper.all(sandbox.connection, _query(sandbox, search, after))
        for order in rows:
            if not fits(order, search.states):
                continue
            if len(fitting) == search.size:
                return fitting, fitting[-1].order_pk
            fitting.append(order)
        if len(rows) < _CHUNK:
            return fitting, None
        after = rows[-1].order_pk


def _query(sandbox: Sandbox, search: Search, after: int | None) -> Select[Any]:
    query = select(_table).where(_table.c.seller_id == sandbox.seller_id, _table.c.provider == search.provider)
    if search.seller_order_id is not None:
        query = query.where(_table.c.seller_order_id == search.seller_order_id)
    if search.latest_only:
        later = _table.alias("later")
        query = query.where(
            ~select(later.c.id)
            .where(
                later.c.seller_id == _table.c.seller_id,
                later.c.provider == _table.c.provider,
                later.c.seller_order_id == _table.c.seller_order_id,
                later.c.id > _table.c.id,
            )
            .exists()
        )
    if search.live is not None:
        query = query.where(_table.c.live == search.live)
    if search.since is not None:
        query = query.where(_table.c.created_at >= search.since)
    if search.until is not None:
        query = query.where(_table.c.created_at <= search.until)
    if after is not None:
        query = query.where(_table.c.id > after if search.ascending else _table.c.id < after)
    order = _table.c.id.asc() if search.ascending else _table.c.id.desc()
    return query.order_by(order).limit(_CHUNK)
