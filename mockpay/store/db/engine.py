"""
Engines and transactions.

SQLite: WAL, NORMAL, readers by plain BEGIN; writers by BEGIN IMMEDIATE over an engine whose pool
has one connection, so that they queue in the process and its page cache stays good.
PostgreSQL: the same SQL over one engine; one writer a seller by locking the seller's row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, insert, select
from sqlalchemy import text as sql_text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from mockpay.kernel import ids
from mockpay.kernel.clock import RealClock, SystemClock
from mockpay.kernel.errors import MockpayError, Unusable
from mockpay.store.db.metadata import metadata, text

#: How long a writer waits for another one, in seconds.
BUSY_SECONDS = 10.0
_PRAGMAS = (
    # A payment changes a row on each of fifteen pages: the smaller, the less is copied.
    "page_size=1024",
    "journal_mode=WAL",
    "synchronous=NORMAL",
    f"busy_timeout={BUSY_SECONDS * 1000:.0f}",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-3000",
    # 16 MB, four times the default: a page that many payments touch is copied back once.
    "wal_autocheckpoint=16000",
)
#: How long a server of PostgreSQL may take to answer at all.
_CONNECT_SECONDS = 5


def normal_url(url: str) -> str:
    """
    A database URL as SQLAlchemy takes it; a bare path means a SQLite file, whose folder is made.

    Raises:
        Unusable: not a URL, or SQLite in memory: one shared connection lets a thread's
            commit keep another thread's rolled-back row; or no folder or driver for it.
    """
    full = url if "://" in url else f"sqlite:///{Path(url).absolute()}"
    if full.startswith(("postgres://", "postgresql://")):
        full = "postgresql+psycopg://" + full.split("://", 1)[1]
    try:
        parsed = make_url(full)
    except (ArgumentError, ValueError) as error:
        raise Unusable("MOCKPAY_DATABASE_URL is no database URL.", code="database.url") from error
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise Unusable("MOCKPAY_DATABASE_URL must be SQLite or PostgreSQL.", code="database.url")
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise Unusable("SQLite needs a file, not memory.", code="database.memory")
        _make_folder(Path(str(parsed.database)).absolute().parent)
    elif find_spec("psycopg") is None:
        message = "PostgreSQL needs psycopg, which pip install 'psycopg[binary]' brings."
        raise Unusable(message, code="database.driver")
    return parsed.render_as_string(hide_password=False)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder} cannot be made ({error.strerror}); name another file by MOCKPAY_DATABASE_URL."
        raise Unusable(message, code="database.unusable") from error


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for another kind of database."""
    parsed = make_url(normal_url(url))
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


def engine_options(url: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """
    What `create_engine` or Flask-SQLAlchemy is given for a URL.

    Returns:
        The options of the engine and those of its writers' engine; None where they are one.
    """
    if not url.startswith("sqlite"):
        timeouts = {"connect_timeout": _CONNECT_SECONDS}
        return {"pool_size": 8, "max_overflow": 32, "pool_pre_ping": True, "connect_args": timeouts}, None
    # The connection used last comes first: it has the newest pages in its cache.
    readers = {"pool_size": 8, "max_overflow": 128, "pool_use_lifo": True, "pool_reset_on_return": None}
    return readers, {"pool_size": 1, "max_overflow": 0, "pool_timeout": BUSY_SECONDS, "pool_reset_on_return": None}


def open_engines(url: str) -> tuple[Engine, Engine]:
    """Engines for reading and writing, for programs without a Flask application."""
    normal = normal_url(url)
    for_readers, for_writers = engine_options(normal)
    engine = create_engine(normal, **for_readers)
    writer = create_engine(normal, **for_writers) if for_writers is not None else engine
    configure(engine, writer)
    return engine, writer


def configure(engine: Engine, writer: Engine) -> None:
    """Set up the connections that new engines will open."""
    for each in {engine, writer}:
        listener = _set_pragmas if each.dialect.name == "sqlite" else _commit_as_sqlite_does
        event.listen(each, "connect", listener)


def _set_pragmas(connection: Any, _record: Any) -> None:
    # The driver's own implicit BEGIN is deferred; `reading` and `writing` begin by themselves.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _commit_as_sqlite_does(connection: Any, _record: Any) -> None:
    """
    PostgreSQL waits for the disk at every commit; SQLite's NORMAL does not (decision 0011).

    A crash of the machine may lose the last commits, never half of one.
    """
    connection.execute("SET synchronous_commit = off")
    connection.commit()


@contextmanager
def writing(writer: Engine) -> Iterator[Connection]:
    """
    A write transaction: committed at the end, rolled back on any error.

    Raises:
        MockpayError: code ``database.busy``: another writer did not finish in time.
    """
    try:
        connection = writer.connect()
    except PoolTimeoutError as error:
        raise _busy() from error
    with connection:
        connection.begin()
        if connection.dialect.name == "sqlite":
            # Not by an event of the engine's: one listener slows every statement down.
            try:
                connection.connection.dbapi_connection.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]
            except sqlite3.OperationalError as error:
                raise _busy() from error
        yield connection
        connection.commit()


def _busy() -> MockpayError:
    message = "The database is busy: another write transaction did not finish in time."
    return MockpayError(message, code="database.busy")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A read transaction: one picture of the data, whatever is written meanwhile."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            if connection.dialect.name == "sqlite":
                connection.connection.dbapi_connection.execute("BEGIN")  # type: ignore[union-attr]
            yield connection


def check_health(engine: Engine) -> str:
    """
    Ask the database something; its kind, ``sqlite`` or ``postgresql``.

    Raises:
        MockpayError: code ``database.unreachable``.
    """
    try:
        with reading(engine) as connection:
            connection.exec_driver_sql("SELECT 1")
    except SQLAlchemyError as error:
        message = "The database does not answer."
        raise MockpayError(message, code="database.unreachable") from error
    return engine.dialect.name


def close(*engines: Engine) -> None:
    """Close all connections, so that SQLite puts its files in order."""
    for engine in engines:
        engine.dispose()


_NOW = sql_text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")


@dataclass(frozen=True, slots=True)
class SetClock:
    """A machine's clock and by how many ms it is slow."""

    machine: RealClock
    slow: int

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self.machine.now() + self.slow


def database_clock(engine: Engine, machine: RealClock | None = None) -> RealClock:
    """
    The machine's clock, set by PostgreSQL's: asked once, so that no call pays for it.

    Whoever shares a SQLite file shares the machine as well.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    machine = machine or SystemClock()
    if engine.dialect.name != "postgresql":
        return machine
    with reading(engine) as connection:
        connection.execute(_NOW)  # Once for nothing: the second time there is only the way there.
        asked = machine.now()
        told = int(connection.execute(_NOW).scalar_one())
        answered = machine.now()
    return SetClock(machine, told - (asked + answered) // 2)


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
