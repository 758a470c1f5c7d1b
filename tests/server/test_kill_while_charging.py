"""A server that is killed while a gateway takes money asks it what became of that, and takes none twice."""

import json
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from urllib.parse import parse_qs, urlsplit

import requests

from tests.server.processes import SERVE, serving

CARD = {"method": "card", "number": "4111111111111111", "expiry": "08/29", "cvv": "123", "name": "Asha Rao"}
ORDERS = 4


class Razorpay:
    """A gateway elsewhere: it takes each order's money once and, until it is let go on, says nothing of it."""

    def __init__(self):
        self.orders, self.payments = {}, []
        self.charged, self.let_go, self.lock = Event(), Event(), Lock()

    def answer(self, method, url, body):
        path, query = url.path, parse_qs(url.query)
        if path == "/v1/orders" and method == "POST":
            order_id = f"order_{len(self.orders):014d}"
            self.orders[order_id] = {"id": order_id, "entity": "order", "receipt": body["receipt"]}
            return self.orders[order_id]
        if path == "/v1/payments/create/json":
            self.payments.append(self.payment(body["order_id"], body["amount"]))
            return None
        if path == "/v1/orders":
            found = [order for order in self.orders.values() if order["receipt"] == query["receipt"][0]]
            return self.collection([{**order, "payments": self.of_order(order["id"])} for order in found])
        return next(payment for payment in self.payments if path == f"/v1/payments/{payment['id']}")

    def payment(self, order_id, amount):
        payment_id = f"pay_{len(self.payments):014d}"
        about = {"id": payment_id, "entity": "payment", "order_id": order_id, "status": "captured"}
        return {
            **about,
            "amount": amount,
            "currency": "INR",
            "method": "card",
            "acquirer_data": {"auth_code": "123456"},
        }

    def of_order(self, order_id):
        return self.collection([payment for payment in self.payments if payment["order_id"] == order_id])

    @staticmethod
    def collection(items):
        return {"entity": "collection", "count": len(items), "items": items}


@contextmanager
def razorpay():
    gateway = Razorpay()

    class Answering(BaseHTTPRequestHandler):
        def _answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with gateway.lock:
                plain = gateway.answer(self.command, urlsplit(self.path), json.loads(body or b"{}"))
                if len(gateway.payments) == ORDERS:
                    gateway.charged.set()
            if plain is None:
                gateway.let_go.wait(60)
                return
            answer = json.dumps(plain).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _answer  # noqa: N815  # http.server's own names

        def log_message(self, *_):
            """Nothing is written to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield gateway, f"http://127.0.0.1:{server.server_port}"
    finally:
        gateway.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()


def pay(seller, order_id):
    with suppress(requests.ConnectionError):
        for fields in (CARD, {"otp": "123456"}):
            seller.control("POST", f"/orders/{order_id}/pay", fields)


def paid(seller, order_id):
    for _ in range(300):
        order = seller.order(order_id)
        if order["state"] == "PAID":
            return order
        Event().wait(0.1)
    raise AssertionError(order)


def test_what_a_killed_server_asked_for_is_looked_up_and_not_asked_again(tmp_path):
    environ = {
        "MOCKPAY_DATABASE_URL": str(tmp_path / "mockpay.db"),
        "MOCKPAY_KEYS_DIR": str(tmp_path / "keys"),
        "MOCKPAY_LEASE_SECONDS": "2",
    }
    with razorpay() as (gateway, url):
        with serving(*SERVE, **environ) as server:
            seller = server.new_seller(settings={"risk_rules": {"VEL_CARD": "off"}})
            seller.control("PUT", "/gateways/razorpay", {"endpoint": url})
            seller.control("PUT", "/routing", {"rules": [{"targets": [{"gateway": "razorpay"}]}]})
            orders = [seller.open_order("499.00") for _ in range(ORDERS)]
            threads = [Thread(target=pay, args=(seller, order_id)) for order_id in orders]
            for thread in threads:
                thread.start()
            assert gateway.charged.wait(60)
            server.kill()
            for thread in threads:
                thread.join()
        with serving(*SERVE, **environ) as server:
            seller = seller.at(server)
            for order_id in orders:
                order = paid(seller, order_id)
                assert [attempt["state"] for attempt in order["attempts"]] == ["CAPTURED"]
            assert seller.control("GET", "/audit") == {"ok": True, "violations": []}
        assert len(gateway.payments) == ORDERS
        assert len({payment["order_id"] for payment in gateway.payments}) == ORDERS
