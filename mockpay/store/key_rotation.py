"""Rotation of store.key while no server runs: all that is sealed moves to a new version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, LargeBinary, Select, func, select, text, update
from sqlalchemy.exc import OperationalError

from mockpay.kernel.errors import Conflict
from mockpay.kernel.keys.files import Keys, write_store_key
from mockpay.kernel.keys.keyring import Keyring
from mockpay.store.db.engine import writing
from mockpay.store.db.metadata import metadata

#: Rows in one transaction.
_CHUNK = 500

#: Moves one row that a query has found.
_Move = Callable[[Connection, Any], None]


class Rotated(Struct, frozen=True):
    """The version that seals now, how many rows were moved to it, which versions are gone."""

    version: int
    moved: int
    removed: tuple[int, ...]


def require_offline(writer: Engine) -> None:
    """
    Refuse while a server is connected: it would go on sealing by the key that it read.

    Raises:
        Conflict: code ``keys.in_use``.
    """
    with writer.connect() as connection:
        if connection.dialect.name == "sqlite":
            try:
                connection.exec_driver_sql("PRAGMA busy_timeout=0")
                # Only the one connection of a database can leave the WAL; the next one returns to it.
                free = connection.exec_driver_sql("PRAGMA journal_mode=DELETE").scalar() == "delete"
            except OperationalError:
                free = False
        else:
            others = text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            free = connection.execute(others).scalar() == 0
        connection.invalidate()  # The next one begins with settings of its own.
    if not free:
        raise Conflict("Somebody is connected to the database; stop the server first.", code="keys.in_use")


def rotate(writer: Engine, keys: Keys, *, chunk: int = _CHUNK) -> Rotated:
    """
    Add a version to store.key, move all that is sealed to it, and remove the old ones.

    One that was interrupted is finished instead: then no version is added.

    Raises:
        Unusable: store.key cannot be written or is full, or a row does not open; the old
            versions stay.
    """
    keyring = keys.store
    if len(keyring.keys) == 1:
        keyring = keyring.with_new_key()
        write_store_key(keys.folder, keyring)
    moved = sum(_move(writer, stale, move, chunk) for stale, move in _rows_of_old_keys(keyring))
    write_store_key(keys.folder, keyring.with_newest_only())
    return Rotated(keyring.version, moved, tuple(version for version, _ in keyring.keys[:-1]))


def _move(writer: Engine, stale: Select[Any], move: _Move, chunk: int) -> int:
    """Move all rows of a table, a chunk in a transaction; how many there were."""
    count, last = 0, False
    while not last:
        with writing(writer) as connection:
            if connection.dialect.name == "postgresql":
                # On the disk before the key of what it replaces goes.
                connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
            rows = connection.execute(stale.limit(chunk)).all()
            for row in rows:
                move(connection, row)
        count, last = count + len(rows), len(rows) < chunk
    return count


def _rows_of_old_keys(keyring: Keyring) -> Iterator[tuple[Select[Any], _Move]]:
    """Of each table the rows under another version than the newest, and how one of them is moved."""
    for entry in sealed_columns():
        yield _sealed(keyring, *entry)
    yield _wrapped(keyring)


def sealed_columns() -> list[tuple[str, str, str, str]]:
    """Every column that says that the ring seals it: table, column, kind, and its owner's column."""
    return [
        (table.name, column.name, column.info["sealed"], column.info["owner"])
        for table in metadata.sorted_tables
        for column in table.c
        if "sealed" in column.info
    ]


def _sealed(keyring: Keyring, table_name: str, column: str, kind: str, owner: str) -> tuple[Select[Any], _Move]:
    """What is sealed begins with one byte that names its version."""
    table = metadata.tables[table_name]
    sealed, owner_id = table.c[column], table.c[owner]
    version = func.substr(sealed, 1, 1, type_=LargeBinary)

    def move(connection: Connection, row: Any) -> None:
        secret = keyring.open_(kind, row[0], bytes(row[1]))
        change = update(table).where(owner_id == row[0], sealed == row[1])
        connection.execute(change.values({column: keyring.seal(kind, row[0], secret)}))

    return select(owner_id, sealed).where(version != bytes((keyring.version,))), move


def _wrapped(keyring: Keyring) -> tuple[Select[Any], _Move]:
    """Of the vault's envelopes only the wrapped key moves; one that was shredded has none."""
    table = metadata.tables["vault_secrets"]
    key = table.c.wrapped_dek

    def move(connection: Connection, row: Any) -> None:
        version, wrapped = keyring.wrap(keyring.unwrap(row.kek_id, bytes(row.wrapped_dek)))
        change = update(table).where(table.c.token == row.token)
        connection.execute(change.values(kek_id=version, wrapped_dek=wrapped))

    stale = select(table.c.token, table.c.kek_id, key)
    return stale.where(table.c.kek_id != keyring.version, key.is_not(None)), move
