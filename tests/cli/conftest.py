"""The command line against a real server."""

import pytest
from click.testing import CliRunner

from mockpay.cli import cli
from mockpay.testing import LiveServer


@pytest.fixture(scope="session")
def server():
    with LiveServer() as running:
        yield running


@pytest.fixture
def seller(server):
    return server.new_seller()


@pytest.fixture
def mockpay(server):
    """Runs a command; `code` is what it must end with."""

    def run(*words, code=0, **environ):
        env = {"MOCKPAY_URL": server.url, "MOCKPAY_ADMIN_TOKEN": None, **environ}
        result = CliRunner().invoke(cli, [*words], env=env)
        assert result.exit_code == code, result.output
        return result.output

    return run
