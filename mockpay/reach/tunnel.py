"""
The proxy that a child is given: to the sandbox for those it stands in for, else straight through.

CONNECT to an impersonated host leads to the TLS front, plain http to the sandbox's own port.
Everything else goes where the caller's environment would have sent it, byte by byte.
The first lines of a client's connection are read here and written anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from http import HTTPStatus
from urllib.parse import urlsplit

from msgspec import Struct

from mockpay.kernel.errors import Invalid
from mockpay.reach.hosts import is_impersonated
from mockpay.reach.upstream import Proxy, Upstream

_LINE = re.compile(r"([A-Z]{1,32}) (\S+) HTTP/1\.[01]")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
#: What concerns one connection only (and Host, which the target says better).
_HOP = frozenset({"connection", "host", "keep-alive", "proxy-authorization", "proxy-connection"})


class Head(Struct, frozen=True):
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


#: Of the first lines, in bytes; a payment request's address may be long.
HEAD_LIMIT = 131_072
_HEAD_SECONDS, _CONNECT_SECONDS, _LINGER_SECONDS = 30, 30, 1
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_CHUNK = 65_536


class Stream(Struct, frozen=True):
    """One connection, both ways."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def abort(self) -> None:
        """End it at once; what is not sent is lost."""
        # A TLS transport that has ended has nothing left to abort; Python 3.11.2 fails there.
        if not self.writer.transport.is_closing():
            self.writer.transport.abort()


async def relay(client: Stream, server: Stream) -> None:
    """Carry bytes both ways until both sides have ended, or broken off."""
    try:
        await asyncio.gather(_carry(client, server), _carry(server, client))
    except asyncio.CancelledError:
        client.abort()
        server.abort()
        raise
    finally:
        client.writer.close()
        server.writer.close()


async def _carry(source: Stream, sink: Stream) -> None:
    """
    Carry one way; the end is passed on too, so that a side may stop talking and still listen.

    The other way is left alone: who breaks off may have answered before.
    """
    with contextlib.suppress(OSError):
        while chunk := await source.reader.read(_CHUNK):
            sink.writer.write(chunk)
            await sink.writer.drain()
        if sink.writer.can_write_eof():
            sink.writer.write_eof()
            return
    # TLS has no half of an end, and a broken connection none at all.
    sink.writer.close()


class Address(Struct, frozen=True):
    """Where to connect; `tls` is a context where that side is spoken to by TLS."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    async def connect(self) -> Stream:
        """
        Connect.

        Raises:
            OSError: nobody answers, in time.
        """
        async with asyncio.timeout(_CONNECT_SECONDS):
            return Stream(*await asyncio.open_connection(self.host, self.port, ssl=self.tls))


class Tunnel(Struct, frozen=True):
    """Where its connections lead: `plain` and `secure` are the impersonated hosts' ports 80 and 443."""

    plain: Address
    secure: Address
    upstream: Upstream

    async def serve(self, client: Stream) -> None:
        """Serve one connection to its end."""
        try:
            head = await _head(client)
            if head is not None:
                await self._pass_on(client, head)
        except Invalid as error:
            await _refuse(client, HTTPStatus.BAD_REQUEST, error.message)
        except asyncio.LimitOverrunError:
            await _refuse(client, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Too long a head.")

    async def _pass_on(self, client: Stream, head: Head) -> None:
        proxy = None
        if is_impersonated(head.host):
            # Port 80 is plain even through a CONNECT, as some clients ask for http.
            plain = not head.connects or head.port == 80
            address = self.plain if plain else self.secure
        else:
            proxy = self.upstream.proxy_for(head.host, head.port, secure=head.connects)
            address = _address(head, proxy)
        try:
            server = await address.connect()
        except (OSError, UnicodeError):
            await _refuse(client, HTTPStatus.BAD_GATEWAY, f"{address.host} cannot be reached.")
            return
        if proxy is not None:
            server.writer.write(head.for_proxy(proxy.authorization))
        elif head.connects:
            client.writer.write(_ESTABLISHED)
        else:
            server.writer.write(head.for_origin())
        await relay(client, server)


def _address(head: Head, proxy: Proxy | None) -> Address:
    if proxy is None:
        return Address(head.host, head.port)
    tls = ssl.create_default_context() if proxy.tls else None
    return Address(proxy.host, proxy.port, tls)


async def _head(client: Stream) -> Head | None:
    """
    The request's head; None from a client that says nothing or too little.

    Raises:
        Invalid: code ``proxy.request``.
        asyncio.LimitOverrunError: longer than `HEAD_LIMIT`.
    """
    try:
        async with asyncio.timeout(_HEAD_SECONDS):
            return read_head(await client.reader.readuntil(b"\r\n\r\n"))
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Invalid("The request ended too soon.", code="proxy.request") from error
    except TimeoutError:
        pass
    return None


async def _refuse(client: Stream, status: HTTPStatus, reason: str) -> None:
    body = f"mockpay run: {reason}\n".encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    client.writer.write(head.encode() + body)
    client.writer.write_eof()
    # Closed on bytes that nobody has read, the connection would lose the answer.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while await client.reader.read(HEAD_LIMIT):
                pass
