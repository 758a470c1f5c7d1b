"""
Outgoing HTTP: what a call and its reply look like, and the two ways to send one.

The only file that imports an HTTP client.  `DirectSender` delivers for the sandbox (the
standard library: urllib3 costs three times as much CPU) and goes only where it may;
`SessionSender` is a shop's own client (requests: it honours proxies and CA bundles).
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote, urlsplit

from mockpay.kernel.errors import Forbidden, Invalid, MockpayError
from mockpay.kernel.kept import Kept

if TYPE_CHECKING:
    import ssl

    import requests

_REPLY_LIMIT = 1_048_576
#: All that ASCII can print: only what is beyond must be quoted in a target.
_PLAIN = "".join(map(chr, range(33, 127)))


class Unreachable(MockpayError):
    """No answer came back: refused, reset or unreadable; code ``http.timeout`` if too late."""

    code = "http.unreachable"


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A request to send; `timeout` in seconds."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back; `latency_ms` is real time."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: int = 0


class Sender(Protocol):
    """Sends a call and waits for its reply."""

    def send(self, call: HttpCall) -> HttpReply:
        """
        Send without following redirects.

        Raises:
            Unreachable: no answer came back.
            Forbidden: the host is not one that may be called.
        """
        ...


@dataclass(frozen=True, slots=True)
class OutgoingHosts:
    """Where the sandbox may call: loopback always; more by name, or `*` for anywhere."""

    names: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> OutgoingHosts:
        """Read a comma list of host names."""
        return cls(tuple(name.strip().lower() for name in text.split(",") if name.strip()))

    @lru_cache(maxsize=256)  # noqa: B019 - few of these are ever made, and they live on anyway
    def check(self, url: str) -> str:
        """
        Look at a URL before it is saved or called; return its host in lower case.

        Raises:
            Invalid: code ``url.invalid``: not a plain http(s) URL with a host.
            Forbidden: code ``outgoing.host``: not an allowed host.
        """
        try:
            parts = urlsplit(url)
            host, port_is_sane = (parts.hostname or "").lower(), parts.port != 0
        except ValueError as error:
            raise Invalid("This is no URL.", code="url.invalid") from error
        odd = "\\" in url or any(ord(c) <= 32 or ord(c) == 127 for c in url) or "@" in parts.netloc
        if parts.scheme not in {"http", "https"} or not host or odd or not port_is_sane:
            raise Invalid("The URL must be a plain http or https one.", code="url.invalid")
        if not self._named(host) and not _is_loopback(host):
            raise Forbidden(
                f"{host} is not in MOCKPAY_OUTGOING_HOSTS.", code="outgoing.host", host=host
            )
        return host

    def addresses(self, host: str, port: int) -> list[str]:
        """
        Resolve a host to the addresses that may be connected to, in the resolver's order.

        Raises:
            Forbidden: code ``outgoing.host``: the name leads away from loopback.
            Unreachable: the name does not resolve.
        """
        if _is_loopback(host) and host != "localhost":
            return [host]
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Unreachable(f"{host} does not resolve.") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [one for one in addresses if self._named(host) or _is_loopback(one)]
        if not allowed:
            message = f"{host} does not lead to loopback."
            raise Forbidden(message, code="outgoing.host", host=host)
        return allowed

    def _named(self, host: str) -> bool:
        return "*" in self.names or host in self.names


@lru_cache(maxsize=256)
def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
            status, headers, body = self._ask(ways, call, time.monotonic() + call.timeout)
        except TimeoutError as error:
            raise Unreachable(f"{host} did not answer in time.", code="http.timeout") from error
        except (OSError, http.client.HTTPException) as error:
            message = f"{host} did not answer: {type(error).__name__}."
            raise Unreachable(message) from error
        took = int((time.perf_counter() - began) * 1000)
        return HttpReply(status, headers, body, took)

    def _ask(
        self, ways: Sequence[_Way], call: HttpCall, deadline: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        way, line = self._say(ways, _written(call), deadline)
        keep = False
        try:
            line.settimeout(_left(deadline))
            with http.client.HTTPResponse(line, method=call.method) as reply:
                reply.begin()
                body = reply.read(_REPLY_LIMIT)
                if reply.length and len(body) < _REPLY_LIMIT:
                    raise http.client.IncompleteRead(body, reply.length)
                keep = reply.isclosed() and not reply.will_close
                return reply.status, dict(reply.headers), body
        finally:
            if keep:
                self._kept.give(way, line)
            else:
                line.close()

    def _say(
        self, ways: Sequence[_Way], text: bytes, deadline: float
    ) -> tuple[_Way, socket.socket]:
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
    import ssl  # noqa: PLC0415 - only a process that calls https pays for it

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


class SessionSender:
    """A shop's client: one requests session, with the environment's proxies and CAs."""

    def __init__(self) -> None:
        self._session: requests.Session | None = None

    def send(self, call: HttpCall) -> HttpReply:
        """Send once, without following redirects."""
        import requests  # noqa: PLC0415 - only a merchant's process pays for it

        if self._session is None:
            self._session = requests.Session()
        began = time.perf_counter()
        try:
            reply = self._session.request(
                call.method, call.url, data=call.body, headers=dict(call.headers),
                timeout=call.timeout, allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            raise Unreachable(f"No answer from {urlsplit(call.url).hostname}.") from error
        took = int((time.perf_counter() - began) * 1000)
        return HttpReply(reply.status_code, dict(reply.headers), reply.content, took)
