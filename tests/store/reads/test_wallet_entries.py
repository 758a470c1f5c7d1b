"""A history costs the same however long it is: each filter is found by an index, in the order of the list."""

import pytest
from sqlalchemy.dialects import sqlite

from mockpay.domain.wallet.ledger import Direction, JournalType
from mockpay.store.reads import lists
from mockpay.store.reads.wallet_entries import EntryFilter, select_entries
from tests.services.ledger import ASHA, by_balance, top_up

FILTERS = {
    "journals_of_owner": [EntryFilter(), EntryFilter(since=1), EntryFilter(until=9), EntryFilter(since=1, until=9)],
    "journals_by_type": [EntryFilter(JournalType.HOLD), EntryFilter(JournalType.HOLD, since=1, until=9)],
    "journals_by_direction": [
        EntryFilter(direction=Direction.DEBIT),
        EntryFilter(direction=Direction.DEBIT, since=1, until=9),
    ],
    "journals_by_both": [EntryFilter(JournalType.ADJUST, Direction.DEBIT, since=1, until=9)],
}


@pytest.fixture
def database_kind():
    return "sqlite"


def plan(sandbox, filter_):
    return plan_of(sandbox, select_entries(sandbox, ASHA, filter_).limit(51))


def plan_of(sandbox, query):
    text = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    rows = sandbox.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")
    return " / ".join(row[-1] for row in rows)


def test_every_filter_has_its_index_and_nothing_is_sorted(world, subtests):
    with world.read() as sandbox:
        for index, filters in FILTERS.items():
            for filter_ in filters:
                with subtests.test(filter=filter_):
                    steps = plan(sandbox, filter_)
                    assert f"USING INDEX {index} (seller_id=? AND owner=?" in steps
                    assert "TEMP B-TREE" not in steps


def test_an_order_is_found_by_its_attempts(world):
    top_up(world, 100_000)
    by_balance(world, world.order("FIRST"))
    with world.read() as sandbox:
        steps = plan(sandbox, EntryFilter(order="FIRST"))
    assert "SEARCH journals USING INDEX journals_of_attempt (attempt_id=?)" in steps


def test_the_orders_of_entries_are_found_by_the_attempts_own_key(world):
    with world.read() as sandbox:
        steps = plan_of(sandbox, lists.select_orders_of_attempts(sandbox, [f"att_{number}" for number in range(50)]))
    assert "SEARCH attempts USING INDEX sqlite_autoindex_attempts_1 (attempt_id=?)" in steps
