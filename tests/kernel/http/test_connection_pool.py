"""Connections kept for the next call: used again while they are good, never a call twice."""

from contextlib import contextmanager
from socket import create_server
from threading import Thread

import pytest

from mockpay.kernel.http.calls import HttpCall, OutgoingHosts, Unreachable
from mockpay.kernel.http.direct import DirectSender

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class Server:
    """Answers each connection's requests by a list of its own; None hangs up instead."""

    def __init__(self, *connections):
        self.listener = create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.heard: list[int] = []
        self.ended: list[int] = []
        self.thread = Thread(target=self.run, args=(connections,), daemon=True)
        self.thread.start()

    def run(self, connections):
        for number, answers in enumerate(connections):
            try:
                line, _ = self.listener.accept()
            except OSError:  # the test is over
                return
            with line:
                for answer in answers:
                    if not line.recv(65_536):
                        break
                    self.heard.append(number)
                    if answer is None:
                        break
                    line.sendall(answer)
                else:
                    if not line.recv(1):
                        self.ended.append(number)


@contextmanager
def serving(*connections):
    server = Server(*connections)
    with server.listener:
        yield server


def get(sender, server):
    return sender.send(HttpCall("GET", server.url, timeout=5)).status


@pytest.fixture
def sender():
    return DirectSender(OutgoingHosts())


def test_the_next_call_goes_over_the_same_connection(sender):
    with serving([OK, OK, OK]) as server:
        assert [get(sender, server) for _ in range(3)] == [200, 200, 200]
        assert server.heard == [0, 0, 0]


def test_an_idle_connection_is_closed(sender):
    with serving([OK]) as server:
        get(sender, server)
        server.thread.join(10)
        assert server.ended == [0]


def test_a_call_that_the_server_has_read_is_never_sent_again(sender):
    with serving([OK, None], [OK]) as server:
        get(sender, server)
        with pytest.raises(Unreachable):
            get(sender, server)
        assert server.heard == [0, 0]
        assert get(sender, server) == 200
        assert server.heard == [0, 0, 1]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK",
    ],
)
def test_a_server_that_wants_no_more_calls_gets_a_new_connection(sender, answer):
    with serving([answer], [OK]) as server:
        assert [get(sender, server), get(sender, server)] == [200, 200]
        assert server.heard == [0, 1]


def test_a_header_cannot_begin_another(sender):
    with serving([OK]) as server, pytest.raises(Exception, match="one line"):
        sender.send(HttpCall("GET", server.url, {"X-One": "a\r\nX-Two: b"}))
