"""
Engines and transactions.

SQLite: WAL, NORMAL, readers by plain BEGIN; writers by BEGIN IMMEDIATE over an engine whose pool
has one connection, so that they queue in the process and its page cache stays good.
PostgreSQL: the same SQL over one engine; one writer a seller by locking the seller's row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, Table, bindparam, create_engine, event, insert, select, update
from sqlalchemy import text as sql_text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from mockpay.kernel import ids
from mockpay.kernel.clock import RealClock, SystemClock
from mockpay.kernel.errors import DatabaseUnavailable, MockpayError, Unusable
from mockpay.kernel.sqlite_errors import BUSY_SECONDS
from mockpay.store.db.availability import Availability, availability_of, watch
from mockpay.store.db.metadata import metadata, text

_BUSY_PRAGMA = f"busy_timeout={BUSY_SECONDS * 1000:.0f}"
_PRAGMAS = (
    # A payment changes a row on each of fifteen pages: the smaller, the less is copied.
    "page_size=1024",
    "journal_mode=WAL",
    "synchronous=NORMAL",
    _BUSY_PRAGMA,
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-3000",
    # 16 MB, four times the default: a page that many payments touch is copied back once.
    "wal_autocheckpoint=16000",
)
#: Which tables and columns a database was made with; health writes to it.
versions = Table("made_with", metadata, text("shape", primary_key=True), text("filler", default=""))
#: Of a connection to SQLite: the write-ahead log that it writes to.
_LOG = "log"
#: How long a writer waits for a lock for which others have waited in vain, or health does.
_RETRY_SECONDS = 0.5
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
    else:
        _require_driver()
    return parsed.render_as_string(hide_password=False)


def _require_driver() -> None:
    """Psycopg may be there without the libpq that it needs, so only importing it tells."""
    try:
        import_module("psycopg")
    except ImportError as error:
        message = "PostgreSQL by MOCKPAY_DATABASE_URL needs psycopg, which pip install 'psycopg[binary]' brings."
        raise Unusable(message, code="database.driver") from error


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
        sizes = {"pool_size": 8, "max_overflow": 32, "pool_timeout": BUSY_SECONDS}
        return {**sizes, "pool_pre_ping": True, "connect_args": timeouts}, None
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
    is_file = engine.dialect.name == "sqlite"
    availability = Availability(Path(str(engine.url.database)).absolute() if is_file else None)
    watch(availability, engine, writer)
    for each in {engine, writer}:
        event.listen(each, "connect", partial(_set_pragmas, availability) if is_file else _act_as_sqlite_does)


def _set_pragmas(availability: Availability, connection: Any, record: Any) -> None:
    # The driver's own implicit BEGIN is deferred; `reading` and `writing` begin by themselves.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA schema_version").fetchone()  # Whoever has read has opened the log.
    record.info[_LOG] = availability.opened()


def _act_as_sqlite_does(connection: Any, _record: Any) -> None:
    """
    PostgreSQL waits for the disk at every commit; SQLite's NORMAL does not (decision 0011).

    A crash of the machine may lose the last commits, never half of one. Nor does SQLite wait for a lock for ever.
    """
    connection.execute("SET synchronous_commit = off")
    connection.execute(f"SET lock_timeout = {BUSY_SECONDS * 1000:.0f}")
    connection.commit()


@contextmanager
def writing(writer: Engine, seconds: float = BUSY_SECONDS) -> Iterator[Connection]:
    """
    A write transaction: committed at the end, rolled back on any error.

    Args:
        seconds: How long to wait for other writers.

    Raises:
        DatabaseUnavailable: nothing was written.
    """
    began, availability = monotonic(), availability_of(writer)
    if availability.failing:
        seconds = min(seconds, _RETRY_SECONDS)
    try:
        with writer.connect() as connection:
            connection.begin()
            driver: Any = connection.connection.dbapi_connection
            if connection.dialect.name == "sqlite":
                _lock_file(driver, seconds - (monotonic() - began))
            availability.check_file()
            before = _changes(driver)
            yield connection
            availability.check_file(connection.info.get(_LOG))
            connection.commit()
            changed = before is None or _changes(driver) != before
    except MockpayError:
        raise
    except Exception as error:
        availability.raise_for(error)
        raise
    if changed:
        availability.record_write()


def _changes(driver: Any) -> int | None:
    """How many rows a connection to SQLite has changed: a commit of none needs no disk."""
    return getattr(driver, "total_changes", None)


def _lock_file(driver: Any, seconds: float) -> None:
    """
    Wait for SQLite's write lock as long as is left of the time.

    Not by an event of the engine's: one listener slows every statement down.
    """
    if seconds > BUSY_SECONDS - 0.1:
        driver.execute("BEGIN IMMEDIATE")
        return
    try:
        driver.execute(f"PRAGMA busy_timeout={max(seconds, 0) * 1000:.0f}")
        driver.execute("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA {_BUSY_PRAGMA}")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """
    A read transaction: one picture of the data, whatever is written meanwhile.

    Raises:
        DatabaseUnavailable: nothing can be read.
    """
    availability = availability_of(engine)
    try:
        with engine.connect() as connection:
            availability.check_file()
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                if connection.dialect.name == "sqlite":
                    connection.connection.dbapi_connection.execute("BEGIN")  # type: ignore[union-attr]
                yield connection
    except MockpayError:
        raise
    except Exception as error:
        availability.raise_for(error)
        raise


_probe = update(versions).values(filler=bindparam("text"))


def check_health(engine: Engine) -> str:
    """
    Find out whether something can be written; the kind of the database, ``sqlite`` or ``postgresql``.

    Raises:
        DatabaseUnavailable: it cannot, or not soon.
    """

    def write() -> None:
        with writing(engine, _RETRY_SECONDS) as connection:
            # More than any payment writes, and another one each time: SQLite does not write what is there.
            connection.execute(_probe, {"text": ids.entropy(32).hex() * 1_000})

    availability_of(engine).check(write)
    return engine.dialect.name


def close(*engines: Engine) -> None:
    """Close all connections, so that SQLite puts its files in order."""
    for engine in engines:
        engine.dispose()


_NOW = sql_text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")


class SetClock(Struct, frozen=True):
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
        local_time = machine.now()
        database_time = int(connection.execute(_NOW).scalar_one())
        answered = machine.now()
    return SetClock(machine, database_time - (local_time + answered) // 2)


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
    except DatabaseUnavailable as error:
        message = f"{error.message.rstrip('.')}; name another one by MOCKPAY_DATABASE_URL."
        raise Unusable(message, code="database.unusable") from error
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error).partition("\n")[0].rstrip(".")
        message = f"The database cannot be opened ({why}); name one that can by MOCKPAY_DATABASE_URL."
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
