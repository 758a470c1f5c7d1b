"""Connections: what may follow on one, and how many may hang on without disturbing anybody."""

import http.client
import socket
import time
from contextlib import ExitStack, closing, contextmanager
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest

from mockpay.http_server import HttpServer
from mockpay.settings import Settings
from tests.server.wire import CLOSE, get, send

KEEP = b"Host: localhost\r\nConnection: keep-alive\r\n\r\n"
MANY = 100


def connect(server, timeout=20):
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=timeout)


def health(server):
    address = urlsplit(server.url)
    with closing(http.client.HTTPConnection(address.hostname, address.port, timeout=20)) as caller:
        caller.request("GET", "/_mockpay/health")
        return caller.getresponse().status


def test_requests_sent_together_are_answered_one_by_one(mockpay_server):
    plain = b"GET /getDynamicConfig HTTP/1.1\r\n" + KEEP
    odd = b"GET /%67etDynamicConfig HTTP/1.1\r\n" + KEEP
    last = b"GET /getDynamicConfig HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    answer = send(mockpay_server, plain + odd + plain + last)

    assert answer.octets.count(b"HTTP/1.1 200 OK") == 4
    assert answer.octets.count(b"\r\nDate: ") == 4
    assert answer.octets.count(b"\r\nConnection: close") == 1


def test_a_request_that_comes_byte_by_byte_is_answered(mockpay_server):
    body = b"Action=x"
    head = b"POST /OffAmazonPayments/2013-01-01 HTTP/1.1\r\nConnection: close\r\nHost: x\r\n"
    form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
    with connect(mockpay_server) as line:
        for octet in head + form + body:
            line.sendall(bytes((octet,)))
        answer = b"".join(iter(lambda: line.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"AWSAccessKeyId is missing." in answer


@pytest.mark.parametrize("rest", [1, 2, 3, 4])
def test_a_head_whose_end_comes_in_two_pieces_is_answered(mockpay_server, rest):
    head = b"GET /getDynamicConfig HTTP/1.1\r\n" + CLOSE
    with connect(mockpay_server) as line:
        line.sendall(head[:-rest])
        assert health(mockpay_server) == 200  # So the first piece was taken before.
        line.sendall(head[-rest:])
        assert b"".join(iter(lambda: line.recv(65_536), b"")).startswith(b"HTTP/1.1 200 ")


def test_a_body_of_chunks_that_comes_byte_by_byte_is_answered(mockpay_server):
    head = b"POST /OffAmazonPayments/2013-01-01 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    form = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with connect(mockpay_server) as line:
        for octet in head + form + b"7\r\nAction=\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n":
            line.sendall(bytes((octet,)))
        answer = b"".join(iter(lambda: line.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_body_is_asked_for_where_its_sender_waits(mockpay_server):
    with connect(mockpay_server) as line:
        head = b"POST /publishMetrics HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        line.sendall(head)
        assert line.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"abc")
        assert line.recv(65_536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET /_mockpay/health HTTP/1.1\r\nHost: x\r\n",
        b"POST /publishMetrics HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc",
        b"POST /publishMetrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"POST /publishMetrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nabc",
        b"nonsense\r\n\r\n",
    ],
    ids=["silent", "head", "body", "chunks", "endless-body", "refused"],
)
def test_callers_that_drip_hold_up_nobody(mockpay_server, half):
    with ExitStack() as stack:
        callers = [stack.enter_context(connect(mockpay_server)) for _ in range(MANY)]
        for caller in callers:
            caller.sendall(half)
        assert health(mockpay_server) == 200
        for caller in callers:
            caller.sendall(b"x")
        assert health(mockpay_server) == 200


@contextmanager
def impatient(application, timeout=0.3, most=256):
    """The address of a server that waits so many seconds for anybody, and for so many at once."""
    server = HttpServer(Settings(port=0, threads=4), timeout=timeout)
    server.keep_alive_conn_limit = most
    server.wsgi_app = application
    server.expiration_interval = 0.05
    server.prepare()
    Thread(target=server.serve, daemon=True).start()
    try:
        yield "127.0.0.1", server.bind_addr[1]
    finally:
        server.stop()


def test_half_a_request_has_a_deadline_however_it_drips(capfd):
    """One that is idle before its time is over is closed without a word."""

    def application(_environ, start_response):
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with impatient(application) as address:
        with socket.create_connection(address, timeout=20) as line, socket.create_connection(address) as other:
            other.sendall(b"GET")
            line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
            line.settimeout(0.02)
            answer = None
            while answer is None:
                try:
                    line.sendall(b"x")
                    answer = line.recv(65_536)
                except TimeoutError:
                    continue
                except ConnectionError:
                    answer = b""
        with socket.create_connection(address, timeout=20) as idle:
            assert idle.recv(1) == b""
    assert answer in {b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n", b""}
    log = capfd.readouterr().err.splitlines()
    assert len(log) == 1, "One line is for all."
    assert log[0].endswith("sent no whole request in 0.3 s.")


def test_a_slow_answer_takes_nothing_of_the_time_that_a_connection_may_be_idle():
    go_on = Event()

    def application(_environ, start_response):
        go_on.wait(20)
        start_response("204 No Content", [])
        return []

    with impatient(application) as address, socket.create_connection(address, timeout=20) as line:
        line.sendall(b"GET / HTTP/1.1\r\n" + KEEP)
        with socket.create_connection(address, timeout=20) as idle:
            assert idle.recv(1) == b""  # So the time of the first one's request is over too.
        asked = time.monotonic()
        go_on.set()
        assert line.recv(65_536).startswith(b"HTTP/1.1 204 ")
        assert line.recv(65_536) == b""
        assert time.monotonic() - asked >= 0.25


def test_who_does_not_read_its_answer_holds_no_thread():
    def application(_environ, start_response):
        start_response("200 OK", [("Content-Length", "150000")])
        return [b"x" * 150_000]

    with impatient(application, timeout=60) as address, ExitStack() as stack:
        for _ in range(8):
            deaf = stack.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            deaf.connect(address)
            deaf.sendall(b"GET / HTTP/1.1\r\n" + KEEP)
        with socket.create_connection(address, timeout=20) as line:
            line.sendall(b"GET / HTTP/1.1\r\n" + KEEP)
            assert line.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_of_too_many_connections_the_older_ones_are_closed():
    def application(_environ, start_response):
        start_response("204 No Content", [])
        return []

    with impatient(application, timeout=60, most=4) as address, ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(address, timeout=20)) for _ in range(6)]
        assert silent[0].recv(1) == b""
        with socket.create_connection(address, timeout=20) as line:
            line.sendall(b"GET / HTTP/1.1\r\n" + KEEP)
            assert line.recv(65_536).startswith(b"HTTP/1.1 204 ")


def test_a_line_longer_than_what_comes_at_once_is_read(mockpay_server):
    answer = get(mockpay_server, b"/getDynamicConfig?x=" + b"a" * 200_000)

    assert answer.status == 200
