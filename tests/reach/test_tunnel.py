"""The tunnel, byte by byte: to the sandbox for those it stands in for, untouched for others."""

import json
import socket
import ssl
from threading import Event

import pytest

from mockpay.reach.listeners import Listeners
from mockpay.reach.upstream import Proxy, Upstream

CONFIG = "/getDynamicConfig?key=serverSideSDKPHP"


def sees_config(answer, mockpay_server):
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 ")
    return json.loads(body)["publicKey"] in mockpay_server.runtime.keys.public_file.read_text().replace("\n", "")


def secured(caller, authority, name):
    """The caller's connection by TLS, believing our authority alone."""
    context = ssl.create_default_context(cadata=authority.pem.decode())
    caller.socket = context.wrap_socket(caller.socket, server_hostname=name)
    return caller


@pytest.mark.parametrize("host", ["amazonpay.amazon.in", "mws.amazonservices.com", "sns.eu-west-1.amazonaws.com"])
def test_a_connect_to_an_impersonated_host_reaches_the_sandbox_by_tls(listeners, call, authority, mockpay_server, host):
    caller = call(listeners.ports.proxy).says(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n")
    assert caller.hears_head() == "HTTP/1.1 200 Connection established\r\n\r\n"
    secured(caller, authority, host)
    caller.says(f"GET {CONFIG} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    assert sees_config(caller.hears(), mockpay_server)


def test_a_plain_request_for_an_impersonated_host_reaches_the_sandbox(listeners, call, mockpay_server):
    target = f"http://amazonpay.amazon.in{CONFIG}"
    caller = call(listeners.ports.proxy)
    caller.says(f"GET {target} HTTP/1.1\r\nProxy-Connection: keep-alive\r\n\r\n")
    assert sees_config(caller.hears(), mockpay_server)


def test_a_connect_to_port_80_is_plain(listeners, call, mockpay_server):
    caller = call(listeners.ports.proxy).says("CONNECT amazonpay.amazon.in:80 HTTP/1.1\r\n\r\n")
    caller.hears_head()
    caller.says(f"GET {CONFIG} HTTP/1.1\r\nHost: amazonpay.amazon.in\r\nConnection: close\r\n\r\n")
    assert sees_config(caller.hears(), mockpay_server)


def test_the_host_that_the_client_meant_arrives(listeners, call):
    caller = call(listeners.ports.proxy)
    caller.says("GET http://amazonpay.amazon.in/_mockpay/v1/sellers HTTP/1.1\r\n\r\n")
    # The control API answers to its own name only.
    assert '"host.foreign"' in caller.hears()


def test_a_large_body_passes_both_tls_and_tunnel(listeners, call, authority, mockpay_server):
    caller = call(listeners.ports.proxy).says("CONNECT amazonpay.amazon.in:443 HTTP/1.1\r\n\r\n")
    caller.hears_head()
    secured(caller, authority, "amazonpay.amazon.in")
    body = b"x" * 900_000
    head = f"POST /publishMetrics HTTP/1.1\r\nHost: amazonpay.amazon.in\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    caller.says(head.encode() + body)
    assert caller.hears().startswith("HTTP/1.1 200 ")


def echo_at_the_end(connection):
    """Answers only when the other side has ended."""
    said = b"".join(iter(lambda: connection.recv(65_536), b""))
    connection.sendall(b"you said " + said)


def test_another_host_gets_the_bytes_unread_and_may_be_half_closed(listeners, call, server_of):
    port = server_of(echo_at_the_end)
    caller = call(listeners.ports.proxy).says(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n")
    caller.hears_head()
    assert caller.says(b"\x00\xff no http").ends().hears() == "you said \x00\xff no http"


def test_a_plain_request_for_another_host_is_asked_for_one_answer(listeners, call, server_of):
    port = server_of(lambda connection: connection.sendall(connection.recv(65_536)))
    caller = call(listeners.ports.proxy)
    caller.says(f"GET http://localhost:{port}/a?b HTTP/1.1\r\nX-Kept: yes\r\n\r\n")
    assert caller.hears() == f"GET /a?b HTTP/1.1\r\nHost: localhost:{port}\r\nX-Kept: yes\r\nConnection: close\r\n\r\n"


class NextProxy:
    """Somebody's proxy: writes down what it is asked, and leads everything to one port."""

    def __init__(self, port):
        self.port, self.heads = port, []

    def __call__(self, connection):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        self.heads.append(head.decode())
        with socket.create_connection(("127.0.0.1", self.port)) as onward:
            connection.sendall(b"HTTP/1.1 200 Yes\r\nX-Proxy: theirs\r\n\r\n")
            onward.sendall(b"".join(iter(lambda: connection.recv(65_536), b"")))
            onward.shutdown(socket.SHUT_WR)
            connection.sendall(b"".join(iter(lambda: onward.recv(65_536), b"")))


@pytest.fixture
def next_proxy(server_of):
    proxy = NextProxy(server_of(echo_at_the_end))
    proxy.own_port = server_of(proxy)
    return proxy


@pytest.fixture
def behind(next_proxy, mockpay_server, authority):
    """The listeners of a caller whose environment names that proxy."""
    theirs = Proxy("127.0.0.1", next_proxy.own_port, authorization="Basic eDp5")
    upstream = Upstream(secure=theirs, plain=theirs, no_proxy="localhost")
    with Listeners(mockpay_server.url, authority, upstream) as running:
        yield running


def test_another_host_is_left_to_the_proxy_that_the_environment_names(behind, call, next_proxy):
    caller = call(behind.ports.proxy)
    caller.says(
        "CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\nProxy-Authorization: Basic bm8=\r\n\r\n"
    )
    assert caller.hears_head() == "HTTP/1.1 200 Yes\r\nX-Proxy: theirs\r\n\r\n"
    assert caller.says(b"\x16\x03\x01").ends().hears() == "you said \x16\x03\x01"
    assert next_proxy.heads == [
        "CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\nProxy-Authorization: Basic eDp5\r\n\r\n"
    ]


def test_that_proxy_gets_plain_requests_with_their_whole_address(behind, call, next_proxy):
    caller = call(behind.ports.proxy).says("GET http://example.test/a HTTP/1.1\r\n\r\n").ends()
    caller.hears()
    assert next_proxy.heads[0].startswith("GET http://example.test/a HTTP/1.1\r\nHost: example.test\r\n")


def test_that_proxy_never_hears_of_an_impersonated_host_or_of_no_proxy(
    behind, call, next_proxy, server_of, mockpay_server
):
    caller = call(behind.ports.proxy).says(f"GET http://amazonpay.amazon.in{CONFIG} HTTP/1.1\r\n\r\n")
    assert sees_config(caller.hears(), mockpay_server)
    port = server_of(echo_at_the_end)
    direct = call(behind.ports.proxy).says(f"CONNECT localhost:{port} HTTP/1.1\r\n\r\n")
    direct.hears_head()
    assert direct.says("straight").ends().hears() == "you said straight"
    assert next_proxy.heads == []


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: amazonpay.amazon.in\r\n\r\n",
        b"CONNECT amazonpay.amazon.in HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"CONNECT amazonpay.amazon.in:443 HTTP/1.1\r\nHost",
    ],
)
def test_a_malformed_request_is_answered_with_400(listeners, call, said):
    answer = call(listeners.ports.proxy).says(said).ends().hears()
    assert answer.startswith("HTTP/1.1 400 Bad Request\r\n")
    assert "mockpay run: " in answer


def test_a_head_without_end_is_cut_off(listeners, call):
    caller = call(listeners.ports.proxy)
    caller.says(b"GET http://example.test/ HTTP/1.1\r\nX: " + b"x" * 140_000)
    assert caller.ends().hears().startswith("HTTP/1.1 431 ")


def test_a_host_that_cannot_be_reached_is_said(listeners, call):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        caller = call(listeners.ports.proxy).says(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n")
        answer = caller.hears()
    assert answer.startswith("HTTP/1.1 502 Bad Gateway\r\n")
    assert answer.endswith("mockpay run: 127.0.0.1 cannot be reached.\n")


def test_a_caller_that_says_nothing_disturbs_nobody(listeners, call):
    assert call(listeners.ports.proxy).ends().hears() == ""


def test_leaving_cuts_what_is_still_open(mockpay_server, authority, call, server_of):
    met, leave = Event(), Event()

    def waits(_connection):
        met.set()
        leave.wait(20)

    port = server_of(waits)
    with Listeners(mockpay_server.url, authority, Upstream()) as listeners:
        caller = call(listeners.ports.proxy).says(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n")
        caller.hears_head()
        silent = call(listeners.ports.proxy)
        front = call(listeners.ports.https)
        assert met.wait(20)
    leave.set()
    assert not caller.hears()
    assert not silent.hears()
    assert not front.hears()


def test_both_sockets_are_on_loopback_only(listeners):
    for port in (listeners.ports.proxy, listeners.ports.https):
        with socket.socket() as other, pytest.raises(ConnectionRefusedError):
            other.connect(("127.0.0.2", port))
