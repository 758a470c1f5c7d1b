"""The sandbox's own HTTP client: only to allowed hosts, over urllib3."""

from __future__ import annotations

import http.client
import logging
import math
import socket
import ssl
import time
from functools import cache
from threading import Lock, Timer
from typing import Any
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as TooLateError
from urllib3.util import SKIP_HEADER
from urllib3.util.ssl_match_hostname import CertificateError

from mockpay.kernel.errors import Invalid
from mockpay.kernel.http.calls import HttpCall, HttpReply, Unreachable
from mockpay.kernel.http.hosts import OutgoingHosts, is_loopback_address

#: What of an answer's body is read, in bytes.
MAX_BODY = 1_048_576
#: After so many seconds idle connections are closed: shorter than any usual server keeps its end,
#: and no test's server has to wait long for ours when it stops.
IDLE_SECONDS = 1.0
_CONNECT_SECONDS = 2.0

# What a server answers is told by the reply or its error, not by a log of its own.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class _DeadlineSocket(socket.socket):
    """A socket whose time-out is for all that is received, however small the pieces are."""

    _deadline = math.inf

    def settimeout(self, value: float | None, /) -> None:
        super().settimeout(value)
        self._deadline = math.inf if value is None else time.monotonic() + value

    def recv_into(self, *args: Any) -> int:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("The answer was not complete in time.")
        super().settimeout(None if remaining == math.inf else remaining)
        return super().recv_into(*args)


class _DeadlineTlsSocket(_DeadlineSocket, ssl.SSLSocket):
    """The same over TLS."""


class _FinalResponse(http.client.HTTPResponse):
    """A response whose interim ones (1xx) are passed over."""

    def begin(self) -> None:
        super().begin()
        while self.status < 200:
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first one
            super().begin()


class _Connection(HTTPConnection):
    response_class = _FinalResponse

    def connect(self) -> None:
        super().connect()
        self.sock = _DeadlineSocket(fileno=self.sock.detach())
        self.sock.settimeout(self.timeout)


class _TlsConnection(HTTPSConnection):
    response_class = _FinalResponse

    def connect(self) -> None:
        super().connect()
        # Or the caller trusts this machine: urllib3 need not warn of it in every call.
        self.is_verified = True


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


@cache
def _tls_context(*, trusting: bool) -> ssl.SSLContext:
    """
    What a careful client trusts; read once, for it takes a while.

    Args:
        trusting: Trust any certificate: for servers on this machine, for which nobody vouches.
    """
    context = ssl.create_default_context()
    context.sslsocket_class = _DeadlineTlsSocket
    if trusting:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class HttpSender:
    """
    Sends calls to allowed hosts only, checked again on the address that is connected to.

    No proxies, no redirects, no retries; one deadline for the whole exchange.  Connections are
    kept a moment for the next call, each for the host and the address that were checked.
    """

    def __init__(self, hosts: OutgoingHosts) -> None:
        self._hosts = hosts
        self._pools = PoolManager(num_pools=32, maxsize=16)
        self._pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        self._closer: Timer | None = None
        self._lock = Lock()

    def send(self, call: HttpCall) -> HttpReply:
        """
        Send once, to an address that was checked.

        Raises:
            Invalid: code ``url.invalid`` or ``header.invalid``.
            Forbidden: code ``outgoing.host``.
            Unreachable: no whole answer came in time.
        """
        host = self._hosts.check(call.url)
        began = time.monotonic()
        try:
            response = self._open(call, host, began + call.timeout)
            body = bytearray()
            while chunk := response.read(MAX_BODY - len(body), decode_content=False):
                body += chunk
            response.close()  # Only where more is to come: the connection of a whole one is back already.
        except (HTTPError, TimeoutError) as error:
            raise _unreachable(host, error) from error
        self._close_when_idle()
        latency_ms = int((time.monotonic() - began) * 1000)
        return HttpReply(response.status, dict(response.headers), bytes(body), latency_ms)

    def _open(self, call: HttpCall, host: str, deadline: float) -> BaseHTTPResponse:
        """Send the request; the response whose body is still to be read."""
        parts = urlsplit(call.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = _headers(call, parts.netloc)
        # "localhost" may lead to ::1 first, where nobody may listen.
        *others, last = self._hosts.addresses(host, port)
        for address in [*others, last]:
            remaining = max(deadline - time.monotonic(), 0.001)
            try:
                trusting = call.trust_loopback and is_loopback_address(address)
                return self._pool(parts.scheme, host, address, port, trusting=trusting).urlopen(
                    call.method,
                    target,
                    call.body or None,
                    headers,
                    retries=False,
                    redirect=False,
                    # A third each at most to connect, shake hands and send; the answer has the rest.
                    timeout=Timeout(remaining, _connect_seconds(call, remaining), call.read_timeout or remaining),
                    preload_content=False,
                )
            except NewConnectionError:
                if address is last:
                    raise
        raise AssertionError

    def _pool(self, scheme: str, host: str, address: str, port: int, *, trusting: bool) -> HTTPConnectionPool:
        """The connections to an address; over TLS its certificate must be the host's, unless any will do."""
        options: dict[str, Any] = {"server_hostname": host}
        if scheme == "https":
            options |= {"assert_hostname": host, "ssl_context": _tls_context(trusting=trusting)}
            if trusting:
                options |= {"assert_hostname": False, "cert_reqs": "CERT_NONE"}
        return self._pools.connection_from_host(address, port, scheme, options)

    def _close_when_idle(self) -> None:
        """Close what lies idle in a moment; what is in use then goes on."""
        with self._lock:
            if self._closer is None:
                self._closer = Timer(IDLE_SECONDS, self._close)
                self._closer.daemon = True
                self._closer.start()

    def _close(self) -> None:
        with self._lock:
            self._closer = None
        self._pools.clear()


def _connect_seconds(call: HttpCall, remaining: float) -> float:
    return min(remaining / 3, _CONNECT_SECONDS) if call.connect_timeout is None else call.connect_timeout


def _unreachable(host: str, error: Exception) -> Unreachable:
    cause = error.__cause__ or error.__context__ or error
    reason = _certificate_error(error)
    if reason is not None:
        return Unreachable(f"The certificate of {host} is not trusted: {reason}.", code="http.certificate")
    if isinstance(error, NewConnectionError):
        return Unreachable(f"{host} did not answer: {type(cause).__name__}.", code="http.refused")
    if isinstance(error, ConnectTimeoutError):
        return Unreachable(f"{host} could not be connected to in time.", code="http.connect_timeout")
    if isinstance(error, TooLateError) or isinstance(cause, TimeoutError):
        return Unreachable(f"{host} did not answer in time.", code="http.timeout")
    return Unreachable(f"{host} did not answer: {type(cause).__name__}.")


def _certificate_error(error: BaseException | None) -> str | None:
    """What TLS says of a certificate that it refused, anywhere among the causes."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        if isinstance(error, CertificateError):
            return str(error)
        wrapped = error.args[0] if error.args else None
        error = error.__cause__ or error.__context__ or (wrapped if isinstance(wrapped, BaseException) else None)
    return None


def _headers(call: HttpCall, netloc: str) -> dict[str, str]:
    """
    All headers of a request, in the order in which they are sent.

    Raises:
        Invalid: code ``header.invalid``: a line break, which would begin another header.
    """
    headers = {"Host": netloc, "Accept-Encoding": "identity", **call.headers}
    if call.body or call.method not in {"GET", "HEAD"}:
        headers["Content-Length"] = str(len(call.body))
    text = "".join((call.method, *headers, *headers.values()))
    if "\r" in text or "\n" in text:
        raise Invalid("A header must be one line.", code="header.invalid")
    if not text.isascii() and max(text) > "\xff":
        raise Invalid("A header has Latin-1 characters only.", code="header.invalid")
    headers.setdefault("User-Agent", SKIP_HEADER)
    return headers
