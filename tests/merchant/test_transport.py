"""The merchant side's sender against a real socket."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from threading import Thread

import pytest

from mockpay.kernel.http.calls import HttpCall, Unreachable
from mockpay.merchant.transport import RequestsSender


class Handler(BaseHTTPRequestHandler):
    """Echoes; `/away` redirects, `/cut` breaks off."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = f"{self.command} {self.path} {self.headers['Content-Type']} ".encode() + body
        self.server.paths.append(self.path)
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(answer) + (100 if self.path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.paths = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def unused_url():
    """The address of a socket that is bound, and on which nobody listens."""
    with socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


def test_a_call_arrives_with_its_headers_and_body(server):
    reply = RequestsSender().send(HttpCall("POST", f"{server.url}/ipn", {"Content-Type": "a/b"}, b"body"))

    assert (reply.status, reply.body) == (200, b"POST /ipn a/b body")


def test_a_redirect_is_reported_and_not_followed(server):
    reply = RequestsSender().send(HttpCall("GET", f"{server.url}/away"))

    assert (reply.status, reply.headers["Location"]) == (302, "/elsewhere")
    assert server.paths == ["/away"]


def test_an_answer_that_breaks_off_is_no_answer(server):
    with pytest.raises(Unreachable):
        RequestsSender().send(HttpCall("GET", f"{server.url}/cut"))


def test_nobody_listening_is_unreachable(unused_url):
    with pytest.raises(Unreachable):
        RequestsSender().send(HttpCall("GET", unused_url, timeout=1))


def test_a_server_that_never_answers_is_unreachable_after_the_timeout():
    with socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Unreachable):
            RequestsSender().send(HttpCall("GET", f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05))


def test_a_proxy_of_the_environment_counts_unless_told_otherwise(server, unused_url, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, unused_url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    assert RequestsSender(use_environment=False).send(HttpCall("GET", server.url)).status == 200
    with pytest.raises(Unreachable):
        RequestsSender().send(HttpCall("GET", server.url))
