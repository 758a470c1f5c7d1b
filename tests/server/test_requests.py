"""Headers and bodies of the wrong size or shape: an answer, never a 500, and the server lives."""

import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.server.wire import CLOSE, get, send

MWS = b"/OffAmazonPayments/2013-01-01"
FORM = b"Host: x\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n"


def post(server, path: bytes, headers: bytes, body: bytes):
    return send(server, b"POST " + path + b" HTTP/1.1\r\n" + FORM + headers + b"\r\n" + body)


def chunked(*sizes: int) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (size, b"a" * size) for size in sizes) + b"0\r\n\r\n"


def assert_alive(server) -> None:
    assert get(server, b"/getDynamicConfig").status == 200


def test_a_huge_header_or_target_is_refused(mockpay_server):
    huge = b"a" * 600_000

    assert get(mockpay_server, b"/", b"X: " + huge + b"\r\n" + CLOSE).status == 413
    assert get(mockpay_server, b"/" + huge).status == 414
    assert_alive(mockpay_server)


def test_a_target_as_long_as_the_largest_payload_is_read(mockpay_server):
    answer = get(mockpay_server, b"/processPayment?payload=" + b"A" * 300_000)

    assert answer.status == 400
    assert b"The parameter key is missing." in answer.body


def test_a_header_that_is_none_is_refused(mockpay_server):
    for line in (b"no colon", b": no name", b" x: folded", b"X: \x00", b"X: \x0b1", b"X\x7f: 1", b"\xff: 1", b"a b: 1"):
        assert get(mockpay_server, b"/getDynamicConfig", line + b"\r\n" + CLOSE).status == 400, line
    assert get(mockpay_server, b"/getDynamicConfig", b"X_1~: \t\xff\r\n" + CLOSE).status == 200


@pytest.mark.parametrize(
    "host",
    [
        b"a" * 64,
        b"a" * 5000,
        b"a..b",
        b".",
        b"[",
        b"a b",
        b"a:b:c@d",
        b"\xff",
        b"xn--\xff",
        b"<x>",
        b"%00",
        b"a/b\\c",
        b"",
        b"amazonpay.amazon.in",
        b"[::1]:1",
    ],
    ids=lambda host: ascii(host)[:20],
)
def test_any_host_is_answered_and_none_breaks_anything(mockpay_server, host):
    headers = b"Host: " + host + b"\r\nConnection: close\r\n\r\n"

    for path in (b"/processPayment", b"/nothing", MWS, b"/v2/payments/chargeStatus"):
        answer = get(mockpay_server, path, headers)
        assert 400 <= answer.status < 500
        assert b"Traceback" not in answer.octets


def test_only_a_call_by_the_old_http_may_have_no_host(mockpay_server):
    for version, status in ((b"1.0", 401), (b"1.1", 400)):
        line = b"GET " + MWS + b"?Action=x HTTP/" + version + b"\r\nConnection: close\r\n\r\n"
        assert send(mockpay_server, line).status == status


AMBIGUOUS = (
    b"Host: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n",
    b"Host: a\r\nContent-Length: 3\r\ncontent-length: 03\r\n",
    b"Host: a\r\nContent-Length: 3, 3\r\n",
    b"Host: a\r\nContent-Length: \x0b3\r\n",
    b"Host: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    b"Host: a\r\ntransfer-encoding: chunked\r\nContent-Length: 3\r\n",
    b"Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    b"Host: a\r\nTransfer-Encoding: \x0bchunked\r\n",
    b"Host: a\r\nHost: b\r\n",
    b"Host: a\r\nhost: a\r\n",
    b"Host: a\r\n folded\r\n",
    b"Host: a\r\nX: b\r\n\tfolded\r\n",
    b" Host: a\r\n",
    b"Host: a\r\nX: b\rY: c\r\n",
    b"Host: a\r\nX: b\r\r\n",
    b"Host: a\nX: b\r\n",
    b"Host : a\r\n",
    b"X: a\r\n",
)


def test_a_head_that_another_server_may_read_otherwise_is_refused(mockpay_server, subtests):
    """A proxy in front and a server behind that disagree are how requests are smuggled."""
    second = b"GET /getDynamicConfig HTTP/1.1\r\n" + CLOSE

    for headers in AMBIGUOUS:
        with subtests.test(headers=headers):
            answer = send(mockpay_server, b"POST " + MWS + b" HTTP/1.1\r\n" + headers + b"\r\nabc" + second)
            assert answer.status == 400
            assert answer.octets.count(b"HTTP/1.1 ") == 1  # and the connection was closed: `send` reads to its end


def test_a_chunk_whose_size_python_alone_can_read_is_refused(mockpay_server):
    for size in (b"0x8", b"+8", b"0_8", b"-8", b"8\x0b"):
        body = size + b"\r\nAction=x\r\n0\r\n\r\n"
        assert post(mockpay_server, MWS, b"Transfer-Encoding: chunked\r\n", body).status == 400, size
    body = b"0008 ;note=1\r\nAction=x\r\n0\r\n\r\n"
    assert b"AWSAccessKeyId is missing." in post(mockpay_server, MWS, b"Transfer-Encoding: chunked\r\n", body).body


def test_one_length_given_twice_is_that_length(mockpay_server):
    answer = post(mockpay_server, MWS, b"Content-Length: 8\r\nContent-Length: 8\r\n", b"Action=x")

    assert answer.status == 401


def test_what_follows_a_body_in_chunks_by_the_old_http_is_never_a_second_request(mockpay_server):
    headers = b"Host: x\r\nConnection: Keep-Alive\r\nTransfer-Encoding: chunked\r\n\r\n"
    smuggled = b"GET /getDynamicConfig HTTP/1.1\r\n" + CLOSE

    answer = send(mockpay_server, b"POST /publishMetrics HTTP/1.0\r\n" + headers + smuggled)

    assert answer.octets.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "length",
    [b"-5", b"abc", b"2_0", b"+3", b"0x3", b"1.5", b"9" * 5000, b"\xd9\xa3"],
    ids=lambda length: ascii(length)[:20],
)
def test_a_length_that_is_none_is_refused(mockpay_server, length):
    answer = post(mockpay_server, MWS, b"Content-Length: " + length + b"\r\n", b"abc")

    assert answer.status in {400, 413}
    assert_alive(mockpay_server)


@pytest.mark.parametrize(
    ("path", "kind"),
    [(MWS, "text/xml"), (b"/processPayment", "text/html"), (b"/v2/payments/chargeStatus", "application/json")],
)
@pytest.mark.parametrize("size", [1_048_577, 5_000_000])
def test_a_body_above_one_megabyte_is_refused_in_the_callers_format(mockpay_server, path, kind, size):
    answer = post(mockpay_server, path, b"Content-Length: %d\r\n" % size, b"a" * size)

    assert answer.status == 413
    assert f"content-type: {kind}" in answer.head.lower()


def test_a_body_of_one_megabyte_is_read_to_its_end(mockpay_server):
    body = b"Action=x&" + b"a" * (1_048_576 - 9)
    first = b"POST " + MWS + b" HTTP/1.1\r\n" + FORM.replace(b"close", b"keep-alive")
    second = b"GET /getDynamicConfig HTTP/1.1\r\n" + CLOSE

    answer = send(mockpay_server, first + b"Content-Length: 1048576\r\n\r\n" + body + second)

    assert answer.status == 401
    assert answer.octets.count(b"HTTP/1.1 200 ") == 1


def test_a_body_announced_too_large_is_refused_before_it_is_sent(mockpay_server):
    address = urlsplit(mockpay_server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        line.sendall(b"POST " + MWS + b" HTTP/1.1\r\n" + FORM + b"Content-Length: 99999999999\r\n\r\n")
        assert b" 413 " in line.recv(65_536).split(b"\r\n")[0]


@pytest.mark.parametrize(
    ("path", "kind"),
    [(MWS, "text/xml"), (b"/processPayment", "text/html"), (b"/v2/payments/chargeStatus", "application/json")],
)
@pytest.mark.parametrize(
    "body",
    [b"zz\r\nabc\r\n0\r\n\r\n", b"3\r\nabcdef\r\n0\r\n\r\n", b"\r\n", chunked(2_000_000), chunked(*[60_000] * 20)],
    ids=["no-size", "wrong-size", "empty", "one-huge-chunk", "many-chunks"],
)
def test_chunks_that_are_wrong_or_too_many_are_refused_in_the_callers_format(mockpay_server, path, kind, body):
    answer = post(mockpay_server, path, b"Transfer-Encoding: chunked\r\n", body)

    assert answer.status in {400, 413}
    assert f"content-type: {kind}" in answer.head.lower()
    assert_alive(mockpay_server)


def test_a_body_in_chunks_is_read(mockpay_server):
    answer = post(mockpay_server, MWS, b"Transfer-Encoding: chunked\r\n", b"7\r\nAction=\r\n1\r\nx\r\n0\r\n\r\n")

    assert answer.status == 401
    assert b"AWSAccessKeyId is missing." in answer.body


def test_what_follows_a_body_of_chunks_is_never_a_second_request(mockpay_server):
    headers = b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    smuggled = b"GET /getDynamicConfig HTTP/1.1\r\n" + CLOSE

    answer = send(mockpay_server, b"POST /publishMetrics HTTP/1.1\r\n" + headers + chunked(3) + smuggled)

    assert answer.status == 200
    assert answer.octets.count(b"HTTP/1.1 ") == 1


def test_an_unknown_transfer_encoding_is_refused(mockpay_server):
    assert post(mockpay_server, MWS, b"Transfer-Encoding: gzip\r\n", b"").status == 501


def test_a_caller_who_hangs_up_in_the_middle_harms_nobody(mockpay_server):
    address = urlsplit(mockpay_server.url)
    for part in (
        b"",
        b"GET",
        b"GET / HTTP/1.1\r\n",
        b"POST " + MWS + b" HTTP/1.1\r\n" + FORM + b"Content-Length: 10\r\n\r\nab",
    ):
        with socket.create_connection((address.hostname, address.port), timeout=10) as line:
            line.sendall(part)
    assert_alive(mockpay_server)


def test_requests_follow_each_other_on_one_connection(mockpay_server):
    one = b"GET //getDynamicConfig HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /getDynamicConfig HTTP/1.1\r\n" + CLOSE

    answer = send(mockpay_server, one + one + last)

    assert answer.octets.count(b"HTTP/1.1 200 OK") == 3


def test_many_broken_callers_at_once_leave_the_server_well(mockpay_server):
    junk = [b"\x00" * 50, b"GET //[ HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"]

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: send(mockpay_server, junk[n % 3] + b"\r\n\r\n"), range(60)))

    assert_alive(mockpay_server)
