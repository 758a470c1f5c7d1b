"""Which shape of the tables a database was made with: it holds tests, so it is never migrated."""

from __future__ import annotations

from sqlalchemy import Connection, Table, insert, select

from mockpay.kernel import ids
from mockpay.store.db.metadata import metadata, text

versions = Table("made_with", metadata, text("shape", primary_key=True))


def shape() -> str:
    """A fingerprint of all tables and columns."""
    names = [
        f"{table.name}({','.join(column.name for column in table.c)})" for table in metadata.tables.values()
    ]
    return ids.fingerprint("\n".join(sorted(names)).encode())[:32]


def is_noted(connection: Connection) -> bool:
    """Whether the database has such a note at all."""
    return connection.dialect.has_table(connection, versions.name)


def note(connection: Connection) -> None:
    """Note the present shape, in a database that was empty."""
    connection.execute(insert(versions), {"shape": shape()})


def made_by(connection: Connection) -> str | None:
    """The shape that a database was made with; None for one that is older than this note."""
    return connection.execute(select(versions.c.shape)).scalar()
