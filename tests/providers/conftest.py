"""What the doors of all companies are tried with."""

import pytest

from mockpay.settings import Settings
from mockpay.testing import LiveServer
from tests.control.worlds import keys_folder


@pytest.fixture
def either_server(database_url):
    """A server of the test's own, on SQLite and on PostgreSQL: the two do not take the same values."""
    with LiveServer(Settings(port=0, database_url=database_url, keys_dir=keys_folder())) as server:
        yield server
