"""Looking for what a tester waits for: a step in the timeline, a request in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Join, and_, column, func, or_, select, table

from mockpay.kernel.errors import Invalid
from mockpay.store.db.metadata import load
from mockpay.store.journal import journal
from mockpay.store.notifications import notifications
from mockpay.store.orders import orders
from mockpay.store.refunds import refunds
from mockpay.store.timeline import timeline
from mockpay.store.unit_of_work import Sandbox

JOURNAL = "journal"
#: Matches any of the ids.
ANY_ID = "id"
#: How the names of ids end; a refund's reference is the seller's id of it.
_NAMES = ("_id", "reference")
_Columns = Mapping[str, ColumnElement[Any]]
_ORDER: _Columns = {"order_id": orders.c.order_id, "seller_order_id": orders.c.seller_order_id}
_subject = timeline.c.subject
#: Rows of the engines, which import the store and not the other way round.
_challenges = table("otp_challenges", column("challenge_id"), column("attempt_id"))
_authentications = table(
    "threeds_transactions", column("txn_id"), column("acs_trans_id"), column("attempt_id")
)
#: What can be matched on, by source: the order's ids, and what the thing itself is known by.
_COLUMNS: Mapping[str, _Columns] = {
    "order": _ORDER,
    "attempt": {**_ORDER, "attempt_id": _subject},
    "refund": {**_ORDER, "refund_id": _subject, "reference": refunds.c.reference},
    "notification": {
        **_ORDER,
        "notification_id": _subject,
        "message_id": notifications.c.message_id,
        "refund_id": notifications.c.refund_id,
        "type": notifications.c.type,
    },
    "otp": {**_ORDER, "challenge_id": _subject, "attempt_id": _challenges.c.attempt_id},
    "threeds": {
        **_ORDER,
        "threeds_server_trans_id": _subject,
        "acs_trans_id": _authentications.c.acs_trans_id,
        "attempt_id": _authentications.c.attempt_id,
    },
    JOURNAL: {"order_id": journal.c.order_id, "outcome": journal.c.outcome},
}
KEYS: Mapping[str, tuple[str, ...]] = {name: tuple(keys) for name, keys in _COLUMNS.items()}
#: Where the rest of what a thing is known by stands, and which row is its own.
_ROWS: Mapping[str, tuple[FromClause, ColumnElement[bool]]] = {
    "refund": (refunds, and_(refunds.c.seller_id == timeline.c.seller_id, refunds.c.refund_id == _subject)),
    "notification": (notifications, notifications.c.notification_id == _subject),
    "otp": (_challenges, _challenges.c.challenge_id == _subject),
    "threeds": (_authentications, _authentications.c.txn_id == _subject),
}


@dataclass(frozen=True, slots=True)
class Awaited:
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


@dataclass(frozen=True, slots=True)
class Seen:
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


def reached(sandbox: Sandbox, source: str) -> int:
    """
    The last number up to which a look may be taken for granted, asked before the look.

    A world has one writer, so no step can come in below it later.  The journal is also
    written outside the world's lock, so of it nothing is taken for granted.
    """
    if source == JOURNAL:
        return 0
    query = select(func.max(timeline.c.id)).where(timeline.c.seller_id == sandbox.seller_id)
    return int(sandbox.connection.execute(query).scalar() or 0)


def first(sandbox: Sandbox, wanted: Awaited, after: int) -> Seen | None:
    """
    The first that fits and has a higher number than `after`.

    Raises:
        Invalid: code ``wait.match``: a key that this source does not have.
    """
    if wanted.source == JOURNAL:
        return _first_entry(sandbox, wanted, after)
    return _first_step(sandbox, wanted, after)


def _first_step(sandbox: Sandbox, wanted: Awaited, after: int) -> Seen | None:
    query = (
        select(timeline, orders.c.order_id, orders.c.seller_order_id)
        .select_from(_told_by(wanted.source))
        .where(timeline.c.seller_id == sandbox.seller_id, timeline.c.id > after)
        .where(timeline.c.machine == wanted.source)
    )
    if wanted.name != "*":
        query = query.where(or_(timeline.c.event == wanted.name, timeline.c.after == wanted.name))
    for key, value in wanted.match.items():
        query = query.where(_fits(_COLUMNS[wanted.source], key, value))
    row = sandbox.connection.execute(query.order_by(timeline.c.id).limit(1)).mappings().first()
    if row is None:
        return None
    return Seen(
        row["id"],
        row["machine"],
        row["event"],
        row["at"],
        row["after"],
        row["subject"],
        row["order_id"],
        row["seller_order_id"],
        load(row["facts"]),
    )


def _told_by(machine: str) -> Join:
    """A machine's steps beside their order and the row of their subject, each found by its id."""
    steps = timeline.join(orders, orders.c.id == timeline.c.order_pk)
    return steps.outerjoin(*_ROWS[machine]) if machine in _ROWS else steps


def _first_entry(sandbox: Sandbox, wanted: Awaited, after: int) -> Seen | None:
    query = select(journal).where(journal.c.seller_id == sandbox.seller_id, journal.c.id > after)
    if wanted.name != "*":
        query = query.where(journal.c.kind == wanted.name)
    for key, value in wanted.match.items():
        query = query.where(_fits(_COLUMNS[JOURNAL], key, value))
    row = sandbox.connection.execute(query.order_by(journal.c.id).limit(1)).mappings().first()
    if row is None:
        return None
    return Seen(
        row["id"],
        JOURNAL,
        row["kind"],
        row["at"],
        row["outcome"],
        None,
        row["order_id"],
        None,
        load(row["facts"]),
    )


def _fits(columns: _Columns, key: str, value: str) -> ColumnElement[bool]:
    if key == ANY_ID:
        return or_(*(column == value for name, column in columns.items() if name.endswith(_NAMES)))
    if key not in columns:
        known = ", ".join(columns)
        raise Invalid(f"This can match on {known}.", code="wait.match", key=key)
    fits: ColumnElement[bool] = columns[key] == value
    return fits
