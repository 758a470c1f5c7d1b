"""Paying by balance through the WSGI application: the press on the balance's page, without a socket."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from bench.floors import Commit, Decryption
from bench.in_process import environ, environ_of
from bench.place import Place
from bench.report import Line, against
from bench.requests import SELLER_ID, Request, Shop
from mockpay.app import create_app, runtime_of
from mockpay.providers.amazonpay.keys import PAYMENT_KEY
from mockpay.services.wallet import balances, corrections
from mockpay.services.wallet.corrections import Part
from mockpay.settings import Settings
from mockpay.store.unit_of_work import Runtime, read, transaction

#: What an order of `Shop` costs, in paise.
_PRICE = 499_00


def measure(rounds: int, payments: int) -> list[Line]:
    """Rounds of so many payments, each round by a buyer of its own, in turn with the floor."""
    with Place() as place:
        app = create_app(Settings(database_url=str(place.database), keys_dir=place.keys))
        runtime, shop, commit = runtime_of(app), Shop(place.keys), Commit(place.folder)
        took, floor = [], []
        for number in range(rounds + 1):
            requests = shop.many(payments)
            seconds = pay_all(app.wsgi_app, runtime, requests, f"buyer{number}@example.com")
            keys = [request.wrapped_key for request in requests]
            least = Decryption(runtime.keys.private[PAYMENT_KEY.private], keys).round() + commit.round(payments)
            if number:  # The first round loads and compiles.
                took.append(seconds)
                floor.append(least)
        runtime.engine.dispose()
        runtime.writer.dispose()
    return [against("paying by balance, in process", took, floor, "F", 5, 4)]


def pay_all(application: Any, runtime: Runtime, requests: list[Request], email: str) -> float:
    """Give a buyer what the requests cost and pay each; seconds of CPU for one payment."""
    with transaction(runtime, SELLER_ID) as sandbox:
        corrections.adjust(sandbox, email, Part.MONEY, _PRICE * len(requests))
    pages = [open_page(application, request) for request in requests]
    began = time.process_time()
    for page in pages:
        _press(application, page, email)
    took = (time.process_time() - began) / len(pages)
    with read(runtime, SELLER_ID) as sandbox:
        left = balances.figures(sandbox, email)
    if left.balance.minor or left.on_hold.minor:
        message = f"expected all of the balance to be spent, {left.balance} is left"
        raise RuntimeError(message)
    return took


def open_page(application: Any, request: Request) -> str:
    """The address of the order's pages."""
    return _location(application, environ_of(request), "302")


def _press(application: Any, page: str, email: str) -> None:
    body = urlencode({"form_token": "0", "email": email}).encode()
    _location(application, environ("POST", f"{page}wallet", body), "303")


def _location(application: Any, request: dict[str, Any], expected: str) -> str:
    answered: list[str] = []

    def start(status: str, headers: list[tuple[str, str]], *_: object) -> None:
        answered.extend([status[:3], dict(headers).get("Location", "")])

    for _ in application(request, start):
        pass
    if answered[0] != expected:
        message = f"expected {expected}, got {answered}"
        raise RuntimeError(message)
    return answered[1]
