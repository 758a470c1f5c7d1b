"""`mockpay shop` as a process of its own."""

import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from click.testing import CliRunner

from mockpay.commands.shop import shop

COMMAND = [sys.executable, "-c", "from mockpay.commands.shop import shop; shop()"]
#: Whatever proxy the environment names, these calls stay on this machine.
WEB = build_opener(ProxyHandler({}))


@pytest.fixture(scope="module")
def silent_sandbox():
    """The address of a port that is taken but refuses every call."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def running(sandbox, ledger):
    """A shop's process and the URL of its first line."""
    options = ["--sandbox", sandbox, "--port", "0", "--ledger", str(ledger)]
    process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True)
    try:
        first_line = process.stdout.readline()
        yield process, re.fullmatch(r"mockpay shop listening on (http://\S+)\n", first_line)[1]
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def url(silent_sandbox, tmp_path_factory):
    """Where a shop for the whole file listens."""
    ledger = tmp_path_factory.mktemp("shop") / "made" / "ledger.db"
    with running(silent_sandbox, ledger) as (_, address):
        yield address


def status_of(url, form=None, **headers):
    body = None if form is None else urlencode(form).encode()
    try:
        with WEB.open(Request(url, body, headers), timeout=10) as reply:
            return reply.status, reply.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_shop_serves_its_pages_and_their_style(url):
    status, page = status_of(f"{url}/shop")
    assert (status, 'data-testid="buy-bell"' in page) == (200, True)
    style = re.search(r'href="(/static/shop\.css[^"]*)"', page)[1]
    assert status_of(url + style)[0] == 200


def test_a_sandbox_that_does_not_answer_is_said_and_the_order_is_kept(url):
    status, page = status_of(f"{url}/shop/buy", {"sku": "bell"})
    assert (status, 'data-testid="shop-notice"' in page) == (503, True)
    assert re.search(r"NCW-\d{4}-\d{6}", status_of(f"{url}/shop/orders")[1])


def test_the_shop_answers_to_its_own_name_only(url):
    assert status_of(f"{url}/shop", Host="evil.example")[0] == 403
    assert status_of(f"{url}/shop/return", Host="evil.example")[0] == 403
    assert status_of(f"{url}/shop/buy", {"sku": "bell"}, Origin="https://evil.example")[0] == 403


def test_a_payment_page_of_another_site_may_send_the_buyer_back(url):
    status, page = status_of(f"{url}/shop/return?status=SUCCESS", **{"Sec-Fetch-Site": "cross-site"})
    assert (status, 'data-testid="shop-refused"' in page) == (400, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_shop_stops_within_two_seconds(silent_sandbox, tmp_path, number):
    with running(silent_sandbox, tmp_path / "ledger.db") as (process, _):
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - began < 2


def test_a_sandbox_url_that_is_none_stops_the_start_with_one_sentence(subtests):
    for sandbox in ["", "sandbox", "ftp://127.0.0.1", "http://user@127.0.0.1"]:
        with subtests.test(sandbox=sandbox):
            ended = CliRunner().invoke(shop, ["--sandbox", sandbox, "--port", "0"])
            assert ended.exit_code == 2
            assert re.fullmatch(r"mockpay cannot start: [^\n]+\.\n", ended.stderr)
            assert ended.stdout == ""


def test_a_taken_port_stops_the_start_with_one_sentence(silent_sandbox):
    port = silent_sandbox.rpartition(":")[2]
    options = ["--sandbox", silent_sandbox, "--port", port]
    ended = subprocess.run([*COMMAND, *options], check=False, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"mockpay cannot start: 127.0.0.1:{port} cannot be listened on; choose another by --port.\n"
