"""The shapes that several nouns of the control API share, and how instants are told."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.domain.timeline import TimelineEvent
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import Invalid
from mockpay.store.db.paging import LONGEST_PAGE, PAGE

Limit = Annotated[int, Meta(ge=1, le=LONGEST_PAGE, description="How many at most.")]
Cursor = Annotated[str, Meta(description="`next_cursor` of the page before.")]


States = Annotated[str, Meta(description="One state, or several with commas.")]


class PageQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which page of a list."""

    cursor: Cursor | None = None
    limit: Limit = PAGE


class TimelineEntry(Struct, kw_only=True):
    """One step of an order or of what belongs to it; `before` is null where it came into being."""

    at: str
    machine: str
    subject: str
    event: str
    before: str | None
    after: str
    actor: str
    facts: dict[str, Any]


def timeline_entry(event: TimelineEvent) -> TimelineEntry:
    """A line of the timeline as it is told."""
    return TimelineEntry(
        at=rfc3339(event.at),
        machine=event.machine,
        subject=event.subject,
        event=event.event,
        before=event.before,
        after=event.after,
        actor=event.actor,
        facts=dict(event.facts),
    )


def maybe_time(moment: int | None) -> str | None:
    """An instant in RFC 3339, or nothing."""
    return None if moment is None else rfc3339(moment)


def states_of(text: str | None, known: type[StrEnum]) -> tuple[str, ...]:
    """
    The states that a list is narrowed to; none for all of them.

    Raises:
        Invalid: code ``query.invalid``.
    """
    names = tuple(text.split(",")) if text else ()
    if set(names) - set(known):
        message = f"A state is one of {', '.join(known)}."
        raise Invalid(message, code="query.invalid", field="state")
    return names
