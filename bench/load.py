"""
Buyers: a process of its own that pays over keep-alive connections.

`python -m bench.load PORT KEYS_DIR` reads one order a line, `CONNECTIONS COUNT`, and answers
with JSON: how many were paid and the median time of one, in seconds.  Requests are sealed
before the answer ``ready``, up to a bound, so that sealing takes no part in what is timed.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Self

from bench.place import Place
from bench.program import Program
from bench.requests import Request, Shop

#: Requests that are kept in memory at once, at most.
_SEALED_BEFOREHAND = 2_000


class Buyers:
    """The load process, as a benchmark sees it."""

    def __init__(self, program: Program, place: Place) -> None:
        command = [sys.executable, "-m", "bench.load", str(program.port), str(place.keys)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seal(self, connections: int, count: int) -> None:
        """Have requests made; returns when all is ready to be sent."""
        self._say(f"{connections} {count}")
        if self._hear() != "ready":
            message = "the buyers' process ended"
            raise RuntimeError(message)

    def pay(self) -> float:
        """Have them sent; the median seconds of one payment."""
        self._say("go")
        told = json.loads(self._hear())
        return float(told["median"])

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def _pay_all(port: int, requests: Iterable[Request], *, awake: bool = False) -> list[float]:
    """
    Pay one after another over one connection; the seconds of each.

    Args:
        awake: Wait without sleeping, as only a lone buyer can: what the system takes to wake
            a sleeping client is no time of the server's.
    """
    took = []
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for text in (request.http(port) for request in requests):
            began = time.perf_counter()
            line.sendall(text)
            while awake and not select.select([line], [], [], 0)[0]:
                pass
            _expect_redirect(line)
            took.append(time.perf_counter() - began)
    return took


def _expect_redirect(line: socket.socket) -> None:
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = line.recv(65_536)
        if not piece:
            break
        answer += piece
    if not answer.startswith(b"HTTP/1.1 302") or b"Location: /pay/" not in answer:
        message = f"expected a redirect to the payment page, got {answer[:300]!r}"
        raise RuntimeError(message)


def _share(shop: Shop, count: int) -> Iterable[Request]:
    if count <= _SEALED_BEFOREHAND:
        return shop.many(count)
    return shop.stream(count)


def main(port: int, keys: Path) -> None:
    """Take orders until the other side hangs up."""
    shop = Shop(keys)
    for order in sys.stdin:
        connections, count = map(int, order.split())
        shares = [_share(shop, count // connections) for _ in range(connections)]
        print("ready", flush=True)
        sys.stdin.readline()
        with ThreadPoolExecutor(connections) as threads:
            paid = partial(_pay_all, awake=connections == 1)
            lists = list(threads.map(paid, [port] * connections, shares))
        times = [seconds for one in lists for seconds in one]
        print(json.dumps({"paid": len(times), "median": median(times)}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
