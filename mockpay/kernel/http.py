"""
Outgoing HTTP: what a call and its reply look like, and the two ways to send one.

The only file that imports an HTTP client.  `DirectSender` delivers for the sandbox
(urllib3: requests costs three times as much CPU) and goes only where it may;
`SessionSender` is a shop's own client (requests: it honours proxies and CA bundles).
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from mockpay.kernel.errors import Forbidden, Invalid, MockpayError

if TYPE_CHECKING:
    import requests
    import urllib3

_REPLY_LIMIT = 1_048_576


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


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class DirectSender:
    """The sandbox's own deliveries: allowed hosts only, checked again on the address."""

    def __init__(self, hosts: OutgoingHosts) -> None:
        self._hosts = hosts

    def send(self, call: HttpCall) -> HttpReply:
        """Send once, to the address that was checked; no retries, no redirects."""
        import urllib3  # noqa: PLC0415 - only a process that delivers pays for it

        host = self._hosts.check(call.url)
        parts = urlsplit(call.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        began = time.perf_counter()
        for address in self._hosts.addresses(host, port):
            try:
                with self._pool(parts.scheme, host, address, port, call.timeout) as pool:
                    status, headers, body = self._ask(pool, call)
            except urllib3.exceptions.NewConnectionError:
                continue  # localhost may lead to ::1 first; nothing was sent yet.
            except urllib3.exceptions.ReadTimeoutError as error:
                message = f"{host} did not answer in time."
                raise Unreachable(message, code="http.timeout") from error
            except urllib3.exceptions.HTTPError as error:
                message = f"{host} did not answer: {type(error).__name__}."
                raise Unreachable(message) from error
            took = int((time.perf_counter() - began) * 1000)
            return HttpReply(status, headers, body, took)
        raise Unreachable(f"{host} did not answer: connection refused.")

    @staticmethod
    def _ask(
        pool: urllib3.HTTPConnectionPool, call: HttpCall
    ) -> tuple[int, Mapping[str, str], bytes]:
        parts = urlsplit(call.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        reply = pool.urlopen(
            call.method, target, body=call.body or None,
            headers={"Host": parts.netloc, **call.headers},
            retries=False, redirect=False, assert_same_host=False, preload_content=False,
        )  # fmt: skip
        return reply.status, dict(reply.headers), reply.read(_REPLY_LIMIT)

    @staticmethod
    def _pool(
        scheme: str, host: str, address: str, port: int, timeout: float
    ) -> urllib3.HTTPConnectionPool:
        import urllib3  # noqa: PLC0415 - see send

        limit = urllib3.Timeout(connect=min(timeout, 2.0), read=timeout, total=timeout)
        if scheme == "http":
            return urllib3.HTTPConnectionPool(address, port, timeout=limit)
        return urllib3.HTTPSConnectionPool(
            address, port, timeout=limit, server_hostname=host, assert_hostname=host
        )


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
