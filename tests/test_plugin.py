"""The pytest plugin in somebody else's project: which sandbox it uses, and what a failing test prints."""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mockpay.reach.authority import open_authority, server_context
from mockpay.server import MockpayServer
from mockpay.settings import Settings
from mockpay.testing import ControlError, LiveServer, NoAnswer, Sandbox
from mockpay.testing.control import refuse_in_event_loop

ROOT = Path(__file__).parent.parent
PROJECT = """
import pytest

@pytest.mark.parametrize("number", range(2))
def test_server(mockpay_server, tmp_path_factory, number):
    (tmp_path_factory.getbasetemp().parent / f"url-{number}").write_text(mockpay_server.url)

def test_that_fails(mockpay_seller):
    url = mockpay_seller.client().payment_url(
        amount="499.00", seller_order_id="ORDER-1", redirect_url="http://localhost/return")
    import urllib.request as web
    buyer = web.build_opener(web.ProxyHandler({}))
    page = buyer.open(url).geturl()
    buyer.open(page + "upi", b"vpa=insufficient@mockpay")
    assert mockpay_seller.orders()[0]["state"] == "PAID"
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """Runs a project's tests in processes of their own, behind a proxy that nobody answers at."""
    pytester.makepyfile(PROJECT)
    pytester.makeini("[pytest]\n")
    for name in [name for name in os.environ if name.startswith("MOCKPAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    # Each process would load our own tests' plugins.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    def run(*words):
        result = pytester.run(
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "mockpay.testing",
            "-p",
            "xdist",
            f"--basetemp={pytester.path}/tmp",
            *words,
        )
        urls = {file.read_text() for file in pytester.path.rglob("url-*")}
        return result, urls

    return run


def test_workers_share_one_sandbox_and_a_failing_test_prints_its_last_order(project):
    result, urls = project("-n", "2")
    result.assert_outcomes(passed=2, failed=1)
    (url,) = urls
    printed = result.stdout.str()
    assert "(ORDER-1) PENDING 499.00" in printed
    assert "issuer: not enough funds, Z9" in printed
    assert f"{url}/_mockpay/ui/sellers/A1" in printed
    # It ends with the run.
    with pytest.raises(NoAnswer):
        Sandbox(url).control("GET", "/sellers")


def test_it_attaches_to_a_sandbox_that_runs_already(project, mockpay_server, monkeypatch):
    monkeypatch.setenv("MOCKPAY_URL", mockpay_server.url)
    result, urls = project("-k", "server", "-n", "0")
    result.assert_outcomes(passed=2, deselected=1)
    assert urls == {mockpay_server.url}


def test_an_ini_option_names_the_sandbox_too(project, pytester, mockpay_server):
    pytester.makeini(f"[pytest]\nmockpay_url = {mockpay_server.url}\n")
    result, urls = project("-k", "server", "-n", "0")
    result.assert_outcomes(passed=2, deselected=1)
    assert urls == {mockpay_server.url}


def test_a_sandbox_that_is_named_and_not_there_is_one_sentence_for_every_test(project, pytester):
    pytester.makeini("[pytest]\nmockpay_url = http://127.0.0.1:9/\n")
    result, _ = project("-n", "0")
    result.assert_outcomes(errors=3)
    printed = result.stdout.str()
    assert "mockpay_url: No sandbox answered at http://127.0.0.1:9: [Errno 111] Connection refused" in printed
    assert "During handling" not in printed
    assert "plugin.py" not in printed


def test_a_sandbox_that_wants_a_token_says_so_and_no_report_prints_it(project, pytester, tmp_path, monkeypatch):
    settings = Settings(
        port=0, database_url=str(tmp_path / "m.db"), keys_dir=tmp_path / "keys", admin_token="top-secret"
    )
    pytester.makepyfile(
        """
def test_that_is_refused(mockpay_server, mockpay_seller):
    mockpay_seller.order("S04-0000000-0000000")
"""
    )
    with LiveServer(settings) as server:
        monkeypatch.setenv("MOCKPAY_URL", server.url)
        refused, _ = project("-n", "0")
        assert refused.ret == 1
        assert f"{server.url}, of MOCKPAY_URL or the ini option mockpay_url: 401: This needs" in refused.stdout.str()
        monkeypatch.setenv("MOCKPAY_ADMIN_TOKEN", "top-secret")
        for style in (["--tb=long", "--showlocals"], ["--full-trace"]):
            reported, _ = project("-n", "0", *style)
            reported.assert_outcomes(failed=1)
            printed = reported.stdout.str()
            assert "404: There is no such order" in printed
            assert "top-secret" not in printed, style


def test_a_seller_of_the_projects_own_fixture_is_reported_too_and_a_report_never_ends_the_run(project, pytester):
    pytester.makepyfile(
        """
import pytest
from mockpay.testing import TestSeller

@pytest.fixture
def shop(mockpay_server):
    return mockpay_server.new_seller()

def test_own_seller(shop):
    order = shop.open_order("10.00")
    shop.pay(order, "upi", vpa="insufficient@mockpay")
    assert 0

def test_gone(mockpay_server):
    assert 0

@pytest.fixture
def gone(mockpay_server):
    return TestSeller(mockpay_server, {"seller_id": "A1NOSUCHSELLER"})

def test_no_seller(gone):
    assert 0

def test_after():
    pass
"""
    )
    result, _ = project("-n", "0")
    result.assert_outcomes(passed=1, failed=3)
    printed = result.stdout.str()
    assert "(TEST-1) PENDING 10.00" in printed
    assert "issuer: not enough funds, Z9" in printed
    assert "There is no such seller" in printed


TOOLS = """
import http.client, socket, time
import requests, urllib3

REPLACED = {
    socket: ("socket", "create_connection", "getaddrinfo", "gethostbyname"),
    http.client: ("HTTPConnection", "HTTPSConnection"),
    http.client.HTTPConnection: ("request",),
    urllib3.HTTPConnectionPool: ("urlopen",),
    requests.Session: ("send", "request"),
    requests.adapters.HTTPAdapter: ("send",),
    time: ("time", "monotonic", "perf_counter", "sleep"),
}

def forbidden(*arguments, **options):
    raise AssertionError("a test's tool was called")

def test_verbs(mockpay_seller, monkeypatch):
    socket.setdefaulttimeout(0.000001)
    with monkeypatch.context() as tools:
        for place, names in REPLACED.items():
            for name in names:
                tools.setattr(place, name, forbidden)
        paid = mockpay_seller.pay(mockpay_seller.open_order("499.00"), "upi", vpa="success@mockpay")
        moved = mockpay_seller.advance(seconds=1)
    assert (paid["state"], moved["complete"]) == ("PAID", True)
"""


def test_the_verbs_reach_the_sandbox_whatever_a_tests_tools_replace(project, pytester, monkeypatch):
    """As httpretty, mocket, pytest-socket, pook, VCR, responses, requests_mock and freezegun do it."""
    pytester.makepyfile(TOOLS)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:9")
    result, _ = project("-n", "0", "-W", "error")
    result.assert_outcomes(passed=1)


def test_an_order_that_is_not_opened_says_why(mockpay_server):
    seller = mockpay_server.new_seller(return_urls=["https://shop.example/*"])
    with pytest.raises(LookupError, match="No order was opened: redirectUrl is not one of"):
        seller.open_order("10.00")


def test_a_sandbox_is_found_by_any_name_of_this_machine_and_over_tls_that_nobody_vouches_for(mockpay_server, tmp_path):
    port = mockpay_server.url.rpartition(":")[2]
    for host in ("localhost", "sandbox.localhost"):
        assert Sandbox(f"http://{host}:{port}/").control("GET", "/sellers?limit=1")["items"]
    settings = Settings(port=0, database_url=str(tmp_path / "m.db"), keys_dir=tmp_path / "keys")
    server = MockpayServer(settings, server_context(open_authority(tmp_path)))
    server.serve_in_thread()
    try:
        assert server.url.startswith("https://")
        assert Sandbox(server.url).new_seller().orders() == []
    finally:
        server.stop()


def test_what_is_no_address_is_an_error_of_the_plugin():
    for url in ("127.0.0.1:8420", "ftp://127.0.0.1", "http://", "http://127.0.0.1:x", "http://no host"):
        with pytest.raises(NoAnswer, match="No sandbox answered at"):
            Sandbox(url).control("GET", "/sellers")


def test_what_is_no_sandbox_is_an_error_of_the_plugin_with_its_cause(mockpay_server):
    with pytest.raises(NoAnswer, match=r"No sandbox answered at http://127\.0\.0\.1:9") as nobody:
        Sandbox("http://127.0.0.1:9").control("GET", "/sellers")
    assert nobody.value.__cause__ is not None
    with pytest.raises(NoAnswer, match="is no sandbox: HTTP 404") as other:
        Sandbox(f"{mockpay_server.url}/shop").control("GET", "/sellers")
    assert isinstance(other.value.__cause__, ValueError)
    assert issubclass(NoAnswer, ControlError)


def test_a_task_of_an_event_loop_may_not_be_blocked_but_a_callback_below_plain_code_may():
    """Playwright runs a loop in the thread of a test that knows nothing of it."""

    async def task():
        with pytest.raises(RuntimeError, match=r"await asyncio\.to_thread\(mockpay_seller\.advance"):
            refuse_in_event_loop("advance")
        allowed = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: allowed.set_result(refuse_in_event_loop("advance")))
        return await allowed

    with ThreadPoolExecutor(1) as pool:  # a browser's loop may run in this thread
        assert pool.submit(asyncio.run, task()).result() is None
    assert refuse_in_event_loop("advance") is None


SEEDED = """
import pytest

@pytest.mark.parametrize("number", range(2))
def test_seeded(mockpay_server, number):
    assert mockpay_server.seller("A1SEEDED").client().seller_id == "A1SEEDED"
"""


def test_a_seed_file_of_the_project_makes_its_sellers_for_all_workers(project, pytester):
    pytester.makepyfile(SEEDED)
    (pytester.path / "seeds").mkdir()
    (pytester.path / "seeds" / "mockpay.toml").write_text('[[sellers]]\nseller_id = "A1SEEDED"\n')
    pytester.makeini("[pytest]\nmockpay_seed_file = seeds/mockpay.toml\n")
    result, _ = project("-k", "seeded", "-n", "2")
    result.assert_outcomes(passed=2)


def test_a_seed_file_that_is_wrong_is_told_with_its_line(project, pytester):
    pytester.makepyfile(SEEDED)
    (pytester.path / "mockpay.toml").write_text('[[sellers]]\nseler_id = "A1SEEDED"\n')
    pytester.makeini("[pytest]\nmockpay_seed_file = mockpay.toml\n")
    result, _ = project("-k", "seeded")
    result.assert_outcomes(errors=2)
    assert "mockpay.toml, line 2: There is no field 'seler_id'. Did you mean 'seller_id'?" in result.stdout.str()
