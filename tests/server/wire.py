"""Bytes to a server's socket and back, for what no HTTP client would send."""

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

CLOSE = b"Host: localhost\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """An answer as it came; empty where the server said nothing."""

    octets: bytes

    @property
    def status(self) -> int:
        return int(self.octets.split(b" ", 2)[1])

    @property
    def head(self) -> str:
        return self.octets.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def body(self) -> bytes:
        return self.octets.partition(b"\r\n\r\n")[2]


def send(server, octets: bytes) -> Answer:
    """Send bytes on a connection of their own; everything that comes until it is closed."""
    address = urlsplit(server.url)
    heard = b""
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        try:
            line.sendall(octets)
            while piece := line.recv(65_536):
                heard += piece
        except ConnectionError:
            pass  # The server had heard enough; what it said before counts.
    return Answer(heard)


def get(server, target: bytes, more: bytes = CLOSE, method: bytes = b"GET") -> Answer:
    """Ask for a target exactly as it is written."""
    return send(server, method + b" " + target + b" HTTP/1.1\r\n" + more)
