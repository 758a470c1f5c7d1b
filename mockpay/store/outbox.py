"""
The outbox: what must leave the process, sent outside any transaction.

A row is claimed under a lease in real time, sent, and recorded in a new transaction.
Whoever finds a lapsed lease sends again: nothing is lost, a call may happen twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Index,
    Table,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)

from mockpay.kernel.clock import SECOND
from mockpay.settings import Settings
from mockpay.store.db.metadata import big, dump, load, metadata, partial_index, row_id, text
from mockpay.store.db.prepared import Prepared, PreparedInsert
from mockpay.store.unit_of_work import Runtime, Sandbox

outbox = Table(
    "outbox",
    metadata,
    row_id(),
    text("seller_id"),
    text("kind"),
    text("subject"),
    text("state"),
    big("due_at"),
    big("leased_until", default=0),
    big("tries", default=0),
    text("facts"),
    text("reason", null=True),
    #: Parcels of one lane go one after the other, in the order in which they were queued.
    text("lane", null=True),
    Index("outbox_of_seller", "seller_id", "state", "id"),
    # A number must never come again: somebody may still be sending what a reset has deleted.
    sqlite_autoincrement=True,
)

QUEUED, SENT, DEAD = "QUEUED", "SENT", "DEAD"
#: How long a claim lasts, in real ms, where MOCKPAY_LEASE_SECONDS says nothing else.
LEASE_MS = Settings().lease_seconds * SECOND
#: Parcels of one seller that may be on their way at once, over all processes.
MOST_IN_FLIGHT = 4
#: Rows that a claimer looks at.
_CANDIDATES = 200

#: Rows that a sender looks at for what the same seller has next.
_NEXT_CANDIDATES = 16

_insert = PreparedInsert(outbox)
#: Written out, not a parameter: only so do databases see that the partial index will do.
_queued = outbox.c.state == literal_column(f"'{QUEUED}'")
partial_index(outbox, "outbox_waiting", "leased_until", where=f"state = '{QUEUED}'")
_flying = Prepared(
    select(outbox.c.seller_id, outbox.c.lane).where(_queued, outbox.c.leased_until > bindparam("real_now"))
)
_next = Prepared(
    select(outbox.c.id, outbox.c.kind, outbox.c.lane, outbox.c.subject, outbox.c.tries, outbox.c.facts)
    .where(
        outbox.c.seller_id == bindparam("seller_id"),
        _queued,
        # As a sum no index has it: the seller's rows in order are what is wanted.
        outbox.c.leased_until + literal_column("0") <= bindparam("real_now"),
    )
    .order_by(outbox.c.id)
    .limit(literal_column(str(_NEXT_CANDIDATES)))
    .offset(literal_column("0"))  # SQLite's has one in any case, as a parameter of no name
    .with_for_update(skip_locked=True)
)
_lease = Prepared(
    update(outbox)
    .where(outbox.c.id == bindparam("parcel_id"))
    .values(leased_until=bindparam("until"), tries=outbox.c.tries + literal_column("1"))
)
_record = Prepared(
    update(outbox)
    .where(outbox.c.id == bindparam("parcel_id"), _queued)
    .where(outbox.c.seller_id == bindparam("seller_id"))
    .values(state=bindparam("to"), reason=bindparam("why"))
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing to send: `kind` names who sends it."""

    parcel_id: int
    seller_id: str
    kind: str
    subject: str
    tries: int
    facts: Mapping[str, Any]


def add(
    sandbox: Sandbox, kind: str, subject: str, *, mine: bool, lane: str | None = None, **facts: object
) -> int:
    """
    Queue something to send now; its number.

    What has a `lane` is sent after all that its lane holds already.  `mine` leases it to the
    caller at once, who then sends it itself; the worker takes it only where that caller died.
    """
    row = {
        "seller_id": sandbox.seller_id,
        "kind": kind,
        "subject": subject,
        "state": QUEUED,
        "due_at": sandbox.now,
        "leased_until": sandbox.real_now + lease_ms(sandbox.runtime) if mine else 0,
        "tries": 0,
        "facts": dump(facts),
        "reason": None,
        "lane": lane,
    }
    number = _insert.number(sandbox.connection, row)
    if not mine:
        sandbox.rescheduled.append(sandbox.now)
        sandbox.queued.append(kind)
    return number


def lease_ms(runtime: Runtime) -> int:
    """How long a claim of this process lasts, in real ms."""
    return runtime.settings.lease_seconds * SECOND


def claim(
    connection: Connection, real_now: int, limit: int, seller_id: str | None = None, *, lease: int = LEASE_MS
) -> list[Parcel]:
    """
    Take what nobody is sending, of one seller or of all, the oldest first.

    No seller has more than `MOST_IN_FLIGHT` on the way, so that one whose server is slow or
    dead holds up nobody else; claimers of several processes go one by one.

    Args:
        lease: How long nobody else takes them, in real ms.
    """
    _queue_up(connection)
    chosen = _choose(connection, real_now, limit, seller_id)
    if not chosen:
        return []
    rows = connection.execute(
        update(outbox)
        .where(outbox.c.id.in_(chosen))
        .values(leased_until=real_now + lease, tries=outbox.c.tries + 1)
        .returning(*outbox.c)
    )
    return sorted((_parcel(row) for row in rows.mappings()), key=lambda one: one.parcel_id)


def claim_next(sandbox: Sandbox, kind: str, limit: int) -> list[Parcel]:
    """
    Take this seller's next parcels of this kind that may go now, until one of another comes.

    For a sender that has just recorded some: cheaper than `claim`, and by the same rules.
    """
    connection, real_now = sandbox.connection, sandbox.real_now
    _queue_up(connection)
    flying = _flying.run(connection, {"real_now": real_now}).fetchall()
    lanes = [lane for seller_id, lane in flying if seller_id == sandbox.seller_id]
    until = real_now + lease_ms(sandbox.runtime)
    found: list[Parcel] = []
    rows = _next.run(connection, {"seller_id": sandbox.seller_id, "real_now": real_now}).fetchall()
    for number, its_kind, lane, subject, tries, facts in rows:
        if lane is not None and lane in lanes:
            continue
        if its_kind != kind or len(found) == limit or len(lanes) >= MOST_IN_FLIGHT:
            break
        lanes.append(lane)
        _lease.run(connection, {"parcel_id": number, "until": until})
        found.append(Parcel(number, sandbox.seller_id, kind, subject, tries + 1, load(facts)))
    return found


def _queue_up(connection: Connection) -> None:
    """Claimers of several processes go one by one; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(841_000_843)")


def _choose(connection: Connection, real_now: int, limit: int, seller_id: str | None) -> list[int]:
    flying = _flying.run(connection, {"real_now": real_now}).fetchall()
    in_flight = Counter(owner for owner, _ in flying)
    lanes = {lane for _, lane in flying if lane is not None}
    chosen: list[int] = []
    after, more = 0, True
    while more and len(chosen) < limit:
        # Whole pages may belong to one seller who has to wait; others come behind them.
        full = [seller for seller, count in in_flight.items() if count >= MOST_IN_FLIGHT]
        free = (
            select(outbox.c.id, outbox.c.seller_id, outbox.c.lane)
            .where(*_unleased(real_now, seller_id), outbox.c.id > after)
            .where(outbox.c.seller_id.not_in(full))
            .where(or_(outbox.c.lane.is_(None), outbox.c.lane.not_in(sorted(lanes))))
            .order_by(outbox.c.id)
            .limit(_CANDIDATES)
            .with_for_update(skip_locked=True)
        )
        rows = connection.execute(free).all()
        for row in rows:
            if len(chosen) == limit:
                break
            if in_flight[row.seller_id] >= MOST_IN_FLIGHT or row.lane in lanes:
                continue
            in_flight[row.seller_id] += 1
            lanes.update({row.lane} - {None})
            chosen.append(row.id)
        more = len(rows) == _CANDIDATES
        after = rows[-1].id if rows else after
    return chosen


def by_number(sandbox: Sandbox, parcel_id: int) -> Parcel | None:
    """A queued parcel of this seller."""
    query = select(outbox).where(outbox.c.id == parcel_id, outbox.c.seller_id == sandbox.seller_id, _queued)
    row = sandbox.connection.execute(query).mappings().first()
    return _parcel(row) if row is not None else None


def _parcel(row: Mapping[Any, Any]) -> Parcel:
    return Parcel(
        parcel_id=row["id"],
        seller_id=row["seller_id"],
        kind=row["kind"],
        subject=row["subject"],
        tries=row["tries"],
        facts=load(row["facts"]),
    )


def record(sandbox: Sandbox, parcel_id: int, state: str, reason: str | None = None) -> bool:
    """Write down how sending ended; False where somebody else already did."""
    values = {"parcel_id": parcel_id, "seller_id": sandbox.seller_id, "to": state, "why": reason}
    return _record.run(sandbox.connection, values).rowcount == 1


def holds(sandbox: Sandbox, kind: str, subject: str) -> bool:
    """Whether a parcel of this subject waits or is on its way."""
    query = select(outbox.c.id).where(
        outbox.c.seller_id == sandbox.seller_id, _queued, outbox.c.kind == kind, outbox.c.subject == subject
    )
    return sandbox.connection.execute(query.limit(1)).first() is not None


def waiting(sandbox: Sandbox) -> int:
    """How much of this seller is still to be sent."""
    query = select(func.count()).where(outbox.c.seller_id == sandbox.seller_id, _queued)
    return int(sandbox.connection.execute(query).scalar() or 0)


def anything(connection: Connection, real_now: int, seller_id: str | None = None) -> bool:
    """Whether a parcel waits that nobody is sending."""
    query = select(outbox.c.id).where(*_unleased(real_now, seller_id))
    return connection.execute(query.limit(1)).first() is not None


def _unleased(real_now: int, seller_id: str | None) -> list[ColumnElement[bool]]:
    free = [_queued, outbox.c.leased_until <= real_now]
    return free if seller_id is None else [*free, outbox.c.seller_id == seller_id]
