"""Engines and transactions: whole or not at all, one picture of the data."""

import subprocess
import sys
from threading import Event, Thread

import pytest
from sqlalchemy import func, select

from mockpay.kernel.errors import NotFound, Unusable
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import NewSeller
from mockpay.store.db import engine as engines
from mockpay.store.orders import joined
from mockpay.store.unit_of_work import read, transaction
from mockpay.tables import create_tables
from tests.factories import World, on_sqlite, payment_request, run_concurrently


def row(world, digest):
    return {"seller_id": world.seller_id, "digest": digest, "order_pk": 1}


def add(connection, world, digest):
    connection.execute(joined.insert().values(row(world, digest)))


def count(connection):
    return connection.execute(select(func.count()).select_from(joined)).scalar()


class Lost(Exception):
    """What a test interrupts a transaction with."""


def test_what_was_written_before_an_error_is_gone(world):
    with pytest.raises(Lost), world.transaction() as sandbox:  # noqa: PT012
        add(sandbox.connection, world, "a")
        raise Lost
    with world.read() as sandbox:
        assert count(sandbox.connection) == 0


def test_one_threads_rollback_and_anothers_commit_do_not_mix(world):
    def write(index):
        with world.transaction() as sandbox:
            add(sandbox.connection, world, f"thread {index}")
            if index % 2:
                raise Lost

    got = run_concurrently(8, write)
    assert [type(one) for one in got].count(Lost) == 4
    with world.read() as sandbox:
        kept = sandbox.connection.execute(select(joined.c.digest)).scalars()
        assert sorted(kept) == [f"thread {index}" for index in (0, 2, 4, 6)]


def test_of_writers_in_one_world_each_waits_for_the_other(world):
    """Nobody adds to a number that another one read."""

    def read_and_write(_):
        with world.transaction() as sandbox:
            seen = count(sandbox.connection)
            add(sandbox.connection, world, f"number {seen}")

    assert run_concurrently(8, read_and_write) == [None] * 8
    with world.read() as sandbox:
        assert count(sandbox.connection) == 8


def test_a_reader_sees_one_picture_whatever_is_written_meanwhile(world):
    with world.read() as sandbox:
        before = count(sandbox.connection)
        with world.transaction() as other:
            add(other.connection, world, "meanwhile")
        assert count(sandbox.connection) == before
    with world.read() as sandbox:
        assert count(sandbox.connection) == before + 1


def test_a_reader_waits_for_no_writer(world):
    with world.transaction() as sandbox:
        add(sandbox.connection, world, "not yet")
        with world.read() as reader:
            assert count(reader.connection) == 0


def test_a_savepoint_takes_back_its_own_part_alone(world):
    with world.transaction() as sandbox:
        add(sandbox.connection, world, "kept")
        with pytest.raises(Lost), sandbox.connection.begin_nested():  # noqa: PT012
            add(sandbox.connection, world, "taken back")
            raise Lost
        add(sandbox.connection, world, "kept too")
    with world.read() as sandbox:
        assert count(sandbox.connection) == 2


def test_on_postgresql_two_worlds_do_not_wait_for_each_other(world, runtime, database_kind):
    """SQLite has one writer, so there this is about not waiting for ever."""
    other = World.new(runtime)
    entered = Event()

    def write():
        with other.transaction() as sandbox:
            add(sandbox.connection, other, "theirs")
        entered.set()

    thread = Thread(target=write)
    with world.transaction() as sandbox:
        add(sandbox.connection, world, "mine")
        thread.start()
        assert entered.wait(5 if database_kind == "postgresql" else 0.05) == (database_kind == "postgresql")
    thread.join(10)
    assert entered.is_set()


def test_a_world_is_found_by_seller_or_by_access_key(world, runtime):
    with world.read() as sandbox:
        key = sandbox.seller.access_key
    with read(runtime, access_key=key) as found, transaction(runtime, access_key=key) as writable:
        assert found.seller_id == writable.seller_id == world.seller_id
    for wrong in ({"seller_id": "NOBODY"}, {"access_key": "NOBODY"}, {"access_key": ""}):
        with pytest.raises(NotFound), read(runtime, **wrong):
            pass


def test_a_transaction_has_one_now(world, real_clock):
    running = World.new(world.runtime, frozen=False)
    with running.transaction() as sandbox:
        before = sandbox.now
        real_clock.move(5_000)
        assert sandbox.now == before
        assert sandbox.at(before + 10).now == before + 10
        assert sandbox.at(before - 10).now == before
    assert running.now() == before + 5_000


# --- opening


def test_every_table_is_known_whoever_opens_the_database():
    """In a process of its own: here, other tests have loaded every module long ago."""
    code = """
import importlib, pkgutil, mockpay, mockpay.tables
complete = set(mockpay.tables.metadata.tables)
for folder in ("store", "otp", "threeds", "vault", "risk"):
    package = importlib.import_module(f"mockpay.{folder}")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"mockpay.{folder}.{module.name}")
print(*set(mockpay.tables.metadata.tables) - complete)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_tables_are_made_once_however_many_start_at_once(database_url):
    def start(_):
        opened = engines.open_engines(database_url)
        try:
            create_tables(opened[1])
        finally:
            engines.close(*opened)

    assert run_concurrently(4, start) == [None] * 4


@on_sqlite
def test_a_fresh_file_gets_its_folder_and_its_tables(tmp_path, keys, runtime):
    path = tmp_path / "new" / "folder" / "mockpay.db"
    opened = run_concurrently(3, lambda _: engines.open_engines(str(path)))
    for _, writer in opened:
        create_tables(writer)
    with engines.writing(opened[0][1]) as connection:
        assert count(connection) == 0
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        assert mode == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    for each in opened:
        engines.close(*each)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite+pysqlite://"])
def test_sqlite_in_memory_is_refused(url):
    with pytest.raises(Unusable) as refused:
        engines.normal_url(url)
    assert refused.value.code == "database.memory"


def test_what_is_no_url_is_refused_in_one_sentence(subtests):
    for url in ["://", "postgresql://host:port/x", "://nothing", "mysql://h/d", "oracle://h/d"]:
        with subtests.test(url=url):
            with pytest.raises(Unusable) as refused:
                engines.normal_url(url)
            assert refused.value.code == "database.url"
            assert "\n" not in refused.value.message


@pytest.mark.parametrize("given", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"])
def test_postgresql_is_reached_by_psycopg_and_keeps_its_password(given):
    assert engines.normal_url(given) == "postgresql+psycopg://u:p@h/d"


def test_a_path_is_a_sqlite_file(tmp_path):
    assert engines.normal_url(str(tmp_path / "x.db")) == f"sqlite:///{tmp_path}/x.db"


# --- two sellers


def test_a_reset_empties_one_world_alone(world, runtime):
    other = World.new(runtime)
    mine, theirs = world.order(), other.order()
    world.pay(mine)
    other.pay(theirs)
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
        kept = sandbox.seller.access_key
    assert other.states(theirs) == ("PAID", "CAPTURED")
    assert other.violations() == []
    with read(runtime, access_key=kept) as sandbox:
        assert sandbox.seller_id == world.seller_id
    assert world.begin().new


def test_of_eight_that_want_one_name_one_gets_it(runtime):
    got = run_concurrently(8, lambda _: accounts.create(runtime, NewSeller(seller_id="A1WANTED")))
    assert sum(not isinstance(one, Exception) for one in got) == 1
    assert {one.code for one in got if isinstance(one, Exception)} == {"seller.exists"}


def test_orders_of_one_seller_are_invisible_to_another(world, runtime):
    other = World.new(runtime)
    world.order("SHARED")
    with other.transaction() as sandbox:
        from mockpay.services.payments import orders

        assert orders.open_order(sandbox, payment_request("SHARED")).new


@on_sqlite
@pytest.mark.parametrize("column", ["a_former_shape", None])
def test_a_database_of_another_version_is_refused_in_one_sentence(tmp_path, database_kind, column):
    url = str(tmp_path / "old.db")
    opened = engines.open_engines(url)
    create_tables(opened[1])
    with engines.writing(opened[1]) as connection:
        if column is None:
            connection.exec_driver_sql("DELETE FROM made_with")
        else:
            connection.exec_driver_sql(f"UPDATE made_with SET shape = '{column}'")
    with pytest.raises(Unusable) as refused:
        create_tables(opened[1])
    engines.close(*opened)
    assert refused.value.code == "database.version"
    assert "another version" in str(refused.value)


def test_a_database_of_this_version_is_opened_again(runtime):
    create_tables(runtime.writer)
    create_tables(runtime.writer)
