"""What of a request or an answer may be stored: what a list allows, and nothing else."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

HIDDEN = "[hidden]"


def redact(plain: Any, shown: Container[str]) -> Any:
    """
    Plain values of which only the fields of these names are told; an object or a list is looked into.

    A field that nobody has thought of is hidden, whatever it holds. What has no name, alone or in a list whose name
    is not shown, is hidden too.
    """
    return _redact(plain, shown, allowed=False)


def _redact(plain: Any, shown: Container[str], *, allowed: bool) -> Any:
    if isinstance(plain, Mapping):
        return {name: _redact(value, shown, allowed=name in shown) for name, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_redact(value, shown, allowed=allowed) for value in plain]
    return plain if allowed or plain is None or isinstance(plain, bool) else HIDDEN


def redact_fields(fields: Mapping[str, Any], shown: Container[str]) -> dict[str, str]:
    """Fields as texts: those of these names and empty ones are told, as the text that a signature covers has them."""
    return {
        name: str(value) if value == "" or (name in shown and isinstance(value, str | int | float)) else HIDDEN
        for name, value in fields.items()
    }


def redact_headers(headers: Mapping[str, str], shown: Container[str]) -> dict[str, str]:
    """Headers of which only those of these names, in small letters, are told."""
    return {name: value if name.lower() in shown else HIDDEN for name, value in headers.items()}
