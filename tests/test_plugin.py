"""The pytest plugin in somebody else's project: which sandbox it uses, and what a failing test prints."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from mockpay.testing import ControlError, NoAnswer, Sandbox
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

    assert asyncio.run(task()) is None
    assert refuse_in_event_loop("advance") is None
