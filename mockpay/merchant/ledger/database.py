"""
The one file that the ledger is in, its alerts, and the notifications that were taken.

Standard library sqlite3, a file of the shop's own: a shop shares no database with whoever takes its payments. A write
begins by locking the file, so that what was read stays true until it is written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mockpay.kernel.clock import DAY
from mockpay.kernel.sqlite_errors import BUSY_SECONDS, unavailable

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    sku TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    state TEXT NOT NULL,
    placed_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    amazon_order_id TEXT NOT NULL DEFAULT '',
    settled_by TEXT NOT NULL DEFAULT '',
    conflict TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS results (
    id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    signature TEXT NOT NULL,
    fields TEXT NOT NULL,
    verified_at INTEGER NOT NULL,
    UNIQUE (order_id, signature)
);
CREATE TABLE IF NOT EXISTS captures (
    order_id TEXT PRIMARY KEY REFERENCES orders (order_id),
    amount_minor INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS refunds (
    number INTEGER PRIMARY KEY,
    reference_id TEXT NOT NULL UNIQUE,
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    amazon_order_id TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    note TEXT NOT NULL,
    cancels INTEGER NOT NULL,
    status TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    checked_at INTEGER NOT NULL DEFAULT 0,
    amazon_refund_id TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    settled_by TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    confirmed INTEGER NOT NULL DEFAULT 0,
    disputed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS refunds_of_order ON refunds (order_id);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (status, checked_at);
CREATE TABLE IF NOT EXISTS refund_events (
    id INTEGER PRIMARY KEY,
    reference_id TEXT NOT NULL REFERENCES refunds (reference_id),
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS events_of_refund ON refund_events (reference_id);
CREATE TABLE IF NOT EXISTS alerts (
    id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL,
    code TEXT NOT NULL,
    sentence TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (order_id, code, sentence)
);
CREATE TABLE IF NOT EXISTS messages (
    message_id TEXT PRIMARY KEY,
    taken_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_by_age ON messages (taken_at);
"""


class LedgerFile:
    """
    Opens the file for each use; `path` is made with its folder where absent, and never again.

    Raises:
        DatabaseUnavailable: it is full, locked or gone.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._url = path.absolute().as_uri()
        with self._connection("rwc") as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)

    @contextmanager
    def _connection(self, mode: str) -> Iterator[sqlite3.Connection]:
        try:
            connecting = sqlite3.connect(
                f"{self._url}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
            )
            with closing(connecting) as connection:
                connection.execute("PRAGMA synchronous = NORMAL")
                yield connection
        except sqlite3.Error as error:
            failure = unavailable(error)
            if failure is None:
                raise
            raise failure from error

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that only reads; raises like the file."""
        with self._connection("rw") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection in a write transaction; what raises inside undoes it; raises like the file."""
        with self.read() as connection:
            connection.execute("BEGIN IMMEDIATE")
            # Anything that raises leaves the transaction open; closing rolls it back.
            yield connection
            connection.execute("COMMIT")


#: A refund ended twice, and differently.
STATE_CONFLICT = "REFUND_STATE_CONFLICT"
#: News about a refund name another amount or another id than the books.
VALUE_CONFLICT = "REFUND_VALUE_CONFLICT"
#: Amazon tells of a refund that this shop did not ask for.
NOT_ASKED = "REFUND_NOT_ASKED"
#: A payment notification names another amount than was asked for.
AMOUNT_CONFLICT = "PAYMENT_AMOUNT_CONFLICT"


@dataclass(frozen=True, slots=True)
class Alert:
    """One contradiction, kept for good; the same one is kept once."""

    order_id: str
    code: str
    sentence: str
    at: int


class Alerts:
    """The alerts in the books."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def of_order(self, order_id: str) -> list[Alert]:
        """List an order's alerts, the newest first."""
        where = "WHERE order_id = ?"
        return self._list(where, (order_id,))

    def newest(self, limit: int = 50) -> list[Alert]:
        """List the latest alerts of all orders, the newest first."""
        return self._list("", (), limit)

    def enter(self, order_id: str, code: str, sentence: str, *, at: int) -> None:
        """Raise an alert."""
        with self._file.write() as connection:
            enter_alert(connection, Alert(order_id, code, sentence, at))

    def _list(self, where: str, values: tuple[str, ...], limit: int = 50) -> list[Alert]:
        query = f"SELECT order_id, code, sentence, at FROM alerts {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        with self._file.read() as connection:
            return [Alert(*row) for row in connection.execute(query, (*values, limit))]


def enter_alert(connection: sqlite3.Connection, alert: Alert) -> None:
    """Raise an alert in a transaction that is under way."""
    connection.execute(
        "INSERT INTO alerts (order_id, code, sentence, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (alert.order_id, alert.code, alert.sentence, alert.at),
    )


#: Amazon sends again for 14 days.
_RETENTION = 30 * DAY


class Messages:
    """The MessageIds in the books."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def contains(self, message_id: str) -> bool:
        """Whether this notification was taken before."""
        query = "SELECT 1 FROM messages WHERE message_id = ?"
        with self._file.read() as connection:
            return connection.execute(query, (message_id,)).fetchone() is not None

    def enter(self, message_id: str, *, at: int) -> bool:
        """Remember a notification that changes nothing; False if it was taken before."""
        with self._file.write() as connection:
            return self.take(connection, message_id, at)

    @staticmethod
    def take(connection: sqlite3.Connection, message_id: str, at: int) -> bool:
        """
        Remember a notification in the transaction of what it changes.

        Returns:
            False if it was taken before; an empty id is always new.
        """
        if not message_id:
            return True
        connection.execute("DELETE FROM messages WHERE taken_at < ?", (at - _RETENTION,))
        new = connection.execute(
            "INSERT INTO messages (message_id, taken_at) VALUES (?, ?) ON CONFLICT DO NOTHING", (message_id, at)
        )
        return new.rowcount == 1
