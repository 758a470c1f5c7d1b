"""What SQLite and PostgreSQL spell differently in SQLAlchemy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from mockpay.store.db.prepared import Prepared


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """
    INSERT ... ON CONFLICT DO NOTHING; whether the row is new.

    Never insert-and-catch: PostgreSQL aborts the whole transaction on a clash.
    """
    full = {**_defaults(table), **row}
    statement = _insertion(connection.dialect.name, table, tuple(full))
    # Not by rowcount: psycopg has none for an INSERT.
    return statement.first(connection, full) is not None


@cache
def _defaults(table: Table) -> dict[str, Any]:
    return {
        column.name: column.default.arg
        for column in table.c
        if isinstance(column.default, ScalarElementColumnDefault)
    }


@cache
def _insertion(kind: str, table: Table, names: tuple[str, ...]) -> Prepared:
    if kind == "postgresql":
        from sqlalchemy.dialects import postgresql as dialect  # noqa: PLC0415
    else:
        from sqlalchemy.dialects import sqlite as dialect  # type: ignore[no-redef]  # noqa: PLC0415
    row: dict[str, Any] = {name: bindparam(name) for name in names}
    statement = dialect.insert(table).values(row).on_conflict_do_nothing()
    return Prepared(statement.returning(*table.primary_key))
