"""The log of gateway calls for pages and control API: by filters, each of which has its index, page by page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, Text, select, tuple_

from mockpay.domain.payments.call_log import CallDirection, ErrorClass
from mockpay.domain.payments.gateways import Operation, ResultKind
from mockpay.domain.payments.health import HealthLine
from mockpay.store.db.paging import LONGEST_PAGE, PAGE, Page, page_of, pair_of
from mockpay.store.gateway_calls import GatewayCall, calls, mapper
from mockpay.store.unit_of_work import Runtime, Sandbox, read

_NOUN, _BY_LATENCY = "gateway_call", "gateway_call_by_latency"


class CallFilter(Struct, frozen=True):
    """
    Which calls; what is empty or None does not matter.

    `since` counts and `until` does not, by the seller's clock; with `latency_ms`, the least, the slowest come first.
    """

    gateway: str | None = None
    operations: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    error_classes: Sequence[str] = ()
    statuses: Sequence[int] = ()
    directions: Sequence[str] = ()
    order_id: str | None = None
    attempt_id: str | None = None
    latency_ms: int | None = None
    since: int | None = None
    until: int | None = None


#: Columns by how few rows one value has, as a rule: the first that is asked for leads, by its index.
_LEADING = ("attempt_id", "order_id", "error_class", "status", "outcome", "operation", "gateway", "direction")
#: Those of which a value has so few rows that their order does not matter.
_FEW = frozenset({"attempt_id", "order_id"})


def calls_page(sandbox: Sandbox, chosen: CallFilter, cursor: str | None = None, limit: int = PAGE) -> Page[GatewayCall]:
    """
    The seller's calls that fit, the newest first by the seller's clock; the slowest first where latency is asked for.

    Raises:
        Invalid: code ``cursor.invalid``.
    """
    by_latency = chosen.latency_ms is not None
    noun, column = (_BY_LATENCY, calls.c.latency_ms) if by_latency else (_NOUN, calls.c.at)
    queries = select_calls(sandbox.seller_id, chosen)
    if cursor:
        mark = pair_of(noun, cursor)
        queries = [query.where(tuple_(column, calls.c.id) < mark) for query in queries]

    def place(call: GatewayCall) -> tuple[int, int]:
        return (call.latency_ms or 0) if by_latency else call.at, call.number

    rows = [call for query in queries for call in mapper.all(sandbox.connection, query.limit(limit + 1))]
    rows.sort(key=place, reverse=True)
    return page_of(noun, rows[: limit + 1], limit, lambda call: ".".join(map(str, place(call))))


def select_calls(seller_id: str, chosen: CallFilter) -> list[Select[Any]]:
    """
    The queries of a filter, each along one index in the order of the list.

    One for each value of the column that leads: no index is in the order of the list over several values.
    """
    wanted = _values_by_column(chosen)
    by_latency = chosen.latency_ms is not None
    names = _FEW if by_latency else _LEADING
    leading = next((name for name in _LEADING if name in wanted and name in names), None)
    if leading == "attempt_id":
        plain = {"attempt_id"}
    else:
        plain = {"seller_id", "latency_ms" if by_latency and leading is None else "at"}

    def column(name: str) -> ColumnElement[Any]:
        """One that the index has; else such that neither database thinks of another index."""
        found = calls.c[name]
        return found if name in plain else found + ("" if isinstance(found.type, Text) else 0)

    conditions = [column("seller_id") == seller_id]
    conditions += [column(name).in_(values) for name, values in wanted.items() if name != leading]
    conditions += [column("at") >= chosen.since] if chosen.since is not None else []
    conditions += [column("at") < chosen.until] if chosen.until is not None else []
    conditions += [column("latency_ms") >= chosen.latency_ms] if by_latency else []
    order = column("latency_ms") if by_latency else calls.c.at
    query = select(calls).where(*conditions).order_by(order.desc(), calls.c.id.desc())
    if leading is None:
        return [query]
    return [query.where(calls.c[leading] == value) for value in wanted[leading]]


def _values_by_column(chosen: CallFilter) -> Mapping[str, Collection[str | int]]:
    """The values of each column that is asked for."""
    every: Mapping[str, Sequence[str | int]] = {
        "attempt_id": (chosen.attempt_id,) if chosen.attempt_id else (),
        "order_id": (chosen.order_id,) if chosen.order_id else (),
        "gateway": (chosen.gateway,) if chosen.gateway else (),
        "operation": chosen.operations,
        "outcome": chosen.outcomes,
        "error_class": chosen.error_classes,
        "status": chosen.statuses,
        "direction": chosen.directions,
    }
    return {name: tuple(dict.fromkeys(values)) for name, values in every.items() if values}


#: Newest calls by which a page sees that something has happened.
_LOOKED_AT = 50


def version(sandbox: Sandbox) -> str:
    """Differs when a call was added or has ended."""
    query = select(calls.c.id, calls.c.outcome).where(calls.c.seller_id == sandbox.seller_id)
    rows = sandbox.connection.execute(query.order_by(calls.c.id.desc()).limit(_LOOKED_AT)).all()
    return f"{rows[0].id if rows else 0}.{sum(row.outcome is not None for row in rows)}"


def all_calls(runtime: Runtime, seller_id: str, chosen: CallFilter) -> Iterator[list[GatewayCall]]:
    """The same, all of them, page by page, so that no transaction is open while the other side reads."""
    cursor: str | None = None
    while True:
        with read(runtime, seller_id) as sandbox:
            page = calls_page(sandbox, chosen, cursor, LONGEST_PAGE)
        yield page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def health_lines(sandbox: Sandbox, since: int) -> list[HealthLine]:
    """What of our calls counts for their gateway's health, from after `since` until now, in the order of making."""
    columns = (*(calls.c[name] for name in HealthLine.__struct_fields__), calls.c.id)
    query = select(*columns).where(calls.c.seller_id == sandbox.seller_id, calls.c.at > since)
    query = query.where(calls.c.at <= sandbox.now, calls.c.direction == str(CallDirection.OUT))
    rows = sorted(sandbox.connection.execute(query), key=lambda row: row.id)
    return [
        HealthLine(
            row.gateway,
            row.method,
            row.attempt_id,
            Operation(row.operation),
            row.try_no,
            row.at,
            ResultKind(row.outcome) if row.outcome else None,
            ErrorClass(row.error_class) if row.error_class else None,
            row.latency_ms,
        )
        for row in rows
    ]
