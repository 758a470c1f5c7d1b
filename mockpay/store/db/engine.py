"""
Engines and transactions.

SQLite: WAL, NORMAL, one writer by BEGIN IMMEDIATE, readers by plain BEGIN.
PostgreSQL: the same SQL; one writer per world by locking the seller's row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mockpay.kernel.errors import Unusable
from mockpay.store.db.metadata import metadata
from mockpay.store.db.writer import Writer

#: How long a SQLite writer waits for another one, in ms.
_BUSY_MS = 10_000
#: Where an engine of SQLite's keeps its writer.
_WRITER = "mockpay_writer"


def engine_options(url: str) -> dict[str, Any]:
    """What Flask-SQLAlchemy or `create_engine` should be given for a URL."""
    if url.startswith("sqlite"):
        # The connection used last comes first: its cache still holds, because no other wrote.
        return {"pool_size": 8, "max_overflow": 128, "pool_use_lifo": True}
    return {"pool_size": 8, "max_overflow": 32, "pool_pre_ping": True}


def normal_url(url: str) -> str:
    """
    A database URL as SQLAlchemy takes it; a bare path means a SQLite file, whose folder is made.

    Raises:
        Unusable: not a URL, or SQLite in memory: one shared connection lets a thread's
            commit keep another thread's rolled-back row.
    """
    given = url if "://" in url else f"sqlite:///{Path(url).absolute()}"
    if given.startswith(("postgres://", "postgresql://")):
        given = "postgresql+psycopg://" + given.split("://", 1)[1]
    try:
        parsed = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise Unusable("MOCKPAY_DATABASE_URL is no database URL.", code="database.url") from error
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise Unusable("MOCKPAY_DATABASE_URL must be SQLite or PostgreSQL.", code="database.url")
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise Unusable("SQLite needs a file, not memory.", code="database.memory")
        Path(str(parsed.database)).absolute().parent.mkdir(parents=True, exist_ok=True)
    return parsed.render_as_string(hide_password=False)


def open_engine(url: str) -> Engine:
    """An engine of our own, for programs and tests without Flask."""
    normal = normal_url(url)
    engine = create_engine(normal, **engine_options(normal))
    prepare(engine)
    return engine


def prepare(engine: Engine) -> None:
    """Teach a new engine our way of beginning transactions."""
    if engine.dialect.name != "sqlite":
        event.listen(engine, "connect", _promise_as_sqlite_does)
        return
    engine.update_execution_options(**{_WRITER: Writer(engine, _BUSY_MS / 1000)})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        # The driver's own implicit BEGIN is deferred; ours below is explicit.
        connection.isolation_level = None
        for pragma in (
            # A payment changes a row on each of fifteen pages: the smaller, the less is copied.
            "page_size=1024",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            f"busy_timeout={_BUSY_MS}",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-3000",
            # 16 MB, four times the default: a page that many payments touch is copied back once.
            "wal_autocheckpoint=16000",
        ):
            connection.execute(f"PRAGMA {pragma}")


def _promise_as_sqlite_does(connection: Any, _record: Any) -> None:
    """
    PostgreSQL waits for the disk at every commit; SQLite's NORMAL does not (decision 0011).

    A crash of the machine may lose the last commits, never half of one.
    """
    connection.execute("SET synchronous_commit = off")
    connection.commit()


def _load_tables() -> None:
    """Load every module that declares a table: only then the metadata is complete."""
    from mockpay.otp import otp_table  # noqa: F401, PLC0415
    from mockpay.risk import risk_table  # noqa: F401, PLC0415
    from mockpay.store import (  # noqa: PLC0415
        attempt_secrets,  # noqa: F401
        attempts,  # noqa: F401
        banks,  # noqa: F401
        buyers,  # noqa: F401
        counters,  # noqa: F401
        inbox,  # noqa: F401
        journal,  # noqa: F401
        notification_tries,  # noqa: F401
        notifications,  # noqa: F401
        offers,  # noqa: F401
        orders,  # noqa: F401
        outbox,  # noqa: F401
        rate_limits,  # noqa: F401
        refunds,  # noqa: F401
        scenarios,  # noqa: F401
        schedule,  # noqa: F401
        sellers,  # noqa: F401
        timeline,  # noqa: F401
        wallet,  # noqa: F401
    )
    from mockpay.threeds import threeds_table  # noqa: F401, PLC0415
    from mockpay.vault import consent_table, cryptogram_table, envelope_table, vault_table  # noqa: F401, PLC0415


def create_tables(engine: Engine) -> None:
    """
    Make the tables that are missing; safe when two servers start at once.

    Raises:
        Unusable: code ``database.version``: another version of mockpay made them.
    """
    from mockpay.store.db import schema_version  # noqa: PLC0415

    _load_tables()
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(841_000_842)")
        # So at nearly every start: to look for each table would only cost time.
        if (
            schema_version.is_noted(connection)
            and schema_version.made_by(connection) == schema_version.shape()
        ):
            return
        is_new = not connection.dialect.has_table(connection, "sellers")
        metadata.create_all(connection)
        if is_new:
            schema_version.note(connection)
        if schema_version.made_by(connection) != schema_version.shape():
            message = (
                "The database was made by another version of mockpay;"
                " move it away, or name another one by MOCKPAY_DATABASE_URL."
            )
            raise Unusable(message, code="database.version")


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A write transaction: committed at the end, rolled back on any error."""
    writer: Writer | None = engine.get_execution_options().get(_WRITER)
    return writer.turn() if writer is not None else engine.begin()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A read transaction: one picture of the data, whatever is written meanwhile."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            if connection.dialect.name == "sqlite":
                # Not by an event of the engine's: one listener slows every statement down.
                connection.connection.cursor().execute("BEGIN")
            yield connection


def close(engine: Engine) -> None:
    """Close all connections, so that SQLite puts its files in order."""
    writer = engine.get_execution_options().get(_WRITER)
    if writer is not None:
        writer.close()
    engine.dispose()
