"""A stored call to a gateway as a curl line; what was hidden when it was stored is a variable of the shell."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from mockpay.wire.redaction import HIDDEN

_FORM = "application/x-www-form-urlencoded"
#: Stands for a variable until the text around it is quoted; no stored text has it.
_MARK = re.compile("\0([A-Z0-9_]+)\0")


def curl(exchange: Mapping[str, Any]) -> str:
    """The line, an option a line."""
    headers, body = exchange["request_headers"], exchange["request"]
    is_form = any(name.lower() == "content-type" and str(value).startswith(_FORM) for name, value in headers.items())
    options = [f"curl -sX {exchange['method']} {_word(exchange['url'])}"]
    options += [f"-H {_word(f'{name}: {_value(value, name)}')}" for name, value in headers.items()]
    if isinstance(body, Mapping) and (is_form or exchange["method"] == "GET"):
        options[0] += " -G" if exchange["method"] == "GET" else ""
        options += [f"--data-urlencode {_word(f'{name}={value}')}" for name, value in _fields(body)]
    elif body is not None:
        options.append(f"-d {_word(json.dumps(_variables(body, ''), ensure_ascii=False))}")
    return " \\\n  ".join(options)


def _fields(body: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The fields of a form, those of an object within it in brackets."""
    for name, value in body.items():
        path = f"{prefix}[{name}]" if prefix else str(name)
        if isinstance(value, Mapping | list):
            yield from _fields(value if isinstance(value, Mapping) else dict(enumerate(value)), path)
        else:
            yield path, str(_value(value, path))


def _variables(plain: Any, path: str) -> Any:
    """The same values with a variable in the place of each that is hidden."""
    if isinstance(plain, Mapping):
        return {name: _variables(value, f"{path}_{name}") for name, value in plain.items()}
    if isinstance(plain, list):
        return [_variables(value, path) for value in plain]
    return _value(plain, path)


def _value(value: Any, path: str) -> Any:
    if value != HIDDEN:
        return "" if value is None else value
    return f"\0{re.sub('[^A-Z0-9]+', '_', path.upper()).strip('_')}\0"


def _word(text: str) -> str:
    """One word for a shell: quoted but for its variables."""
    parts = _MARK.split(text.replace("\\u0000", "\0"))
    quoted = [f'"${part}"' if place % 2 else shlex.quote(part) if part else "" for place, part in enumerate(parts)]
    return "".join(quoted) or "''"
