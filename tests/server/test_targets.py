"""What may stand in a request line: real clients' oddities are taken, a proxy's are refused."""

import json

import pytest

from tests.server.wire import CLOSE, Answer, get, send


def json_of(answer: Answer) -> dict:
    """A body, whether it came in chunks or not."""
    body = answer.body
    return json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])


@pytest.mark.parametrize("slashes", [b"/", b"//", b"///", b"/////"])
@pytest.mark.parametrize("end", [b"", b"/"])
def test_leading_slashes_do_not_matter(mockpay_server, slashes, end):
    """The PHP family really asks for //payments/v1/api/chargeStatus."""
    target = slashes + b"payments/v1/api/chargeStatus" + end + b"?payload=1&key=2"

    answer = get(mockpay_server, target)

    assert answer.status == 400
    assert json_of(answer)["error"]["message"] == "The parameter iv is missing."


def test_a_path_of_slashes_only_is_the_front_door(mockpay_server):
    assert get(mockpay_server, b"//").status in {200, 404}
    assert get(mockpay_server, b"/").status == 200


def test_an_absolute_target_of_this_server_is_taken(mockpay_server):
    own = mockpay_server.url.encode()
    port = own.rpartition(b":")[2]

    for host in (own, b"http://localhost:" + port, b"HTTP://127.0.0.1:" + port, b"http://[::1]:80"):
        for path in (b"/getDynamicConfig", b"//getDynamicConfig"):
            answer = get(mockpay_server, host + path + b"?key=x")
            assert answer.status == 200
            assert "publicKey" in json_of(answer)


def test_the_host_of_an_absolute_target_counts_and_not_the_header(mockpay_server):
    headers = b"Host: evil.example\r\nConnection: close\r\n\r\n"

    assert get(mockpay_server, b"http://localhost/shop", headers).status == 200
    assert get(mockpay_server, b"/shop", headers).status == 403


@pytest.mark.parametrize(
    "target",
    [
        b"http://evil.example/getDynamicConfig",
        b"http://amazonpay.amazon.in/getDynamicConfig",
        b"http://127.0.0.1.evil.example/getDynamicConfig",
        b"http://user@127.0.0.1/getDynamicConfig",
        b"http://127.0.0.1@evil.example/getDynamicConfig",
        b"http://127.0.0.1:99999/getDynamicConfig",
        b"http://[::1]evil/getDynamicConfig",
        b"https://127.0.0.1/getDynamicConfig",
        b"ftp://127.0.0.1/getDynamicConfig",
        b"file:///etc/passwd",
        b"mailto:x@y",
        b"http:/getDynamicConfig",
        b"http:///getDynamicConfig",
    ],
)
def test_an_absolute_target_of_anybody_else_is_refused(mockpay_server, target):
    answer = get(mockpay_server, target)

    assert answer.status == 400
    assert b"publicKey" not in answer.body
    # Some Pythons find the last kind unreadable before anybody asks whose it is.
    assert b"This server is no proxy." in answer.body or b"Malformed" in answer.body


@pytest.mark.parametrize("target", [b"evil.example:443", b"127.0.0.1:443", b"/x", b"[::1", b"evil.example", b"*", b""])
def test_connect_is_refused(mockpay_server, target):
    assert get(mockpay_server, target, method=b"CONNECT").status == 400


@pytest.mark.parametrize(
    "line",
    [
        b"GET //[ HTTP/1.1",
        b"GET //[x]/ HTTP/1.1",
        b"GET http://[ HTTP/1.1",
        b"GET * HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"GET x HTTP/1.1",
        b"GET ?x HTTP/1.1",
        b"GET /x#fragment HTTP/1.1",
        b"GET /\xff\xfe HTTP/1.1",
        b"GET /processPayment?payload=\xff HTTP/1.1",
        b"GET / HTTP/1.1 x",
        b"GET  / HTTP/1.1",
        b"GET",
        b"GET /",
        b" ",
        b"\x00\x00\x00",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"get / HTTP/1.1",
        b"GET / HTTP/1.x",
        b"GET / HTTP/11",
        b"GET / http/1.1",
        b"GET / SIP/2.0",
        b"GET /\r HTTP/1.1",
        b"GET / HTTP/1.1\r",
        b"PRI * HTTP/2.0",
    ],
)
def test_a_line_that_cannot_be_read_is_the_callers_fault(mockpay_server, line):
    answer = send(mockpay_server, line + b"\r\n" + CLOSE)

    assert answer.status in {400, 404, 505}
    assert b"Traceback" not in answer.octets
    assert get(mockpay_server, b"/getDynamicConfig").status == 200


def test_lines_without_their_carriage_return_are_refused(mockpay_server):
    assert send(mockpay_server, b"GET / HTTP/1.1\n\n").status == 400


def test_a_newer_http_is_refused(mockpay_server):
    assert send(mockpay_server, b"GET / HTTP/9.9\r\n\r\n").status == 505


@pytest.mark.parametrize(
    "path", [b"/%00", b"/%ff%fe", b"/pay/%00/", b"/pay/%ED%A0%80/", b"/pay/..%2f", b"/pay/%0d%0aX:1/"]
)
def test_a_path_of_odd_bytes_is_only_not_there(mockpay_server, path):
    answer = get(mockpay_server, path)

    assert answer.status == 404
    assert "\nX:1" not in answer.head


@pytest.mark.parametrize(
    "path",
    [
        b"/pay/a%00b/return",
        b"/_mockpay/ui/sellers/%00/orders",
        b"/_mockpay/ui/orders?q=%00",
        b"/OffAmazonPayments/%00",
        b"/_mockpay/v1/sellers/%00",
    ],
)
def test_a_nul_is_refused_before_any_database_is_asked(mockpay_server, path):
    """PostgreSQL would raise; SQLite would look for it in vain."""
    answer = get(mockpay_server, path)

    assert answer.status in {400, 404}
    assert b"page.not_found" not in answer.body
