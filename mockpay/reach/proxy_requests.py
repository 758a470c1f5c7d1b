"""What a client asks of a proxy: the first lines of its connection, read and written anew."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from mockpay.kernel.errors import Invalid

_LINE = re.compile(r"([A-Z]{1,32}) (\S+) HTTP/1\.[01]")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
#: What concerns one connection only (and Host, which the target says better).
_HOP = frozenset({"connection", "host", "keep-alive", "proxy-authorization", "proxy-connection"})


@dataclass(frozen=True, slots=True)
class Head:
    """
    A request to a proxy: `method` CONNECT, or any other with an absolute target.

    `path` is empty for CONNECT; `headers` are those that go on to the other side.
    """

    method: str
    host: str
    port: int
    path: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def connects(self) -> bool:
        """Whether bytes shall pass unread from now on."""
        return self.method == "CONNECT"

    @property
    def authority(self) -> str:
        """Host and port, as the target of a CONNECT has them."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def for_origin(self) -> bytes:
        """
        The request as the host itself expects it.

        It asks for one answer only: the next request may be for another host.
        """
        return self._write(self.path)

    def for_proxy(self, authorization: str | None) -> bytes:
        """The request as the next proxy expects it, with our credentials for it."""
        extra = [("Proxy-Authorization", authorization)] if authorization else []
        if self.connects:
            return _joined(f"CONNECT {self.authority} HTTP/1.1", ("Host", self.authority), *extra)
        return self._write(f"http://{self._netloc}{self.path}", *extra)

    @property
    def _netloc(self) -> str:
        return self.authority.removesuffix(":80")

    def _write(self, target: str, *extra: tuple[str, str]) -> bytes:
        first = f"{self.method} {target} HTTP/1.1"
        return _joined(first, ("Host", self._netloc), *self.headers, ("Connection", "close"), *extra)


def read_head(raw: bytes) -> Head:
    """
    Read a head, up to and with its empty line.

    Raises:
        Invalid: code ``proxy.request``: not what a proxy is asked.
    """
    line, *lines = raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    first = _LINE.fullmatch(line)
    if first is None:
        raise _malformed("The first line is no request.")
    headers = tuple(_header(text) for text in lines)
    method, target = first[1], first[2]
    if method == "CONNECT":
        host, port = _authority(target, None)
        return Head(method, host, port)
    if not target.lower().startswith("http://"):
        raise _malformed("This is a proxy: it takes CONNECT and http:// targets.")
    try:
        parts = urlsplit(target)
    except ValueError as error:
        raise _malformed("The target is no URL.") from error
    host, port = _authority(parts.netloc, 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    forwarded = tuple(header for header in headers if header[0].lower() not in _HOP)
    return Head(method, host, port, path, forwarded)


def _header(text: str) -> tuple[str, str]:
    match = _HEADER.fullmatch(text)
    if match is None:
        raise _malformed("A header cannot be read.")
    return match[1], match[2]


def _authority(text: str, port: int | None) -> tuple[str, int]:
    match = _AUTHORITY.fullmatch(text)
    number = int(match[2]) if match is not None and match[2] else port
    if match is None or number is None or not 0 < number < 65_536:
        raise _malformed("The target names no host and port.")
    return match[1].strip("[]").lower(), number


def _joined(first: str, *headers: tuple[str, str]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _malformed(why: str) -> Invalid:
    return Invalid(why, code="proxy.request")
