"""
Due events among a million that wait: claimed, fired and marked, on both databases.

The floor, U, is the same number of rows of the same table marked by the bare driver in
transactions of the same size, with the seller's row.
"""

from __future__ import annotations

import time
from contextlib import closing
from statistics import median

from sqlalchemy import text

from bench.place import Place
from bench.postgresql import postgresql
from bench.report import Line
from mockpay.app import create_app, runtime_of
from mockpay.delivery import clock, scheduler
from mockpay.kernel.clock import Mode
from mockpay.services.sellers.accounts import NewSeller, create
from mockpay.settings import Settings
from mockpay.store.db.engine import close, writing
from mockpay.store.unit_of_work import Runtime

#: What the contract counts: events that wait, and how many of them are due.
PENDING, DUE = 1_000_000, 100_000
_GATE, _GOAL = 4.0, 2.5
#: A second in which nothing is due yet; each event has a millisecond of its own after it.
_BEGIN = 1_000_000_000_000
_EMPTY = {"bench.event": lambda _sandbox, _event: None}
#: Events are stored nearly in the order in which they become due: shuffled within a thousand.
_FILL = """
INSERT INTO events (seller_id, kind, subject, state, due_at, facts)
SELECT :seller, 'bench.event', 'AT' || n, 'WAITING',
    CAST(:begin AS BIGINT) + 1 + n - n % 1000 + (n % 1000 * 7919) % 1000, '{}'
FROM """
_NUMBERS = {
    "sqlite": "(WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted"
    " WHERE n < :many - 1) SELECT n FROM counted)",
    "postgresql": "generate_series(0, :many - 1) AS counted(n)",
}


def measure(rounds: int, pending: int, due: int) -> list[Line]:
    """
    Each round fires the next `due` events of one table, and marks as many more for the floor.

    The table holds as many more at first that `pending` of them wait in the last round too.
    """
    with Place() as place:
        lines = [_line("SQLite", *_rounds(str(place.database), place, rounds, pending, due), due)]
    with Place() as place, postgresql() as url:
        lines.append(_line("PostgreSQL", *_rounds(url, place, rounds, pending, due), due))
    return lines


def _line(database: str, took: list[float], floor: list[float], due: int) -> Line:
    verdict = None if due >= DUE else "quick, no verdict"
    each, least = (f"{median(seconds) / due * 1e6:.1f} us" for seconds in (took, floor))
    what = f"claim, fire and mark {due:,} due events, {database}"
    ratio = median(took) / median(floor)
    return Line(what, f"{each} an event", f"U = {least}", ratio, "U", _GATE, _GOAL, verdict)


def _rounds(url: str, place: Place, rounds: int, pending: int, due: int) -> tuple[list[float], list[float]]:
    """Seconds of each round, and of its floor."""
    app = create_app(Settings(database_url=url, keys_dir=place.keys))
    runtime = runtime_of(app)
    seller_id = create(runtime, NewSeller()).seller_id
    clock.put(runtime, seller_id, Mode.FROZEN, _BEGIN)
    took, floor = [], []
    try:
        _fill(runtime, seller_id, pending + (2 * rounds - 1) * due)
        for number in range(rounds):
            took.append(_fire(runtime, seller_id, 2 * number + 1, due))
            floor.append(_mark(runtime, seller_id, due))
        return took, floor
    finally:
        close(runtime.engine, runtime.writer)


def _mark(runtime: Runtime, seller_id: str, due: int) -> float:
    """Mark the next `due` events, and nothing else, by the bare driver."""
    is_sqlite = runtime.writer.dialect.name == "sqlite"
    mark = "?" if is_sqlite else "%s"
    next_due = f"SELECT id, due_at FROM events WHERE seller_id = {mark} AND state = 'WAITING' ORDER BY due_at, id"
    seller = f"UPDATE sellers SET next_due = {mark}, clock_seller_anchor = {mark} WHERE seller_id = {mark}"
    with closing(runtime.writer.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute(f"{next_due} LIMIT {due + 1}", (seller_id,))
        rows = cursor.fetchall()
        connection.commit()
        began = time.perf_counter()
        for start in range(0, due, scheduler.BATCH):
            batch = rows[start : start + scheduler.BATCH]
            following = rows[start + len(batch)][1]
            marks = ", ".join([mark] * len(batch))
            if is_sqlite:  # The other driver begins by itself.
                cursor.execute("BEGIN IMMEDIATE")
            cursor.execute(
                f"UPDATE events SET state = 'DONE', fired_at = {mark} WHERE id IN ({marks})",
                (batch[-1][1], *(row[0] for row in batch)),
            )
            cursor.execute(seller, (following, batch[-1][1], seller_id))
            connection.commit()
        return time.perf_counter() - began


def _fill(runtime: Runtime, seller_id: str, many: int) -> None:
    kind = runtime.engine.dialect.name
    values = {"seller": seller_id, "begin": _BEGIN, "many": many}
    with writing(runtime.writer) as connection:
        connection.execute(text(_FILL + _NUMBERS[kind]), values)
    if kind == "postgresql":
        # A million rows at once leave PostgreSQL work that it would do in the next minutes.
        engine = runtime.engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("VACUUM (ANALYZE) events"))
            connection.execute(text("CHECKPOINT"))


def _fire(runtime: Runtime, seller_id: str, number: int, due: int) -> float:
    """Fire the events of one round, which must be so many."""
    target, count, more = _BEGIN + number * due, 0, True
    began = time.perf_counter()
    while more:
        fired = scheduler.fire(runtime, seller_id, target, _EMPTY)
        count, more = count + fired.count, fired.more
    took = time.perf_counter() - began
    if count != due:
        message = f"expected {due} events to fire, got {count}"
        raise RuntimeError(message)
    return took
