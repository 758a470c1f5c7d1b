"""Events: what must happen later in a seller's world, by that seller's clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Index, Table, select, update

from mockpay.store import sellers
from mockpay.store.metadata import big, dump, load, metadata, row_id, text
from mockpay.store.prepared import PreparedInsert
from mockpay.store.worlds import Sandbox

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
    Index("events_due", "seller_id", "state", "due_at", "id"),
    Index("events_of_subject", "subject", "kind"),
)

WAITING, DONE, FAILED, DROPPED = "WAITING", "DONE", "FAILED", "DROPPED"

_insert = PreparedInsert(events)
_mine = events.c.seller_id


@dataclass(frozen=True, slots=True)
class Event:
    """Something due: `kind` names what to do, `subject` to what."""

    event_id: int
    kind: str
    subject: str
    due_at: int
    facts: Mapping[str, Any]


def add(sandbox: Sandbox, kind: str, subject: str, due_at: int, **facts: object) -> None:
    """Schedule an event; the worker is woken, after the commit, where it is the next one."""
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
    _insert.run(sandbox.connection, row)
    sandbox.rescheduled.append(due_at)
    known = sandbox.seller.next_due
    if known is None or due_at < known:
        sellers.due_sooner(sandbox.connection, sandbox.seller_id, due_at)


def drop(sandbox: Sandbox, kind: str, subject: str) -> None:
    """Take back what has not happened yet."""
    sandbox.connection.execute(
        update(events)
        .where(events.c.subject == subject, events.c.kind == kind, events.c.state == WAITING)
        .values(state=DROPPED)
    )
    sandbox.rescheduled.append(None)


def due(sandbox: Sandbox, target: int, limit: int) -> list[Event]:
    """The events due at or before `target`, in due order."""
    query = (
        select(events.c.id, events.c.kind, events.c.subject, events.c.due_at, events.c.facts)
        .where(_mine == sandbox.seller_id, events.c.state == WAITING, events.c.due_at <= target)
        .order_by(events.c.due_at, events.c.id)
        .limit(limit)
    )
    return [
        Event(row.id, row.kind, row.subject, row.due_at, load(row.facts))
        for row in sandbox.connection.execute(query)
    ]


def next_due(sandbox: Sandbox) -> int | None:
    """When the next event of this seller is due; None where nothing waits."""
    query = (
        select(events.c.due_at)
        .where(_mine == sandbox.seller_id, events.c.state == WAITING)
        .order_by(events.c.due_at, events.c.id)
        .limit(1)
    )
    return sandbox.connection.execute(query).scalar()


def finish(sandbox: Sandbox, event_ids: list[int]) -> None:
    """Mark events as done at the seller's now."""
    sandbox.connection.execute(
        update(events).where(events.c.id.in_(event_ids)).values(state=DONE, fired_at=sandbox.now)
    )


def fail(sandbox: Sandbox, event_id: int, reason: str) -> None:
    """Mark an event as failed, with the reason."""
    sandbox.connection.execute(
        update(events)
        .where(events.c.id == event_id)
        .values(state=FAILED, fired_at=sandbox.now, reason=reason)
    )


def waiting_of(sandbox: Sandbox, subject: str) -> list[Event]:
    """What is still to come for one subject, the soonest first."""
    query = (
        select(events.c.id, events.c.kind, events.c.subject, events.c.due_at, events.c.facts)
        .where(_mine == sandbox.seller_id, events.c.subject == subject, events.c.state == WAITING)
        .order_by(events.c.due_at, events.c.id)
    )
    return [
        Event(row.id, row.kind, row.subject, row.due_at, load(row.facts))
        for row in sandbox.connection.execute(query)
    ]
