"""
What was sent, layer by layer: JSON inside JSON, XML inside that; pure functions.

Nothing here trusts the text: what cannot be read is shown as it is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

#: Deeper than any message of ours; a text that hides more is shown as it is.
_DEEPEST = 4
_PIECES = re.compile(r"<[^>]*>|[^<]+")
_BELOW = "(shown below)"


@dataclass(frozen=True, slots=True)
class Layer:
    """One document inside another: the field that held it, and its text made readable."""

    name: str
    text: str


def layers(body: str) -> list[Layer]:
    """
    A body and the documents in its fields, the outermost first.

    The field of an inner document says that it is shown below; a broken body is one layer.
    """
    return _read("Body", body, _DEEPEST) or [Layer("Body", body)]


def _read(name: str, text: str, depth: int) -> list[Layer]:
    start = text.lstrip()[:1]
    if start == "<":
        return [Layer(name, indented(text))]
    if start != "{" or not depth:
        return []
    try:
        fields = json.loads(text)
    except ValueError:
        return []
    inner: list[Layer] = []
    for key, value in fields.items():
        layers_inside = _read(key, value, depth - 1) if isinstance(value, str) else []
        if layers_inside:
            fields[key] = _BELOW
            inner += layers_inside
    return [Layer(name, json.dumps(fields, indent=2, ensure_ascii=False)), *inner]


def indented(document: str) -> str:
    """XML with each element on a line of its own; the text of a leaf stays beside its tags."""
    lines: list[str] = []
    depth, leaf = 0, False
    for piece in (piece for piece in _PIECES.findall(document) if piece.strip()):
        closes, opens = piece.startswith("</"), _opens(piece)
        depth -= closes
        if lines and leaf and (closes or not piece.startswith("<")):
            lines[-1] += piece.strip()
        else:
            lines.append("  " * max(depth, 0) + piece.strip())
        leaf = opens or (leaf and not piece.startswith("<"))
        depth += opens
    return "\n".join(lines)


def _opens(piece: str) -> bool:
    return piece.startswith("<") and piece[1:2] not in {"/", "?", "!"} and not piece.endswith("/>")
