"""A sandbox in process, without its worker: nothing happens but what a test asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mockpay.app import create_app, runtime_of
from mockpay.delivery import outbox
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.upi import Upi
from mockpay.domain.orders import Order, PaymentRequest
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.refunds import RefundRequest
from mockpay.kernel.money import Money
from mockpay.services.payments import orders, payments
from mockpay.services.refunds import refunds
from mockpay.services.sellers.accounts import NewSeller, create
from mockpay.settings import Settings
from mockpay.store import attempts
from mockpay.store import orders as order_rows
from mockpay.store.db.engine import open_engines
from mockpay.store.unit_of_work import Runtime, read, transaction


@cache
def keys_folder() -> Path:
    """One folder of keys for all tests of a process: making them takes a while."""
    return Path(mkdtemp(prefix="mockpay-keys-"))


def database(request: Any, folder: Path) -> str:
    """A database that no other test knows, of the kind that `request` asks for."""
    if request.param == "sqlite":
        return str(folder / "mockpay.db")
    server = request.getfixturevalue("postgresql_server")
    name = re.sub(r"[^a-z0-9]", "_", f"{folder.parent.name}_{folder.name}".lower())
    engine = open_engines(server)[0].execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    engine.dispose()
    return server.replace("@/mockpay?", f"@/{name}?")


def make_app(folder: Path, **settings: Any) -> Flask:
    given = {"port": 0, "database_url": str(folder / "mockpay.db"), "keys_dir": keys_folder()}
    return create_app(Settings(**{**given, **settings}))


class Api:
    """The control API by Flask's test client; paths below `/_mockpay/v1`."""

    def __init__(self, app: Flask) -> None:
        self.runtime: Runtime = runtime_of(app)
        self.client: FlaskClient = app.test_client()

    def call(self, method: str, path: str, json: object = None, **options: Any) -> TestResponse:
        given = {} if json is None else {"json": json}
        return self.client.open("/_mockpay/v1" + path, method=method, **given, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, json: object = None, **options: Any) -> TestResponse:
        return self.call("POST", path, json, **options)

    def new_seller(self, **wish: Any) -> World:
        return World(self, create(self.runtime, NewSeller(**wish)).seller_id)


@dataclass(frozen=True)
class World:
    """One seller's world."""

    api: Api
    seller_id: str

    def call(self, method: str, path: str, json: object = None, **options: Any) -> TestResponse:
        return self.api.call(method, f"/sellers/{self.seller_id}{path}", json, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, json: object = None, **options: Any) -> TestResponse:
        return self.call("POST", path, json, **options)

    def put(self, path: str, json: object = None) -> TestResponse:
        return self.call("PUT", path, json)

    def freeze(self, now: str = "2026-11-21T15:00:00Z") -> None:
        assert self.put("/clock", {"mode": "frozen", "now": now}).status_code == 200

    def open_order(self, number: str = "A-1", amount: str = "499.00", **more: Any) -> Order:
        """A verified request to pay."""
        request = PaymentRequest(
            provider="amazonpay",
            seller_order_id=number,
            amount=Money.parse(amount),
            redirect_url="http://127.0.0.1/back",
            digest=f"digest of {number} {amount}",
            **more,
        )
        with transaction(self.api.runtime, self.seller_id) as sandbox:
            order = orders.open_order(sandbox, request).order
        assert order is not None
        return order

    def pay(self, order: Order, vpa: str | None = "success@mockpay") -> Attempt:
        """Choose UPI and let the gateway be asked; the clock must move for an answer."""
        return self.pay_with(order, Upi(vpa))

    def pay_with(self, order: Order, instrument: Instrument) -> Attempt:
        """The same by any method."""
        with transaction(self.api.runtime, self.seller_id) as sandbox:
            fresh = order_rows.by_number(sandbox, order.order_pk)
            started = payments.pay(sandbox, fresh, instrument)
        if started.outbox_id is not None:
            outbox.send_leased(self.api.runtime, self.seller_id, started.outbox_id)
        with read(self.api.runtime, self.seller_id) as sandbox:
            return attempts.by_id(sandbox, started.attempt.attempt_id)

    def paid_order(self, number: str = "A-1", amount: str = "499.00") -> Order:
        order = self.open_order(number, amount)
        self.pay(order)
        self.advance(0)
        return order

    def advance(self, seconds: float) -> Any:
        moved = self.post("/clock/advance", {"seconds": seconds}).json
        assert moved["complete"], moved
        return moved

    def refund(self, order: Order, amount: str = "100.00", key: str = "R-1") -> str:
        """What the seller asks for; the refund's id."""
        with transaction(self.api.runtime, self.seller_id) as sandbox:
            fresh = order_rows.by_number(sandbox, order.order_pk)
            asked = refunds.request(sandbox, fresh, RefundRequest(key, Money.parse(amount)))
        return asked.refund.refund_id
