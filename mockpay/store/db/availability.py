"""
Whether the database can serve: its errors as one kind, its files, and what health says of it.

What fails here is told to every caller as `DatabaseUnavailable`, and to the log by one line, and one when it is over.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread
from time import monotonic
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from mockpay.kernel import sqlite_errors
from mockpay.kernel.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

BUSY = ("database.busy", "The database is busy: another write transaction did not finish in time.")
_FULL = ("database.full", "The database's disk is full: nothing is stored until there is space.")
_READ_ONLY = ("database.read_only", "The database takes no writes.")
#: PostgreSQL's SQLSTATE -> what is wrong; its operational errors beside these mean that it is not there.
_STATES = {
    "40001": BUSY,  # serialization_failure
    "40P01": BUSY,  # deadlock_detected
    "55P03": BUSY,  # lock_not_available
    "53100": _FULL,  # disk_full
    "25006": _READ_ONLY,  # read_only_sql_transaction
}
_OPERATIONAL = {"OperationalError", "InterfaceError"}
_SILENT = ("database.unreachable", "The database does not answer.")
#: How long health waits until the database has answered (seconds).
_ANSWER_SECONDS = 1.8


def unavailable(error: BaseException) -> DatabaseUnavailable | None:
    """What is wrong with the database; None where the error is another one."""
    if isinstance(error, DatabaseUnavailable):
        return error
    if isinstance(error, PoolTimeoutError):
        return DatabaseUnavailable(BUSY[1], code=BUSY[0])
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return sqlite_errors.unavailable(cause)
    # By names, which PEP 249 fixes: psycopg may not be there.
    operational = any(kind.__name__ in _OPERATIONAL for kind in type(cause).__mro__)
    reason = _STATES.get(getattr(cause, "sqlstate", None) or "")
    if reason is not None:
        return DatabaseUnavailable(reason[1], code=reason[0])
    return DatabaseUnavailable(_SILENT[1], code=_SILENT[0]) if operational else None


def _identity(path: str) -> tuple[int, int] | None:
    # Asked three times a payment, of which a Path takes half.
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino


class Availability:
    """
    What this process knows of a database: its file, how the last write went, what health found out.

    Args:
        path: The file of a SQLite database, which may be deleted or replaced while it is used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = str(path) if path else None
        self._log_path = f"{path}-wal" if path else None
        self._file: tuple[int, int] | None = None
        #: Why the last write failed, if it did.
        self._failure: str | None = None
        self._written_at = 0.0
        self._probe: _Probe | None = None
        self._lock = Lock()

    @property
    def failing(self) -> bool:
        """Whether it could not serve when last used."""
        return self._failure is not None

    def opened(self) -> object:
        """Note which file there is, the first time; which write-ahead log a new connection writes to."""
        if self._path is None or self._log_path is None:
            return None
        self._file = self._file or _identity(self._path)
        return _identity(self._log_path)

    def check_file(self, log: object = None) -> None:
        """
        Look whether the file is still there: what is committed to a deleted one is lost.

        Args:
            log: The write-ahead log of the connection, where it is to be written.

        Raises:
            DatabaseUnavailable: code ``database.gone``.
        """
        if gone := self._gone(log):
            raise gone

    def _gone(self, log: object = None) -> DatabaseUnavailable | None:
        if self._path is None or self._log_path is None:
            return None
        if _identity(self._path) == self._file and (log is None or _identity(self._log_path) == log):
            return None
        message = "The database's file was deleted or replaced while the server runs; put it back, or restart."
        return DatabaseUnavailable(message, code="database.gone")

    def raise_for(self, error: Exception) -> None:
        """
        Look at what a transaction failed with; log one line where it did not fail for this reason before.

        Raises:
            DatabaseUnavailable: the database cannot serve.
        """
        failure = unavailable(error)
        if failure is None and isinstance(error, SQLAlchemyError | sqlite3.Error):
            failure = self._gone()  # What was put in the file's place has no tables.
        if failure is None:
            return
        if self._failure != failure.code:
            self._failure = failure.code
            if self._written_at:  # a start that fails says so itself, in its one line
                _log.warning("%s", failure.message)
        if failure is not error:
            raise failure from error

    def record_write(self) -> None:
        """Something was written; log one line where that failed before."""
        self._written_at = monotonic()
        if self._failure is not None:
            self._failure = None
            _log.warning("The database serves again.")

    def check(self, write: Callable[[], None]) -> None:
        """
        Find out, without waiting for long, whether `write` can write.

        Raises:
            DatabaseUnavailable: it cannot.
        """
        began = monotonic()
        with self._lock:
            if self._probe is None or self._probe.ended:
                self._probe = _Probe(write)
            probe = self._probe
        try:
            probe.wait()
        except DatabaseUnavailable as error:
            # Where our own writers have the lock all the time, they can write.
            if error.code != BUSY[0] or self._written_at < began:
                raise


class _Probe:
    """One try to write, in a thread of its own: a database that hangs holds up nobody who asks."""

    def __init__(self, write: Callable[[], None]) -> None:
        self._error: DatabaseUnavailable | None = DatabaseUnavailable(_SILENT[1], code=_SILENT[0])
        self._thread = Thread(target=self._run, args=(write,), name="mockpay-health", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it found out."""
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Raise what it failed with, or that the database does not answer."""
        self._thread.join(_ANSWER_SECONDS)
        if self._error is not None:
            raise self._error

    def _run(self, write: Callable[[], None]) -> None:
        try:
            write()
        except DatabaseUnavailable as error:
            self._error = error
        else:
            self._error = None


_of_engine: WeakKeyDictionary[Engine, Availability] = WeakKeyDictionary()


def watch(availability: Availability, *engines: Engine) -> None:
    """Let these engines, of one database, share what is known of it."""
    for engine in engines:
        _of_engine[engine] = availability


def availability_of(engine: Engine) -> Availability:
    """What is known of an engine's database."""
    return _of_engine.get(engine) or _of_engine.setdefault(engine, Availability())
