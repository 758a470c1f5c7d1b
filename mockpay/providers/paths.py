"""What answers a request of an API whose calls are told apart by method and path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import unquote

#: One part of a path that names an object.
ID = "([^/]+)"
Found = TypeVar("Found")


def find(
    rows: Iterable[tuple[str, re.Pattern[str], Found]], method: str, path: str
) -> tuple[Found, list[str]] | tuple[None, list[str]]:
    """
    What the first row that fits has for a request, and the names in its path, decoded; None where none fits.

    Args:
        rows: Method, pattern of the whole path, and what answers.
    """
    for verb, pattern, found in rows:
        match = pattern.fullmatch(path) if verb == method else None
        if match is not None:
            return found, [unquote(name) for name in match.groups()]
    return None, []
