"""An authority, the two listeners in front of a real sandbox, and other people's servers on loopback."""

import contextlib
import socket
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import pytest

from mockpay.reach.authority import open_authority
from mockpay.reach.listeners import Listeners
from mockpay.reach.upstream import Upstream


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return open_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def listeners(mockpay_server, authority):
    """The way to the sandbox for a caller whose environment names no proxy."""
    with Listeners(mockpay_server.url, authority, Upstream()) as running:
        yield running


@dataclass
class Caller:
    """A raw connection to a proxy."""

    port: int
    socket: Any = field(init=False)

    def __post_init__(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def close(self):
        """Close it, whatever TLS has put in its place."""
        self.socket.close()

    def says(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())
        return self

    def ends(self):
        """It has no more to say, and still listens."""
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def hears(self):
        """Everything until the other side ends."""
        pieces = iter(lambda: self.socket.recv(65_536), b"")
        with contextlib.suppress(ConnectionResetError):
            return b"".join(pieces).decode("latin-1")

    def hears_head(self):
        """The first lines of an answer."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = self.socket.recv(1)
            assert piece, head
            head += piece
        return head.decode("latin-1")


@pytest.fixture
def call():
    """Open a raw connection to a port of this machine."""
    with contextlib.ExitStack() as stack:

        def connect(port):
            caller = Caller(port)
            stack.callback(caller.close)
            return caller

        yield connect


@pytest.fixture
def server_of():
    """A server on loopback that gives every connection to a function, in a thread; its port."""
    with contextlib.ExitStack() as stack:

        def start(serve):
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def accept():
                with contextlib.suppress(OSError):
                    while True:
                        connection, _ = listening.accept()
                        Thread(target=answer, args=(connection,), daemon=True).start()

            def answer(connection):
                with connection, contextlib.suppress(OSError):
                    serve(connection)

            Thread(target=accept, daemon=True).start()
            # A thread that waits in accept() is woken by shutdown, not by close.
            stack.callback(lambda: listening.shutdown(socket.SHUT_RDWR))
            return listening.getsockname()[1]

        yield start
