"""Events: what must happen later in a seller's world, by that seller's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Index, Table, bindparam, literal_column, select, update
from sqlalchemy import text as written

from mockpay.kernel.clock import Clock
from mockpay.store import sellers
from mockpay.store.db.mapping import Prepared, dump, insert_row, load
from mockpay.store.db.metadata import big, metadata, partial_index, row_id, text
from mockpay.store.unit_of_work import Sandbox

events = Table(
    "events",
    metadata,
    row_id(),
    text("seller_id"),
    text("kind"),
    text("subject"),
    text("state"),
    big("due_at"),
    text("facts"),
    text("reason", null=True),
    big("fired_at", null=True),
    Index("events_of_subject", "seller_id", "subject", "kind"),
)

WAITING, DONE, FAILED, DROPPED = "WAITING", "DONE", "FAILED", "DROPPED"
#: Written out, not a parameter: only so do databases see that the partial index will do.
_is_waiting = events.c.state == literal_column(f"'{WAITING}'")
partial_index(events, "events_due", "seller_id, due_at, id", where=f"state = '{WAITING}'")

_seller_id = events.c.seller_id
_waiting = (
    select(events.c.id, events.c.kind, events.c.subject, events.c.due_at, events.c.facts)
    .where(_seller_id == bindparam("seller_id"), _is_waiting, events.c.due_at >= bindparam("since"))
    .order_by(events.c.due_at, events.c.id)
    .limit(bindparam("limit"))
    .offset(literal_column("0"))  # SQLite's has one in any case, as a parameter of no name
)
_due = Prepared(_waiting.where(events.c.due_at <= bindparam("target")))
_next = Prepared(_waiting.with_only_columns(events.c.due_at))
_marked = update(events).values(state=bindparam("to"), fired_at=bindparam("now"))
_drop = Prepared(
    update(events)
    .where(_seller_id == bindparam("seller"), events.c.subject == bindparam("what"))
    .where(events.c.kind == bindparam("why"), _is_waiting)
    .values(state=bindparam("to"))
)
#: The numbers come as a text with commas: one parameter, however many they are.
_finish = {
    "sqlite": Prepared(_marked.where(written("id IN (SELECT value FROM json_each('[' || :ids || ']'))"))),
    "postgresql": Prepared(_marked.where(written("id = ANY (CAST(string_to_array(:ids, ',') AS BIGINT[]))"))),
}
_of_seller = sellers.sellers.c
_record_fired = Prepared(
    update(sellers.sellers)
    .where(_of_seller.seller_id == bindparam("seller"))
    .values(
        clock_mode=bindparam("mode"),
        clock_real_anchor=bindparam("real"),
        clock_seller_anchor=bindparam("shown"),
        next_due=bindparam("due_at"),
        fired=_of_seller.fired + bindparam("count"),
    )
)


class Event(Struct, frozen=True):
    """Something due: `kind` names what to do, `subject` to what."""

    event_id: int
    kind: str
    subject: str
    due_at: int
    facts: Mapping[str, Any]


def add(sandbox: Sandbox, kind: str, subject: str, due_at: int, **facts: object) -> None:
    """Schedule an event at a time of the seller's clock, in ms; where it is the next, the commit wakes the worker."""
    row = {
        "seller_id": sandbox.seller_id,
        "kind": kind,
        "subject": subject,
        "state": WAITING,
        "due_at": due_at,
        "facts": dump(facts),
        "reason": None,
        "fired_at": None,
    }
    insert_row(sandbox.connection, events, row)
    sandbox.rescheduled.append(due_at)
    next_due = sandbox.seller.next_due
    if next_due is None or due_at < next_due:
        sellers.due_sooner(sandbox.connection, sandbox.seller_id, due_at)


def drop(sandbox: Sandbox, kind: str, subject: str) -> None:
    """Drop the events of a kind that still wait for a subject."""
    values = {"seller": sandbox.seller_id, "what": subject, "why": kind, "to": DROPPED}
    _drop.run(sandbox.connection, values)
    sandbox.rescheduled.append(None)


def due(sandbox: Sandbox, target: int, limit: int) -> list[Event]:
    """The events due at or before `target`, in due order."""
    values = {"target": target, **_from_next(sandbox), "limit": limit}
    return [
        Event(number, kind, subject, due_at, load(facts))
        for number, kind, subject, due_at, facts in _due.run(sandbox.connection, values).fetchall()
    ]


def _from_next(sandbox: Sandbox) -> dict[str, object]:
    """
    Where to look for what is next: nothing that waits is due before.

    Without it PostgreSQL would find, before that, all that happened since its last VACUUM.
    """
    added = [due_at for due_at in sandbox.rescheduled if due_at is not None]
    next_due = sandbox.seller.next_due
    since = min([next_due, *added]) if next_due is not None else min(added, default=0)
    return {"seller_id": sandbox.seller_id, "since": since}


def next_due(sandbox: Sandbox) -> int | None:
    """When the next event of this seller is due; None where nothing waits."""
    values = {**_from_next(sandbox), "limit": 1}
    due_at: int | None = _next.scalar(sandbox.connection, values)
    return due_at


def finish(sandbox: Sandbox, event_ids: Sequence[int]) -> None:
    """Mark events as done at the seller's now."""
    numbers = ",".join(map(str, event_ids))
    values = {"ids": numbers, "to": DONE, "now": sandbox.now}
    _finish[sandbox.connection.dialect.name].run(sandbox.connection, values)


def record_fired(sandbox: Sandbox, clock: Clock, next_due: int | None, fired: int) -> None:
    """Note in the seller's row what firing leads to: clock, next event, and how many more."""
    values = {
        "seller": sandbox.seller_id,
        "mode": str(clock.mode),
        "real": clock.real_anchor,
        "shown": clock.seller_anchor,
        "due_at": next_due,
        "count": fired,
    }
    _record_fired.run(sandbox.connection, values)


def fail(sandbox: Sandbox, event_id: int, reason: str) -> None:
    """Mark an event as failed, with the reason."""
    sandbox.connection.execute(
        update(events).where(events.c.id == event_id).values(state=FAILED, fired_at=sandbox.now, reason=reason)
    )


def waits(sandbox: Sandbox, subject: str, kind: str) -> bool:
    """Whether anything of a kind is still to come for one subject."""
    return any(event.kind == kind for event in waiting_of(sandbox, subject))


def waiting_of(sandbox: Sandbox, subject: str) -> list[Event]:
    """What is still to come for one subject, the soonest first."""
    query = (
        select(events.c.id, events.c.kind, events.c.subject, events.c.due_at, events.c.facts)
        .where(_seller_id == sandbox.seller_id, events.c.subject == subject, _is_waiting)
        .order_by(events.c.due_at, events.c.id)
    )
    return [
        Event(row.id, row.kind, row.subject, row.due_at, load(row.facts)) for row in sandbox.connection.execute(query)
    ]
