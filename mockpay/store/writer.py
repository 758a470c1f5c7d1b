"""
The one writer of a SQLite file: writers of a process go one by one, over one connection.

Without it each would sleep and try again until SQLite lets it in, and each would find its
connection's cache worthless, because another connection has written meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine


class Writer:
    """A connection of its own for an engine's writers, and the queue before it."""

    def __init__(self, engine: Engine, patience: float) -> None:
        """`patience` is how long to queue up, in seconds."""
        self._engine = engine
        self._patience = patience
        self._queue = Lock()
        self._connection: Connection | None = None

    @contextmanager
    def turn(self) -> Iterator[Connection]:
        """
        One transaction, as soon as nobody else writes.

        Whoever waits in vain (a writer that called another one waits for itself) is given
        any connection, and SQLite tells it what is wrong.
        """
        if not self._queue.acquire(timeout=self._patience):
            with self._engine.connect() as connection, _transaction(connection):
                yield connection
            return
        try:
            connection = self._connection or self._open()
            with _transaction(connection):
                yield connection
        finally:
            self._queue.release()

    def _open(self) -> Connection:
        self._connection = connection = self._engine.connect()
        # The pool counts what is lent; this one does not come back before the end.
        connection.detach()
        return connection

    def close(self) -> None:
        """Close the connection; another is opened if somebody writes after all."""
        with self._queue:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    """
    Commit at the end, roll back on any error.

    SQLAlchemy begins a transaction of its own with the first statement that it runs; what
    the driver was given directly (`prepared`) needs none.
    """
    driver: Any = connection.connection.dbapi_connection
    driver.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        driver.rollback()
        raise
    connection.commit()
    driver.commit()
