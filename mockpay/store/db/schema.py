"""The tables of a database: made at the first start, never migrated, as it holds only tests."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, Table, insert, select
from sqlalchemy.exc import SQLAlchemyError

from mockpay.kernel import ids
from mockpay.kernel.errors import Unusable
from mockpay.store.db.engine import writing
from mockpay.store.db.metadata import metadata, text

#: Which tables and columns a database was made with.
versions = Table("made_with", metadata, text("shape", primary_key=True))


def create_tables(writer: Engine) -> None:
    """
    Make the tables that are missing; safe when two servers start at once.

    The metadata must be complete: `mockpay.tables` loads every module that declares a table.

    Raises:
        Unusable: code ``database.version``: another version of mockpay made them;
            ``database.unusable``: it cannot be opened.
    """
    try:
        with writing(writer) as connection:
            _create_tables(connection)
    except SQLAlchemyError as error:
        message = "The database cannot be opened; name one that can by MOCKPAY_DATABASE_URL."
        raise Unusable(message, code="database.unusable") from error


def _create_tables(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(841_000_842)")
    # So at nearly every start: to look for each table would only cost time.
    has_version = connection.dialect.has_table(connection, versions.name)
    if has_version and _stored_shape(connection) == _shape():
        return
    is_new = not connection.dialect.has_table(connection, "sellers")
    metadata.create_all(connection)
    if is_new:
        connection.execute(insert(versions), {"shape": _shape()})
    if _stored_shape(connection) != _shape():
        message = (
            "The database was made by another version of mockpay;"
            " move it away, or name another one by MOCKPAY_DATABASE_URL."
        )
        raise Unusable(message, code="database.version")


def _shape() -> str:
    """A fingerprint of all tables and columns."""
    names = [f"{table.name}({','.join(column.name for column in table.c)})" for table in metadata.tables.values()]
    return ids.fingerprint("\n".join(sorted(names)).encode())[:32]


def _stored_shape(connection: Connection) -> str | None:
    return connection.execute(select(versions.c.shape)).scalar()
