"""
Forms whose names are nested by brackets: `card[number]`, `expand[0]`, `metadata[order]`.

The public clients write brackets bare in bodies and percent-encoded in queries, a list by its numbers (`expand[0]`) or,
curl and others, without (`expand[]`); a blank is `+` or `%20`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus

from mockpay.kernel.errors import Invalid
from mockpay.wire.forms import decode_form

_DEEPEST = 8


def encode(params: Mapping[str, Any]) -> str:
    """Nested values as a form, as the public Python client writes it."""
    return "&".join(f"{quote_plus(name, '[]')}={quote_plus(value, '[]')}" for name, value in flatten(params))


def flatten(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Nested values as pairs, not encoded yet."""
    return list(_flat("", params))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name}[{key}]" if name else key, inner)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _flat(f"{name}[{place}]", inner)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    else:
        yield name, "" if value is None else str(value)


def decode(raw: str | bytes) -> dict[str, Any]:
    """
    A form or query as nested objects of texts; a list is an object whose names are numbers (`items`).

    Of a name that comes twice the last one counts.

    Raises:
        Invalid: code ``form.nested``: a name is a text and an object, or nested too deeply.
        FormError: it cannot be read at all.
    """
    form: dict[str, Any] = {}
    for name, value in decode_form(raw):
        first, *rest = name.split("[")
        path = [first, *(part.rstrip("]") for part in rest)]
        if len(path) > _DEEPEST:
            raise _nested(name)
        node = form
        for part in path[:-1]:
            node = node.setdefault(part or str(len(node)), {})
            if not isinstance(node, dict):
                raise _nested(name)
        last = path[-1] or str(len(node))
        if isinstance(node.get(last), dict):
            raise _nested(name)
        node[last] = value
    return form


def _nested(name: str) -> Invalid:
    return Invalid(f"Invalid nesting of the parameter {name[:64]}", code="form.nested", field=name[:64])


def items(value: Any) -> list[Any]:
    """The entries of a list in their order; of a single text itself, of nothing none."""
    if isinstance(value, Mapping):
        return [value[key] for key in sorted(value, key=lambda key: (not key.isdigit(), key.zfill(_DEEPEST)))]
    return [value] if value else []
