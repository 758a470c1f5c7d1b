"""
Statements whose SQL is worked out once and given to the driver, for the path of every payment.

SQLAlchemy takes 20 us to run a statement it has cached and 90 us to build one anew, the driver
itself takes 3 us.  All else goes through SQLAlchemy as usual.  `keep_newest` bounds a log's rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, insert, literal_column, select
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.schema import ScalarElementColumnDefault


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
#: How many rows come before somebody looks again.
_EVERY = 500


def keep_newest(connection: Connection, table: Table, seller_id: str, number: int) -> None:
    """Now and then, after the row of this number was stored, delete all but the newest."""
    if number % _EVERY:
        return
    mine = table.c.seller_id == seller_id
    newest = select(table.c.id).where(mine).order_by(table.c.id.desc())
    oldest_kept = connection.execute(newest.limit(1).offset(MOST_ROWS)).scalar()
    if oldest_kept is not None:
        connection.execute(delete(table).where(mine, table.c.id <= oldest_kept))
