"""Outgoing calls: only where they may go, never on along a redirect."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from threading import Thread

import pytest

from mockpay.kernel.errors import Forbidden, Invalid
from mockpay.kernel.http.calls import HttpCall, OutgoingHosts, Unreachable
from mockpay.kernel.http.direct import DirectSender
from mockpay.kernel.http.loopback import is_loopback_address

LOOPBACK = OutgoingHosts()


class Answers(BaseHTTPRequestHandler):
    """Says what it was asked; `/away` leads elsewhere, `/big` is long, `/cut` breaks off."""

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        said = f"{self.command} {self.path} {self.headers['Host']} ".encode()
        body = said + self.rfile.read(size)
        self.server.asked.append(self.path)
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
        else:
            self.send_response(200)
        if self.path == "/big":
            body = b"x" * 2_000_000
        cut = self.path == "/cut"
        self.send_header("Content-Length", str(len(body) + (100 if cut else 0)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as made:
        made.asked = []
        thread = Thread(target=made.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def base(server):
    server.asked.clear()
    return f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1:8420/a?b=c",
        "https://localhost/x",
        "http://[::1]/",
        "http://LOCALHOST:1/",
        "http://127.9.9.9/",
        "http://shop.localhost:8080/",
    ],
)
def test_loopback_may_always_be_called(url):
    assert LOOPBACK.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://2130706433.example/",
        "https://[2001:db8::1]/",
    ],
)
def test_any_other_host_is_refused_on_save(url):
    with pytest.raises(Forbidden) as refused:
        LOOPBACK.check(url)
    assert refused.value.code == "outgoing.host"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///x",
        "http://user@127.0.0.1/",
        "http://127.0.0.1@example.com/",
        "http://127.0.0.1\\@example.com/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "//127.0.0.1/",
        "http://127.0.0.1/\x7f",
    ],
)
def test_what_is_no_plain_url_is_refused_on_save(url):
    with pytest.raises(Invalid) as refused:
        LOOPBACK.check(url)
    assert refused.value.code == "url.invalid"


def test_hosts_are_allowed_by_name_or_all_by_a_star():
    named = OutgoingHosts.parse(" Hooks.Example.com , ,other.test")
    assert named.check("https://hooks.example.COM/ipn") == "hooks.example.com"
    with pytest.raises(Forbidden):
        named.check("https://example.com/ipn")
    assert OutgoingHosts.parse("*").check("https://example.com/") == "example.com"


def test_a_name_that_leads_away_from_loopback_is_refused_when_it_is_called():
    with pytest.raises(Forbidden) as refused:
        LOOPBACK.addresses("203.0.113.7", 80)
    assert refused.value.code == "outgoing.host"


def test_a_name_that_leads_nowhere_is_unreachable():
    with pytest.raises(Unreachable):
        OutgoingHosts.parse("*").addresses("no-such-host.invalid", 80)


def test_a_call_arrives_as_it_was_meant(base):
    call = HttpCall("POST", f"{base}/ipn?a=%20b", {"Content-Type": "text/plain"}, b"body")
    reply = DirectSender(LOOPBACK).send(call)
    host = base.removeprefix("http://")
    assert reply.status == 200
    assert reply.body == f"POST /ipn?a=%20b {host} body".encode()
    assert reply.latency_ms >= 0


def test_a_host_by_name_is_told_by_name(base):
    named = base.replace("127.0.0.1", "localhost")
    reply = DirectSender(LOOPBACK).send(HttpCall("GET", named))
    assert reply.body.decode().split()[:3] == ["GET", "/", named.removeprefix("http://")]


def test_the_senders_rules_hold_when_it_sends(base, server):
    with pytest.raises(Forbidden):
        DirectSender(LOOPBACK).send(HttpCall("GET", "http://192.0.2.1/"))
    assert server.asked == []


def test_a_redirect_is_told_and_not_followed(base, server):
    reply = DirectSender(LOOPBACK).send(HttpCall("GET", f"{base}/away"))
    assert (reply.status, reply.headers["Location"]) == (302, "/elsewhere")
    assert server.asked == ["/away"]


def test_a_long_answer_is_cut(base):
    assert len(DirectSender(LOOPBACK).send(HttpCall("GET", f"{base}/big")).body) == 1_048_576


def test_an_answer_that_breaks_off_is_none(base):
    with pytest.raises(Unreachable):
        DirectSender(LOOPBACK).send(HttpCall("GET", f"{base}/cut"))


def test_nobody_listening_is_unreachable():
    with socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}/"
        with pytest.raises(Unreachable):
            DirectSender(LOOPBACK).send(HttpCall("GET", url, timeout=1))


def test_a_server_that_says_nothing_is_unreachable_after_the_timeout():
    with socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(Unreachable):
            DirectSender(LOOPBACK).send(HttpCall("GET", url, timeout=0.05))


def test_a_server_that_hangs_up_is_unreachable(base):
    with pytest.raises(Unreachable):
        DirectSender(LOOPBACK).send(HttpCall("GET", base.replace("http:", "https:"), timeout=1))


def test_a_name_of_this_machines_is_held_to_where_it_leads():
    """A resolver may say what it likes of a name below localhost."""
    try:
        found = LOOPBACK.addresses("shop.localhost", 80)
    except Unreachable:
        found = []
    assert {one for one in found if not is_loopback_address(one)} == set()
