"""Outgoing HTTP: what a call and its reply look like, and where one may go."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlsplit

from mockpay.kernel.errors import Forbidden, Invalid, MockpayError
from mockpay.kernel.http.loopback import is_loopback, is_loopback_address


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

    @lru_cache(maxsize=256)  # noqa: B019
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
        if not self._named(host) and not is_loopback(host):
            raise Forbidden(f"{host} is not in MOCKPAY_OUTGOING_HOSTS.", code="outgoing.host", host=host)
        return host

    def addresses(self, host: str, port: int) -> list[str]:
        """
        Resolve a host to the addresses that may be connected to, in the resolver's order.

        Raises:
            Forbidden: code ``outgoing.host``: the name leads away from loopback.
            Unreachable: the name does not resolve.
        """
        if is_loopback_address(host):
            return [host]
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Unreachable(f"{host} does not resolve.") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [one for one in addresses if self._named(host) or is_loopback_address(one)]
        if not allowed:
            message = f"{host} does not lead to loopback."
            raise Forbidden(message, code="outgoing.host", host=host)
        return allowed

    def _named(self, host: str) -> bool:
        return "*" in self.names or host in self.names
