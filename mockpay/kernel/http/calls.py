"""What an outgoing HTTP call and its reply look like, whoever sends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from mockpay.kernel.errors import MockpayError


class Unreachable(MockpayError):
    """
    No answer came back.

    The code is ``http.timeout`` where it came too late, ``http.connect_timeout`` where the
    connection did, ``http.certificate`` where nobody vouches for the server, ``http.refused`` where
    there was no connection, ``http.unreachable`` for anything else: reset, unreadable.
    """

    code = "http.unreachable"


class HttpCall(Struct, frozen=True):
    """
    A request to send; `timeout` in seconds, for the whole exchange.

    `connect_timeout` and `read_timeout` bound its parts, in seconds, where they are shorter. `trust_loopback` takes any
    certificate of a server on this machine.
    """

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    timeout: float = 10.0
    trust_loopback: bool = False
    connect_timeout: float | None = None
    read_timeout: float | None = None


class HttpReply(Struct, frozen=True):
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


def is_timeout(error: MockpayError) -> bool:
    """Whether whoever was called took too long to connect or to answer."""
    return error.code in {"http.timeout", "http.connect_timeout"}
