"""How a company's table of errors is read; the tables are the companies' own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorTable(Generic[Row]):
    """
    A company's words for the core's errors.

    Args:
        rows: The errors that the company has words for, by the core's code.
        about_requests: Families of codes (what stands before the dot) that are about what was sent, and may say what.
        refusal: Makes the row of a request that was refused with an HTTP status.
        unavailable: The row of a database that cannot serve now.
        internal: The row of an error that nobody thought of.
    """

    rows: Mapping[str, Row]
    about_requests: frozenset[str]
    refusal: Callable[[int], Row]
    unavailable: Row
    internal: Row

    def find(self, code: str) -> Row:
        """The row of a code, such as ``refund.exceeds_capture``; ``http.4xx`` is what the framework refused."""
        if code in self.rows:
            return self.rows[code]
        family, _, detail = code.partition(".")
        if family == "database":
            return self.unavailable
        if family == "http" and re.fullmatch("4[0-9]{2}", detail):
            return self.refusal(int(detail))
        return self.refusal(400) if family in self.about_requests else self.internal
