"""The log of gateway calls: each filter is answered by its index in the order of the list, and finds what it says."""

import pytest
from sqlalchemy import insert

from mockpay.domain.payments.call_log import CallDirection, ErrorClass
from mockpay.domain.payments.gateways import Operation, ResultKind
from mockpay.kernel.errors import Invalid
from mockpay.store.gateway_calls import calls
from mockpay.store.reads import gateway_log
from mockpay.store.reads.gateway_log import CallFilter, calls_page, select_calls
from tests.factories import World

SLOW = {"latency_ms": 3_000}
#: Columns that the index is searched by after the seller, as SQLite tells them, and the filters that it answers.
FILTERS = {
    ("by_time", "(seller_id=?)"): [CallFilter()],
    ("by_time", "(seller_id=? AND at>?)"): [CallFilter(since=1)],
    ("by_time", "(seller_id=? AND at<?)"): [CallFilter(until=9)],
    ("by_gateway", "(seller_id=? AND gateway=? AND at>? AND at<?)"): [CallFilter(gateway="first", since=1, until=9)],
    ("by_operation", "(seller_id=? AND operation=?)"): [
        CallFilter(operations=("CHARGE",)),
        CallFilter(operations=("CHARGE", "REFUND")),
        CallFilter(operations=("CHARGE",), gateway="first", directions=("out",)),
    ],
    ("by_outcome", "(seller_id=? AND outcome=?)"): [
        CallFilter(outcomes=("declined",)),
        CallFilter(outcomes=("declined", "approved"), operations=("CHARGE", "REFUND"), gateway="first"),
    ],
    ("by_error_class", "(seller_id=? AND error_class=? AND at>?)"): [
        CallFilter(error_classes=("timeout", "parse"), statuses=(200,), outcomes=("no_answer",), since=1)
    ],
    ("by_status", "(seller_id=? AND status=?)"): [CallFilter(statuses=(503,)), CallFilter(statuses=(503, 500))],
    ("by_direction", "(seller_id=? AND direction=? AND at<?)"): [CallFilter(directions=("in",), until=9)],
    ("by_order_id", "(seller_id=? AND order_id=?)"): [
        CallFilter(order_id="A-1"),
        CallFilter(order_id="A-1", outcomes=("declined",), gateway="first"),
    ],
    ("by_latency", "(seller_id=? AND latency_ms>?)"): [
        CallFilter(**SLOW),
        CallFilter(**SLOW, gateway="first", outcomes=("declined", "approved"), since=1),
    ],
}
#: A payment has so few calls that they may be sorted.
OF_PAYMENT = {
    "gateway_calls_of_attempt (attempt_id=?)": CallFilter(attempt_id="att_1", outcomes=("declined",), since=1),
    "gateway_calls_by_order_id (seller_id=? AND order_id=?": CallFilter(order_id="A-1", **SLOW),
}


def plans(sandbox, filter_, explain):
    """What the database does for each query of a filter."""
    dialect = sandbox.connection.dialect
    for query in select_calls(sandbox.seller_id, filter_):
        text = str(query.limit(51).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        rows = sandbox.connection.exec_driver_sql(f"{explain} {text}")
        yield " / ".join(str(row[-1]) for row in rows)


class TestSqlite:
    @pytest.fixture
    def database_kind(self):
        return "sqlite"

    def test_every_filter_has_its_index_and_nothing_is_sorted(self, world, subtests):
        with world.read() as sandbox:
            for (index, terms), filters in FILTERS.items():
                for filter_ in filters:
                    with subtests.test(filter=filter_):
                        for steps in plans(sandbox, filter_, "EXPLAIN QUERY PLAN"):
                            assert steps == f"SEARCH gateway_calls USING INDEX gateway_calls_{index} {terms}"

    def test_the_calls_of_a_payment_are_found_by_its_own_index(self, world, subtests):
        with world.read() as sandbox:
            for index, filter_ in OF_PAYMENT.items():
                with subtests.test(filter=filter_):
                    [steps] = plans(sandbox, filter_, "EXPLAIN QUERY PLAN")
                    assert f"USING INDEX {index}" in steps


class TestPostgresql:
    @pytest.fixture
    def database_kind(self):
        return "postgresql"

    def test_every_filter_has_its_index_and_nothing_is_sorted(self, world, subtests):
        """Among as many rows as make an index worth while, of which each value has a tenth."""
        with world.transaction() as sandbox:
            sandbox.connection.exec_driver_sql(ROWS, {"seller": world.seller_id})
            sandbox.connection.exec_driver_sql("ANALYZE gateway_calls")
            # Where several filters leave few of these few rows it would rather read the pages and sort.
            for kind in ("seqscan", "bitmapscan"):
                sandbox.connection.exec_driver_sql(f"SET LOCAL enable_{kind} = off")
            for (index, _), filters in FILTERS.items():
                for filter_ in filters:
                    with subtests.test(filter=filter_):
                        for steps in plans(sandbox, filter_, "EXPLAIN"):
                            assert f"Index Scan Backward using gateway_calls_{index} " in steps
                            assert "Sort" not in steps


#: Ten values a column, each of another tenth of the rows of a seller.
ROWS = """
INSERT INTO gateway_calls (seller_id, gateway, operation, outcome, error_class, status, direction, latency_ms, at,
    try_no, idempotency_key, order_id, attempt_id, method, amount_minor, currency, began_at)
SELECT CASE n %% 4 WHEN 0 THEN %(seller)s ELSE 'OTHER' || n %% 4 END,
    (ARRAY['first', '1', '2', '3', '4', '5', '6', '7', '8', '9'])[n / 4 %% 10 + 1],
    (ARRAY['CHARGE', 'REFUND', '2', '3', '4', '5', '6', '7', '8', '9'])[n / 40 %% 10 + 1],
    (ARRAY['declined', 'approved', '2', '3', '4', '5', '6', '7', '8', '9'])[n / 400 %% 10 + 1],
    (ARRAY['timeout', 'parse', '2', '3', '4', '5', '6', '7', '8', '9'])[n / 4 %% 7 + 1],
    (ARRAY[503, 500, 200, 401, 402, 403, 404, 409, 429, 502])[n / 12 %% 10 + 1],
    (ARRAY['in', '1', '2', '3', '4', '5', '6', '7', '8', '9'])[n / 28 %% 10 + 1],
    n / 4 %% 11 * 299, 2 + n %% 7, 1, 'key', 'A-' || n / 40, 'att_' || n / 40, 'card', 100, 'INR', 0
FROM generate_series(0, 19999) AS n
"""


def fill(world, *rows):
    """Calls as they would be stored, each a mapping of what is not usual."""
    usual = {
        "seller_id": world.seller_id,
        "gateway": "first",
        "operation": "CHARGE",
        "try_no": 1,
        "idempotency_key": "key",
        "order_id": "A-1",
        "attempt_id": "att_1",
        "method": "card",
        "amount_minor": 100,
        "currency": "INR",
        "at": 1_000,
        "began_at": 1_000,
        "outcome": "approved",
        "direction": "out",
        "status": 200,
        "latency_ms": 5,
    }
    with world.transaction() as sandbox:
        for row in rows:
            sandbox.connection.execute(insert(calls), {**usual, **row})


def read_ids(world, cursor=None, limit=50, **chosen):
    with world.read() as sandbox:
        page = calls_page(sandbox, CallFilter(**chosen), cursor, limit)
    return [call.idempotency_key for call in page.items], page.next_cursor


def all_ids(world, limit, **chosen):
    """Page after page."""
    found, cursor = [], None
    while True:
        keys, cursor = read_ids(world, cursor, limit, **chosen)
        found += keys
        if cursor is None:
            return found


def test_pages_follow_each_other_whatever_is_asked_for(runtime, subtests):
    """Two columns with several values, a clock that was set back, equal moments and equal latencies."""
    world, other = World.new(runtime), World.new(runtime)
    outcomes = ["approved", "declined", "no_answer"]
    rows = [
        {
            "idempotency_key": f"k{number}",
            "outcome": outcomes[number % 3],
            "operation": ["CHARGE", "REFUND"][number % 2],
            "at": [5_000, 7_000, 6_000, 6_000][number % 4],
            "latency_ms": number // 2 if number % 5 else None,
            "status": [200, 503][number % 2],
        }
        for number in range(24)
    ]
    fill(world, *rows)
    fill(other, *rows)
    numbered = list(enumerate(rows))

    def expected(fits, key="at"):
        fitting = [(row[key], number, row["idempotency_key"]) for number, row in numbered if fits(row)]
        return [key for *_, key in sorted(fitting, reverse=True)]

    cases = [
        ({}, expected(lambda _: True)),
        ({"outcomes": ("declined", "no_answer", "declined")}, expected(lambda row: row["outcome"] != "approved")),
        (
            {"outcomes": ("declined", "approved"), "operations": ("REFUND",), "since": 6_000, "until": 7_000},
            expected(lambda row: row["outcome"] != "no_answer" and row["operation"] == "REFUND" and row["at"] == 6_000),
        ),
        ({"statuses": (503, 200)}, expected(lambda _: True)),
        ({"latency_ms": 4}, expected(lambda row: (row["latency_ms"] or 0) >= 4, "latency_ms")),
        (
            {"latency_ms": 0, "outcomes": ("declined", "approved")},
            expected(lambda row: row["latency_ms"] is not None and row["outcome"] != "no_answer", "latency_ms"),
        ),
        ({"attempt_id": "att_1"}, expected(lambda _: True)),
        ({"order_id": "A-1", "latency_ms": 9}, expected(lambda row: (row["latency_ms"] or 0) >= 9, "latency_ms")),
    ]
    for chosen, keys in cases:
        for limit in (1, 5, 50):
            with subtests.test(chosen=chosen, limit=limit):
                assert all_ids(world, limit, **chosen) == keys
    assert all_ids(world, 5, order_id="A-2") == all_ids(world, 5, gateway="second") == []


def test_a_cursor_opens_only_the_order_that_it_is_of(runtime):
    world = World.new(runtime)
    fill(world, {"idempotency_key": "k1"}, {"idempotency_key": "k2"})
    _, by_time = read_ids(world, limit=1)
    _, by_latency = read_ids(world, limit=1, latency_ms=1)
    assert read_ids(world, by_time) == read_ids(world, by_latency, latency_ms=1) == (["k1"], None)
    for cursor, chosen in ((by_time, {"latency_ms": 1}), (by_latency, {}), ("eHl6", {})):
        with pytest.raises(Invalid, match="cursor"):
            read_ids(world, cursor, **chosen)


def test_every_word_of_a_filter_is_one_that_a_column_has(runtime):
    world = World.new(runtime)
    fill(world, {"error_class": "timeout", "outcome": "no_answer", "direction": "in", "operation": "STATUS"})
    chosen = {
        "error_classes": (ErrorClass.TIMEOUT,),
        "outcomes": (ResultKind.NO_ANSWER,),
        "directions": (CallDirection.IN,),
        "operations": (Operation.STATUS,),
    }
    assert len(read_ids(world, **chosen)[0]) == 1
    for name in chosen:
        assert read_ids(world, **{name: ("approved",)}) == ([], None)


def test_all_calls_come_in_the_same_order(runtime, monkeypatch):
    world = World.new(runtime)
    monkeypatch.setattr(gateway_log, "LONGEST_PAGE", 2)
    fill(world, *({"idempotency_key": f"k{number}"} for number in range(5)))
    pages = list(gateway_log.all_calls(world.runtime, world.seller_id, CallFilter()))
    assert [[call.idempotency_key for call in page] for page in pages] == [["k4", "k3"], ["k2", "k1"], ["k0"]]
