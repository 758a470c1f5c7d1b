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
        mine = self._queue.acquire(timeout=self._patience)
        try:
            if mine:
                yield from _transaction(self._connection or self._open())
            else:
                with self._engine.connect() as connection:
                    yield from _transaction(connection)
        finally:
            if mine:
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


def _transaction(connection: Connection) -> Iterator[Connection]:
    """
    Commit at the end, roll back on any error.

    SQLAlchemy begins a transaction of its own with the first statement that it runs; what
    the driver was given directly (`prepared`) needs none.
    """
    driver: Any = connection.connection.dbapi_connection
    driver.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.rollback()
        driver.rollback()
        raise
    connection.commit()
    driver.commit()
