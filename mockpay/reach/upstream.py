"""The way that the caller's own environment would have taken: directly, or by a proxy."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

from mockpay.kernel.errors import Unusable
from mockpay.kernel.http.hosts import is_loopback

#: The usual port, and whether it is TLS.
_KINDS = {"http": (80, False), "https": (443, True)}


class Proxy(Struct, frozen=True):
    """Somebody else's proxy; `tls` is whether it is itself spoken to by TLS."""

    host: str
    port: int
    tls: bool = False
    authorization: str | None = None


class Upstream(Struct, frozen=True):
    """Which proxy the caller's environment names for plain and for secure calls, if any."""

    secure: Proxy | None = None
    plain: Proxy | None = None
    no_proxy: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Upstream:
        """
        Read HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY; the lower-case spelling wins.

        Raises:
            Unusable: code ``proxy.unusable``: a proxy of a kind that cannot be passed on to.
        """
        return cls(
            secure=_proxy(environ, "https_proxy"),
            plain=_proxy(environ, "http_proxy"),
            no_proxy=_named(environ, "no_proxy"),
        )

    def proxy_for(self, host: str, port: int, *, secure: bool) -> Proxy | None:
        """The proxy to ask for a host, None to go there directly, as to this machine always."""
        if is_loopback(host):
            return None
        entries = (entry.strip().lower() for entry in self.no_proxy.split(","))
        if any(_covers(entry, host, port) for entry in entries if entry):
            return None
        return self.secure if secure else self.plain


def _covers(entry: str, host: str, port: int) -> bool:
    """
    Whether an entry of NO_PROXY means this host.

    It is `*`, a name (with all below it, with a port or without), an address or a network.
    """
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        name = entry.removeprefix("*").lstrip(".")
    return f".{host}".endswith(f".{name}") or f".{host}:{port}".endswith(f".{name}")


def _named(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""


def _proxy(environ: Mapping[str, str], name: str) -> Proxy | None:
    text = _named(environ, name) or _named(environ, "all_proxy")
    if not text:
        return None
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        usual, tls = _KINDS[parts.scheme]
        port = parts.port or usual
    except (ValueError, KeyError) as error:
        message = f"{name.upper()} names no http or https proxy, so nothing can be passed on to it."
        raise Unusable(message, code="proxy.unusable") from error
    return Proxy(parts.hostname or "127.0.0.1", port, tls, _basic(parts))


def _basic(parts: SplitResult) -> str | None:
    """The credentials of a proxy's URL, as the header has them."""
    if parts.username is None:
        return None
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(credentials.encode()).decode("ascii")
