"""Rotation: all that is sealed or wrapped in the database, moved to the ring's newest key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, LargeBinary, Select, Table, func, select, text, update

from mockpay.kernel.clock import RealClock
from mockpay.kernel.keys.envelopes import rewrapped
from mockpay.kernel.keys.keyring import Keyring
from mockpay.store.db.metadata import metadata
from mockpay.vault.envelope_table import envelopes

#: Every column that holds what a ring sealed: table, column, kind, and the column of the owner.
SEALED: tuple[tuple[str, str, str, str], ...] = (
    ("sellers", "secret_sealed", "seller.secret", "seller_id"),
    ("attempt_secrets", "sealed", "attempt.secret", "attempt_id"),
    ("otp_challenges", "destination_sealed", "otp.destination", "challenge_id"),
    ("threeds_transactions", "sealed_value", "threeds.value", "txn_id"),
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One kind of row that a rotation moves: how to find those left behind, and how to move one."""

    #: What lies under another version than the newest, which two rotations at once may move on.
    stale: Callable[[], Select[Any]]
    move: Callable[[Connection, Any], None]


def shelves(ring: Keyring, real_clock: RealClock) -> list[Shelf]:
    """All kinds of rows, for a ring's newest version."""
    known = [entry for entry in SEALED if entry[0] in metadata.tables]
    return [_sealed(ring, *entry) for entry in known] + [_wrapped(ring, real_clock)]


def _sealed(ring: Keyring, table: str, column: str, kind: str, owner: str) -> Shelf:
    """What is sealed begins with one byte that names its version."""
    rows: Table = metadata.tables[table]
    held, whose = rows.c[column], rows.c[owner]

    def stale() -> Select[Any]:
        version = func.substr(held, 1, 1, type_=LargeBinary)
        return select(whose, held).where(version != bytes((ring.version,)))

    def move(connection: Connection, row: Any) -> None:
        secret = ring.open_(kind, row[0], bytes(row[1]))
        changed = update(rows).where(whose == row[0], held == row[1])
        connection.execute(changed.values({column: ring.seal(kind, row[0], secret)}))

    return Shelf(stale, move)


def _wrapped(ring: Keyring, real_clock: RealClock) -> Shelf:
    """Of an envelope only the wrapped key moves; one that was shredded has none."""
    table = envelopes

    def stale() -> Select[Any]:
        return select(table.c.token, table.c.kek_id, table.c.wrapped_dek).where(
            table.c.kek_id != ring.version, table.c.wrapped_dek.is_not(None)
        )

    def move(connection: Connection, row: Any) -> None:
        version, wrapped = rewrapped(ring, row.kek_id, bytes(row.wrapped_dek))
        changed = update(table).where(table.c.token == row.token, table.c.wrapped_dek == row.wrapped_dek)
        values = {"kek_id": version, "wrapped_dek": wrapped, "rewrapped_at": real_clock.now()}
        connection.execute(changed.values(values))

    return Shelf(stale, move)


def move(connection: Connection, shelf: Shelf, limit: int, *, wait: bool) -> int:
    """
    Move up to `limit` rows; how many there were.

    Args:
        wait: For rows that another transaction holds; else they are passed over, so that
            nobody waits for each other in a ring (PostgreSQL).
    """
    _be_a_writer(connection)
    query = shelf.stale().limit(limit).with_for_update(skip_locked=not wait)
    found = connection.execute(query).all()
    for row in found:
        shelf.move(connection, row)
    return len(found)


def left_behind(connection: Connection, shelf: Shelf) -> int:
    """How many rows lie under other versions."""
    query = select(func.count()).select_from(shelf.stale().subquery())
    return int(connection.execute(query).scalar_one())


def _be_a_writer(connection: Connection) -> None:
    """Count among those whom `keep_writers_out` waits for, as every work in a world does."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE sellers IN ROW SHARE MODE"))


def keep_writers_out(connection: Connection) -> None:
    """Wait until no world is written to, and let nobody begin; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE sellers IN EXCLUSIVE MODE"))


def settle(engine: Engine) -> bool:
    """
    Bring all that was committed to the disk itself; False where a reader was in the way.

    SQLite's log may lag behind a loss of power (NORMAL).
    """
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect() as connection:
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(FULL)").scalar()
    return not busy
