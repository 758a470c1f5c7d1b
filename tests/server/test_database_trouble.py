"""A database that is full, locked, deleted or away: each caller is told so in its own format, and nothing is lost."""

import resource
import sqlite3
from contextlib import closing, contextmanager

import pytest
import requests
from sqlalchemy import create_engine

from mockpay.merchant.client import AmazonPayClient
from mockpay.merchant.responses import ServiceError
from mockpay.settings import Settings
from mockpay.testing import LiveServer
from tests.server.processes import SERVE, serving

#: As large as a file of a full disk is, in bytes.
FULL = 65_536
SELLER = ("A1MOCKPAYSELLER", "AKIDMOCKPAYDEFAULT", "mockpay-default-secret-key-EXAMPLE")


class Callers:
    """Everybody who calls a server, each in its own way."""

    def __init__(self, server):
        self.url = server.url
        self.numbers = 0
        key = requests.get(f"{self.url}/_mockpay/v1/public-key", timeout=20).text
        self.client = AmazonPayClient(*SELLER, key, self.url)

    def get(self, path):
        return requests.get(self.url + path, allow_redirects=False, timeout=30)

    def health(self):
        return self.get("/_mockpay/health")

    def pays(self):
        self.numbers += 1
        number = f"TROUBLE-{self.numbers}"
        url = self.client.payment_url(amount="10.00", seller_order_id=number, redirect_url="http://localhost/return")
        return self.get(url.removeprefix(self.url))

    def listed(self):
        return self.get(f"/_mockpay/v1/sellers/{SELLER[0]}/orders").json()["items"]

    def are_told(self, code, reason):
        """Whether all are answered 503 with this reason."""
        problems = [self.health(), requests.post(f"{self.url}/_mockpay/v1/sellers", json={}, timeout=30)]
        assert [(answer.status_code, answer.json()["code"]) for answer in problems] == [(503, code)] * 2
        assert all(reason in answer.json()["detail"] for answer in problems)
        page = self.pays()
        assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert (reason in page.text, code in page.text, "Location" in page.headers) == (True, True, False)
        with pytest.raises(ServiceError) as refused:
            self.client.list_order_reference("TROUBLE-1")
        assert (refused.value.http_status, refused.value.service_code) == (503, "ServiceUnavailable")
        assert reason in refused.value.message
        with pytest.raises(ServiceError) as refused:
            self.client.charge_status(self.order_id)
        assert (refused.value.http_status, refused.value.service_code) == (503, "ServiceUnavailable")
        return True

    def are_served(self):
        """Whether that goes on by itself."""
        assert self.pays().status_code == 302
        self.order_id = self.listed()[0]["order_id"]
        assert (self.health().status_code, self.health().json()["status"]) == (200, "ok")
        return True


@pytest.fixture
def database(tmp_path):
    return tmp_path / "var" / "mockpay.db"


@pytest.fixture
def log(tmp_path):
    """What a server writes to standard error."""
    return tmp_path / "log"


@pytest.fixture
def server(database, keys, log):
    """In a process of its own, whose limits can be set."""
    environ = {"MOCKPAY_DATABASE_URL": str(database), "MOCKPAY_KEYS_DIR": str(keys.folder)}
    with log.open("w") as file, serving(*SERVE, log=file, **environ) as server:
        yield server


@pytest.fixture
def callers(server):
    callers = Callers(server)
    assert callers.are_served()
    return callers


def lines(log):
    """What the server has logged."""
    return log.read_text().splitlines()


def test_a_full_disk_is_told_and_what_was_acknowledged_is_there_afterwards(server, callers, database, log):
    _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    wal = database.with_name(f"{database.name}-wal")
    assert wal.stat().st_size > FULL, "The log would not have to grow."
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (FULL, most))
    assert callers.are_told("database.io", "the disk may be full")

    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))

    assert callers.are_served()
    assert {order["seller_order_id"] for order in callers.listed()} == {"TROUBLE-1", "TROUBLE-3"}
    first, second = lines(log)
    assert (first.startswith("The database's file cannot"), second) == (True, "The database serves again.")


def test_a_database_that_is_deleted_promises_nothing_and_one_that_is_put_back_goes_on(callers, database, log):
    aside = database.with_name("aside.db")
    database.rename(aside)
    assert callers.are_told("database.gone", "deleted or replaced")
    database.touch()
    assert callers.are_told("database.gone", "deleted or replaced")
    assert callers.get(f"/_mockpay/ui/sellers/{SELLER[0]}/orders").status_code == 503
    aside.rename(database)
    assert callers.are_served()
    for file in database.parent.iterdir():
        file.unlink()
    assert callers.are_told("database.gone", "deleted or replaced")
    assert requests.post(f"{callers.url}/shop/buy", data={"sku": "bell"}, timeout=30).status_code == 503
    assert [line[:20] for line in lines(log)] == [
        "The database's file ",
        "The database serves ",
        "The database's file ",
    ]


def test_a_log_that_is_deleted_takes_no_payments(callers, database):
    database.with_name(f"{database.name}-wal").unlink()
    assert callers.pays().status_code == 503
    assert callers.health().json()["code"] == "database.gone"


def test_a_lock_held_elsewhere_is_told(callers, database, log):
    with closing(sqlite3.connect(database, isolation_level=None)) as elsewhere:
        elsewhere.execute("BEGIN IMMEDIATE")
        assert callers.are_told("database.busy", "locked")
        elsewhere.execute("ROLLBACK")
        assert callers.are_served()
    assert [line[:20] for line in lines(log)] == ["The database is lock", "The database serves "]


@contextmanager
def database_of_its_own(url):
    """A PostgreSQL database, and what opens it or closes it, with all that are connected, to everybody."""
    root = create_engine(url, isolation_level="AUTOCOMMIT")
    with root.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE away")

        def allow(*, open_: bool) -> None:
            connection.exec_driver_sql(f"ALTER DATABASE away ALLOW_CONNECTIONS {str(open_).lower()}")
            if not open_:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'away'"
                )

        try:
            yield url.replace("/mockpay?", "/away?"), allow
        finally:
            allow(open_=False)
            connection.exec_driver_sql("DROP DATABASE away WITH (FORCE)")
    root.dispose()


def test_a_postgresql_that_goes_away_is_told_and_one_that_comes_back_serves(postgresql_server, keys, caplog):
    with database_of_its_own(postgresql_server) as (url, allow):
        settings = Settings(port=0, database_url=url, keys_dir=keys.folder)
        with LiveServer(settings) as server:
            callers = Callers(server)
            assert callers.are_served()
            allow(open_=False)
            assert callers.are_told("database.unreachable", "does not answer")
            allow(open_=True)
            assert callers.are_served()
    assert caplog.messages == ["The database does not answer.", "The database serves again."]


def test_a_row_that_is_locked_elsewhere_is_told(postgresql_server, keys):
    with database_of_its_own(postgresql_server) as (url, _):
        settings = Settings(port=0, database_url=url, keys_dir=keys.folder)
        elsewhere = create_engine(url)
        with LiveServer(settings) as server, elsewhere.connect() as connection:
            callers = Callers(server)
            connection.exec_driver_sql("SELECT 1 FROM sellers FOR UPDATE")
            page = callers.pays()
            assert (page.status_code, "database.busy" in page.text) == (503, True)
            connection.rollback()
            assert callers.are_served()
        elsewhere.dispose()
