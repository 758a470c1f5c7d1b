"""
Rows <-> records: how a table's rows become records and back, in one place.

Below it the statements whose SQL is worked out once, for the path of every payment, and what keeps a log's newest rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache, cached_property
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from mockpay.domain.timeline import Machine


class Prepared:
    """
    One statement with named parameters.

    Values go to the driver as they are and come back as it gives them, so they must be of
    kinds that every driver knows: text, whole numbers, bytes, booleans (0 and 1 when read).
    """

    def __init__(self, statement: ClauseElement, ending: str = "") -> None:
        """`ending` is SQL that both kinds of database spell the same and SQLAlchemy does not."""
        self._statement = statement
        self._ending = ending
        self._sql: dict[str, str] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> DBAPICursor:
        """Run it with a value for each of its parameters; others are ignored."""
        dialect = connection.dialect
        sql = self._sql.get(dialect.name) or self._compile(connection)
        driver: Any = connection.connection.dbapi_connection
        cursor: DBAPICursor = driver.execute(sql, values)
        return cursor

    def row(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The first row; None where there is none."""
        row: tuple[Any, ...] | None = self.run(connection, values).fetchone()
        return row

    def scalar(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first column of the first row; None where there is none."""
        row = self.row(connection, values)
        return row[0] if row is not None else None

    def _compile(self, connection: Connection) -> str:
        dialect = connection.dialect
        if dialect.positional:
            # SQLite's driver takes names as well as positions; names keep callers readable.
            dialect = type(dialect)(paramstyle="named")  # type: ignore[call-arg]  # all take it
        sql = self._sql[dialect.name] = f"{self._statement.compile(dialect=dialect)} {self._ending}"
        return sql


def insert_row(connection: Connection, table: Table, row: Mapping[str, Any]) -> int:
    """INSERT; the row's number, which means nothing where the table does not count its rows."""
    if connection.dialect.name == "sqlite":
        # Its driver knows the number without being asked.
        return int(_insert(table, tuple(row), "").run(connection, row).lastrowid)
    ending = f"RETURNING {'id' if 'id' in table.c else 0}"
    return int(_insert(table, tuple(row), ending).scalar(connection, row))


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """
    INSERT ... ON CONFLICT DO NOTHING; whether the row is new.

    Never insert-and-catch: PostgreSQL aborts the whole transaction on a clash.
    """
    # Not by rowcount: psycopg has none for an INSERT.
    statement = _insert(table, tuple(row), "ON CONFLICT DO NOTHING RETURNING 1")
    return statement.scalar(connection, row) is not None


@cache
def _insert(table: Table, names: tuple[str, ...], ending: str) -> Prepared:
    """With the columns' defaults written out: numbers and booleans, which both kinds of database spell the same."""
    values: dict[str, ColumnElement[Any]] = {
        column.name: literal_column(str(column.default.arg))
        for column in table.c
        if isinstance(column.default, ScalarElementColumnDefault)
    }
    values |= {name: bindparam(name) for name in names}
    # Inline: else SQLAlchemy asks PostgreSQL for the number in a RETURNING of its own.
    return Prepared(insert(table).inline().values(values), ending)


# --- retention


#: Rows that a log keeps of each seller (contract section 3).
MOST_ROWS = 50_000
#: How many rows come before somebody looks again; a prime, so that no rhythm of several logs in one table misses one.
_EVERY = 499


def keep_newest(connection: Connection, table: Table, seller_id: str, number: int, **parts: str) -> None:
    """
    Now and then, after the row of this number was stored, delete all but the newest.

    Args:
        parts: Values of other columns, for a table of which only a part is a log.
    """
    if number % _EVERY:
        return
    of_log = [table.c.seller_id == seller_id, *(table.c[name] == value for name, value in parts.items())]
    newest = select(table.c.id).where(*of_log).order_by(table.c.id.desc())
    oldest = connection.execute(newest.limit(1).offset(MOST_ROWS)).scalar()
    if oldest is not None:
        connection.execute(delete(table).where(*of_log, table.c.id <= oldest))


_encode = msgspec.json.encode
_decode = msgspec.json.decode
T = TypeVar("T")
Row = Sequence[Any]


def without_nul(text: str) -> str:
    """What somebody sent, as it can be kept: PostgreSQL has no text with a NUL."""
    return text.replace("\0", "\ufffd")


def dump(plain: object) -> str:
    """Plain values as JSON text."""
    return _encode(plain).decode()


def load(stored: str | None) -> Any:
    """JSON text as plain values; an empty mapping for nothing."""
    return _decode(stored) if stored else {}


class Mapper(Generic[T]):
    """
    Turns the rows of a table into records of one type and back.

    A field's column has the field's name.  Text, numbers and None stay as they are; a StrEnum is
    stored as its text; a record without a column of its own is spread over columns named
    ``<field>_<part>`` or ``<part>`` (`Money`: ``amount_minor``, ``currency``); anything else is JSON.
    A field without columns is given to `load`; a column without a field to `insert`.

    Args:
        machine: The life of these records, for `mockpay.store.transitions`.
        state: The field that holds a record's state.
        key: The field that names a record's row; else its first one.
        columns: Columns whose field has another name, as column=field.
    """

    def __init__(
        self,
        record: type[T],
        table: Table,
        *,
        machine: Machine[Any] | None = None,
        state: str = "state",
        key: str | None = None,
        **columns: str,
    ) -> None:
        self.record = record
        self.table = table
        self.machine = machine
        self.state = state
        self._key = key or _names(record)[0]
        self._columns = {field: column for column, field in columns.items()}
        self._updates: dict[tuple[tuple[str, ...], tuple[str, ...]], Prepared] = {}

    @cached_property
    def _compiled(self) -> _Compiled:
        """At the first use: only then every type that a field names is loaded."""
        return _compile(self.record, self.table, self._columns)

    def load(self, row: Row, **others: Any) -> T:
        """
        The record of a row that has every column, in the table's order.

        Args:
            others: Fields that have no column.
        """
        record: T = self._compiled.load(row, others)
        return record

    def load_first(self, row: Row | None) -> T | None:
        """The same of a row that may not be there."""
        return self.load(row) if row is not None else None

    def dump(self, record: T) -> dict[str, Any]:
        """A record's row by column, but for a number that the database is to give."""
        row: dict[str, Any] = self._compiled.dump(record)
        return row

    def dump_fields(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Some fields by column; what is no field is a column and stays as it is."""
        row: dict[str, Any] = {}
        for name, value in changes.items():
            to_columns = self._compiled.dump_field.get(name)
            row |= {name: value} if to_columns is None else to_columns(value)
        return row

    def insert(self, connection: Connection, record: T, **others: Any) -> T:
        """
        Store a new record; the record with its row number, where it has one.

        Args:
            others: Columns that are no fields.
        """
        number = insert_row(connection, self.table, self.dump(record) | others)
        numbered: T = self._compiled.numbered(record, number)
        return numbered

    def insert_new(self, connection: Connection, record: T, **others: Any) -> bool:
        """The same; False where a unique constraint has another row already."""
        return insert_new(connection, self.table, self.dump(record) | others)

    def first(self, connection: Connection, *where: ColumnElement[bool]) -> T | None:
        """The first record that fits; None where there is none."""
        return self.load_first(connection.execute(select(self.table).where(*where)).first())

    def all(self, connection: Connection, query: Select[Any]) -> list[T]:
        """The records of a query for rows of the table."""
        return [self.load(row) for row in connection.execute(query)]

    def update(
        self, connection: Connection, record: T, changes: Mapping[str, Any], *, unchanged: Sequence[str] = ()
    ) -> T | None:
        """
        Change fields of a record by one conditional UPDATE; the record as it is then.

        Args:
            unchanged: Fields that must still have the record's values, else the answer is None.
        """
        values = self.dump_fields(changes)
        guard = self.dump_fields({name: getattr(record, name) for name in (self._key, *unchanged)})
        names = (tuple(values), tuple(guard))
        statement = self._updates.get(names) or self._build_update(names)
        row = statement.row(connection, {**values, **{f"old_{name}": v for name, v in guard.items()}})
        return self.load_first(row)

    def _build_update(self, names: tuple[tuple[str, ...], tuple[str, ...]]) -> Prepared:
        columns = self.table.c
        values, guard = names
        built = self._updates[names] = Prepared(
            update(self.table)
            .where(*(columns[name] == bindparam(f"old_{name}") for name in guard))
            .values({name: bindparam(name) for name in values})
            .returning(*columns)
        )
        return built


class _Compiled(Struct, frozen=True):
    """The functions that `_compile` makes of a record's type and its table."""

    load: Callable[[Row, Mapping[str, Any]], Any]
    dump: Callable[[Any], dict[str, Any]]
    dump_field: Mapping[str, Callable[[Any], dict[str, Any]]]
    numbered: Callable[[Any, int], Any]


def _compile(record: type[Any], table: Table, columns: Mapping[str, str]) -> _Compiled:
    """
    Write both directions as Python: a loop over fields takes three times as long.

    Of an order the functions read ``record(row[0], ..., enum_4[row[4]], record_5(row[5], row[6]), ...)``
    and ``{'seller_id': r.seller_id, ..., 'state': str(r.state), 'amount_minor': r.amount.minor, ...}``.
    """
    source = _Source(table, columns)
    hints = get_type_hints(record)
    names = _names(record)
    loads = [source.load(name, hints[name]) for name in names]
    dumps = [item for name in names for item in source.dump(name, hints[name], f"r.{name}")]
    number = source.row_number()
    renumbered = ["number" if columns.get(name, name) == number else f"r.{name}" for name in names]

    def function(text: str) -> Any:
        return eval(f"lambda {text}", {**source.known, "record": record})  # noqa: S307  # our own records

    return _Compiled(
        load=function(f"row, others: record({', '.join(loads)})"),
        dump=function(f"r: {_dict(item for item in dumps if item[0] != number)}"),
        dump_field={name: function(f"v: {_dict(source.dump(name, hints[name], 'v'))}") for name in names},
        numbered=function(f"r, number: record({', '.join(renumbered)})" if "number" in renumbered else "r, number: r"),
    )


def _dict(items: Iterable[tuple[str, str]]) -> str:
    """A dictionary's source."""
    return f"{{{', '.join(f'{column!r}: {text}' for column, text in items)}}}"


class _Source:
    """Expressions that read a field from a row and write it to columns, and the `known` names in them."""

    def __init__(self, table: Table, columns: Mapping[str, str]) -> None:
        self._places = {column.name: place for place, column in enumerate(table.c)}
        self._table = table
        self._columns = columns
        self.known: dict[str, Any] = {"dump": dump}

    def row_number(self) -> str | None:
        """The column that counts the rows, where there is one."""
        return next((column.name for column in self._table.c if column.autoincrement is True), None)

    def load(self, name: str, hint: Any) -> str:
        """What a field is made of."""
        kind, optional = _kind(hint)
        column = self._columns.get(name, name)
        place = self._places.get(column)
        if place is None:
            parts = self._parts(name, kind)
            if not parts:
                return f"others[{name!r}]"
            values = ", ".join(self.load(part, part_hint) for part, part_hint in parts)
            value, text = f"row[{self._places[parts[0][0]]}]", f"{self._name('record', kind)}({values})"
        else:
            value = f"row[{place}]"
            if kind in (str, int, float):
                return value
            if _is_a(kind, StrEnum):
                # A dictionary takes a third of the time of the enumeration's own call.
                members = {member.value: member for member in kind}
                text = f"{self._name('enum', members)}[{value}]"
            elif kind in (bool, bytes):
                text = f"{kind.__name__}({value})"
            else:
                plain = _is_a(get_origin(kind) or kind, Mapping)
                decode = msgspec.json.Decoder(Any if plain else kind).decode
                text = f"{self._name('decode', decode)}({value})"
        return f"None if {value} is None else {text}" if optional else text

    def dump(self, name: str, hint: Any, value: str) -> Iterator[tuple[str, str]]:
        """The columns of a field, each with what stores its part of the `value`."""
        kind, optional = _kind(hint)
        column = self._columns.get(name, name)
        unless_none = f"None if {value} is None else " if optional else ""
        if column not in self._places:
            for part, part_hint in self._parts(name, kind):
                attribute = f"{value}.{part.removeprefix(f'{name}_')}"
                for part_column, text in self.dump(part, part_hint, attribute):
                    yield part_column, unless_none + text
        elif kind in (str, int, float, bool, bytes):
            yield column, value
        else:
            yield column, f"{unless_none}{'str' if _is_a(kind, StrEnum) else 'dump'}({value})"

    def _parts(self, name: str, kind: Any) -> list[tuple[str, Any]]:
        """The columns that a record is spread over, with their types; none where one is missing."""
        if not _is_a(kind, Struct):
            return []
        hints = get_type_hints(kind)
        parts = {field: (f"{name}_{field}", field) for field in _names(kind)}
        columns = [next((c for c in names if c in self._places), None) for names in parts.values()]
        used = [(column, hints[part]) for part, column in zip(parts, columns, strict=True) if column]
        return used if len(used) == len(parts) else []

    def _name(self, prefix: str, value: Any) -> str:
        name = f"{prefix}_{len(self.known)}"
        self.known[name] = value
        return name


def _names(record: type[Any]) -> tuple[str, ...]:
    """A record's fields, in order."""
    names: tuple[str, ...] = record.__struct_fields__
    return names


def _kind(hint: Any) -> tuple[Any, bool]:
    """A type without its None, and whether it had one."""
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    optional = len(kinds) < len(get_args(hint))
    return (kinds[0] if optional else hint), optional


def _is_a(kind: Any, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)
