"""
The pytest plugin: `mockpay_server` (one for all tests), `mockpay_seller` (a world of its own per test) and
`mockpay_client` (a merchant's client for it).

The sandbox is the one that MOCKPAY_URL or the ini option `mockpay_url` names, else a process started for the run,
one for all workers of pytest-xdist. That begins with the sellers of the ini option `mockpay_seed_file`, which
`mockpay_server.seller(seller_id)` finds; a running one has those of its own `serve --seed`.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from mockpay.testing.control import ControlError, NoAnswer
from mockpay.testing.seller import TestSeller
from mockpay.testing.sender import open_socket
from mockpay.testing.servers import Sandbox, ServerProcess

if TYPE_CHECKING:
    from mockpay.merchant.client import AmazonPayClient

_PORT = "mockpay_port"
_START_SECONDS = 120.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini options."""
    parser.addini("mockpay_seed_file", "A seed file for the mockpay that is started, from the root folder.", default="")
    parser.addini("mockpay_url", "A running mockpay to use; MOCKPAY_URL in the environment comes first.", default="")


def _seed_file(config: pytest.Config) -> Path | None:
    name = str(config.getini("mockpay_seed_file"))
    return config.rootpath / name if name else None


class _SharedServer:
    """
    Starts a sandbox for the workers of pytest-xdist when the first of them asks: it lives where they do not end.

    A worker connects to `port` and reads the URL, or the reason why there is none.
    """

    def __init__(self, seed_file: Path | None) -> None:
        self._seed_file = seed_file
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._server: ServerProcess | None = None
        self._thread = Thread(target=self._answer, name="mockpay-shared", daemon=True)
        self._thread.start()

    def _answer(self) -> None:
        answer = ""
        while True:
            try:
                worker, _ = self._listening.accept()
            except OSError:
                return
            with worker:
                answer = answer or self._start()
                worker.sendall(answer.encode())

    def _start(self) -> str:
        server = ServerProcess(self._seed_file)
        try:
            server.__enter__()
        except ControlError as error:
            return str(error)
        self._server = server
        return server.url

    def stop(self) -> None:
        """Stop what was started."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()
        if self._server is not None:
            self._server.__exit__()


_SHARED = pytest.StashKey[_SharedServer]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the controller of pytest-xdist: tell a worker where it may ask for a sandbox."""
    stash = node.config.stash
    if _SHARED not in stash:
        stash[_SHARED] = _SharedServer(_seed_file(node.config))
    node.workerinput[_PORT] = stash[_SHARED].port


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the sandbox of all workers."""
    if _SHARED in config.stash:
        config.stash[_SHARED].stop()


@pytest.fixture(scope="session")
def mockpay_server(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """One sandbox for the whole run."""
    url = os.environ.get("MOCKPAY_URL") or str(request.config.getini("mockpay_url"))
    port = getattr(request.config, "workerinput", {}).get(_PORT)
    with contextlib.ExitStack() as stack:
        failure = ""
        try:
            if url:
                failure = f"{url}, of MOCKPAY_URL or the ini option mockpay_url: "
                sandbox = Sandbox(url, os.environ.get("MOCKPAY_ADMIN_TOKEN"))
                sandbox.control("GET", "/sellers?limit=1", seconds=0)
            else:
                own = ServerProcess(_seed_file(request.config))
                sandbox = stack.enter_context(own) if port is None else _shared(port)
        except ControlError as error:
            failure += str(error)
        else:
            yield sandbox
            return
        pytest.fail(failure, pytrace=False)


def _shared(port: int) -> Sandbox:
    """
    The sandbox of all workers.

    Raises:
        NoAnswer: it did not start.
    """
    with open_socket("127.0.0.1", port, _START_SECONDS) as shared:
        answer = b"".join(iter(lambda: shared.recv(4096), b"")).decode()
    if not answer.startswith("http"):
        raise NoAnswer(answer)
    return Sandbox(answer)


@pytest.fixture
def mockpay_seller(mockpay_server: Sandbox) -> TestSeller:
    """A seller that no other test sees, with a frozen clock."""
    seller = mockpay_server.new_seller()
    seller.freeze()
    return seller


@pytest.fixture
def mockpay_client(mockpay_seller: TestSeller) -> AmazonPayClient:
    """A merchant's client for that seller."""
    return mockpay_seller.client()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Beside a failing test: what became of its sellers' last orders, and why."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    sellers = [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, TestSeller)]
    for seller in {seller.seller_id: seller for seller in sellers}.values():
        try:
            report.sections.append((f"mockpay: the last order of {seller.seller_id}", _last_order(seller)))
        except (ControlError, LookupError, TypeError) as error:
            # LookupError, TypeError: what answered is another version, or no sandbox.
            report.sections.append((f"mockpay: {seller.seller_id}", repr(error)))


def _last_order(seller: TestSeller) -> str:
    orders = seller.orders(limit="1")
    if not orders:
        return f"No order was made.\n{seller.dashboard}"
    order = seller.order(orders[0]["order_id"])
    lines = [f"{order['order_id']} ({order['seller_order_id']}) {order['state']} {order['amount']}"]
    lines += [f"{decision['stage']}: {decision['description']}" for decision in order["why"]]
    lines += [f"{entry['at']} {entry['machine']} {entry['event']} -> {entry['after']}" for entry in order["timeline"]]
    return "\n".join([*lines, f"{seller.dashboard}/{order['order_id']}"])
