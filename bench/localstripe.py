"""
localstripe, the open sandbox for Stripe, side by side: how many payments a second each takes.

It runs in an environment of its own (`.venv-localstripe`, made by `make bench`). What it stores it
pickles as a whole into one file at every write, so the number of objects that are there decides.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Self

from bench.load import Buyers
from bench.place import Place
from bench.program import Program
from bench.report import Line
from bench.requests import Shop
from bench.served import pay

#: Objects that are stored before the clock runs, with gate and goal for the ratio there.
STORED: tuple[tuple[int, float, float], ...] = ((1_000, 4, 10), (10_000, 20, 50))
PYTHON = Path(".venv-localstripe/bin/python")
#: Where it keeps its store; the path is its own.
_PICKLE = Path("/tmp/localstripe.pickle")
_FILL = """
import pickle, sys
from localstripe.resources import PaymentIntent, Store, store
Store.dump_to_disk = lambda self: None
for _ in range(int(sys.argv[1])):
    PaymentIntent(amount=49900, currency="inr")
# As a plain dict: of its own kind it would write while it reads, and lose what is long.
with open(sys.argv[2], "wb") as file:
    pickle.dump(dict(store), file)
"""
_BODY = b"amount=49900&currency=inr"
_INTENT = (
    b"POST /v1/payment_intents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk_test_12345\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
) % (len(_BODY), _BODY)
_FEW = 20
_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


def measure(rounds: int, payments: int) -> list[Line]:
    """Both with as many stored objects, by the same client over one connection."""
    if not PYTHON.exists():
        message = f"there is no {PYTHON}; `make bench` makes it"
        raise RuntimeError(message)
    return [_compare(stored, gate, goal, rounds, payments) for stored, gate, goal in STORED]


def _compare(stored: int, gate: float, goal: float, rounds: int, payments: int) -> Line:
    ours, theirs = [], []
    with Place() as place, Program(place) as program:
        with Buyers(program, place) as buyers:
            pay(program, buyers, 4, stored)
        shop = Shop(place.keys)
        with _localstripe(stored) as port, _Client(program.port) as client, _Client(port) as other:
            for number in range(rounds + 1):
                requests = iter([request.http(program.port) for request in shop.many(payments)])
                mine = client.median_of(payments, lambda: next(requests), b"HTTP/1.1 302")  # noqa: B023
                its = other.median_of(_FEW, lambda: _INTENT, b"HTTP/1.1 200")
                if number:  # The first round loads and compiles.
                    ours.append(mine)
                    theirs.append(its)
    rate, least = 1 / median(ours), 1 / median(theirs)
    what = f"payments a second against localstripe, {stored:,} stored"
    return Line(what, f"{rate:.0f} /s", f"{least:.0f} /s", rate / least, "x", gate, goal, higher=True)


class _Client:
    """One kept connection that sends one request after the other."""

    def __init__(self, port: int) -> None:
        self._line = socket.create_connection(("localhost", port), timeout=60)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def median_of(self, count: int, make: Callable[[], bytes], expected: bytes) -> float:
        """The median seconds of one request and its whole answer."""
        return median(self._exchange(make(), expected) for _ in range(count))

    def _exchange(self, request: bytes, expected: bytes) -> float:
        began = time.perf_counter()
        self._line.sendall(request)
        answer = self._line.recv(65_536)
        while b"\r\n\r\n" not in answer:
            answer += self._line.recv(65_536)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(_LENGTH.search(head).group(1))  # type: ignore[union-attr]
        while len(body) < length:
            body += self._line.recv(65_536)
        took = time.perf_counter() - began
        if not head.startswith(expected):
            message = f"expected {expected!r}, got {answer[:300]!r}"
            raise RuntimeError(message)
        return took

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()


@contextmanager
def _localstripe(stored: int) -> Iterator[int]:
    """A server with so many payment intents; its port."""
    subprocess.run([PYTHON, "-c", _FILL, str(stored), str(_PICKLE)], check=True)
    with socket.socket(socket.AF_INET6) as free:
        free.bind(("::", 0))
        port = int(free.getsockname()[1])
    command = [PYTHON, "-m", "localstripe.server", "--port", str(port)]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ)
    try:
        assert process.stdout is not None
        if b"Running" not in (line := process.stdout.readline()):
            message = f"localstripe did not start: {line!r}"
            raise RuntimeError(message)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        with suppress(FileNotFoundError):
            _PICKLE.unlink()
