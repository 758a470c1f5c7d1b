"""
cheroot, and the few things that it lets through, wrongly refuses or waits for too long.

cheroot parses; here is decided, at its own extension points, which requests are refused, and
that a worker thread only ever sees a request that has come whole.  What has come of another
waits with all idle connections, in the thread that selects among them.
"""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import suppress
from io import SEEK_END, BytesIO
from time import perf_counter
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from cheroot.errors import MaxSizeExceeded
from cheroot.makefile import MakeFile
from cheroot.server import ChunkedRFile, HTTPConnection, HTTPRequest
from cheroot.wsgi import Gateway_10, Server

from mockpay.kernel.clock import SystemClock
from mockpay.kernel.http.hosts import own_host, public_scheme
from mockpay.kernel.terminal import Terminal
from mockpay.settings import Settings

#: A payload of the largest allowed size makes a long address.
_MAX_HEAD = 524_288
#: The application's own bound for a body (contract section 5); nobody waits for a longer one.
_MAX_BODY = 1_048_576
_RECEIVE_BYTES = 65_536
#: What the system takes of an answer at once, so that no thread waits for one who reads slowly (bytes).
_SEND_BYTES = 1_048_576
#: How long late callers go without a line after one had it (seconds).
_QUIET_SECONDS = 60
#: How long a connection has for its request where there are very many (seconds).
_CROWDED_SECONDS = 1
#: How long a thread waits for its caller's next request before it turns to others.
_NEXT_SECONDS = 0.002
#: The first byte of whoever begins with TLS; no method of HTTP begins so.
_TLS_HELLO = b"\x16"
_BLANK_LINE = re.compile(rb"\n\r?\n")
#: A bare CR or another control character.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_BLANKS = (b" ", b"\t")
_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Python also reads `0x2`, `+2` and `1_0` as numbers.
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]+[ \t]*(?:;.*)?\r\n")
#: What tells where a body ends; a request with both is smuggling another (RFC 9112, section 6.1).
_FRAMING = frozenset({b"Content-Length", b"Transfer-Encoding"})
_AUTHORITY = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")


class _Received(BytesIO):
    """What has come on a connection and was not read yet; reading it never waits."""

    def __init__(self) -> None:
        super().__init__()
        self.next_request()

    def next_request(self) -> None:
        """Keep only what was not read, and wait for a head: until a blank line."""
        rest = self.read()
        self.seek(0)
        self.truncate()
        self._tail = b""
        self.wait_for(_MAX_HEAD + 1, or_blank_line=True)
        self.append(rest)

    def wait_for(self, size: int, *, or_blank_line: bool) -> None:
        """Wait for so many bytes, or already for a blank line among those that come from now on."""
        self._size, self._or_blank_line, self._blank_line = size, or_blank_line, False

    def append(self, octets: bytes) -> None:
        """Take what has come."""
        position = self.tell()
        self.seek(0, SEEK_END)
        self.write(octets)
        self.seek(position)
        end = self._tail + octets
        self._blank_line = self._blank_line or _BLANK_LINE.search(end) is not None
        self._tail = end[-2:]

    @property
    def unread(self) -> int:
        """How many bytes were not read yet."""
        return self.getbuffer().nbytes - self.tell()

    def is_complete(self) -> bool:
        """Whether what is waited for has come."""
        return self.unread >= self._size or (self._or_blank_line and self._blank_line)

    #: What cheroot asks before it watches a connection.
    has_data = is_complete


class _Whole:
    """For `ChunkedRFile`: sizes and chunks that have come whole; EOFError for others, ValueError for no size."""

    def __init__(self, received: _Received) -> None:
        self._received = received

    def readline(self) -> bytes:
        line = self._received.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        if not _CHUNK_SIZE.fullmatch(line):
            raise ValueError("Malformed chunk size.")
        return line

    def read(self, size: int) -> bytes:
        octets = self._received.read(size)
        if len(octets) < size:
            raise EOFError
        return octets


class _Lines:
    """The lines of a head; ValueError for one that another parser may read in another way."""

    def __init__(self, rfile: Any) -> None:
        self._rfile = rfile

    def readline(self) -> bytes:
        line: bytes = self._rfile.readline()
        name, colon, _ = line.partition(b":")
        # A folded line, a blank before the colon, a control character: each is read in two ways by two parsers.
        if line.startswith(_BLANKS) or (colon and name.endswith(_BLANKS)) or _CONTROL.search(line):
            raise ValueError("Illegal header line.")
        return line


class _Headers(dict[bytes, bytes]):
    """Headers by name; ValueError for a name that is none, a second Host, and two ways to tell a body's end."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("Illegal header name.")
        if name == b"Content-Length" and not value.isdigit():
            raise ValueError("Malformed Content-Length Header.")
        if name in self and (name == b"Host" or (name in _FRAMING and self[name] != value)):
            raise ValueError(f"{name.decode()} is given twice.")
        super().__setitem__(name, value)
        if self.keys() >= _FRAMING:
            raise ValueError("A body has a Content-Length or a Transfer-Encoding, never both.")


class _Request(HTTPRequest):
    """One request; `raw_path` is its path as sent, where that begins with several slashes."""

    conn: _Connection
    server: HttpServer
    raw_path: str | None = None

    def __init__(self, server: HttpServer, connection: _Connection) -> None:
        # By the rules for proxies, because those let pass `//path`, which PHP clients really send.
        super().__init__(server, connection, proxy_mode=True)
        self.inheaders = _Headers()

    def parse_request(self) -> None:
        """Read the head, once; whoever sent one that is refused may still be sending."""
        if not self.ready:
            super().parse_request()
            self.conn.lingers = not self.ready

    def read_request_line(self) -> bool:
        """Read the first line."""
        self.rfile = _Lines(self.rfile)
        try:
            return bool(super().read_request_line())  # type: ignore[no-untyped-call]
        except ValueError:
            return self._refuse("Malformed Request-Line")

    def read_request_headers(self) -> bool:
        """Read the other lines."""
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        if b"Transfer-Encoding" in self.inheaders:
            # Whatever comes behind such a body is nobody's next request; so in HTTP/1.0 too.
            self.close_connection = True
        problem = self._read_address()
        return problem is None or self._refuse(problem)

    def _read_address(self) -> str | None:
        """Take host and path from the target where it has them; what is wrong with either."""
        host = self.inheaders.get(b"Host")
        if host is None and self.response_protocol == "HTTP/1.1":
            return "The Host header is missing."
        path = self.uri.partition(b"?")[0]
        if not path.startswith(b"/"):
            parts = urlsplit(self.uri)
            # A proxy is asked for an https target by CONNECT only: this came inside TLS, as from PHP's streams.
            inside_tls = parts.scheme == b"https" and parts.netloc == host
            is_ours = inside_tls or (parts.scheme == b"http" and self._is_own(parts.netloc))
            if self.method == b"CONNECT" or not is_ours:
                return "This server is no proxy."
            path, host = parts.path, parts.netloc
            self.inheaders.update({b"Host": host})
        if path.startswith(b"//"):
            self.raw_path = path.decode("latin-1")
            self.path = unquote_to_bytes(b"/" + path.lstrip(b"/"))
        return None if _is_name(host or b"") else "The Host cannot be a host's name."

    def _is_own(self, authority: bytes) -> bool:
        name = authority.decode("latin-1")
        return own_host(self.server.settings, name) and bool(_AUTHORITY.fullmatch(name))

    def respond(self) -> None:
        """Answer, or wait for the rest of the body."""
        length = int(self.inheaders.get(b"Content-Length", 0))
        too_long = length > _MAX_BODY
        if not (too_long or self._body_has_come(length)):
            self.conn.pending = self
            return
        self.conn.pending = None
        self.close_connection = self.close_connection or too_long
        if (terminal := self.server.terminal) is None:
            super().respond()
        else:
            self._respond_visibly(terminal)
        # Whoever is still sending what nobody reads would break off before it reads the answer.
        self.conn.lingers = too_long or (self.chunked_read and not self.rfile.closed)

    def _respond_visibly(self, terminal: Terminal) -> None:
        call, began = terminal.begin_call(), perf_counter()
        try:
            super().respond()
        finally:
            status: Any = self.status
            code = status[:3].decode() if self.sent_headers else "---"
            terminal.end_call(call, self.method.decode(), self.path.decode("latin-1"), code, perf_counter() - began)

    def _body_has_come(self, length: int) -> bool:
        received = self.conn.rfile
        if not self.chunked_read:
            received.wait_for(length, or_blank_line=False)
            return received.is_complete()
        unread = received.unread
        if unread > 2 * _MAX_BODY or _chunks_have_come(received):
            return True
        received.wait_for(min(2 * unread + 1024, 2 * _MAX_BODY + 1), or_blank_line=True)
        return False

    def _refuse(self, problem: str) -> bool:
        self.simple_response("400 Bad Request", problem)
        return False


def _chunks_have_come(received: _Received) -> bool:
    """Whether a body of chunks has come to its end, or to where reading it fails."""
    start = received.tell()
    try:
        ChunkedRFile(_Whole(received), _MAX_BODY).read()
    except EOFError:
        return False
    except (ValueError, OSError, MaxSizeExceeded):
        return True  # So it does for the application, which answers in its caller's format.
    finally:
        received.seek(start)
    return True


def _is_name(host: bytes) -> bool:
    """Whether a Host has labels that a name can have; Werkzeug cannot route any other."""
    try:
        host.decode("latin-1").encode("idna")
    except UnicodeError:
        return False
    return True


class _Gateway(Gateway_10):
    """Puts a request into the environment of a WSGI application."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]
        """What cheroot puts there, and the path as sent."""
        if self.req.chunked_read:
            # Flask would cut a chunked body off at its bound and take the rest for all.
            self.req.rfile.maxlen = _MAX_BODY
            self.req.rfile.rfile = _Whole(self.req.rfile.rfile)
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]
        scheme = public_scheme(self.req.server.settings, environ.get("HTTP_HOST", ""))
        if scheme is not None:
            environ["wsgi.url_scheme"] = scheme
        if self.req.raw_path is not None:
            environ["mockpay.raw_path"] = self.req.raw_path
        return environ


class _Connection(HTTPConnection):
    """
    Plain or by TLS, as the caller begins: one port speaks both where it speaks TLS at all.

    So what knows the server by its http address (its own shop, the command line) stays right.
    """

    server: HttpServer
    rfile: _Received
    #: The request whose head was read and whose body has not come whole.
    pending: _Request | None = None
    #: The last answer was given, and what the caller still sends is thrown away.
    lingers = False
    #: The caller hung up.
    ended = False

    def __init__(self, server: HttpServer, sock: socket.socket, _makefile: object = None) -> None:
        super().__init__(server, sock, makefile=_make_file)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        self.began = _seconds()
        self._is_new = True

    def receive(self, wait: float = 0) -> bool:
        """Take what has come, or comes within `wait` seconds; whether there is something to answer."""
        self.socket.settimeout(wait)
        try:
            if self._is_new:
                self._begin()
            while not (self.ended or self.rfile.is_complete()):
                self._take(self.socket.recv(_RECEIVE_BYTES))
                if self.lingers or wait:
                    break
        except (BlockingIOError, TimeoutError, ssl.SSLWantReadError):
            pass
        except OSError:
            self.ended = True  # It went away, or does not believe our certificate.
        finally:
            self.socket.settimeout(self.server.timeout)
        return self.rfile.is_complete()

    def _take(self, octets: bytes) -> None:
        if not octets:
            self.ended = True
        elif not self.lingers:
            if not self.pending and not self.rfile.unread:
                self.began = _seconds()
            self.rfile.append(octets)

    def _begin(self) -> None:
        """Look who is there, and shake hands by TLS; BlockingIOError until that is done."""
        tls = self.server.tls
        if isinstance(self.socket, ssl.SSLSocket):
            self.socket.do_handshake()
        elif tls is not None and self.socket.recv(1, socket.MSG_PEEK) == _TLS_HELLO:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            self.wfile = MakeFile(self.socket, "wb", self.wbufsize)
            self.ssl_env = {"wsgi.url_scheme": "https", "HTTPS": "on"}
            self.socket.do_handshake()
        self._is_new = False

    def RequestHandlerClass(self, server: HttpServer, _connection: object) -> _Request:  # noqa: N802
        """The request to go on with, as cheroot asks: the one that waited for its body, or a new one."""
        return self.pending or _Request(server, self)

    def communicate(self) -> bool:
        """
        Answer what has come; whether the connection stays.

        A caller that goes on at once is answered by the same thread, unless another one waits for
        it: the way through the thread that watches, and back, is a quarter of a short request.
        """
        while self._answer():
            if self.lingers or not self.server.ready:
                return True
            if not self.receive(0 if self.server.requests.qsize else _NEXT_SECONDS):
                return not self.ended
        return False

    def _answer(self) -> bool:
        stays = bool(super().communicate())  # type: ignore[no-untyped-call]
        if self.pending is not None:
            return True
        if self.lingers:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
            self.rfile.read()
        self.rfile.next_request()
        self.began = _seconds()
        return stays or self.lingers

    def close(self) -> None:
        """Close; half a request whose time is over is answered and noted."""
        late = self.server.ready and _seconds() - self.began >= self.server.timeout
        if late and not self.ended and (self.pending or self.rfile.unread):
            self.server.log_late(f"{self.remote_addr}:{self.remote_port}")
            with suppress(OSError):
                self.socket.settimeout(0)
                self.socket.send(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
        super().close()


def _make_file(sock: socket.socket, mode: str, size: int) -> Any:
    return _Received() if "r" in mode else MakeFile(sock, mode, size)


def _seconds() -> float:
    """Real time as cheroot counts it."""
    return SystemClock().now() / 1000


class HttpServer(Server):
    """
    cheroot's server for one WSGI application.

    Args:
        tls: What its port speaks beside plain HTTP: a context with a certificate.
        terminal: Where each call has a line.
    """

    ConnectionClass = _Connection
    max_request_header_size = _MAX_HEAD
    keep_alive_conn_limit = 256

    def __init__(
        self, settings: Settings, tls: ssl.SSLContext | None = None, terminal: Terminal | None = None, **options: Any
    ) -> None:
        address = (settings.host, settings.port)
        super().__init__(address, None, numthreads=settings.threads, request_queue_size=128, **options)
        self.gateway = _Gateway
        self.settings = settings
        self.tls = tls
        self.terminal = terminal
        self._usual_timeout = self.timeout
        self._logged_at = 0.0

    def process_conn(self, conn: _Connection) -> None:
        """Give a connection to a worker thread where there is something to answer."""
        if conn.receive():
            super().process_conn(conn)
        elif conn.ended:
            conn.close()
        else:
            self.put_conn(conn)

    def log_late(self, caller: str) -> None:
        """Log that a request was late: one line for all that are for a while."""
        if _seconds() - self._logged_at > _QUIET_SECONDS:
            self._logged_at = _seconds()
            self.error_log(f"{caller} sent no whole request in {self.timeout} s.")

    def put_conn(self, conn: _Connection) -> None:
        """Watch a connection; its time runs from its beginning, however often something comes."""
        super().put_conn(conn)
        conn.last_used = conn.began
        # A process may have 1,024 files as a rule, and must go on to accept.
        self.timeout = self._usual_timeout if self.can_add_keepalive_connection else _CROWDED_SECONDS
