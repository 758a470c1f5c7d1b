"""Responses of records, by the names and types of the fields, and what several nouns of the control API share."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from enum import Enum, StrEnum
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

from mockpay.domain.timeline import Actor, TimelineEvent
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.money import Money
from mockpay.kernel.words import parse_word
from mockpay.store.db.paging import LONGEST_PAGE, PAGE

R = TypeVar("R", bound=Struct)


def to_response(response: type[R], record: object, **values: Any) -> R:
    """
    A response with the record's fields.

    Money becomes ``"1.00"``, an instant RFC 3339, a nested record the nested struct; `currency` is
    the amount's unless the record has one.

    Args:
        values: Fields that the record does not have, or has otherwise.
    """
    for name, convert in _converters(response).items():
        if name not in values:
            values[name] = convert(_value(record, name))
    return response(**values)


def _value(record: object, name: str) -> Any:
    if name == "currency" and not hasattr(record, name):
        amount = record.amount  # type: ignore[attr-defined]  # what has a currency has an amount
        return None if amount is None else amount.currency
    return getattr(record, name)


@cache
def _converters(response: type[Struct]) -> Mapping[str, Callable[[Any], Any]]:
    return {name: _converter(hint) for name, hint in get_type_hints(response).items()}


def _converter(hint: Any) -> Callable[[Any], Any]:
    """What makes a value fit a field of this type."""
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
    if get_origin(hint) is list:
        item = _converter(kinds[0])
        return lambda values: [item(value) for value in values]
    if get_origin(hint) is dict:
        return dict
    if len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], Struct):
        nested = kinds[0]
        return lambda value: None if value is None else to_response(nested, value)
    return _text if kinds == [str] else lambda value: value


def _text(value: Any) -> str | None:
    if isinstance(value, Money):
        return value.wire()
    if isinstance(value, Enum):
        return str(value.value)
    return rfc3339(value) if isinstance(value, int) else value


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
    actor: Actor
    facts: dict[str, Any]


def timeline_entries(events: Iterable[TimelineEvent], subjects: Container[str] | None = None) -> list[TimelineEntry]:
    """Lines of a timeline; those of certain subjects only, where they are named."""
    return [to_response(TimelineEntry, event) for event in events if subjects is None or event.subject in subjects]


def parse_states(text: str | None, states: type[StrEnum], field: str = "state", noun: str = "state") -> tuple[str, ...]:
    """
    The states, or other words, that a list is filtered by; none for all of them.

    Raises:
        Invalid: code ``query.invalid``.
    """
    names = text.split(",") if text else ()
    return tuple(parse_word(noun, name, states, code="query.invalid", field=field) for name in names)
