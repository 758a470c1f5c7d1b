"""SQLite's own errors, as what a caller can be told: which are no mistake of ours, and why."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from mockpay.kernel.errors import DatabaseUnavailable

#: How long a writer waits for another one, in seconds.
BUSY_SECONDS = 5.0
_LOCKED = ("database.busy", "The database is locked: another process's write transaction did not end in time.")
_DAMAGED = ("database.damaged", "The database's file is damaged.")
_REASONS: Mapping[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: ("database.full", "The disk is full: nothing is stored until there is space."),
    # So a quota or a limit for a file's size shows, too.
    sqlite3.SQLITE_IOERR: (
        "database.io",
        "The database's file cannot be read or written (disk I/O error): the disk may be full, over a quota or broken.",
    ),
    sqlite3.SQLITE_READONLY: ("database.read_only", "The database's file cannot be written: it is read-only."),
    sqlite3.SQLITE_CANTOPEN: ("database.unopened", "The database's file cannot be opened."),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}


def unavailable(error: sqlite3.Error) -> DatabaseUnavailable | None:
    """What is wrong with the database; None where it is the statement."""
    # The primary code; the rest of an extended one says more than anybody can use.
    code, message = _REASONS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, ("", ""))
    return DatabaseUnavailable(message, code=code) if code else None
