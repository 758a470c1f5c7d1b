"""
The one file that the books are in.

Standard library sqlite3, a file of the shop's own: a shop shares no database with whoever takes
its payments.  A write begins by locking the file, so that what was read stays true until it is
written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

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
    trouble TEXT NOT NULL DEFAULT '',
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
    """Opens the file for each use; `path` is made with its folder where absent."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.read() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that only reads."""
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A connection in a write transaction; what raises inside undoes it."""
        with self.read() as connection:
            connection.execute("BEGIN IMMEDIATE")
            # Anything that raises leaves the transaction open; closing rolls it back.
            yield connection
            connection.execute("COMMIT")
