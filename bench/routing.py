"""A card payment with routing over three gateways in process, against the same without rules."""

from __future__ import annotations

import json
import time
from typing import Any

from bench.balances import open_page
from bench.in_process import environ
from bench.place import Place
from bench.report import Line, against
from bench.requests import SELLER_ID, Shop
from mockpay.app import create_app, runtime_of
from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.payments.routing import Routing, RoutingRule, Strategy, Target
from mockpay.services.gateways import routing
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes
from mockpay.settings import Settings
from mockpay.store import orders
from mockpay.store.unit_of_work import Runtime, read, transaction

#: Its issuer asks the buyer nothing.
_CARD = {"method": "card", "number": "4000000000003055", "expiry": "08/29", "cvv": "123", "name": "Asha Menon"}
_GATEWAYS = ("payu", "razorpay", "stripe")


def measure(rounds: int, payments: int) -> list[Line]:
    """Rounds of so many payments, in turn without rules and by weight over three gateways."""
    with Place() as place:
        app = create_app(Settings(database_url=str(place.database), keys_dir=place.keys))
        runtime, shop = runtime_of(app), Shop(place.keys)
        with transaction(runtime, SELLER_ID) as sandbox:
            accounts.change(sandbox, Changes(settings={"risk_rules": {"VEL_CARD": "off"}}))
        targets = tuple(Target(name) for name in _GATEWAYS)
        weighted = Routing(rules=(RoutingRule(targets=targets, strategy=Strategy.WEIGHTED),))
        routed, plain = [], []
        for number in range(rounds + 1):
            for rules, took in ((Routing(), plain), (weighted, routed)):
                with transaction(runtime, SELLER_ID) as sandbox:
                    routing.set_rules(sandbox, rules)
                seconds = pay_all(app.wsgi_app, runtime, shop, payments)
                if number:  # The first round loads and compiles.
                    took.append(seconds)
        runtime.engine.dispose()
        runtime.writer.dispose()
    return [against("a card payment routed over three gateways", routed, plain, "x without", 1.5, 1.25)]


def pay_all(application: Any, runtime: Runtime, shop: Shop, count: int) -> float:
    """Seconds of CPU for one payment by control API, the gateways' own messages included."""
    pages = [open_page(application, request) for request in shop.many(count)]
    named = [_order_id(runtime, page.split("/")[2]) for page in pages]
    began = time.process_time()
    for order_id in named:
        _pay(application, order_id)
    send_waiting(runtime, SELLER_ID)
    return (time.process_time() - began) / count


def _order_id(runtime: Runtime, token: str) -> str:
    with read(runtime, SELLER_ID) as sandbox:
        row = orders.seller_of_page(sandbox.connection, token)
        order = orders.by_number(sandbox, row[1]) if row is not None else None
    assert order is not None
    return order.order_id


def _pay(application: Any, order_id: str) -> None:
    path = f"/_mockpay/v1/sellers/{SELLER_ID}/orders/{order_id}/pay"
    request = environ("POST", path, json.dumps(_CARD).encode())
    request["CONTENT_TYPE"] = "application/json"
    body = b"".join(application(request, lambda *_: None))
    state = json.loads(body).get("state")
    if state != "PAID":
        message = f"expected a paid order, got {body!r}"
        raise RuntimeError(message)
