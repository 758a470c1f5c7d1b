"""The log of gateway calls through the WSGI application: the dashboard's page and the control API's list, filtered."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.in_process import environ
from bench.place import Place
from bench.report import Line
from bench.requests import SELLER_ID
from mockpay.app import create_app, runtime_of
from mockpay.settings import Settings
from mockpay.store.db.engine import writing
from mockpay.store.gateway_calls import calls
from mockpay.store.unit_of_work import Runtime

#: Rows of the seller whose log is asked for, and how many sellers have as many (contract section 7).
MANY = 50_000
_FEW, _SELLERS = 1_000, 20
_PAGE = f"/_mockpay/ui/sellers/{SELLER_ID}/gateway-calls"
_LIST = f"/_mockpay/v1/sellers/{SELLER_ID}/gateway-calls"
_FILTERS = (
    "",
    "gateway=razorpay",
    "operation=REFUND",
    "outcome=declined,no_answer",
    "error_class=timeout",
    "status=503",
    "latency=900",
    "direction=out",
    "order_id=S04-7",
    "since=2026-11-21T12:00:00Z",
)
_BEGAN = 1_795_262_400_000
#: As often as others: (outcome, error class, status).
_ENDS = (
    *[("approved", None, 200)] * 7,
    ("declined", "decline", 400),
    ("no_answer", "timeout", None),
    ("no_answer", "http_5xx", 503),
)
_COLUMNS = (
    "seller_id gateway operation try_no idempotency_key order_id attempt_id method amount_minor currency at began_at"
    " sent_at finished_at outcome status latency_ms exchange direction error_class"
).split()
_EXCHANGE = '{"method":"POST","url":"http://x","request_headers":{},"request":null,"status":200,"answer_headers":{}}'


def measure(rounds: int, requests: int, many: int) -> list[Line]:
    """Two databases in turn: the newest page and every filter, of a seller among many rows and among few."""
    verdict = None if many >= MANY else "quick, no verdict on growth"
    with Place() as here, Place() as there:
        long, short = _World.made(here, many), _World.made(there, _FEW)
        took: Mapping[str, tuple[list[float], list[float]]] = {path: ([], []) for path in (_PAGE, _LIST)}
        for number in range(rounds + 1):
            for path, (most, least) in took.items():
                seconds = long.ask(path, requests), short.ask(path, requests)
                if number:  # The first round loads and compiles.
                    most.append(seconds[0])
                    least.append(seconds[1])
        long.close()
        short.close()
    names = {_PAGE: "gateway calls, dashboard", _LIST: "gateway calls by control API"}
    return [_line(names[path], many, *seconds, verdict) for path, seconds in took.items()]


def _line(name: str, many: int, most: Sequence[float], least: Sequence[float], verdict: str | None) -> Line:
    last, first = median(most), median(least)
    what = f"{name}: {many:,} of {many * _SELLERS:,} rows against {_FEW:,} of {_FEW * _SELLERS:,}"
    return Line(what, f"{last * 1e6:.0f} us", f"{first * 1e6:.0f} us", last / first, "x", 1.2, 1.05, verdict)


@dataclass(frozen=True)
class _World:
    """A sandbox with logs of many sellers, their rows mixed."""

    application: Any
    runtime: Runtime

    @classmethod
    def made(cls, place: Place, rows: int) -> _World:
        app = create_app(Settings(database_url=str(place.database), keys_dir=place.keys))
        world = cls(app.wsgi_app, runtime_of(app))
        names, marks = ", ".join(_COLUMNS), ", ".join("?" * len(_COLUMNS))
        with writing(world.runtime.writer) as connection:
            # Sorted once at the end they are made in a fraction of the time.
            for index in calls.indexes:
                index.drop(connection)
            driver: Any = connection.connection.dbapi_connection
            driver.executemany(f"INSERT INTO gateway_calls ({names}) VALUES ({marks})", _rows(rows * _SELLERS))
            for index in calls.indexes:
                index.create(connection)
        return world

    def ask(self, path: str, requests: int) -> float:
        """Seconds of CPU for one page."""
        filters = _FILTERS if path == _LIST else [_of_form(query) for query in _FILTERS]
        began = time.process_time()
        for number in range(requests):
            self._get(path, filters[number % len(filters)])
        return (time.process_time() - began) / requests

    def _get(self, path: str, query: str) -> None:
        answered: list[str] = []

        def start(status: str, _headers: list[tuple[str, str]], *_: object) -> None:
            answered.append(status)

        body = b"".join(self.application(environ("GET", path, QUERY_STRING=query, HTTP_ACCEPT="*/*"), start))
        if not (answered[0].startswith("200") and body):
            message = f"expected 200 of {path}?{query}, got {answered[0]}"
            raise RuntimeError(message)

    def close(self) -> None:
        """Let go of the database."""
        self.runtime.engine.dispose()
        self.runtime.writer.dispose()


def _of_form(query: str) -> str:
    """A filter as the page's form has it: a time in India without its offset."""
    return query.replace("12:00:00Z", "17:30:00")


def _rows(number: int) -> Iterator[tuple[Any, ...]]:
    """Rows of the seller and of others in turn, a second apart; each filter finds a page or more in either log."""
    for place in range(number):
        turn, own = place % _SELLERS, place // _SELLERS
        outcome, error, status = _ENDS[own % len(_ENDS)]
        gateway = ("razorpay", "payu", "stripe")[own % 3]
        operation = ("CHARGE", "CHARGE", "CHARGE", "LOOKUP", "REFUND")[own % 5]
        at = _BEGAN + own * 1_000
        yield (
            *(SELLER_ID if turn == 0 else f"A1OTHER{turn}", gateway, operation, 1, f"key-{own}", f"S04-{own // 9}"),
            *(f"att_{place // 9}", "card", 49_900, "INR", at, at, at, at, outcome, status, own % 1_000),
            *(_EXCHANGE, "out", error),
        )
