"""Reading an answer: whatever ends it, by one deadline, and no further than it goes."""

import time
from contextlib import contextmanager
from socket import SHUT_WR, socketpair
from threading import Event, Thread

import pytest

from mockpay.kernel.http.answers import LIMIT, BrokenAnswerError, read_answer

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def read(came, *, end=True, seconds=10.0, **kind):
    """What is read of an answer whose other end then hangs up, or does not."""
    ours, theirs = socketpair()
    with ours, theirs:
        writer = Thread(target=theirs.sendall, args=(came,), daemon=True)
        writer.start()
        if len(came) < 100_000:
            writer.join()
            if end:
                theirs.shutdown(SHUT_WR)
        return read_answer(ours, time.monotonic() + seconds, **kind)


def test_an_answer_has_a_status_headers_and_a_body():
    came = b"HTTP/1.1 201 Made  it\r\nX-One:  1 \r\nx-two: a:b\r\nX-One: 2\r\nContent-Length: 2\r\n\r\nOK"
    answer = read(came, end=False)
    assert (answer.status, answer.body, answer.keep) == (201, b"OK", True)
    assert answer.headers == {"X-One": "1", "x-two": "a:b", "Content-Length": "2"}


@pytest.mark.parametrize(
    ("came", "body"),
    [
        (b"0\r\n\r\n", b""),
        (b"2\r\nOK\r\n0\r\n\r\n", b"OK"),
        (b"2;name=value\r\nOK\r\n00A \r\n, all well\r\n0\r\nTrailer: x\r\n\r\n", b"OK, all well"),
    ],
)
def test_an_answer_in_chunks_is_put_together(came, body):
    assert read(CHUNKED + came, end=False)[2:] == (body, True)


def test_an_answer_without_a_length_lasts_as_long_as_the_connection():
    assert read(b"HTTP/1.1 200 OK\r\n\r\nas it comes")[2:] == (b"as it comes", False)


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body(status):
    came = f"HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n".encode()
    assert read(came, end=False)[2:] == (b"", True)


def test_an_answer_to_a_head_has_no_body():
    came = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    assert read(came, end=False, to_head=True)[2:] == (b"", True)


def test_what_comes_before_the_answer_is_passed_over():
    came = b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
    answer = read(b"HTTP/1.1 100 Continue\r\n\r\n" + came, end=False)
    assert (answer.status, answer.headers, answer.body) == (200, {"Content-Length": "2"}, b"OK")


@pytest.mark.parametrize(
    ("version", "connection", "keep"),
    [
        ("1.1", "keep-alive", True),
        ("1.1", "Close", False),
        ("1.1", "x, close", False),
        ("1.0", "keep-alive", False),
    ],
)
def test_a_connection_is_kept_where_its_server_keeps_it(version, connection, keep):
    head = f"HTTP/{version} 200 OK\r\nConnection: {connection}\r\nContent-Length: 0\r\n\r\n"
    assert read(head.encode(), end=False).keep is keep


@pytest.mark.parametrize(
    "head", [f"HTTP/1.1 200 OK\r\nContent-Length: {LIMIT + 1}\r\n\r\n".encode(), CHUNKED + b"100001\r\n"]
)
def test_a_long_answer_is_cut_and_its_connection_not_used_again(head):
    answer = read(head + b"x" * (LIMIT + 1))
    assert (len(answer.body), answer.keep) == (LIMIT, False)


@pytest.mark.parametrize(
    "came",
    [
        b"",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\nA: b\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nOK",
        CHUNKED,
        CHUNKED + b"2\r\nOK",
        CHUNKED + b"2\r\nO",
        CHUNKED + b"2\r\nOK\r\n",
        CHUNKED + b"2\r\nOKAY\r\n0\r\n\r\n",
        CHUNKED + b"-2\r\nOK\r\n0\r\n\r\n",
        CHUNKED + b"two\r\nOK\r\n0\r\n\r\n",
        CHUNKED + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(101)) + b"\r\n",
    ],
)
def test_what_is_no_whole_answer_is_none(came):
    with pytest.raises(BrokenAnswerError):
        read(came)


@contextmanager
def dripping(text):
    """The reading end of a connection on which a text comes byte by byte, 20 ms apart."""
    ours, theirs = socketpair()
    stop = Event()

    def drip():
        for byte in text:
            if stop.wait(0.02):
                break
            theirs.sendall(bytes([byte]))

    with ours, theirs:
        thread = Thread(target=drip, daemon=True)
        thread.start()
        try:
            yield ours
        finally:
            stop.set()
            thread.join(10)


def test_an_answer_that_comes_in_drops_is_not_waited_for_beyond_the_deadline():
    with dripping(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100) as line:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            read_answer(line, began + 0.2)
        assert 0.2 <= time.monotonic() - began < 5


def test_an_answer_that_comes_in_drops_is_read_in_time():
    with dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK") as line:
        assert read_answer(line, time.monotonic() + 20).body == b"OK"


def test_after_the_deadline_nothing_is_read_that_is_there():
    with pytest.raises(TimeoutError):
        read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", seconds=0)
