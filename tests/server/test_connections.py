"""What is read and written in one go means what cheroot would make of it."""

import io
import socket
from urllib.parse import urlsplit

import pytest

from mockpay.connections import LineReader, _headers
from tests.server.wire import get, send

KEPT = b"Host: localhost\r\nConnection: keep-alive\r\n\r\n"


def reader_of(octets: bytes) -> LineReader:
    """A reader of a connection over which all of this has come."""
    here, there = socket.socketpair()
    there.sendall(octets)
    there.close()
    return LineReader(here, "rb", 8192)


def heads(octets: bytes) -> list[bytes]:
    """The heads of answers without their times."""
    found = [part for part in octets.split(b"\r\n\r\n") if part.startswith(b"HTTP/1.1 ")]
    return [
        b"\r\n".join(sorted(line for line in head.split(b"\r\n") if b"Date" not in line)) for head in found
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 256])
def test_lines_come_as_from_any_other_file(size):
    octets = b"one\r\n\ntwo\nlast without end"
    reader, model = reader_of(octets), io.BytesIO(octets)

    lines = [model.readline(size) for _ in range(60)]

    assert [reader.readline(size) for _ in range(60)] == lines
    assert reader.bytes_read == len(octets)
    reader.raw._sock.close()


def test_a_line_longer_than_the_buffer_is_read(mockpay_server):
    answer = get(mockpay_server, b"/getDynamicConfig?x=" + b"a" * 20_000)

    assert answer.status == 200


@pytest.mark.parametrize(
    "target",
    [
        b"/getDynamicConfig",
        b"/getDynamicConfig/?key=a%20b&c",
        b"/nothing?",
        b"/processPayment?payload=1",
        b"/_mockpay/health",
    ],
)
def test_a_plain_request_is_answered_like_one_that_is_read_line_by_line(mockpay_server, target):
    address = urlsplit(mockpay_server.url)
    # A second header of one name is enough to have cheroot read it.
    twice = b"X-Odd: 1\r\nX-Odd: 2\r\n" + KEPT
    answers = []
    for more in (KEPT, twice):
        with socket.create_connection((address.hostname, address.port), timeout=10) as line:
            line.sendall(b"GET " + target + b" HTTP/1.1\r\n" + more)
            answers.append(_one_answer(line))

    assert heads(answers[0]) == heads(answers[1])
    assert answers[0].partition(b"\r\n\r\n")[2] == answers[1].partition(b"\r\n\r\n")[2]


def _one_answer(line: socket.socket) -> bytes:
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += line.recv(65_536)
    head, _, body = heard.partition(b"\r\n\r\n")
    length = next(int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.startswith(b"Content-Length"))
    while len(body) < length:
        body += line.recv(65_536)
    return head + b"\r\n\r\n" + body


def test_requests_sent_together_are_answered_one_by_one(mockpay_server):
    plain = b"GET /getDynamicConfig HTTP/1.1\r\n" + KEPT
    odd = b"GET /%67etDynamicConfig HTTP/1.1\r\n" + KEPT
    last = b"GET /getDynamicConfig HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    answer = send(mockpay_server, plain + odd + plain + last)

    assert answer.octets.count(b"HTTP/1.1 200 OK") == 4
    assert answer.octets.count(b"\r\nDate: ") == 4
    assert answer.octets.count(b"\r\nConnection: close") == 1


@pytest.mark.parametrize(
    "headers",
    [
        b"Host: a\r\nhost: b\r\n",
        b"Host: a\r\nContent-Length: 3\r\n",
        b"Host:\r\n",
        b"Host: a\r\n folded\r\n",
        b"Host: a\r\nTransfer-Encoding: chunked\r\n",
        b"Host: a\nX: b\r\n",
        b"Host : a\r\n",
    ],
)
def test_what_could_be_read_in_two_ways_is_not_plain(headers):
    reader = reader_of(b"GET / HTTP/1.1\r\n" + headers + b"\r\n")
    found = reader.plain_get()

    assert found is None or _headers(found.group(4)) is None
    reader.raw._sock.close()
