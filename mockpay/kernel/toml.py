"""TOML files: their values with the line that each stands on, and a file's text from values."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from msgspec import Struct

from mockpay.kernel.errors import Unusable

#: Names and numbers that lead to a value: ``("sellers", 0, "name")``.
Place = tuple[str | int, ...]

_AT_LINE = re.compile(r" \(at (?:line ([0-9]+), column [0-9]+|end of document)\)$")
#: Of a file that tomllib has read: blanks and comments, strings, marks, and all else.
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]+|\#[^\n]*)
    |(?P<text>\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*')
    |(?P<mark>[\[\]{},=.\n])
    |(?P<word>[^\s\[\]{},=.\#"']+)""",
    re.DOTALL | re.VERBOSE,
)
#: A longer table gets a header of its own.
_INLINE_WIDTH = 100
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class TomlFile(Struct, frozen=True):
    """A file's values, times as text, and the line of each table, key and item."""

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[Place, int]

    def refusal(self, message: str, place: Place, field: str = "") -> Unusable:
        """
        What is wrong there, with the line.

        Args:
            field: Names with dots, the last of which stands somewhere below the place.
        """
        return _refusal(self.path, self._line_of(place, tuple(field.split("."))), message)

    def _line_of(self, place: Place, names: tuple[str, ...]) -> int:
        for suffix in (names[start:] for start in range(len(names))):
            inside = [at for at in self.lines if at[: len(place)] == place]
            below = [at for at in inside if at[len(place) :][-len(suffix) :] == suffix]
            if below:
                return self.lines[min(below, key=len)]
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_toml(path: Path) -> TomlFile:
    """
    Read a file.

    Raises:
        Unusable: code ``file.unusable``: it cannot be read or is no TOML, with the line.
    """
    try:
        octets = path.read_bytes()
        text = octets.decode()
        values = tomllib.loads(text)
    except OSError as error:
        raise Unusable(f"{path} cannot be read ({error.strerror}).", code="file.unusable") from error
    except UnicodeDecodeError as error:
        raise _refusal(path, octets.count(b"\n", 0, error.start) + 1, "This is not UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        line = int(at[1]) if at and at[1] else text.count("\n") + 1
        raise _refusal(path, line, f"{_AT_LINE.sub('', str(error))}.") from error
    except RecursionError as error:
        raise _refusal(path, 1, "This is nested too deeply.") from error
    return TomlFile(path, _plain(values), _Scan(text).lines)


def _refusal(path: Path, line: int, message: str) -> Unusable:
    return Unusable(f"{path}, line {line}: {message}", code="file.unusable")


def _plain(value: Any) -> Any:
    """A value with times as text, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | time) else value


class _Scan:
    """Where things stand in a text that tomllib has read: nothing is checked any more."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Place, int] = {}
        self._tables: dict[Place, int] = {}
        self._tokens: list[tuple[str, str, int]] = []
        line = 1
        for token in _TOKEN.finditer(text):
            if token.lastgroup != "blank":
                self._tokens.append((str(token.lastgroup), token[0], line))
            line += token[0].count("\n")
        self._tokens.append(("mark", "\n", line))
        self._at = 0
        table: Place = ()
        while not self._skip("\n"):
            if self._next_is("["):
                table = self._header()
            else:
                self._pair(table)

    def _next_is(self, *marks: str) -> bool:
        kind, text, _ = self._tokens[self._at]
        return kind == "mark" and text in marks

    def _skip(self, *marks: str) -> bool:
        """Go on behind such marks; whether the text ends there."""
        while self._at < len(self._tokens) and self._next_is(*marks):
            self._at += 1
        return self._at == len(self._tokens)

    def _record_line(self, place: Place) -> None:
        self.lines.setdefault(place, self._tokens[self._at][2])

    def _header(self) -> Place:
        self._at += 1
        is_list = self._next_is("[")
        self._at += is_list
        place: Place = ()
        while not self._next_is("]"):
            place = self._newest((*place, self._key()))
            self._skip(".")
            if self._next_is("]") and is_list:
                place = place[:-1] if place[:-1] in self._tables else place
                self._record_line(place)
                self._tables[place] = self._tables.get(place, -1) + 1
                place = self._newest(place)
            self._record_line(place)
        self._at += 1 + is_list
        return place

    def _newest(self, place: Place) -> Place:
        """The last of a list of tables, or what is no such list."""
        return (*place, self._tables[place]) if place in self._tables else place

    def _key(self) -> str:
        kind, text, _ = self._tokens[self._at]
        self._at += 1
        return text if kind == "word" else next(iter(tomllib.loads(f"{text} = 0")))

    def _pair(self, place: Place) -> None:
        while not self._next_is("="):
            self._skip(".")
            at, place = self._at, (*place, self._key())
            self.lines.setdefault(place, self._tokens[at][2])
        self._at += 1
        self._value(place)

    def _value(self, place: Place) -> None:
        if self._next_is("["):
            self._at += 1
            number = 0
            while not (self._skip("\n", ",") or self._next_is("]")):
                self._record_line((*place, number))
                self._value((*place, number))
                number += 1
            self._at += 1
        elif self._next_is("{"):
            self._at += 1
            while not (self._skip("\n", ",") or self._next_is("}")):
                self._pair(place)
            self._at += 1
        else:
            while not self._next_is("]", "}", ",", "\n"):
                self._at += 1


def toml_text(table: Mapping[str, Any]) -> str:
    """A file's text from text, numbers, booleans, lists and tables."""
    return "\n".join(_table_lines(table, "")).lstrip("\n") + "\n"


def _table_lines(table: Mapping[str, Any], name: str) -> Iterator[str]:
    """A table's own keys, and after them what needs headers."""
    headed = {key: value for key, value in table.items() if _needs_header(key, value)}
    yield from (f"{_written(key)} = {_inline(value)}" for key, value in table.items() if key not in headed)
    for key, value in headed.items():
        full = f"{name}.{_written(key)}".lstrip(".")
        for item in value if isinstance(value, list) else [value]:
            yield f"\n[[{full}]]" if isinstance(value, list) else f"\n[{full}]"
            yield from _table_lines(item, full)


def _needs_header(key: str, value: Any) -> bool:
    if isinstance(value, dict):
        return len(f"{key} = {_inline(value)}") > _INLINE_WIDTH
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _written(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _inline(key)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_written(key)} = {_inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    # JSON's texts, numbers and booleans are TOML's; DEL alone must be escaped there.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
