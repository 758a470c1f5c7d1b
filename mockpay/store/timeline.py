"""The timeline: append-only rows, one for each step of each machine."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Index, Table, select

from mockpay.domain.timeline import Actor, TimelineEvent
from mockpay.store.db.mapping import Mapper
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.unit_of_work import Sandbox

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
    """Append what just happened, at the seller's now."""
    line = TimelineEvent(sandbox.now, machine, subject, event, before, after, actor, facts)
    mapper.insert(sandbox.connection, line, seller_id=sandbox.seller_id, order_pk=order_pk)


def of_order(sandbox: Sandbox, order_pk: int) -> list[TimelineEvent]:
    """All that happened to an order and its attempts, in order."""
    query = select(timeline).where(timeline.c.order_pk == order_pk).order_by(timeline.c.id)
    return mapper.all(sandbox.connection, query)
