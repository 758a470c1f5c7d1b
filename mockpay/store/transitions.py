"""
The timeline, and the one way in which a stored record changes: compare-and-set, for every state machine.

`step` is a record's conditional UPDATE, its timeline event and what follows from it, together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct
from sqlalchemy import Index, Table, select

from mockpay.domain.timeline import Actor, Machine, TimelineEvent
from mockpay.kernel.errors import IllegalTransition, NotFound
from mockpay.store.db.mapping import Mapper
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.unit_of_work import Sandbox

# --- timeline


timeline = Table(
    "timeline",
    metadata,
    row_id(),
    text("seller_id"),
    big("order_pk"),
    big("at"),
    text("machine"),
    text("subject"),
    text("event"),
    text("before", null=True),
    text("after"),
    text("actor"),
    text("facts"),
    Index("timeline_of_order", "order_pk", "id"),
    Index("timeline_of_seller", "seller_id", "id"),
)

mapper = Mapper(TimelineEvent, timeline)


def add(
    sandbox: Sandbox,
    order_pk: int,
    *,
    machine: str,
    subject: str,
    event: str,
    before: str | None,
    after: str,
    actor: Actor,
    facts: Mapping[str, object],
) -> None:
    """
    Append what just happened, at the seller's now.

    Args:
        order_pk: The order's row number; 0 for what is of no order.
        subject: The record's id.
        before: Its state before; None for a record that is new.
    """
    line = TimelineEvent(sandbox.now, machine, subject, event, before, after, actor, facts)
    mapper.insert(sandbox.connection, line, seller_id=sandbox.seller_id, order_pk=order_pk)


def of_order(sandbox: Sandbox, order_pk: int) -> list[TimelineEvent]:
    """All that happened to an order and its attempts, in order."""
    of_seller = timeline.c.seller_id == sandbox.seller_id  # what is of no order has the number 0, whoever's it is
    query = select(timeline).where(timeline.c.order_pk == order_pk, of_seller).order_by(timeline.c.id)
    return mapper.all(sandbox.connection, query)


# --- steps


T = TypeVar("T")


def transition(sandbox: Sandbox, mapper: Mapper[T], record: T, event: str, **changes: Any) -> T:
    """
    Take one step of a record's machine as one conditional UPDATE; the record as it is then.

    Args:
        changes: Fields that change with the state.

    Raises:
        IllegalTransition: no such step from the state that the row has.
    """
    assert mapper.machine is not None
    changes[mapper.state] = mapper.machine.target(getattr(record, mapper.state), event)
    return update(sandbox, mapper, record, unchanged=(mapper.state,), **changes)


def update(sandbox: Sandbox, mapper: Mapper[T], record: T, *, unchanged: Sequence[str] = (), **changes: Any) -> T:
    """
    Change fields of a record; the record as it is then.

    Raises:
        IllegalTransition: it is gone, or one of the `unchanged` fields has changed.
    """
    if "updated_at" in mapper.table.c:
        changes.setdefault("updated_at", sandbox.now)
    updated = mapper.update(sandbox.connection, record, changes, unchanged=unchanged)
    if updated is None:
        machine = mapper.machine.name if mapper.machine else mapper.table.name
        raise IllegalTransition(f"The {machine} moved on meanwhile.", machine=machine)
    return updated


class Record(Protocol):
    """What belongs to an order and has a state."""

    @property
    def order_pk(self) -> int:
        """The order's row number."""
        ...

    @property
    def state(self) -> StrEnum:
        """A state of the record's machine."""
        ...


AnyRecord = TypeVar("AnyRecord", bound=Record)
#: What is done after a step, with the record as it was and as it is.
FollowUp = Callable[[Sandbox, AnyRecord, AnyRecord], None]


def _nobody(_sandbox: Sandbox, _record: Any, _event: str) -> None:
    pass


def _no_facts(_before: Any, _after: Any) -> Mapping[str, object]:
    return {}


class Transitions(Struct, Generic[AnyRecord], frozen=True):
    """
    How the records of one machine move.

    `subject` names the field with the record's id, `follow_ups` says what is done after each event, in order, and
    `facts` what the timeline tells of any step beside the facts that the caller names; `observe` is called last.
    """

    mapper: Mapper[AnyRecord]
    subject: str
    follow_ups: Mapping[str, tuple[FollowUp[AnyRecord], ...]]
    facts: Callable[[AnyRecord, AnyRecord], Mapping[str, object]] = _no_facts
    observe: Callable[[Sandbox, AnyRecord, str], None] = _nobody

    @property
    def machine(self) -> Machine[Any]:
        """The table of legal steps."""
        assert self.mapper.machine is not None
        return self.mapper.machine


def step(
    sandbox: Sandbox,
    transitions: Transitions[AnyRecord],
    record: AnyRecord,
    event: str,
    actor: Actor,
    changes: Mapping[str, Any] | None = None,
    **facts: object,
) -> AnyRecord:
    """
    Move a record.

    Args:
        changes: Columns that change with the state.
        facts: What the timeline tells of this step.

    Raises:
        IllegalTransition: no such step from its state, or it moved on meanwhile.
    """
    after = transition(sandbox, transitions.mapper, record, event, **(changes or {}))
    own = transitions.facts(record, after)
    add_event(sandbox, transitions, after, event, actor, {**own, **facts}, before=record.state)
    for follow_up in transitions.follow_ups[event]:
        follow_up(sandbox, record, after)
    transitions.observe(sandbox, after, event)
    return after


def add_event(
    sandbox: Sandbox,
    transitions: Transitions[AnyRecord],
    record: AnyRecord,
    event: str,
    actor: Actor,
    facts: Mapping[str, object] | None = None,
    *,
    before: StrEnum | None,
) -> None:
    """Add to the timeline what happened to a record; `before` is None for one that is new."""
    add(
        sandbox,
        record.order_pk,
        machine=transitions.machine.name,
        subject=getattr(record, transitions.subject),
        event=event,
        before=before,
        after=record.state,
        actor=actor,
        facts=facts or {},
    )


def require(record: T | None, noun: str) -> T:
    """
    What was looked up.

    Raises:
        NotFound: code ``NOUN.not_found``.
    """
    if record is None:
        raise NotFound(f"There is no such {noun}.", code=f"{noun}.not_found")
    return record
