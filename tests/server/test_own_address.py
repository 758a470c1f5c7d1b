"""The demo shop and its sandbox call each other where the server is bound, whatever buyers call it."""

import shutil
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from mockpay.app import create_app, runtime_of
from mockpay.kernel.errors import Forbidden
from mockpay.settings import Settings
from mockpay.store.db.engine import close
from mockpay.testing import LiveServer


@pytest.fixture
def server_with(keys, tmp_path):
    """Starts a server with these settings, and keys and a database that stay."""
    folder = shutil.copytree(keys.folder, tmp_path / "keys")

    def start(**settings):
        return LiveServer(Settings(port=0, database_url=str(tmp_path / "a.db"), keys_dir=folder, **settings))

    return start


class Buyer:
    """A browser for which some forwarder stands between it and the server: it sends another Host."""

    def __init__(self, server, host):
        self._server, self._session = server, requests.Session()
        self._session.headers["Host"] = host

    def request(self, method, url, **data):
        parts = urlsplit(url)
        address = f"{self._server.url}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return self._session.request(method, address, data=data, allow_redirects=False, timeout=20)

    def pays(self):
        """Buys a bell in the shop and pays it; every place that it was sent to."""
        places = [self.request("POST", "/shop/buy", sku="bell")]
        places.append(self.request("GET", places[-1].headers["Location"]))
        page = places[-1].headers["Location"]
        assert self.request("POST", f"{page}upi", vpa="success@mockpay").status_code == 303
        places.append(self.request("GET", f"{page}return"))
        places.append(self.request("GET", places[-1].headers["Location"]))
        return [place.headers["Location"] for place in places]


@pytest.mark.parametrize(
    ("settings", "host", "seen"),
    [
        ({}, "localhost:9000", "http://localhost:9000"),
        ({"host": "0.0.0.0", "admin_token": "t"}, "localhost:9000", "http://localhost:9000"),
        ({"public_urls": ("https://pay.example/",)}, "pay.example", "https://pay.example"),
    ],
    ids=["port-map", "container", "proxy"],
)
def test_a_buyer_pays_in_the_shop_by_whatever_name_it_came(server_with, settings, host, seen):
    with server_with(**settings) as server:
        to_pay, _, to_shop, to_order = Buyer(server, host).pays()
        [order] = server.control("GET", "/sellers/A1MOCKPAYSELLER/orders")["items"]
        told = server.control("GET", "/sellers/A1MOCKPAYSELLER/wait?event=notification.DELIVERED&timeout=20")
    assert to_pay.startswith(f"{seen}/initiatePayment?")
    assert parse_qs(urlsplit(to_pay).query)["redirectUrl"] == [f"{seen}/shop/return"]
    assert to_shop.startswith(f"{seen}/shop/return?")
    assert to_order.startswith("/shop/orders/")
    assert order["state"] == "PAID"
    assert told["event"] is not None, "The shop was not told."


def test_a_public_url_of_a_later_start_is_one_to_come_back_to(server_with):
    with server_with() as server:
        before = server.control("GET", "/sellers/A1MOCKPAYSELLER")["return_urls"]
    for _ in range(2):
        with server_with(public_urls=("https://pay.example",)) as server:
            after = server.control("GET", "/sellers/A1MOCKPAYSELLER")["return_urls"]
        assert after == [*before, "https://pay.example/shop/return"]


def test_a_server_may_call_its_own_address_and_no_other(keys, tmp_path):
    settings = Settings(host="192.0.2.7", database_url=str(tmp_path / "a.db"), keys_dir=keys.folder)
    runtime = runtime_of(create_app(settings))
    close(runtime.engine, runtime.writer)
    hosts = runtime.settings.outgoing_hosts
    assert hosts.addresses(hosts.check("http://192.0.2.7:8420/shop/ipn"), 8420) == ["192.0.2.7"]
    with pytest.raises(Forbidden):
        hosts.check("http://192.0.2.8:8420/shop/ipn")
