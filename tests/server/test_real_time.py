"""Servers that share a PostgreSQL share its clock, however wrong their machines' are."""

import time

import pytest

from mockpay.app import create_app, runtime_of
from mockpay.settings import Settings
from mockpay.store.db.engine import SetClock, close, database_clock
from tests.factories import FakeRealClock, on_sqlite

HOUR = 3_600_000
#: More than two readings of a clock are ever apart.
NEAR = 20_000


class WrongClock:
    """The machine's, but wrong."""

    def __init__(self, by):
        self.by = by

    def now(self):
        return time.time_ns() // 1_000_000 + self.by


@pytest.fixture
def database_kind():
    return "postgresql"


@pytest.mark.parametrize("wrong", [-HOUR, HOUR])
def test_a_wrong_clock_is_set_by_the_databases(engine, wrong):
    clock = database_clock(engine, WrongClock(wrong))
    assert abs(clock.now() - WrongClock(0).now()) < NEAR


def test_what_it_was_set_by_stays(engine):
    machine = FakeRealClock()
    clock = database_clock(engine, machine)
    before = clock.now()
    machine.move(250)
    assert clock.now() == before + 250


@on_sqlite
def test_a_sqlite_file_has_no_clock_of_its_own(engine):
    machine = FakeRealClock()
    assert database_clock(engine, machine) is machine


def test_a_server_asks_at_its_start(keys, database_url):
    app = create_app(Settings(database_url=database_url, keys_dir=keys.folder))
    runtime = runtime_of(app)
    assert isinstance(runtime.real_clock, SetClock)
    close(runtime.engine, runtime.writer)
