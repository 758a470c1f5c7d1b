"""
The process's server: cheroot, taught to take what real clients send.

cheroot answers 400 to ``//path`` before an application sees it, but the PHP client really
sends that.  Its proxy mode lets it through; `_Target` then rebuilds the path from the
request line and refuses what only a proxy should be asked.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from cheroot.wsgi import Server

from mockpay.connections import PlainRequest, StayingConnection
from mockpay.delivery.worker import Worker
from mockpay.kernel.errors import Unusable
from mockpay.settings import Settings
from mockpay.store.db.engine import close
from mockpay.store.unit_of_work import Runtime
from mockpay.web.hosts import own_host, own_url

if TYPE_CHECKING:
    from ssl import SSLContext

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
#: A payload of the largest allowed size makes a long address.
_MAX_HEADERS = 524_288
#: The application's own bound for a body (contract section 5), for whom it does not ask.
_MAX_BODY = 1_048_576
#: Seconds that running requests get to finish (contract section 1: stopped within 2 s).
_GRACE = 1
#: What is read of such a body before hanging up: bytes, and seconds of silence.
_PIECE, _MOST_DRAINED, _PATIENCE = 65_536, 16_777_216, 0.5
#: The first byte of whoever begins with TLS; no method of HTTP begins so.
_TLS_HELLO = b"\x16"
_AUTHORITY = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")


class _Request(PlainRequest):
    """Takes any target; an unreadable one is a 400, not a broken connection."""

    def __init__(self, server: Any, connection: Any) -> None:
        super().__init__(server, connection, proxy_mode=True)

    def read_request_line(self) -> bool:
        """Read the first line."""
        try:
            return bool(super().read_request_line())  # type: ignore[no-untyped-call]
        except ValueError:
            return self._refused("Malformed Request-URI")

    def read_request_headers(self) -> bool:
        """Read the other lines; a negative length would have cheroot read to the end of time."""
        try:
            if not super().read_request_headers():  # type: ignore[no-untyped-call]
                return False
        except UnboundLocalError:  # cheroot's answer to a first line that continues another
            return self._refused("Illegal header line.")
        length = self.inheaders.get(b"Content-Length", b"0").strip()
        return length.isdigit() or self._refused("Malformed Content-Length Header.")

    def respond(self) -> None:
        """Answer; a body too long for anybody is not kept, and one of chunks may have no end."""
        too_long = int(self.inheaders.get(b"Content-Length", 0)) > _MAX_BODY
        if too_long or self.chunked_read:
            self.close_connection = True
        super().respond()
        if too_long or self._unread():
            self._drain()

    def _unread(self) -> bool:
        """Whether the caller may still be sending what nobody asked for, on a last request."""
        if self.chunked_read:
            return not self.rfile.closed
        return bool(self.close_connection and getattr(self.rfile, "remaining", 0))

    def _drain(self) -> None:
        """Take what the caller still sends, or it would break off before it reads the answer."""
        with suppress(OSError):
            self.conn.socket.shutdown(socket.SHUT_WR)
            self.conn.socket.settimeout(_PATIENCE)
            for _ in range(_MOST_DRAINED // _PIECE):
                if not self.conn.rfile.read(_PIECE):
                    return

    def _refused(self, why: str) -> bool:
        self.simple_response("400 Bad Request", why)
        return False


class _Connection(StayingConnection):
    """
    Plain or by TLS, as the caller begins: one port speaks both where it speaks TLS at all.

    So what knows the server by its http address (its own shop, the command line) stays right.
    Hands are shaken in the request's thread: a silent caller holds up nobody else.
    """

    RequestHandlerClass = _Request
    _met = False

    def communicate(self) -> bool:
        """Answer one request; whether another may follow."""
        if not self._met and self.server.tls is not None:
            self._met = True
            try:
                self._meet(self.server.tls)
            except OSError:
                return False  # It went away, or does not believe our certificate.
        return super().communicate()

    def _meet(self, tls: SSLContext) -> None:
        if self.socket.recv(1, socket.MSG_PEEK) != _TLS_HELLO:
            return
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket.do_handshake()
        self.rfile = type(self.rfile)(self.socket, "rb", self.rbufsize)
        self.wfile = type(self.wfile)(self.socket, "wb", self.wbufsize)
        self.ssl_env = {"wsgi.url_scheme": "https", "HTTPS": "on"}


class _Server(Server):
    """Cheroot's, with the TLS that its port speaks beside plain HTTP, if any."""

    ConnectionClass = _Connection
    tls: SSLContext | None = None


class _Target:
    """Puts the request into the environment as an application expects it."""

    def __init__(self, application: Wsgi, runtime: Runtime) -> None:
        self._application = application
        self._runtime = runtime

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        uri = str(environ["REQUEST_URI"])
        if not uri.startswith("/") and not self._absolute(environ, uri):
            return _bad_request(start_response, b"This server is no proxy.\n")
        if not _readable(environ.get("HTTP_HOST", "")):
            return _bad_request(start_response, b"The Host cannot be a host's name.\n")
        if environ["wsgi.input_terminated"]:
            # Flask would cut a chunked body off at its bound and take the rest for all.
            environ["wsgi.input"].maxlen = _MAX_BODY
        _restore_slashes(environ, uri)
        return self._application(environ, start_response)

    def _absolute(self, environ: dict[str, Any], uri: str) -> bool:
        """Whether an absolute-form target names this server; its host then is the Host."""
        parts = urlsplit(uri)
        if environ["REQUEST_METHOD"] == "CONNECT" or parts.scheme != "http":
            return False
        own = own_host(self._runtime.settings, parts.netloc)
        if not own or not _AUTHORITY.fullmatch(parts.netloc):
            return False
        environ["HTTP_HOST"] = parts.netloc
        return True


def _restore_slashes(environ: dict[str, Any], uri: str) -> None:
    """The path of a target that begins with slashes, and those slashes for who signed them."""
    raw = uri.partition("?")[0]
    if not raw.startswith("/"):
        raw = urlsplit(raw).path
    if raw.startswith("//"):
        environ["mockpay.raw_path"] = raw
        path = "/" + raw.lstrip("/")
        environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")


def _readable(host: str) -> bool:
    """Whether a Host has labels that a name can have; Werkzeug cannot route any other."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _bad_request(start_response: Callable[..., Any], says: bytes) -> list[bytes]:
    start_response("400 Bad Request", [("Content-Type", "text/plain; charset=utf-8")])
    return [says]


class MockpayServer:
    """
    One listening socket, one application, one worker.

    The socket comes first: only then is it known which port 0 became, and callers queue
    in its backlog while the application is made.
    """

    def __init__(self, settings: Settings, tls: SSLContext | None = None) -> None:
        """
        Listen, at `settings.host` and `settings.port` (0 = any free port).

        Args:
            tls: What the port speaks too: a context with a certificate.

        Raises:
            Unusable: code ``server.address``: the address cannot be listened on.
        """
        self._server = _Server(
            (settings.host, settings.port),
            None,
            numthreads=settings.threads,
            request_queue_size=128,
            shutdown_timeout=_GRACE,
        )
        self._server.tls = tls
        self._server.max_request_header_size = _MAX_HEADERS
        try:
            self._server.prepare()
        except OSError as error:
            message = f"{settings.host}:{settings.port} cannot be listened on."
            raise Unusable(message, code="server.address") from error
        self.settings = replace(settings, port=int(self._server.bind_addr[1]))
        self._runtime: Runtime | None = None
        self._worker: Worker | None = None
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        url = own_url(self.settings)
        return url if self._server.tls is None else url.replace("http:", "https:", 1)

    def serve(self, application: Wsgi, runtime: Runtime) -> None:
        """Serve until `stop`; blocks."""
        self._runtime, self._worker = runtime, Worker(runtime)
        self._server.wsgi_app = _Target(application, runtime)
        self._worker.start()
        self._server.serve()

    def serve_in_thread(self, application: Wsgi, runtime: Runtime) -> None:
        """Serve in a thread of its own; returns at once."""
        self._thread = Thread(target=self.serve, args=(application, runtime), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let running requests finish, cut those that only wait, and end within two seconds."""
        if self._runtime is not None:
            self._runtime.stopping.set()
        self._server.stop()
        if self._worker is not None:
            self._worker.stop()
        if self._thread is not None:
            self._thread.join(2.0)
        if self._runtime is not None:
            close(self._runtime.engine, self._runtime.writer)
