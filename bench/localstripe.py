"""
localstripe, the open sandbox for Stripe, beside our Stripe front door: how many payment intents a second each makes.

It runs in an environment of its own (`.venv-localstripe`, made by `make bench`). What it stores it
pickles as a whole into one file at every write, so the number of objects that are there decides.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any, Self
from urllib.request import Request, urlopen

from bench.place import Place
from bench.program import Program
from bench.report import Line

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
    "POST {mount}/v1/payment_intents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
)
_KEY = "sk_test_12345"
_MADE = b"HTTP/1.1 200"
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
    with Place() as place, Program(place) as program, _Client(program.port) as client:
        ask, answer = _request(new_seller(program)["credentials"]["stripe"]["secret_key"], "/gw/stripe"), _request(_KEY)
        client.median_of(stored, ask, _MADE)
        with localstripe(stored) as port, _Client(port) as other:
            for number in range(rounds + 1):
                mine = client.median_of(payments, ask, _MADE)
                its = other.median_of(_FEW, answer, _MADE)
                if number:  # The first round loads and compiles.
                    ours.append(mine)
                    theirs.append(its)
    rate, least = 1 / median(ours), 1 / median(theirs)
    what = f"payment intents a second against localstripe, {stored:,} stored"
    return Line(what, f"{rate:.0f} /s", f"{least:.0f} /s", rate / least, "x", gate, goal, higher=True)


def new_seller(program: Program) -> dict[str, Any]:
    """A seller of a server's, with every credential."""
    asked = Request(f"http://127.0.0.1:{program.port}/_mockpay/v1/sellers", b"{}", {"Content-Type": "application/json"})
    with urlopen(asked, timeout=60) as reply:
        seller: dict[str, Any] = json.load(reply)
    return seller


def _request(key: str, mount: str = "") -> bytes:
    """The request of one payment intent, as it is sent."""
    return _INTENT.format(mount=mount, key=key, length=len(_BODY)).encode() + _BODY


class _Client:
    """One kept connection that sends one request after the other."""

    def __init__(self, port: int) -> None:
        self._line = socket.create_connection(("localhost", port), timeout=60)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def median_of(self, count: int, request: bytes, expected: bytes) -> float:
        """The median seconds of one request and its whole answer."""
        return median(self._exchange(request, expected) for _ in range(count))

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
def localstripe(stored: int) -> Iterator[int]:
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
