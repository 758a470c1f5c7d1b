"""The two loopback sockets of `mockpay run`, the tunnel and the TLS front, in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from threading import Thread
from typing import Self
from urllib.parse import urlsplit

from mockpay.reach.authority import Authority
from mockpay.reach.streams import Stream, join
from mockpay.reach.tls import client_context, server_context
from mockpay.reach.tunnel import HEAD_LIMIT, Address, Tunnel
from mockpay.reach.upstream import Upstream

_LOOPBACK = "127.0.0.1"

Serve = Callable[[Stream], Awaitable[None]]


class Listeners:
    """
    Listens while it is entered, on free ports of loopback.

    The TLS front ends the encryption with a leaf of the authority and hands the bytes to the
    sandbox as they are, so the Host that the client meant arrives there.
    """

    def __init__(self, sandbox: str, authority: Authority, upstream: Upstream) -> None:
        self._sandbox = _address(sandbox, authority)
        self._presents = server_context(authority)
        self._upstream = upstream
        self._ready: Future[None] = Future()
        self._open: set[asyncio.Task[None]] = set()
        self._thread = Thread(target=self._run, name="mockpay-reach", daemon=True)
        self.tunnel_port = self.front_port = 0

    @property
    def proxy(self) -> str:
        """The tunnel's URL."""
        return f"http://{_LOOPBACK}:{self.tunnel_port}"

    def __enter__(self) -> Self:
        """
        Listen.

        Raises:
            OSError: loopback has no port left.
        """
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Cut what is still open, and stop."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        front = await self._listen(self._to_sandbox, self._presents)
        self.front_port = _port(front)
        leads = Tunnel(self._sandbox, Address(_LOOPBACK, self.front_port), self._upstream)
        tunnel = await self._listen(leads.serve, None)
        self.tunnel_port = _port(tunnel)
        self._ready.set_result(None)
        await self._stopped.wait()
        front.close()
        tunnel.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _listen(self, serve: Serve, tls: ssl.SSLContext | None) -> asyncio.Server:
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # A task of our own: asyncio complains about those of its own that are cancelled.
            task = self._loop.create_task(_to_its_end(serve, Stream(reader, writer)))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

        return await asyncio.start_server(connected, _LOOPBACK, 0, ssl=tls, limit=HEAD_LIMIT)

    async def _to_sandbox(self, client: Stream) -> None:
        await join(client, await self._sandbox.connect())


async def _to_its_end(serve: Serve, client: Stream) -> None:
    """Serve one connection; whatever happens to it, it is closed, and no one else is disturbed."""
    try:
        with contextlib.suppress(OSError):
            await serve(client)
            client.writer.close()
            await client.writer.wait_closed()
    finally:
        client.abort()


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def _address(url: str, authority: Authority) -> Address:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    tls = client_context(authority) if secure else None
    return Address(parts.hostname or _LOOPBACK, port, tls)
