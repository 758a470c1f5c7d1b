"""Looking for what a tester waits for: a step in the timeline, a request in the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Join, Table, and_, func, or_, select

from mockpay.kernel.errors import Invalid
from mockpay.store.db.mapping import load
from mockpay.store.journal import about, journal
from mockpay.store.notifications import notifications
from mockpay.store.orders import orders
from mockpay.store.refunds import refunds
from mockpay.store.transitions import timeline
from mockpay.store.unit_of_work import Sandbox

JOURNAL = "journal"
#: Matches any of the ids.
ANY_ID = "id"
#: How the names of ids end; a refund's reference is the seller's id of it.
_NAMES = ("_id", "reference")


class EventSource(Struct, frozen=True):
    """
    One kind of events that can be waited for.

    Args:
        columns: What they can be matched on beside their order's ids, by key.
        table: Where the rest of what their subject is known by stands.
        row: Which row there is the subject's own.
    """

    columns: Mapping[str, ColumnElement[Any]]
    table: Table | None = None
    row: ColumnElement[bool] | None = None

    @property
    def joined(self) -> Join:
        """The timeline beside its orders and the rows of its subjects, each found by its id."""
        lines = timeline.outerjoin(orders, orders.c.id == timeline.c.order_pk)
        return lines if self.table is None else lines.outerjoin(self.table, self.row)


#: The ids of the order that an event of a machine is about.
ORDER_IDS = {"order_id": orders.c.order_id, "seller_order_id": orders.c.seller_order_id}
_subject = timeline.c.subject
#: Those of the store; an engine has its own beside its table.
SOURCES: Mapping[str, EventSource] = {
    "order": EventSource(ORDER_IDS),
    "attempt": EventSource({**ORDER_IDS, "attempt_id": _subject}),
    "refund": EventSource(
        {**ORDER_IDS, "refund_id": _subject, "reference": refunds.c.reference},
        refunds,
        and_(refunds.c.seller_id == timeline.c.seller_id, refunds.c.refund_id == _subject),
    ),
    "notification": EventSource(
        {
            **ORDER_IDS,
            "notification_id": _subject,
            "message_id": notifications.c.message_id,
            "refund_id": notifications.c.refund_id,
            "type": notifications.c.type,
        },
        notifications,
        notifications.c.notification_id == _subject,
    ),
    JOURNAL: EventSource({"order_id": journal.c.order_id, "outcome": journal.c.outcome}),
}


class Awaited(Struct, frozen=True):
    """
    What is waited for.

    Args:
        source: A machine of the timeline such as ``refund``, or ``journal``.
        name: An event or the state that it leads to; of the journal, a kind; ``*`` for any.
        match: Values by key, all of which must fit; `ANY_ID` fits any of the ids.
    """

    source: str
    name: str
    match: Mapping[str, str]


class OccurredEvent(Struct, frozen=True):
    """What came: `number` is its place, after which a next wait may go on."""

    number: int
    source: str
    name: str
    at: int
    state: str | None
    subject: str | None
    order_id: str | None
    seller_order_id: str | None
    facts: Mapping[str, Any]


def marks(connection: Connection) -> tuple[int, int]:
    """How far the timeline and the journal of all sellers have grown; one cheap query."""
    lines = select(func.max(timeline.c.id)).scalar_subquery()
    entries = select(func.max(journal.c.id)).scalar_subquery()
    row = connection.execute(select(lines, entries)).one()
    return row[0] or 0, row[1] or 0


def last_number(sandbox: Sandbox, source: str) -> int:
    """
    The last number up to which a look may be taken for granted, asked before the look.

    A world has one writer, so no step can come in below it later.  The journal is also
    written outside the world's lock, so of it nothing is taken for granted.
    """
    if source == JOURNAL:
        return 0
    query = select(func.max(timeline.c.id)).where(timeline.c.seller_id == sandbox.seller_id)
    return int(sandbox.connection.execute(query).scalar() or 0)


def first(sandbox: Sandbox, source: EventSource, awaited: Awaited, after: int) -> OccurredEvent | None:
    """
    The first that fits and has a higher number than `after`.

    Raises:
        Invalid: code ``wait.match``: a key that this source does not have.
    """
    matches = [_matches(source.columns, key, value) for key, value in awaited.match.items()]
    if awaited.source == JOURNAL:
        return _first_entry(sandbox, awaited.name, matches, after)
    query = (
        select(timeline, orders.c.order_id, orders.c.seller_order_id)
        .select_from(source.joined)
        .where(timeline.c.seller_id == sandbox.seller_id, timeline.c.id > after, *matches)
        .where(timeline.c.machine == awaited.source)
    )
    if awaited.name != "*":
        query = query.where(or_(timeline.c.event == awaited.name, timeline.c.after == awaited.name))
    row = sandbox.connection.execute(query.order_by(timeline.c.id).limit(1)).first()
    if row is None:
        return None
    return OccurredEvent(
        row.id,
        row.machine,
        row.event,
        row.at,
        row.after,
        row.subject,
        row.order_id,
        row.seller_order_id,
        load(row.facts),
    )


def _first_entry(
    sandbox: Sandbox, kind: str, matches: Sequence[ColumnElement[bool]], after: int
) -> OccurredEvent | None:
    query = select(journal).where(journal.c.seller_id == sandbox.seller_id, journal.c.id > after, *matches)
    if kind != "*":
        query = query.where(journal.c.kind == kind)
    row = sandbox.connection.execute(query.order_by(journal.c.id).limit(1)).first()
    if row is None:
        return None
    return OccurredEvent(row.id, JOURNAL, row.kind, row.at, row.outcome, None, row.order_id, None, load(row.facts))


def _matches(columns: Mapping[str, ColumnElement[Any]], key: str, value: str) -> ColumnElement[bool]:
    if key == ANY_ID:
        return or_(*(_equals(column, value) for name, column in columns.items() if name.endswith(_NAMES)))
    if key not in columns:
        raise Invalid(f"This can match on {', '.join(columns)}.", code="wait.match", key=key)
    return _equals(columns[key], value)


def _equals(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """A call may be about several orders, which stand in a column of their own."""
    equals: ColumnElement[bool] = about(value) if column is journal.c.order_id else column == value
    return equals
