"""The loopback sockets of `mockpay run`, in a thread: the tunnel, and the hosts' own ports 443 and 80."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import Self
from urllib.parse import urlsplit

from mockpay.reach.authority import Authority, client_context, server_context
from mockpay.reach.environment import Ports
from mockpay.reach.tunnel import HEAD_LIMIT, Address, Stream, Tunnel, relay
from mockpay.reach.upstream import Upstream

_LOOPBACK = "127.0.0.1"

Serve = Callable[[Stream], Awaitable[None]]


class Listeners:
    """
    Listens while it is entered, on free ports of loopback.

    The TLS front ends the encryption with a leaf of the authority and hands the bytes to the
    sandbox as they are, so the Host that the client meant arrives there; the plain front hands them on alone.

    Attributes:
        reached: Whether an impersonated host was ever called.
    """

    def __init__(self, sandbox: str, authority: Authority, upstream: Upstream) -> None:
        self._sandbox = _address(sandbox, authority)
        self._tls = server_context(authority)
        self._upstream = upstream
        self._ready: Future[None] = Future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = Thread(target=self._run, name="mockpay-reach", daemon=True)
        self.reached = False

    @property
    def proxy(self) -> str:
        """The tunnel's URL."""
        return f"http://{_LOOPBACK}:{self.ports.proxy}"

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
        with _listening() as tunnel, _listening() as secure, _listening() as plain:
            self.ports = Ports(_port(tunnel), _port(secure), _port(plain))
            route = Tunnel(Address(_LOOPBACK, self.ports.http), Address(_LOOPBACK, self.ports.https), self._upstream)
            self._loop.add_reader(tunnel, self._accept, tunnel, route.serve, None)
            self._loop.add_reader(secure, self._accept, secure, self._to_sandbox, self._tls)
            self._loop.add_reader(plain, self._accept, plain, self._to_sandbox, None)
            self._ready.set_result(None)
            await self._stopped.wait()
            for listening in (tunnel, secure, plain):
                self._loop.remove_reader(listening)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, listening: socket.socket, serve: Serve, tls: ssl.SSLContext | None) -> None:
        """
        Take one connection that waits.

        asyncio's own servers lose, when they are closed, what they have just accepted.
        """
        try:
            connection, _ = listening.accept()
        except OSError:
            return  # It went away again.
        task = self._loop.create_task(self._connected(connection, serve, tls))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, connection))

    def _ended(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        """Also where the task was cut before it began."""
        connection.close()
        self._tasks.discard(task)

    async def _connected(self, connection: socket.socket, serve: Serve, tls: ssl.SSLContext | None) -> None:
        """Serve one connection; whatever happens to it, no other is disturbed."""
        connection.setblocking(False)
        reader = asyncio.StreamReader(limit=HEAD_LIMIT)
        protocol = asyncio.StreamReaderProtocol(reader)
        with contextlib.suppress(OSError):
            transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, connection, ssl=tls)
            client = Stream(reader, asyncio.StreamWriter(transport, protocol, reader, self._loop))
            try:
                await serve(client)
            except BaseException:
                client.abort()
                raise
            client.writer.close()
            await client.writer.wait_closed()

    async def _to_sandbox(self, client: Stream) -> None:
        self.reached = True
        await relay(client, await self._sandbox.connect())


def _listening() -> socket.socket:
    listening = socket.create_server((_LOOPBACK, 0), backlog=128)
    listening.setblocking(False)
    return listening


def _port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def _address(url: str, authority: Authority) -> Address:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    tls = client_context(authority) if secure else None
    return Address(parts.hostname or _LOOPBACK, port, tls)
