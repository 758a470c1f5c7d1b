"""One writer at a time, over one connection; and statements that are compiled once."""

import threading

import pytest
from sqlalchemy import create_engine, text

from mockpay.kernel.errors import DatabaseUnavailable
from mockpay.store.db import engine as engines
from mockpay.store.db.mapping import Prepared, insert_row
from mockpay.store.transitions import timeline
from tests.factories import on_sqlite

LINE = {
    "seller_id": "S",
    "order_pk": 7,
    "at": 1,
    "machine": "order",
    "subject": "s",
    "event": "opened",
    "before": None,
    "after": "CREATED",
    "actor": "SELLER",
    "facts": "{}",
}


@on_sqlite
def test_writers_of_one_process_go_one_by_one(runtime):
    inside, most = [], []

    def write(number):
        with engines.writing(runtime.writer) as connection:
            inside.append(number)
            most.append(len(inside))
            connection.execute(text("SELECT 1"))
            inside.remove(number)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == [1] * 16


def test_somebody_can_write_after_the_engine_was_closed(runtime):
    with engines.writing(runtime.writer) as connection:
        connection.execute(text("SELECT 1"))

    engines.close(runtime.engine, runtime.writer)

    with engines.writing(runtime.writer) as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


def test_a_writer_that_waits_in_vain_learns_that_the_database_is_busy(tmp_path):
    """In this process, where it queues for the one connection, and in another one, which SQLite keeps out."""
    url = f"sqlite:///{tmp_path / 'busy.db'}"
    impatient = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    elsewhere = create_engine(url, connect_args={"timeout": 0.01})

    for writer in (impatient, elsewhere):
        with engines.writing(impatient), pytest.raises(DatabaseUnavailable) as refused, engines.writing(writer):
            pass
        assert refused.value.code == "database.busy"

    with engines.writing(impatient) as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engines.close(impatient, elsewhere)


def test_what_the_driver_was_given_directly_is_rolled_back_with_the_rest(runtime):
    with pytest.raises(KeyError), engines.writing(runtime.writer) as connection:  # noqa: PT012
        insert_row(connection, timeline, LINE)
        connection.execute(timeline.insert().values(LINE))
        raise KeyError

    with engines.reading(runtime.engine) as connection:
        assert connection.execute(timeline.select()).first() is None


def test_a_stored_row_tells_its_number_and_a_query_its_values(runtime):
    query = Prepared(timeline.select().order_by(timeline.c.id.desc()))

    with engines.writing(runtime.writer) as connection:
        numbers = [insert_row(connection, timeline, LINE) for _ in range(3)]
        newest = query.row(connection, {})

    assert numbers == sorted(set(numbers))
    assert newest == (numbers[-1], *LINE.values())
