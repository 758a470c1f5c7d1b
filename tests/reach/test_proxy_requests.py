"""What a proxy is asked, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockpay.kernel.errors import Invalid
from mockpay.reach.tunnel import read_head


def lines(*texts):
    return "\r\n".join([*texts, "", ""]).encode("latin-1")


def test_a_connect_names_host_and_port(subtests):
    for target, host, port in [
        ("amazonpay.amazon.in:443", "amazonpay.amazon.in", 443),
        ("MWS.amazonservices.in:80", "mws.amazonservices.in", 80),
        ("[::1]:8443", "::1", 8443),
        ("127.0.0.1:1", "127.0.0.1", 1),
    ]:
        with subtests.test(target=target, host=host, port=port):
            head = read_head(lines(f"CONNECT {target} HTTP/1.1", f"Host: {target}"))
            assert (head.connects, head.host, head.port) == (True, host, port)
            assert head.for_proxy(None) == lines(f"CONNECT {target.lower()} HTTP/1.1", f"Host: {target.lower()}")


def test_a_plain_request_reaches_the_host_as_it_expects_it(subtests):
    for target, path, host in [
        ("http://amazonpay.amazon.in/publishMetrics/data=$x", "/publishMetrics/data=$x", "amazonpay.amazon.in"),
        ("http://amazonpay.amazon.in", "/", "amazonpay.amazon.in"),
        ("http://amazonpay.amazon.in:80//a?b=c%20d", "//a?b=c%20d", "amazonpay.amazon.in"),
        ("HTTP://Example.test:8080/?q", "/?q", "example.test:8080"),
    ]:
        with subtests.test(target=target, path=path, host=host):
            sent = lines(
                f"POST {target} HTTP/1.1",
                "Host: elsewhere.test",
                "Proxy-Connection: keep-alive",
                "Proxy-Authorization: Basic eDp5",
                "Connection: keep-alive",
                "Content-Length: 3",
                "X-A: b",
            )
            assert read_head(sent).for_origin() == lines(
                f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Length: 3", "X-A: b", "Connection: close"
            )


def test_the_next_proxy_gets_the_whole_address_and_our_credentials():
    head = read_head(lines("GET http://example.test/a?b HTTP/1.1", "Accept: */*"))
    assert head.for_proxy("Basic eDp5") == lines(
        "GET http://example.test/a?b HTTP/1.1",
        "Host: example.test",
        "Accept: */*",
        "Connection: close",
        "Proxy-Authorization: Basic eDp5",
    )
    connect = read_head(lines("CONNECT example.test:443 HTTP/1.1"))
    assert connect.for_proxy("Basic eDp5") == lines(
        "CONNECT example.test:443 HTTP/1.1", "Host: example.test:443", "Proxy-Authorization: Basic eDp5"
    )


def test_what_no_proxy_is_asked_is_refused(subtests):
    for first in [
        "",
        "GET",
        "GET / HTTP/1.1",
        "GET /amazonpay.amazon.in HTTP/1.1",
        "GET https://amazonpay.amazon.in/ HTTP/1.1",
        "GET http:///path HTTP/1.1",
        "GET http://user:password@example.test/ HTTP/1.1",
        "GET http://example.test:99999/ HTTP/1.1",
        "GET http://[::1/ HTTP/1.1",
        "GET http://example.test/ HTTP/2.0",
        "GET  http://example.test/ HTTP/1.1",
        "get http://example.test/ HTTP/1.1",
        "CONNECT amazonpay.amazon.in HTTP/1.1",
        "CONNECT amazonpay.amazon.in:0 HTTP/1.1",
        "CONNECT amazonpay.amazon.in:65536 HTTP/1.1",
        "CONNECT https://amazonpay.amazon.in:443 HTTP/1.1",
        "CONNECT :443 HTTP/1.1",
        "CONNECT a b:443 HTTP/1.1",
        "\x16\x03\x01\x02",
    ]:
        with subtests.test(first=first), pytest.raises(Invalid):
            read_head(lines(first, "Host: example.test"))


def test_a_header_that_cannot_be_read_is_refused(subtests):
    for header in ["no colon", " folded: line", "na me: x", ": x", "Bad\x00: x"]:
        with subtests.test(header=header), pytest.raises(Invalid):
            read_head(lines("CONNECT example.test:443 HTTP/1.1", header))


@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_a_request_or_refused(raw):
    try:
        head = read_head(raw + b"\r\n\r\n")
    except Invalid:
        return
    assert head.host


@given(st.text("azAZ09-./?&=%$", max_size=40))
def test_a_path_arrives_as_it_was_sent(text):
    path = f"/{text}"
    head = read_head(lines(f"GET http://example.test{path} HTTP/1.1"))
    assert head.for_origin().split(b" ")[1] in {path.encode(), path.rstrip("?").encode()}
