"""
A test's way to a sandbox: by no proxy, and by nothing that a test's tools replace.

What is needed of Python is bound here, when pytest begins: `responses`, `requests_mock`, `respx`, `pook` and VCR
replace HTTP libraries, `httpretty`, `mocket` and `pytest-socket` sockets, freezegun and time-machine clocks.
"""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPException
from socket import IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, getaddrinfo, socket
from urllib.parse import urlsplit

from mockpay.kernel.http.calls import HttpCall, HttpReply, Unreachable
from mockpay.kernel.http.hosts import is_loopback, is_loopback_address

_connect = socket.connect
_LOOPBACK = ("127.0.0.1", "::1")
#: A sandbox that is there accepts at once.
_CONNECT_SECONDS = 5.0


class DirectSender:
    """Sends calls straight to their host; over TLS, a server of this machine may have any certificate."""

    def send(self, call: HttpCall) -> HttpReply:
        """
        Send a call; its time-out bounds the connection and each wait for data.

        Raises:
            Unreachable: no answer came back, or none that is HTTP.
        """
        try:
            parts = urlsplit(call.url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise Unreachable("it is no http or https address.")
            connection = _Connection(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
            connection.timeout = call.timeout
            connection.secure = parts.scheme == "https"
            try:
                connection.putrequest(call.method, parts._replace(scheme="", netloc="").geturl() or "/", skip_host=True)
                headers = {
                    "Host": parts.netloc,
                    **call.headers,
                    "Content-Length": str(len(call.body)),
                    "Connection": "close",
                }
                for name, value in headers.items():
                    connection.putheader(name, value)
                connection.endheaders(call.body)
                reply = connection.getresponse()
                return HttpReply(reply.status, dict(reply.headers), reply.read())
            finally:
                connection.close()
        except (OSError, HTTPException, RuntimeError, ValueError) as error:
            # RuntimeError: what a plugin raises that forbids sockets.
            raise Unreachable(str(error) or type(error).__name__) from error


class _Connection(HTTPConnection):
    secure = False

    def connect(self) -> None:
        self.sock = open_socket(self.host, self.port, self.timeout or _CONNECT_SECONDS)
        if self.secure:
            context = ssl.create_default_context()
            if is_loopback(self.host):
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)


def open_socket(host: str, port: int, seconds: float) -> socket:
    """
    Connect to a host's first address that takes it.

    Raises:
        OSError: none does.
    """
    # Not every resolver knows app.localhost.
    hosts = _LOOPBACK if is_loopback(host) and not is_loopback_address(host) else (host,)
    failure: OSError = OSError(f"{host} has no address")
    for name in hosts:
        for family, kind, protocol, _, address in getaddrinfo(name, port, type=SOCK_STREAM):
            opened = socket(family, kind, protocol)
            try:
                opened.settimeout(min(seconds, _CONNECT_SECONDS))
                _connect(opened, address)
            except OSError as error:
                opened.close()
                failure = error
            else:
                opened.setsockopt(IPPROTO_TCP, TCP_NODELAY, True)
                opened.settimeout(seconds)
                return opened
    raise failure
