"""A port that speaks TLS beside plain HTTP, as `mockpay serve --tls` has it."""

import http.client
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import closing

import pytest

from mockpay.reach.authority import client_context, open_authority, server_context
from mockpay.server import MockpayServer
from mockpay.settings import Settings

HEALTH = "/_mockpay/health"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return open_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory, authority):
    """Few threads, so that a caller who held one up would be noticed."""
    folder = tmp_path_factory.mktemp("server")
    settings = Settings(port=0, database_url=str(folder / "mockpay.db"), keys_dir=folder / "keys", threads=4)
    server = MockpayServer(settings, server_context(authority))
    server.serve_in_thread()
    yield server
    server.stop()


@pytest.fixture
def address(server):
    return "127.0.0.1", server.settings.port


@pytest.fixture
def secure(address, authority):
    """A connection by TLS that believes our authority."""
    context = client_context(authority)
    with closing(http.client.HTTPSConnection(*address, context=context, timeout=20)) as connection:
        yield connection


def body(connection, method, path, sent=None):
    connection.request(method, path, sent)
    reply = connection.getresponse()
    return reply.status, reply.read()


def test_its_address_is_https_and_both_are_answered(server, address, secure):
    assert server.url == f"https://127.0.0.1:{address[1]}"
    assert json.loads(body(secure, "GET", HEALTH)[1])["status"] == "ok"
    with closing(http.client.HTTPConnection(*address, timeout=20)) as plain:
        assert json.loads(body(plain, "GET", HEALTH)[1])["status"] == "ok"


def test_a_connection_is_kept_for_several_requests(secure):
    assert body(secure, "GET", HEALTH)[0] == 200
    same = secure.sock
    assert body(secure, "POST", "/publishMetrics", b"x" * 200_000)[0] == 200
    assert body(secure, "GET", HEALTH)[0] == 200
    assert secure.sock is same


def test_a_page_knows_by_which_way_it_was_asked(secure):
    secure.request("GET", "/_mockpay/ui/sign-in", headers={"Origin": "https://elsewhere.test"})
    assert secure.getresponse().status == 403
    secure.close()
    own = f"https://127.0.0.1:{secure.port}"
    secure.request("GET", "/_mockpay/v1/sellers", headers={"Origin": own})
    assert secure.getresponse().status == 200


def test_a_body_that_nobody_asked_for_does_not_cost_the_answer(address):
    head = "POST /publishMetrics HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\nConnection: close\r\n\r\n"
    with socket.create_connection(address, timeout=20) as caller:
        caller.sendall(head.encode() + b"x" * 900_000)
        answer = b"".join(iter(lambda: caller.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_callers_that_do_not_believe_it_or_break_off_disturb_nobody(address, secure):
    suspicious = ssl.create_default_context()
    for _ in range(8):
        with (
            closing(http.client.HTTPSConnection(*address, context=suspicious)) as stranger,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            stranger.connect()
        with socket.create_connection(address, timeout=20) as rude:
            rude.sendall(b"\x16\x03\x01nonsense")
    assert body(secure, "GET", HEALTH)[0] == 200


def test_silent_callers_do_not_stop_others_from_being_accepted(address, secure):
    silent = [socket.create_connection(address, timeout=20) for _ in range(3)]
    try:
        assert body(secure, "GET", HEALTH)[0] == 200
    finally:
        for caller in silent:
            caller.close()


def test_the_command_says_https_in_its_first_line_and_where_the_authority_is(tmp_path):
    options = ["--tls", "--port", "0", "--database-url", str(tmp_path / "mockpay.db")]
    environ = {"MOCKPAY_KEYS_DIR": str(tmp_path / "keys"), "PATH": ""}
    command = [sys.executable, "-m", "mockpay", "serve", *options]
    process = subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        first = re.fullmatch(r"mockpay listening on https://127\.0\.0\.1:(\d+)\n", process.stdout.readline())
        context = ssl.create_default_context(cafile=tmp_path / "keys" / "ca.pem")
        connection = http.client.HTTPSConnection("localhost", int(first[1]), context=context)
        with closing(connection):
            assert body(connection, "GET", HEALTH)[0] == 200
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
    assert f"{tmp_path}/keys/ca.pem (for clients to trust)\n" in rest
