"""What a test suite does most: make a seller, and empty one that has orders."""

from __future__ import annotations

import time

from flask import Flask

from bench.floors import Commit, Decryption
from bench.in_process import pay_all
from bench.place import Place
from bench.report import Line, against
from bench.requests import SELLER_ID, Shop
from mockpay.app import create_app, runtime_of
from mockpay.providers.amazonpay.keys import PAYMENT_KEY
from mockpay.settings import Settings
from mockpay.store.db.engine import close

#: Orders of a seller that is emptied.
ORDERS = 100
_NEW = 20


def measure(rounds: int, payments: int) -> list[Line]:
    """Rounds through the WSGI application, in turn with the floor."""
    created, emptied, floor = [], [], []
    with Place() as place:
        app = create_app(Settings(database_url=str(place.database), keys_dir=place.keys))
        runtime, shop, commit = runtime_of(app), Shop(place.keys), Commit(place.folder)
        _create_all(app)
        for _ in range(rounds):
            requests = shop.many(ORDERS)
            pay_all(app.wsgi_app, requests)
            emptied.append(_post(app, f"/_mockpay/v1/sellers/{SELLER_ID}/reset", 200))
            created.append(_create_all(app) / _NEW)
            wrapped = [request.wrapped_key for request in requests]
            key = runtime.keys.private[PAYMENT_KEY.private]
            floor.append(Decryption(key, wrapped).round() + commit.round(payments))
        close(runtime.engine, runtime.writer)
    return [
        against("a new seller by control API", created, floor, "F", 20, 10),
        against(f"reset of a seller with {ORDERS} orders", emptied, floor, "F", 60, 30),
    ]


def _create_all(app: Flask) -> float:
    return sum(_post(app, "/_mockpay/v1/sellers", 201) for _ in range(_NEW))


def _post(app: Flask, path: str, status: int) -> float:
    """Seconds of CPU for one call of the control API."""
    client = app.test_client()
    began = time.process_time()
    reply = client.post(path, json={}, headers={"Host": "127.0.0.1:8420"})
    took = time.process_time() - began
    if reply.status_code != status:
        message = f"expected {status} of {path}, got {reply.status_code}: {reply.text[:300]}"
        raise RuntimeError(message)
    return took
