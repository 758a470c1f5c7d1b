"""Queries and responses that several nouns of the control API share."""

from __future__ import annotations

from collections.abc import Container, Iterable
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.domain.timeline import TimelineEvent
from mockpay.kernel.errors import Invalid
from mockpay.store.db.paging import LONGEST_PAGE, PAGE
from mockpay.web.control.responses import to_response

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


def timeline_entries(events: Iterable[TimelineEvent], subjects: Container[str] | None = None) -> list[TimelineEntry]:
    """Lines of a timeline; those of certain subjects only, where they are named."""
    return [to_response(TimelineEntry, event) for event in events if subjects is None or event.subject in subjects]


def parse_states(text: str | None, states: type[StrEnum]) -> tuple[str, ...]:
    """
    The states that a list is filtered by; none for all of them.

    Raises:
        Invalid: code ``query.invalid``.
    """
    names = tuple(text.split(",")) if text else ()
    if set(names) - set(states):
        message = f"A state is one of {', '.join(states)}."
        raise Invalid(message, code="query.invalid", field="state")
    return names
