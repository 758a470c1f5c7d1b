"""Lists for pages: what the control API's own tests do not reach."""

import pytest

from mockpay.domain.notifications import NotificationType
from mockpay.kernel.clock import parse_time
from mockpay.kernel.errors import Invalid
from mockpay.services.notifications import create_without_order
from mockpay.store import journal
from mockpay.store.db.paging import cursor_of, mark_of, number_of
from mockpay.store.reads.lists import (
    Bar,
    JournalFilter,
    OrderFilter,
    bars,
    counts_by_state,
    deliveries_by_state,
    journal_page,
    orders_page,
    version,
)
from mockpay.store.unit_of_work import read, transaction
from tests.control.worlds import Api, make_app

NOON = "2026-11-21T12:00:00Z"


@pytest.fixture
def world(tmp_path, database_url):
    api = Api(make_app(tmp_path, database_url=database_url))
    world = api.new_seller()
    world.freeze(NOON)
    yield world
    api.runtime.engine.dispose()
    api.runtime.writer.dispose()


def asked(world, question, *words):
    with read(world.api.runtime, world.seller_id) as sandbox:
        return question(sandbox, *words)


def test_counts_cover_the_states_that_occur_and_not_the_filters_own(world):
    world.paid_order("A-1")
    world.open_order("A-2")
    world.open_order("B-3")
    assert asked(world, counts_by_state) == {"PAID": 1, "CREATED": 2}
    narrowed = OrderFilter(states=("PAID",), text="a-")
    assert asked(world, counts_by_state, narrowed) == {"PAID": 1, "CREATED": 1}
    assert asked(world, counts_by_state, OrderFilter(method="upi")) == {"PAID": 1}


def test_deliveries_are_counted_by_type(world):
    for type_ in (NotificationType.TEST, NotificationType.TEST, NotificationType.SUBSCRIPTION):
        with transaction(world.api.runtime, world.seller_id) as sandbox:
            create_without_order(sandbox, "amazonpay", type_, {})
    counts = [asked(world, deliveries_by_state, type_) for type_ in (None, "test", "subscription", "refund")]
    assert counts == [{"QUEUED": 3}, {"QUEUED": 2}, {"QUEUED": 1}, {}]


def test_an_empty_world_has_no_counts_no_bars_and_no_orders(world):
    assert asked(world, counts_by_state) == {}
    assert asked(world, bars, 0) == []
    page = asked(world, orders_page, OrderFilter())
    assert (page.items, page.next_cursor) == ([], None)


def test_bars_are_minutes_of_the_sellers_time(world):
    noon = parse_time(NOON)
    world.open_order("A-1")
    world.post("/clock/advance", {"seconds": 59})
    world.paid_order("A-2")
    world.post("/clock/advance", {"seconds": 121})
    world.open_order("A-3")
    expected = [Bar(noon, {"CREATED": 1, "PAID": 1}), Bar(noon + 180_000, {"CREATED": 1})]
    assert asked(world, bars, noon) == expected
    assert asked(world, bars, noon + 60_000) == expected[1:]
    assert asked(world, bars, noon, 60_000, 1) == expected[1:]


def test_the_version_changes_with_every_line_and_entry(world):
    versions = [asked(world, version)]
    order = world.open_order()
    versions.append(asked(world, version))
    world.pay(order)
    versions.append(asked(world, version))
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        journal.add(sandbox.connection, world.seller_id, 0, 0, kind="k", outcome="ok")
    versions.append(asked(world, version))
    assert len(set(versions)) == 4
    assert asked(world, version) == versions[-1]


def test_another_sellers_doings_do_not_change_the_version(world):
    before = asked(world, version)
    world.api.new_seller().open_order()
    assert asked(world, version) == before


@pytest.mark.parametrize("mark", ["A1SELLER", "with:colon", "é"])
def test_a_cursor_hides_its_mark_and_gives_it_back(mark):
    assert mark_of("seller", cursor_of("seller", mark)) == mark


def test_a_cursor_of_another_list_is_refused():
    with pytest.raises(Invalid) as refused:
        number_of("order", cursor_of("journal", 7))
    assert refused.value.code == "cursor.invalid"


def test_a_cursor_that_is_no_row_is_refused(subtests):
    for mark in ["", "-1", "१", "1e3", str(2**63)]:
        with subtests.test(mark=mark), pytest.raises(Invalid):
            number_of("order", cursor_of("order", mark))


def test_the_next_page_of_the_journal_begins_where_the_last_ended(world):
    for number in range(3):
        with transaction(world.api.runtime, world.seller_id) as sandbox:
            journal.add(sandbox.connection, world.seller_id, 0, 0, kind=f"k{number}", outcome="ok")
    first = asked(world, journal_page, JournalFilter(), None, 2)
    second = asked(world, journal_page, JournalFilter(), first.next_cursor, 2)
    assert [line.kind for line in (*first.items, *second.items)][:3] == ["k2", "k1", "k0"]


def test_digits_of_other_scripts_are_no_status(world):
    world.open_order("A-1")
    assert [asked(world, journal_page, JournalFilter(text=text)).items for text in ("२००", "²²²")] == [[], []]
