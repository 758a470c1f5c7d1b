"""
Statements whose SQL is worked out once, for the path of every payment.

SQLAlchemy takes 20 us to run a statement it has cached and 90 us to build one anew, the
driver itself takes 3 us.  So what every payment runs is built here at import, compiled at
its first use and given to the driver; all else goes through SQLAlchemy as usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Table, bindparam, insert, update
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql import ClauseElement


class Prepared:
    """
    One statement with named parameters.

    Values go to the driver as they are and come back as it gives them, so they must be of
    kinds that every driver knows: text, whole numbers, bytes, booleans (0 and 1 when read).
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._sql: dict[str, str] = {}
        self._names: list[str] = []

    def run(self, connection: Connection, values: Mapping[str, Any]) -> DBAPICursor:
        """Run it with a value for each of its parameters; others are ignored."""
        dialect = connection.dialect
        sql = self._sql.get(dialect.name) or self._compile(dialect)
        driver: Any = connection.connection.dbapi_connection
        cursor: DBAPICursor = driver.execute(sql, values)
        return cursor

    def first(self, connection: Connection, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The first row by column names; None where there is none."""
        cursor = self.run(connection, values)
        row = cursor.fetchone()
        if row is None:
            return None
        if not self._names:
            self._names = [column[0] for column in cursor.description]
        return dict(zip(self._names, row, strict=True))

    def scalar(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first column of the first row; None where there is none."""
        row = self.run(connection, values).fetchone()
        return row[0] if row is not None else None

    def _compile(self, dialect: Dialect) -> str:
        if dialect.positional:
            # SQLite's driver takes names as well as positions; names keep callers readable.
            dialect = type(dialect)(paramstyle="named")  # type: ignore[call-arg]  # all take it
        sql = self._sql[dialect.name] = str(self._statement.compile(dialect=dialect))
        return sql


class PreparedInsert:
    """INSERT of every column of a table but the row number, which is the database's to give."""

    def __init__(self, table: Table) -> None:
        names = [column.name for column in table.c if column.autoincrement is not True]
        statement = insert(table).values({name: bindparam(name) for name in names})
        self._silent = Prepared(statement)
        self._telling = Prepared(statement.returning(table.c.id))

    def run(self, connection: Connection, row: Mapping[str, Any]) -> None:
        """Store a row."""
        self._silent.run(connection, row)

    def number(self, connection: Connection, row: Mapping[str, Any]) -> int:
        """Store a row; its number, which SQLite's driver knows without being told."""
        if connection.dialect.name == "sqlite":
            return int(self._silent.run(connection, row).lastrowid)
        return int(self._telling.scalar(connection, row))


class PreparedStep:
    """
    One step of a state machine as one conditional UPDATE, with the columns that change besides.

    Args:
        key: Names the row; the table's column ``state`` is what must not have moved on.
    """

    def __init__(self, table: Table, key: Column[Any]) -> None:
        self._table = table
        self._key = key
        self._statements: dict[tuple[str, ...], Prepared] = {}

    def take(self, connection: Connection, key: Any, before: str, **values: Any) -> dict[str, Any] | None:
        """The row as it is after the step; None where its state is not `before` any more."""
        names = tuple(values)
        statement = self._statements.get(names) or self._build(names)
        return statement.first(connection, {**values, "its_key": key, "before_it": before})

    def _build(self, names: tuple[str, ...]) -> Prepared:
        table = self._table
        built = self._statements[names] = Prepared(
            update(table)
            .where(self._key == bindparam("its_key"), table.c.state == bindparam("before_it"))
            .values({name: bindparam(name) for name in names})
            .returning(*table.c)
        )
        return built
