"""Row 7: due events among a million that wait: claimed, fired and marked, on both databases."""

from __future__ import annotations

import time
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
_GATE, _GOAL = 3.0, 2.5
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
    Each round fires the next `due` events of one table; nothing is made ready in between.

    The table holds as many more at first that `pending` of them wait in the last round too.
    """
    with Place() as place:
        lines = [_line("SQLite", _rounds(str(place.database), place, rounds, pending, due), due)]
    with Place() as place, postgresql() as url:
        lines.append(_line("PostgreSQL", _rounds(url, place, rounds, pending, due), due))
    return lines


def _line(database: str, took: list[float], due: int) -> Line:
    verdict = None if due >= DUE else "quick, no verdict"
    each = f"{median(took) / due * 1e6:.1f} us an event"
    what = f"claim, fire and mark {due:,} due events, {database}"
    return Line(what, each, "", median(took), "s", _GATE, _GOAL, verdict)


def _rounds(url: str, place: Place, rounds: int, pending: int, due: int) -> list[float]:
    """Seconds of each round."""
    app = create_app(Settings(database_url=url, keys_dir=place.keys))
    runtime = runtime_of(app)
    seller_id = create(runtime, NewSeller()).seller_id
    clock.put(runtime, seller_id, Mode.FROZEN, _BEGIN)
    try:
        _fill(runtime, seller_id, pending + (rounds - 1) * due)
        return [_fire(runtime, seller_id, number, due) for number in range(1, rounds + 1)]
    finally:
        close(runtime.engine, runtime.writer)


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
