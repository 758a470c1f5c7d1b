"""Servers as processes of their own, and sellers who know them by HTTP only."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import requests

from mockpay.merchant.client import AmazonPayClient
from mockpay.testing import TestSeller

ROOT = Path(__file__).parents[2]
SERVE = ("-m", "mockpay", "serve", "--quiet")
_FIRST_LINE = "mockpay listening on "


class ServerProcess:
    """One that has answered, its log in a file where one is given; `control` as `LiveServer` has it."""

    def __init__(self, *program, log=None, **environ):
        kept = {name: v for name, v in os.environ.items() if not name.startswith("MOCKPAY_")}
        self._process = subprocess.Popen(
            [sys.executable, *program],
            cwd=ROOT,
            env=kept | {"MOCKPAY_PORT": "0"} | environ,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        first = self._process.stdout.readline()
        assert first.startswith(_FIRST_LINE), first
        self.url = first.removeprefix(_FIRST_LINE).strip()
        self.pid = self._process.pid

    def control(self, method, path, body=None, *, seconds=25):
        reply = requests.request(method, f"{self.url}/_mockpay/v1{path}", json=body, timeout=seconds + 15)
        assert reply.ok, reply.text
        return reply.json() if reply.content else None

    def new_seller(self, **wish):
        return Merchant(self, self.control("POST", "/sellers", wish))

    def kill(self):
        self._process.kill()
        self._end()

    def stop(self):
        """As an operator does; what is on its way arrives."""
        if self._process.returncode is None:
            self._process.terminate()
            self._end()

    def _end(self):
        self._process.wait(10)
        self._process.stdout.close()


class Merchant(TestSeller):
    """A seller of a server in another process."""

    def at(self, server):
        """The same seller, of another server of the same database."""
        return Merchant(server, self.fields)

    def client(self, **options):
        key = requests.get(f"{self.server.url}/_mockpay/v1/public-key", timeout=20).text
        secrets = (self.fields["access_key"], self.fields["secret_key"])
        return AmazonPayClient(self.seller_id, *secrets, key, self.server.url, **options)

    def paid(self, number):
        """The Amazon order id of a new order that a buyer has paid by UPI."""
        page = self.client().payment_url(
            amount="499.00", seller_order_id=number, redirect_url="http://localhost/return"
        )
        hosted = requests.get(page, timeout=20).url
        requests.post(f"{hosted}upi", data={"vpa": "success@mockpay"}, timeout=20)
        [order] = self.orders(seller_order_id=number)
        assert order["state"] == "PAID"
        return order["order_id"]


@contextmanager
def serving(*program, log=None, **environ):
    server = ServerProcess(*program, log=log, **environ)
    try:
        yield server
    finally:
        server.stop()
