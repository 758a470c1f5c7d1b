"""The filters of a wallet's history as a page's form has them: words, Indian days, and an order's reference."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import Struct

from mockpay.domain.wallet.ledger import Direction, JournalType
from mockpay.kernel.clock import DAY, indian_midnight
from mockpay.kernel.errors import Invalid
from mockpay.store.reads.wallet_entries import EntryFilter

E = TypeVar("E", bound=StrEnum)
NAMES = ("type", "direction", "since", "until", "order")
_LONGEST = 200


class HistoryForm(Struct, frozen=True):
    """What was typed, what it filters by, and what is wrong with it by field; with an error nothing is filtered."""

    typed: Mapping[str, str]
    filter: EntryFilter
    errors: Mapping[str, str]

    def address(self, path: str, **more: str) -> str:
        """The same filters at a path."""
        query = {name: value for name, value in {**self.typed, **more}.items() if value}
        return f"{path}?{urlencode(query)}" if query else path


def read_form(arguments: Mapping[str, str]) -> HistoryForm:
    """The filters in an address; nothing is raised."""
    typed = {name: arguments.get(name, "").strip()[:_LONGEST] for name in NAMES}
    errors: dict[str, str] = {}
    kind = _word(JournalType, "type", typed, errors)
    direction = _word(Direction, "direction", typed, errors)
    since, until = _day("since", typed, errors), _day("until", typed, errors)
    if since is not None and until is not None and until < since:
        errors["until"] = "The last day lies before the first."
    if errors:
        return HistoryForm(typed, EntryFilter(), errors)
    end = None if until is None else until + DAY
    return HistoryForm(typed, EntryFilter(kind, direction, since, end, typed["order"] or None), errors)


def _word(words: type[E], name: str, typed: Mapping[str, str], errors: dict[str, str]) -> E | None:
    try:
        return words(typed[name].upper()) if typed[name] else None
    except ValueError:
        errors[name] = "Choose one of the list."
        return None


def _day(name: str, typed: Mapping[str, str], errors: dict[str, str]) -> int | None:
    """The instant at which an Indian day begins."""
    if not typed[name]:
        return None
    try:
        day = date.fromisoformat(typed[name])
        moment = indian_midnight(day.year, day.month, day.day)
        if not typed[name].isascii() or moment < 0:
            raise Invalid(typed[name])
    except (ValueError, Invalid):
        errors[name] = "A day looks like 2026-11-21."
        return None
    return moment
