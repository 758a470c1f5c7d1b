"""
The family of errors that mockpay raises on purpose.

Each carries a dotted `code` that edges translate into their own format
(a provider's XML, problem+json, a page); no HTTP status lives here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class MockpayError(Exception):
    """
    The root; raised itself never.

    Args:
        message: One sentence that may be shown to the caller.
        code: Dotted, stable, e.g. ``order.not_found``.
        reason: What only the journal may know; the message where absent.
        detail: Plain values that explain the refusal.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, reason: str | None = None, **detail: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.reason = reason or message
        self.detail = detail


class DatabaseUnavailable(Exception):
    """
    The database cannot serve now, and nothing was changed: full, locked, gone or out of reach.

    No `MockpayError`, so that nobody takes it for a refusal: what was asked for may succeed later.

    Args:
        message: One sentence that may be shown to the caller.
        code: ``database.`` and the reason.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Invalid(MockpayError):
    """What was sent breaks a rule of form; `others` are errors of a form's further fields."""

    code = "input.invalid"
    others: Sequence[Invalid] = ()


@contextmanager
def at_field(field: str) -> Iterator[None]:
    """Name the field that a value came in, which whoever reads values does not know."""
    try:
        yield
    except Invalid as error:
        raise Invalid(error.message, code=error.code, field=field) from error


def parse_at(field: str, parse: Callable[[str], T], text: str | None) -> T | None:
    """
    What the text of a field means; None where there is none.

    Raises:
        Invalid: as `parse` does, with the field.
    """
    with at_field(field):
        return None if text is None else parse(text)


@contextmanager
def collect_invalid(errors: list[Invalid]) -> Iterator[None]:
    """Put an error of form among `errors`, so that the fields after it are checked too."""
    try:
        yield
    except Invalid as error:
        errors += [error, *error.others]


def raise_invalid(errors: Sequence[Invalid]) -> None:
    """
    Refuse a form for all its errors.

    Raises:
        Invalid: the first of them, the rest as its `others`.
    """
    if errors:
        errors[0].others = tuple(errors[1:])
        raise errors[0]


class NotFound(MockpayError):
    """What was asked for is not in this seller's world."""

    code = "not_found"


class Conflict(MockpayError):
    """The state of the thing does not allow this now."""

    code = "conflict"


class IllegalTransition(Conflict):
    """A state machine was asked for a step that its table does not have."""

    code = "transition.illegal"


class Forbidden(MockpayError):
    """Who asks may not."""

    code = "forbidden"


class Unusable(MockpayError):
    """The installation cannot start: a key, a database or a setting is unusable."""

    code = "start.unusable"
