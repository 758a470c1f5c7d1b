"""
The sandbox's own deliveries: calls that go only where they may, over kept connections.

By the standard library's sockets: urllib3 costs three times as much CPU, `http.client` half
as much again.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

from mockpay.kernel.errors import Invalid
from mockpay.kernel.http.answers import Answer, read_answer
from mockpay.kernel.http.calls import HttpCall, HttpReply, OutgoingHosts, Unreachable
from mockpay.kernel.http.connection_pool import Kept

if TYPE_CHECKING:
    import ssl

#: All that ASCII can print: only what is beyond must be quoted in a target.
_PLAIN = "".join(map(chr, range(33, 127)))


class _Way(NamedTuple):
    """Where a connection leads, and for which host's name it was checked."""

    scheme: str
    host: str
    address: str
    port: int


class DirectSender:
    """
    The sandbox's own deliveries: allowed hosts only, checked again on the address.

    Connections are kept for a moment, each for the host and the address that were checked.
    """

    def __init__(self, hosts: OutgoingHosts) -> None:
        self._hosts = hosts
        self._kept: Kept[_Way] = Kept()

    def send(self, call: HttpCall) -> HttpReply:
        """Send once, to an address that was checked; no retries, no redirects."""
        host = self._hosts.check(call.url)
        parts = urlsplit(call.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        began = time.perf_counter()
        addresses = self._hosts.addresses(host, port)
        ways = [_Way(parts.scheme, host, address, port) for address in addresses]
        try:
            answer = self._ask(ways, call, time.monotonic() + call.timeout)
        except TimeoutError as error:
            raise Unreachable(f"{host} did not answer in time.", code="http.timeout") from error
        except OSError as error:
            message = f"{host} did not answer: {type(error).__name__}."
            raise Unreachable(message) from error
        took = int((time.perf_counter() - began) * 1000)
        return HttpReply(answer.status, answer.headers, answer.body, took)

    def _ask(self, ways: Sequence[_Way], call: HttpCall, deadline: float) -> Answer:
        way, line = self._say(ways, _written(call), deadline)
        keep = False
        try:
            reply = read_answer(line, deadline, to_head=call.method == "HEAD")
            keep = reply.keep
            return reply
        finally:
            if keep:
                self._kept.give(way, line)
            else:
                line.close()

    def _say(self, ways: Sequence[_Way], text: bytes, deadline: float) -> tuple[_Way, socket.socket]:
        """
        Send the request over a kept connection or a new one.

        A kept one may have been closed just now.  If it took nothing, the next one is asked;
        if it took anything, the server may have read it, and nobody sends it again.
        """
        while (found := self._kept.take(ways)) is not None:
            way, line = found
            with _closed_on_error(line):
                line.settimeout(_left(deadline))
                try:
                    taken = line.send(text)
                except ConnectionError:
                    line.close()
                    continue
                line.sendall(text[taken:])
                return way, line
        way, line = _connected(ways, deadline)
        with _closed_on_error(line):
            line.sendall(text)
        return way, line


def _connected(ways: Sequence[_Way], deadline: float) -> tuple[_Way, socket.socket]:
    """A new connection; localhost may lead to ::1 first, where nobody may listen."""
    for way in ways:
        try:
            line = socket.create_connection((way.address, way.port), min(_left(deadline), 2.0))
        except TimeoutError as error:
            raise ConnectionError from error  # Too late to be answered, not answered too late.
        except OSError as error:
            refused = error
            continue
        with _closed_on_error(line):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.settimeout(_left(deadline))
            if way.scheme == "https":
                return way, _tls().wrap_socket(line, server_hostname=way.host)
            return way, line
    raise refused


@cache
def _tls() -> ssl.SSLContext:
    """What a careful client trusts; read once, for it takes a while."""
    import ssl  # noqa: PLC0415

    return ssl.create_default_context()


@contextmanager
def _closed_on_error(line: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        line.close()
        raise


def _left(deadline: float) -> float:
    """Seconds until then, a little at least: nought would mean forever."""
    return max(deadline - time.monotonic(), 0.001)


def _written(call: HttpCall) -> bytes:
    """
    The request as it is sent.

    Raises:
        Invalid: code ``header.invalid``: a line break in a header, which would begin another.
    """
    parts = urlsplit(call.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii():
        target = quote(target, safe=_PLAIN)
    headers = {"Host": parts.netloc, "Accept-Encoding": "identity", **call.headers}
    if call.body or call.method not in {"GET", "HEAD"}:
        headers["Content-Length"] = str(len(call.body))
    lines = [f"{call.method} {target} HTTP/1.1", *map(": ".join, headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise Invalid("A header must be one line.", code="header.invalid")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + call.body
