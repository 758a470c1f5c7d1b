"""A wallet's history through the WSGI application: the signed-in page and the control API's entries."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from lxml import html

from bench.balances import pay_all
from bench.in_process import environ
from bench.place import Place
from bench.report import Line
from bench.requests import SELLER_ID, Shop
from mockpay.app import create_app, runtime_of
from mockpay.services import buyers
from mockpay.services.wallet import corrections
from mockpay.services.wallet.corrections import Part
from mockpay.settings import Settings
from mockpay.store.reads.audit import audit
from mockpay.store.unit_of_work import Runtime, read, transaction

#: Entries that the contract's history is measured over.
MANY = 100_000
_FEW = 1_000
_BUYER = "asha@example.com"
_HOME = f"/account/{SELLER_ID}"
_ENTRIES = f"/_mockpay/v1/sellers/{SELLER_ID}/buyers/{_BUYER}/wallet/entries"
#: Payments by balance of the newest page, each of which is two entries with an order.
_PAYMENTS = 20
#: Entries of one transaction while a history is made.
_AT_ONCE = 1_000
_FILTER = "type=ADJUST&direction=DEBIT"


def measure(rounds: int, requests: int, many: int) -> list[Line]:
    """Two worlds in turn: pages of the buyer with `many` entries, and of the one with a few."""
    verdict = None if many >= MANY else "quick, no verdict on growth"
    with Place() as here, Place() as there:
        long, short = _World.made(here, many), _World.made(there, _FEW)
        names = {"page": "wallet page, signed in", "api": "wallet entries by control API"}
        took: Mapping[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
        for number in range(rounds + 1):
            for name, (most, least) in took.items():
                seconds = long.ask(name, requests), short.ask(name, requests)
                if number:  # The first round loads and compiles.
                    most.append(seconds[0])
                    least.append(seconds[1])
        for world in (long, short):
            world.close()
    return [_line(names[name], many, *seconds, verdict) for name, seconds in took.items()]


def _line(name: str, many: int, most: Sequence[float], least: Sequence[float], verdict: str | None) -> Line:
    last, first = median(most), median(least)
    what = f"{name}: {many:,} entries against {_FEW:,}"
    return Line(what, f"{last * 1e6:.0f} us", f"{first * 1e6:.0f} us", last / first, "x", 1.2, 1.05, verdict)


@dataclass(frozen=True)
class _World:
    """A sandbox with one buyer's history, and what is asked of it in turn: newest, older and filtered entries."""

    application: Any
    runtime: Runtime
    cookie: str
    queries: Mapping[str, Sequence[tuple[str, str]]]

    @classmethod
    def made(cls, place: Place, entries: int) -> _World:
        """Fill a history, the newest entries by payments, and sign its buyer in."""
        app = create_app(Settings(database_url=str(place.database), keys_dir=place.keys))
        runtime, shop = runtime_of(app), Shop(place.keys)
        pay_all(app.wsgi_app, runtime, shop.many(_PAYMENTS), _BUYER)
        _adjust(runtime, entries - 2 * (2 * _PAYMENTS + 1))
        pay_all(app.wsgi_app, runtime, shop.many(_PAYMENTS), _BUYER)
        with read(runtime, SELLER_ID) as sandbox:
            wrong = audit(sandbox)
        if wrong:
            message = f"expected a sound ledger, got {wrong[0]}"
            raise RuntimeError(message)
        world = cls(app.wsgi_app, runtime, _sign_in(runtime), {})
        return cls(world.application, runtime, world.cookie, world.addresses())

    def addresses(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Path and query of each kind of page."""
        page = html.fromstring(self.get(f"{_HOME}/wallet", ""))
        (older,) = page.xpath("//a[@rel='next']/@href")
        return {
            "page": [(f"{_HOME}/wallet", query) for query in ("", older.partition("?")[2], _FILTER)],
            "api": [(_ENTRIES, query) for query in ("", "limit=200", _FILTER)],
        }

    def ask(self, name: str, requests: int) -> float:
        """Seconds of CPU for one page."""
        addresses = self.queries[name]
        began = time.process_time()
        for number in range(requests):
            self.get(*addresses[number % len(addresses)])
        return (time.process_time() - began) / requests

    def get(self, path: str, query: str) -> bytes:
        """The body of a page that there must be."""
        answered: list[str] = []

        def start(status: str, _headers: list[tuple[str, str]], *_: object) -> None:
            answered.append(status)

        request = environ("GET", path, QUERY_STRING=query, HTTP_COOKIE=self.cookie, HTTP_ACCEPT="*/*")
        body = b"".join(self.application(request, start))
        if not answered[0].startswith("200"):
            message = f"expected 200 of {path}?{query}, got {answered[0]}"
            raise RuntimeError(message)
        return body

    def close(self) -> None:
        """Let go of the database."""
        self.runtime.engine.dispose()
        self.runtime.writer.dispose()


def _adjust(runtime: Runtime, entries: int) -> None:
    """So many entries in and out, which leave the balance as it was."""
    for first in range(0, entries, _AT_ONCE):
        with transaction(runtime, SELLER_ID) as sandbox:
            for number in range(first, min(first + _AT_ONCE, entries)):
                corrections.adjust(sandbox, _BUYER, Part.MONEY, -100 if number % 2 else 100)


def _sign_in(runtime: Runtime) -> str:
    """The cookie of the buyer, who types the code that is always right."""
    with transaction(runtime, SELLER_ID) as sandbox:
        challenge = buyers.start_sign_in(sandbox, _BUYER)
        signed = buyers.finish_sign_in(sandbox, challenge.challenge_id, "123456")
    return f"mockpay_buyer_{SELLER_ID}={signed.session}"
