"""The sandbox's own client: only where it may go, all of an answer by one deadline, never a call twice."""

import ssl
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6, create_server, socket
from threading import Thread

import pytest
from msgspec.structs import replace

from mockpay.kernel.errors import Forbidden, Invalid
from mockpay.kernel.http import sender as http_sender
from mockpay.kernel.http.calls import HttpCall, Unreachable
from mockpay.kernel.http.hosts import OutgoingHosts
from mockpay.kernel.http.sender import MAX_BODY, HttpSender
from mockpay.reach.authority import open_authority
from tests.factories import run_concurrently
from tests.kernel.http.raw_server import OK, raw_server

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def sender():
    return HttpSender(OutgoingHosts())


def get(sender, server, timeout=5, method="GET"):
    return sender.send(HttpCall(method, server.url, timeout=timeout))


def answered(answer, **call):
    """What comes of one answer."""
    with raw_server([answer]) as server:
        return get(HttpSender(OutgoingHosts()), server, **call)


def connections(sender, *answers):
    """Over which connection each of several calls goes; the second one has one whole answer."""
    with raw_server([*answers, OK], [OK]) as server:
        for _ in range(len(answers) + 1):
            get(sender, server)
        return server.asked


def test_a_call_arrives_as_it_was_meant(sender):
    with raw_server([OK]) as server:
        headers = {"Content-Type": "text/plain", "User-Agent": "a shop's"}
        reply = sender.send(HttpCall("POST", f"{server.url}ipn?a=%20b&c=d|e", headers, b"body"))
    assert (reply.status, reply.body) == (200, b"OK")
    assert reply.latency_ms >= 0
    lines = [
        "POST /ipn?a=%20b&c=d%7Ce HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        "Accept-Encoding: identity",
        "Content-Type: text/plain",
        "User-Agent: a shop's",
        "Content-Length: 4",
    ]
    assert server.octets == "\r\n".join([*lines, "", "body"]).encode()


@pytest.mark.parametrize("target", ["//x/y?z", "///", "/a//b", "/?://"])
def test_slashes_of_a_path_are_left_as_they_are(sender, target):
    with raw_server([OK]) as server:
        sender.send(HttpCall("GET", server.url.rstrip("/") + target))
    assert server.octets.startswith(b"GET %s HTTP/1.1\r\n" % target.encode())


def test_a_host_by_name_is_told_by_name(sender):
    with raw_server([OK]) as server:
        sender.send(HttpCall("GET", f"http://localhost:{server.port}"))
    assert server.octets.startswith(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n" % server.port)


@pytest.mark.parametrize("url", ["http://192.0.2.1/", "http://example.com/", "http://127.0.0.1.example.com/"])
def test_no_other_host_is_called(sender, url):
    with pytest.raises(Forbidden):
        sender.send(HttpCall("GET", url))


def test_a_host_is_called_at_its_next_address_where_nobody_listens_at_the_first():
    class Two(OutgoingHosts):
        def addresses(self, host, port):
            return ["::1", *super().addresses("127.0.0.1", port)]

    with raw_server([OK]) as server:
        assert HttpSender(Two()).send(HttpCall("GET", f"http://localhost:{server.port}/")).status == 200


def test_a_server_at_the_other_loopback_address_is_found_by_any_name_of_this_machine(sender):
    with create_server(("::1", 0), family=AF_INET6) as listening:
        port = listening.getsockname()[1]

        def answer():
            for _ in range(2):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n", 1))

        Thread(target=answer, daemon=True).start()
        for host in ("app.localhost", "[::1]"):
            assert sender.send(HttpCall("GET", f"http://{host}:{port}/")).status == 200


def test_a_host_is_held_to_its_addresses_at_every_call():
    """Its name may lead elsewhere the next time, and a connection that is open lead nowhere."""

    class Moving(OutgoingHosts):
        found = ("127.0.0.1",)

        def addresses(self, host, port):
            for address in self.found:
                super().addresses(address, port)
            return list(self.found)

    hosts = Moving()
    sender = HttpSender(hosts)
    with raw_server([OK, OK]) as server:
        call = HttpCall("GET", f"http://localhost:{server.port}/")
        assert sender.send(call).status == 200
        Moving.found = ("203.0.113.7",)
        with pytest.raises(Forbidden):
            sender.send(call)
        assert server.asked == [0]


@pytest.mark.parametrize(
    "headers", [{"X-One": "a\r\nX-Two: b"}, {"X-One": "a\n b"}, {"X-One\r\nX-Two": "b"}, {"X": "a\rb"}]
)
def test_a_header_cannot_begin_another(sender, headers):
    with raw_server([OK]) as server, pytest.raises(Invalid, match="one line"):
        sender.send(HttpCall("GET", server.url, headers))
    assert server.asked == []


def test_an_answer_has_a_status_headers_and_a_body():
    reply = answered(b"HTTP/1.1 201 Made  it\r\nX-One:  1\r\nx-two: a:b\r\nContent-Length: 2\r\n\r\nOK")
    assert (reply.status, reply.body) == (201, b"OK")
    assert reply.headers == {"X-One": "1", "x-two": "a:b", "Content-Length": "2"}


def test_a_body_ends_as_its_headers_say(subtests):
    for answer, body in [
        (CHUNKED + b"0\r\n\r\n", b""),
        (CHUNKED + b"2\r\nOK\r\n0\r\n\r\n", b"OK"),
        (CHUNKED + b"2;name=value\r\nOK\r\n00A \r\n, all well\r\n0\r\nTrailer: x\r\n\r\n", b"OK, all well"),
        (b"HTTP/1.1 200 OK\r\n\r\nas it comes", b"as it comes"),
        (b"HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n", b""),
        (b"HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
    ]:
        with subtests.test(answer=answer, body=body):
            assert answered(answer).body == body


def test_an_answer_to_a_head_has_no_body():
    assert answered(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method="HEAD").body == b""


def test_what_comes_before_the_answer_is_passed_over():
    hints = b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
    reply = answered(b"HTTP/1.1 100 Continue\r\n\r\n" + hints + OK)
    assert (reply.status, reply.headers, reply.body) == (200, {"Content-Length": "2"}, b"OK")


def test_a_redirect_is_told_and_not_followed(sender):
    away = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with raw_server([away, OK]) as server:
        reply = get(sender, server)
    assert (reply.status, reply.headers["Location"]) == (302, "/elsewhere")
    assert server.asked == [0]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_refusal_is_not_asked_again(sender, status):
    refusal = b"HTTP/1.1 %d No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n" % status
    with raw_server([refusal, OK]) as server:
        assert get(sender, server).status == status
    assert server.asked == [0]


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), CHUNKED + b"100001\r\n"]
)
def test_a_long_answer_is_cut_and_its_connection_not_used_again(sender, head):
    with raw_server([head + b"x" * (MAX_BODY + 1), OK], [OK]) as server:
        assert len(get(sender, server).body) == MAX_BODY
        assert get(sender, server).body == b"OK"
        assert server.asked == [0, 1]


def test_what_is_no_whole_answer_is_none(subtests):
    for answer in [
        b"nonsense\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nOK",
        CHUNKED,
        CHUNKED + b"2\r\nOK",
        CHUNKED + b"2\r\nO",
        CHUNKED + b"2\r\nOK\r\n",
        CHUNKED + b"two\r\nOK\r\n0\r\n\r\n",
        CHUNKED + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(101)) + b"\r\n",
        None,
    ]:
        with subtests.test(answer=answer):
            with pytest.raises(Unreachable) as broken:
                answered(answer)
            assert broken.value.code == "http.unreachable"


def test_the_next_call_goes_over_the_same_connection(sender):
    assert connections(sender, OK, OK) == [0, 0, 0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK",
    ],
)
def test_a_server_that_wants_no_more_calls_gets_a_new_connection(sender, answer):
    assert connections(sender, answer) == [0, 1]


def test_an_idle_connection_is_closed(sender):
    with raw_server([OK]) as server:
        get(sender, server)
        server.thread.join(10)
        assert server.closed == [0]


def test_a_call_that_the_server_has_read_is_never_sent_again(sender):
    with raw_server([OK, None], [OK]) as server:
        get(sender, server)
        with pytest.raises(Unreachable):
            get(sender, server)
        assert server.asked == [0, 0]
        assert get(sender, server).status == 200
        assert server.asked == [0, 0, 1]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100, CHUNKED + b"2\r\nOK\r\n" * 99])
def test_an_answer_that_comes_in_drops_is_not_waited_for_beyond_the_deadline(sender, answer):
    with raw_server([answer], drip=0.02) as server:
        began = time.monotonic()
        with pytest.raises(Unreachable) as late:
            get(sender, server, timeout=0.3)
        assert 0.3 <= time.monotonic() - began < 5
    assert late.value.code == "http.timeout"
    assert str(late.value) == "127.0.0.1 did not answer in time."


def test_an_answer_that_comes_in_drops_is_read_in_time(sender):
    with raw_server([OK], drip=0.02) as server:
        assert get(sender, server, timeout=20).body == b"OK"


def test_a_server_that_says_nothing_answers_too_late(sender):
    with create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(Unreachable) as late:
            sender.send(HttpCall("GET", url, timeout=0.05))
    assert late.value.code == "http.timeout"


def test_a_server_that_takes_no_more_connections_is_not_connected_to_in_time(sender):
    with create_server(("127.0.0.1", 0), backlog=0) as full, socket() as first, socket() as second:
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with pytest.raises(Unreachable) as late:
            sender.send(HttpCall("GET", f"http://127.0.0.1:{full.getsockname()[1]}/", timeout=0.3))
    assert late.value.code == "http.connect_timeout"


def test_nobody_listening_is_unreachable(sender):
    with socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable) as refused:
            sender.send(HttpCall("GET", f"http://127.0.0.1:{unheard.getsockname()[1]}/"))
    assert refused.value.code == "http.refused"
    assert str(refused.value) == "127.0.0.1 did not answer: ConnectionRefusedError."


@pytest.fixture
def tls(tmp_path, monkeypatch):
    """A server's side of TLS, for localhost and 127.0.0.1, by an authority that is trusted."""
    authority = open_authority(tmp_path / "keys")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    http_sender._tls_context.cache_clear()
    leaf = authority.leaf()
    (tmp_path / "leaf.pem").write_bytes(leaf.key + leaf.chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "leaf.pem")
    yield lambda connection: context.wrap_socket(connection, server_side=True)
    http_sender._tls_context.cache_clear()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_over_tls_the_certificate_must_be_the_hosts(sender, tls, host):
    with raw_server([OK, OK], wrap=tls) as server:
        call = HttpCall("GET", f"https://{host}:{server.port}/")
        assert [sender.send(call).body for _ in range(2)] == [b"OK", b"OK"]
        assert server.asked == [0, 0]


def test_a_certificate_of_another_host_is_refused(tls):
    class Elsewhere(OutgoingHosts):
        def addresses(self, host, port):
            return ["127.0.0.1"]

    with raw_server([OK], wrap=tls) as server:
        with pytest.raises(Unreachable) as refused:
            HttpSender(Elsewhere(("shop.example",))).send(HttpCall("GET", f"https://shop.example:{server.port}/"))
        assert server.asked == []
    assert str(refused.value).startswith("The certificate of shop.example is not trusted: ")
    assert refused.value.code == "http.certificate"


def test_a_certificate_that_nobody_vouches_for_is_taken_at_this_machine_only_where_asked(tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    http_sender._tls_context.cache_clear()
    sender = HttpSender(OutgoingHosts.parse("*"))
    with raw_server([OK], [OK], wrap=tls) as server:
        call = HttpCall("GET", f"https://localhost:{server.port}/")
        with pytest.raises(Unreachable, match=r"not trusted: (self-signed certificate|unable to get)") as refused:
            sender.send(call)
        assert refused.value.code == "http.certificate"
        assert sender.send(replace(call, trust_loopback=True)).body == b"OK"


def test_over_tls_an_answer_in_drops_is_not_waited_for_beyond_the_deadline(sender, tls):
    with raw_server([b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100], drip=0.02, wrap=tls) as server:
        began = time.monotonic()
        with pytest.raises(Unreachable) as late:
            sender.send(HttpCall("GET", f"https://localhost:{server.port}/", timeout=1))
        assert time.monotonic() - began < 5
    assert late.value.code == "http.timeout"


def test_a_server_without_tls_is_unreachable(sender):
    with raw_server([OK]) as server, pytest.raises(Unreachable):
        sender.send(HttpCall("GET", server.url.replace("http:", "https:"), timeout=1))


class Echo(BaseHTTPRequestHandler):
    """Answers with the path, over connections that stay open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.path)))
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_):
        pass


def test_calls_of_many_threads_each_get_their_own_answer(sender):
    """While idle connections are closed under them."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"

        def call(index):
            replies = []
            for number in range(25):
                replies.append(sender.send(HttpCall("GET", f"{base}/{index}/{number}")).body.decode())
                sender._close()
            return replies

        assert run_concurrently(6, call) == [[f"/{index}/{number}" for number in range(25)] for index in range(6)]
        server.shutdown()
