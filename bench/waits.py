"""How long health takes while other requests wait for something to happen."""

from __future__ import annotations

import http.client
import socket
import time
from statistics import median

from bench.place import Place
from bench.program import HEALTH, Program
from bench.report import Line
from bench.requests import SELLER_ID

OPEN = 16
_SECONDS = 2
_WAIT = (
    f"GET /_mockpay/v1/sellers/{SELLER_ID}/wait?event=order.PAID&timeout={_SECONDS} HTTP/1.1\r\n"
    "Host: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
)


def measure(rounds: int, requests: int) -> list[Line]:
    """Rounds of health with no wait open and with so many, in turn."""
    alone, beside = [], []
    with Place() as place, Program(place) as program:
        _p99(program.port, requests)
        for _ in range(rounds):
            alone.append(_p99(program.port, requests))
            waits = [_open_wait(program.port) for _ in range(OPEN)]
            beside.append(_p99(program.port, requests))
            for line in waits:
                _read_to_end(line)
    took, least = median(beside), median(alone)
    measured, floor = f"{took * 1e3:.2f} ms", f"{least * 1e3:.2f} ms"
    return [Line(f"health p99 with {OPEN} open waits", measured, floor, took / least, "x", 5, 2)]


def _p99(port: int, requests: int) -> float:
    """The 99th percentile of so many calls over one connection, in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    took = []
    for _ in range(requests):
        began = time.perf_counter()
        connection.request("GET", HEALTH)
        connection.getresponse().read()
        took.append(time.perf_counter() - began)
    connection.close()
    return sorted(took)[len(took) * 99 // 100]


def _open_wait(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS * 10)
    line.sendall(_WAIT.replace("{port}", str(port)).encode("ascii"))
    return line


def _read_to_end(line: socket.socket) -> None:
    """A wait ends by its own time-out, so that the next round begins with none open."""
    answer = b""
    while piece := line.recv(65_536):
        answer += piece
    line.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        message = f"a wait was refused: {answer[:300]!r}"
        raise RuntimeError(message)
