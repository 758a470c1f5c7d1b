"""Read-only lists for pages and the control API: filters, newest first, keyset paging."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, case, func, or_, select, true

from mockpay.domain.orders import OPEN, Order
from mockpay.domain.payments.attempts import UNPAID_ENDS, Attempt, AttemptState, Source
from mockpay.domain.payments.decisions import deciding_end
from mockpay.domain.refunds import RefundState
from mockpay.store import attempts as attempt_rows
from mockpay.store import orders as order_rows
from mockpay.store.attempts import attempts
from mockpay.store.db.mapping import Mapper
from mockpay.store.db.paging import PAGE, Page, cursor_of, number_of, page_of
from mockpay.store.journal import journal, numbers_about
from mockpay.store.notifications import notifications, tries
from mockpay.store.orders import orders
from mockpay.store.reads import order_text
from mockpay.store.refunds import refunds
from mockpay.store.transitions import timeline
from mockpay.store.unit_of_work import Sandbox


class OrderFilter(Struct, frozen=True):
    """
    Which orders; what is empty or None does not matter.

    `shown_states` are states where an open order whose newest attempt ended without money has that attempt's;
    `attempt_states` of the newest attempt; `decided_by` is a `Source` value that settled how the order stands, or the
    name of a scenario that its newest attempt met; `text` is what `mockpay.store.reads.order_text` looks for;
    `refunds` is ``possible`` or ``pending``.
    """

    states: tuple[str, ...] = ()
    shown_states: tuple[str, ...] = ()
    attempt_states: tuple[str, ...] = ()
    method: str | None = None
    decided_by: str | None = None
    seller_order_id: str | None = None
    page_token: str | None = None
    text: str | None = None
    refunds: str | None = None


_newest = attempts.alias("newest")
_ended_try = (
    select(_newest.c.state)
    .where(
        _newest.c.order_pk == orders.c.id, _newest.c.number == orders.c.attempt_count, _newest.c.state.in_(UNPAID_ENDS)
    )
    .correlate(orders)
    .scalar_subquery()
)
#: The newest attempt is looked up for open orders only.
_shown_state = case((orders.c.state.in_(OPEN), func.coalesce(_ended_try, orders.c.state)), else_=orders.c.state).label(
    "shown_state"
)


class OrderRow(Struct, frozen=True):
    """An order and its newest attempt."""

    order: Order
    last: Attempt | None


#: So many pages are read at most to fill one with a filter that only rows can answer.
_MOST_PAGES = 20


def orders_page(sandbox: Sandbox, filter_: OrderFilter, cursor: str | None = None, limit: int = PAGE) -> Page[OrderRow]:
    """The seller's orders, the newest first; one page may be short of rows where who decided is asked for."""
    page = _orders_page(sandbox, filter_, cursor, limit)
    if not filter_.decided_by:
        return page
    rows: list[OrderRow] = []
    for _ in range(_MOST_PAGES):
        for row in page.items:
            if _decided_so(row, filter_.decided_by):
                rows.append(row)
            if len(rows) == limit:
                more = row is not page.items[-1] or page.next_cursor
                return Page(rows, cursor_of("order", row.order.order_pk) if more else None)
        if page.next_cursor is None:
            break
        page = _orders_page(sandbox, filter_, page.next_cursor, limit)
    return Page(rows, page.next_cursor)


def _decided_so(row: OrderRow, name: str) -> bool:
    """Whether this source settled how the order stands, or this scenario was met; an order nobody tried is normal."""
    decision = deciding_end(row.order, row.last)
    if name in set(Source):
        nobody = Source.SUCCESS if row.last else None
        return name == (decision.source if decision else nobody)
    return row.last is not None and any(made.scenario == name for made in row.last.stage_decisions.values())


def _orders_page(sandbox: Sandbox, filter_: OrderFilter, cursor: str | None, limit: int) -> Page[OrderRow]:
    query = _of_orders(sandbox, select(orders), filter_).order_by(orders.c.id.desc())
    if cursor:
        query = query.where(orders.c.id < number_of("order", cursor))
    newest = order_rows.mapper.all(sandbox.connection, query.limit(limit + 1))
    page = page_of("order", newest, limit, lambda order: order.order_pk)
    tries = attempt_rows.of_orders(sandbox, [order.order_pk for order in page.items])
    rows = [OrderRow(order, tries[order.order_pk][-1] if order.order_pk in tries else None) for order in page.items]
    return Page(rows, page.next_cursor)


def orders_by_id(sandbox: Sandbox, order_ids: Collection[str]) -> dict[str, Order]:
    """Those of the seller's orders that have these ids, by id."""
    query = select(orders).where(orders.c.seller_id == sandbox.seller_id, orders.c.order_id.in_(order_ids))
    return {order.order_id: order for order in order_rows.mapper.all(sandbox.connection, query)} if order_ids else {}


def select_orders_of_attempts(sandbox: Sandbox, attempt_ids: Collection[str]) -> Select[Any]:
    """The query of their attempts and orders, by the key of attempts: SQLite would rather walk all of the seller."""
    return (
        select(attempts.c.attempt_id, *orders.c)
        .join(orders, orders.c.id == attempts.c.order_pk)
        .where(attempts.c.seller_id + "" == sandbox.seller_id, attempts.c.attempt_id.in_(attempt_ids))
    )


def orders_of_attempts(sandbox: Sandbox, attempt_ids: Collection[str]) -> dict[str, Order]:
    """The orders that these attempts of the seller are of, by attempt."""
    rows = sandbox.connection.execute(select_orders_of_attempts(sandbox, attempt_ids))
    return {row[0]: order_rows.mapper.load(row[1:]) for row in rows}


def order_count(sandbox: Sandbox) -> int:
    """How many orders the seller has."""
    query = select(func.count()).select_from(orders).where(orders.c.seller_id == sandbox.seller_id)
    return int(sandbox.connection.execute(query).scalar() or 0)


def counts_by_state(sandbox: Sandbox, filter_: OrderFilter | None = None) -> dict[str, int]:
    """How many fitting orders are shown in each state; the filter's own states do not count."""
    anywhere = replace(filter_ or OrderFilter(), states=(), shown_states=())
    query = _of_orders(sandbox, select(_shown_state, func.count()), anywhere)
    rows = sandbox.connection.execute(query.group_by(_shown_state))
    return {state: int(number) for state, number in rows}


def refunds_by_state(sandbox: Sandbox) -> dict[str, int]:
    """How many of the seller's refunds each state has."""
    return _by_state(sandbox, refunds)


def deliveries_by_state(sandbox: Sandbox, type_: str | None = None) -> dict[str, int]:
    """How many deliveries each state has; of one type of notification or of all."""
    of_type = [notifications.c.type == type_] if type_ else []
    return _by_state(sandbox, notifications, *of_type)


def _by_state(sandbox: Sandbox, table: Table, *conditions: ColumnElement[bool]) -> dict[str, int]:
    query = select(table.c.state, func.count()).where(table.c.seller_id == sandbox.seller_id, *conditions)
    rows = sandbox.connection.execute(query.group_by(table.c.state))
    return {state: int(number) for state, number in rows}


def _of_orders(sandbox: Sandbox, query: Select[Any], filter_: OrderFilter) -> Select[Any]:
    query = query.select_from(_with_last(filter_)).where(orders.c.seller_id == sandbox.seller_id)
    states_of = (
        (orders.c.state, filter_.states),
        (_shown_state, filter_.shown_states),
        (attempts.c.state, filter_.attempt_states),
    )
    query = query.where(*(column.in_(states) for column, states in states_of if states))
    if filter_.seller_order_id:
        query = query.where(orders.c.seller_order_id == filter_.seller_order_id)
    if filter_.page_token:
        query = query.where(orders.c.page_token == filter_.page_token)
    if filter_.method:
        query = query.where(attempts.c.method == filter_.method)
    if filter_.decided_by:
        query = query.where(_may_have_decided(filter_.decided_by))
    if filter_.refunds:
        query = query.where(_with_refunds(sandbox, filter_.refunds))
    if filter_.text:
        query = query.where(order_text.mentions(sandbox, filter_.text))
    return query


def _with_refunds(sandbox: Sandbox, which: str) -> ColumnElement[bool]:
    """Orders that can still be refunded, or that have a refund whose end is to come."""
    if which == "possible":
        return and_(
            attempts.c.state == AttemptState.CAPTURED, attempts.c.captured_minor > attempts.c.refund_reserved_minor
        )
    of_seller = refunds.c.seller_id == sandbox.seller_id
    return orders.c.id.in_(select(refunds.c.order_pk).where(of_seller, refunds.c.state == RefundState.PENDING))


def _with_last(filter_: OrderFilter) -> Any:
    """Orders, joined with their newest attempt where the filter looks at it."""
    if not (filter_.method or filter_.decided_by or filter_.attempt_states or filter_.refunds):
        return orders
    newest = and_(attempts.c.order_pk == orders.c.id, attempts.c.number == orders.c.attempt_count)
    # An order that nobody tried may be cancelled by somebody.
    return orders.join(attempts, newest, isouter=not (filter_.method or filter_.attempt_states or filter_.refunds))


def _may_have_decided(name: str) -> ColumnElement[bool]:
    """Orders of whose newest attempt, or end, the source or scenario is part; whether it was met, rows tell."""
    # Both are compact JSON of our own writing.
    part = f'"source":"{name}"' if name in set(Source) else f'"scenario":"{name}"'
    named = [column.contains(part, autoescape=True) for column in (attempts.c.plan, attempts.c.decisions)]
    ended = or_(orders.c.cancelled_by.is_not(None), orders.c.reason == "authorization_expired")
    return true() if name == Source.SUCCESS else or_(*named, ended)


class Bar(Struct, frozen=True):
    """The orders opened in one span of the seller's time, by state."""

    at: int
    counts: Mapping[str, int]


def bars(sandbox: Sandbox, since: int, span_ms: int = 60_000, newest: int = 5_000) -> list[Bar]:
    """
    The spans since an instant in which orders were opened, the oldest first, by the states that are shown.

    Looks at the `newest` orders only, so that a page costs the same in any world.
    """
    recent = (
        select(orders.c.created_at, _shown_state)
        .where(orders.c.seller_id == sandbox.seller_id)
        .order_by(orders.c.id.desc())
        .limit(newest)
        .subquery()
    )
    spans: dict[int, dict[str, int]] = {}
    query = select(recent).where(recent.c.created_at >= since)
    for created_at, state in sandbox.connection.execute(query):
        counts = spans.setdefault(created_at // span_ms * span_ms, {})
        counts[state] = counts.get(state, 0) + 1
    return [Bar(at, spans[at]) for at in sorted(spans)]


class JournalFilter(Struct, frozen=True):
    """
    Which journal rows; what is empty or None does not matter.

    `outcome` is ``ok`` (``ok.again`` too), ``refused`` (anything else) or an error's code; `text` a part, in any
    case, of the path, the kind, the outcome, the reason, the facts, the answer or an order's id, or a status.
    """

    kind: str | None = None
    outcome: str | None = None
    order_id: str | None = None
    text: str | None = None


class JournalRow(Struct, frozen=True):
    """
    One request as journalled; `at` is the seller's time, `real_at` the machine's.

    What HTTP tells is None where the request came by no HTTP; `order_id` is there where it was about one order.
    """

    number: int
    at: int
    real_at: int
    kind: str
    outcome: str
    reason: str | None
    order_id: str | None
    facts: Mapping[str, Any]
    method: str | None
    path: str | None
    status: int | None
    duration_us: int | None
    order_ids: str | None
    answer: str | None

    @property
    def orders(self) -> list[str]:
        """The ids of all orders that it was about."""
        return [self.order_id] if self.order_id else (self.order_ids or "").split()

    @property
    def duration_ms(self) -> float | None:
        """How long the answer took until it was written down."""
        return None if self.duration_us is None else self.duration_us / 1_000


_STATUS_DIGITS = 3
#: How many rows a search for a text looks at before it asks whether to go on.
SEARCHED = 2_000
_journal_mapper = Mapper(JournalRow, journal, id="number")


def journal_page(
    sandbox: Sandbox, filter_: JournalFilter, cursor: str | None = None, limit: int = PAGE
) -> Page[JournalRow]:
    """The seller's journal, the newest first; with a text a page has the hits of the newest `SEARCHED` rows at most."""
    return _journal(sandbox.connection, sandbox.seller_id, filter_, cursor, limit)


def newest_journal_cursor(sandbox: Sandbox) -> str:
    """The cursor of the seller's newest journal line, after which a wait may begin."""
    newest = select(func.max(journal.c.id)).where(journal.c.seller_id == sandbox.seller_id)
    return cursor_of("journal", sandbox.connection.execute(newest).scalar() or 0)


def ownerless_journal(
    connection: Connection, filter_: JournalFilter, cursor: str | None = None, limit: int = PAGE
) -> Page[JournalRow]:
    """Requests that no seller could be found for, the newest first."""
    return _journal(connection, "", filter_, cursor, limit)


def _journal(
    connection: Connection, seller_id: str, filter_: JournalFilter, cursor: str | None, limit: int
) -> Page[JournalRow]:
    query, unsearched = _before(select(journal), seller_id, cursor), None
    if filter_.kind:
        query = query.where(journal.c.kind == filter_.kind)
    if filter_.order_id:
        query = query.where(journal.c.id.in_(numbers_about(seller_id, filter_.order_id)))
    if filter_.outcome:
        query = query.where(_ended_in(filter_.outcome))
    if filter_.text:
        below = _before(select(journal.c.id), seller_id, cursor).limit(1).offset(SEARCHED)
        unsearched = connection.execute(below).scalar()
        query = query.where(_mentions(filter_.text), journal.c.id > (unsearched or 0))
    rows = _journal_mapper.all(connection, query.limit(limit + 1))
    page = page_of("journal", rows, limit, lambda row: row.number)
    if page.next_cursor or unsearched is None:
        return page
    return replace(page, next_cursor=cursor_of("journal", unsearched + 1))


def _before(query: Select[Any], seller_id: str, cursor: str | None) -> Select[Any]:
    """A seller's rows from a cursor on, the newest first."""
    query = query.where(journal.c.seller_id == seller_id).order_by(journal.c.id.desc())
    return query.where(journal.c.id < number_of("journal", cursor)) if cursor else query


def _ended_in(outcome: str) -> ColumnElement[bool]:
    if outcome == "refused":
        return and_(journal.c.outcome != "ok", journal.c.outcome.not_like("ok.%"))
    if outcome == "ok":
        return or_(journal.c.outcome == "ok", journal.c.outcome.like("ok.%"))
    return journal.c.outcome == outcome


def _mentions(text: str) -> ColumnElement[bool]:
    columns = ("path", "kind", "outcome", "reason", "order_id", "order_ids", "facts", "answer")
    conditions = [journal.c[name].icontains(text, autoescape=True) for name in columns]
    if text.isascii() and text.isdigit() and len(text) == _STATUS_DIGITS:
        conditions.append(journal.c.status == int(text))
    return or_(*conditions)


def version(sandbox: Sandbox) -> str:
    """A mark that changes whenever something was written in the seller's timeline or journal."""
    lines = select(func.max(timeline.c.id)).where(timeline.c.seller_id == sandbox.seller_id)
    entries = select(func.max(journal.c.id)).where(journal.c.seller_id == sandbox.seller_id)
    row = sandbox.connection.execute(select(lines.scalar_subquery(), entries.scalar_subquery())).one()
    return f"{row[0] or 0}-{row[1] or 0}"


class TryLine(Struct, frozen=True):
    """A try to deliver a notification without what was sent and answered."""

    number: int
    at: int
    status: int | None
    latency_ms: int
    reason: str | None


def tries_of(sandbox: Sandbox, notification_ids: Sequence[str]) -> dict[str, list[TryLine]]:
    """The tries of several notifications by notification, the oldest first."""
    query = (
        select(tries.c.notification_id, tries.c.number, tries.c.at, tries.c.status, tries.c.latency_ms, tries.c.reason)
        .where(tries.c.seller_id == sandbox.seller_id)
        .where(tries.c.notification_id.in_(notification_ids))
        .order_by(tries.c.notification_id, tries.c.number)
    )
    tries_by_id: dict[str, list[TryLine]] = {name: [] for name in notification_ids}
    for name, *line in sandbox.connection.execute(query):
        tries_by_id[name].append(TryLine(*line))
    return tries_by_id
