"""Where outgoing HTTP may go: this machine always, other hosts by name."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from mockpay.kernel.errors import Forbidden, Invalid
from mockpay.kernel.http.calls import Unreachable

#: What clients and servers read in different ways.
_AMBIGUOUS_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")


def is_loopback(host: str) -> bool:
    """Whether a bare host name or address is this machine's own, as far as a name can tell."""
    return host == "localhost" or host.endswith(".localhost") or is_loopback_address(host)


@lru_cache(maxsize=256)
def is_loopback_address(host: str) -> bool:
    """Whether it is an address, and of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_wildcard_address(host: str) -> bool:
    """Whether it means all addresses of a machine: ``0.0.0.0`` or ``::``."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


class OutgoingHosts(Struct, frozen=True):
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
        odd = _AMBIGUOUS_IN_URL.search(url) is not None or "@" in parts.netloc
        if parts.scheme not in {"http", "https"} or not host or odd or not port_is_sane:
            raise Invalid("The URL must be a plain http or https one.", code="url.invalid")
        if not self._is_named(host) and not is_loopback(host):
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
        if is_loopback(host):
            # By definition (RFC 6761), whatever a resolver knows of them.
            return ["127.0.0.1", "::1"]
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"{host} does not resolve.") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        allowed = [address for address in addresses if self._is_named(host) or is_loopback_address(address)]
        if not allowed:
            raise Forbidden(f"{host} does not lead to loopback.", code="outgoing.host", host=host)
        return allowed

    def including(self, host: str) -> OutgoingHosts:
        """The same, and a server's own address."""
        return OutgoingHosts((*self.names, host.lower()))

    def _is_named(self, host: str) -> bool:
        return "*" in self.names or host in self.names


class Bound(Protocol):
    """Where a server is bound, and the names that users know it by."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def public_url(self) -> str | None: ...

    @property
    def public_urls(self) -> Sequence[str]: ...


def own_host(settings: Bound, netloc: str) -> bool:
    """Whether a Host is loopback, the bound address or one of MOCKPAY_PUBLIC_URL."""
    try:
        parts = urlsplit(f"//{netloc}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.path or parts.query:
        return False
    if is_loopback(host):
        return True
    if host == settings.host.lower() and not is_wildcard_address(host):
        return True
    publics = [urlsplit(url) for url in settings.public_urls]
    return any(host == public.hostname and port in {None, _port(public)} for public in publics)


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def public_scheme(settings: Bound, netloc: str) -> str | None:
    """The scheme of the MOCKPAY_PUBLIC_URL that a Host is of: whoever forwards the calls may end TLS."""
    publics = (urlsplit(url) for url in settings.public_urls)
    return next((public.scheme for public in publics if netloc.lower() == public.netloc.lower()), None)


def own_url(settings: Bound) -> str:
    """Where a browser on this machine finds the server."""
    host = "127.0.0.1" if is_wildcard_address(settings.host) else settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
