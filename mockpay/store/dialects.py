"""What SQLite and PostgreSQL spell differently in SQLAlchemy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """
    INSERT ... ON CONFLICT DO NOTHING; whether the row is new.

    Never insert-and-catch: PostgreSQL aborts the whole transaction on a clash.
    """
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql as dialect  # noqa: PLC0415 - one of the two
    else:
        from sqlalchemy.dialects import sqlite as dialect  # type: ignore[no-redef]  # noqa: PLC0415
    statement = dialect.insert(table).values(dict(row)).on_conflict_do_nothing()
    # Not by rowcount: psycopg has none for an INSERT.
    inserted = connection.execute(statement.returning(*table.primary_key))
    return inserted.first() is not None
