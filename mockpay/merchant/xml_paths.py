"""Pick single values out of a parsed XML document, whatever it really holds."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.kernel.clock import parse_time
from mockpay.wire.xml import Plain


def branch(tree: Mapping[str, Plain], name: str) -> Mapping[str, Plain]:
    """The children of an element; empty where it has none or is not there."""
    found = tree.get(name)
    return found if isinstance(found, dict) else {}


def text(tree: Mapping[str, Plain], name: str) -> str:
    """The text of an element; empty where it has none or is not there."""
    found = tree.get(name)
    return found if isinstance(found, str) else ""


def moment(tree: Mapping[str, Plain], name: str) -> int | None:
    """
    The time that an element holds, in milliseconds since 1970; None if it is not there.

    Raises:
        Invalid: code ``time.invalid``.
    """
    found = text(tree, name)
    return parse_time(found) if found else None
