"""Pages of lists and the opaque cursors that lead from one to the next."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Generic, TypeVar

from msgspec import Struct

from mockpay.kernel.errors import Invalid

T = TypeVar("T")

#: Rows of a page unless the caller says otherwise, and at most.
PAGE = 50
LONGEST_PAGE = 200
_LAST_ROW = 2**63 - 1
_MOST_DIGITS = 18


class Page(Struct, Generic[T], frozen=True):
    """One page of a list; `next_cursor` asks for the following one, None on the last."""

    items: list[T]
    next_cursor: str | None


def page_of(noun: str, rows: list[T], limit: int, mark: Callable[[T], str | int]) -> Page[T]:
    """
    One page of what was found.

    Args:
        noun: Which list it is; its cursors open no other.
        rows: One more than `limit`, where there is more.
        mark: What of a row the next page begins after.
    """
    more = len(rows) > limit
    return Page(rows[:limit], cursor_of(noun, mark(rows[limit - 1])) if more else None)


def cursor_of(noun: str, mark: str | int) -> str:
    """An opaque cursor: the last row that was seen of a list."""
    return base64.urlsafe_b64encode(f"{noun}:{mark}".encode()).decode().rstrip("=")


def mark_of(noun: str, cursor: str) -> str:
    """
    What `cursor_of` hid.

    Raises:
        Invalid: code ``cursor.invalid``: made up, or another list's.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        cursor_noun, _, mark = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise bad_cursor() from error
    if cursor_noun != noun or not mark:
        raise bad_cursor()
    return mark


def number_of(noun: str, cursor: str) -> int:
    """
    The row number in a cursor.

    Raises:
        Invalid: code ``cursor.invalid``: made up, or another list's.
    """
    mark = mark_of(noun, cursor)
    if not (mark.isascii() and mark.isdigit() and int(mark) <= _LAST_ROW):
        raise bad_cursor()
    return int(mark)


def pair_of(noun: str, cursor: str) -> tuple[int, int]:
    """
    What a list is in the order of, and the row number, in a cursor made of ``VALUE.NUMBER``.

    Raises:
        Invalid: code ``cursor.invalid``: made up, or another list's.
    """
    value, _, number = mark_of(noun, cursor).partition(".")
    for part in (value, number):
        if not (part.isascii() and part.isdigit() and len(part) <= _MOST_DIGITS):
            raise bad_cursor()
    return int(value), int(number)


def bad_cursor() -> Invalid:
    """The refusal of a cursor."""
    return Invalid("This cursor is not one that was given out here.", code="cursor.invalid")
