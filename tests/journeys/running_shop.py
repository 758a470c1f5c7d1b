"""
A shop of a test's own: its seller's world stands still, its books and pages are real, and
between the network and the shop there is a gate that can fail.
"""

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import requests

from mockpay.app import template_folder
from mockpay.kernel.money import Money
from mockpay.merchant import Ledger, Reconciler
from mockpay.merchant.shop import Credentials, ShopConfig, shop_app
from mockpay.merchant.shop.back_office import BackOffice
from mockpay.merchant.shop.checkout import Checkout
from mockpay.merchant.transport import RequestsSender
from mockpay.testing import TestSeller

PACKAGE = Path(__file__).parents[2] / "mockpay"
#: Longer than anything takes; a condition that holds is seen at once.
WAIT_SECONDS = 40


@dataclass
class ReceivedNotification:
    """A notification that reached the shop's address, and what it was answered with."""

    headers: dict[str, str]
    body: bytes
    status: int = 0
    answer: str = ""

    @property
    def message_id(self):
        return json.loads(self.body)["MessageId"]

    @property
    def type(self):
        return json.loads(json.loads(self.body)["Message"])["NotificationType"]


class NotificationGate:
    """Before the shop's IPN address: writes down what comes, and fails as it is told to."""

    def __init__(self, app):
        self.app = app
        self.came: list[ReceivedNotification] = []
        self.next_answers: list[int] = []
        self._open, self._changed = True, Condition()

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] != "/shop/ipn":
            return self.app(environ, start_response)
        came = self._let_in(environ)
        if self.next_answers:
            came.status = self.next_answers.pop(0)
            start_response(f"{came.status} Out Of Order", [("Content-Length", "0")])
            return []
        return self._taken(came, start_response)

    def shut(self):
        """Keep whoever comes waiting."""
        with self._changed:
            self._open = False

    def open(self):
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def wait(self, count):
        """Until so many came; all of them."""
        with self._changed:
            enough = self._changed.wait_for(lambda: len(self.came) >= count, WAIT_SECONDS)
            assert enough, f"only {len(self.came)} came"
            return list(self.came)

    @property
    def told(self):
        """Status and first words of each answer, in the order in which they came."""
        return [(one.status, one.answer) for one in self.came]

    def _let_in(self, environ):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        came = ReceivedNotification(headers, body)
        with self._changed:
            self.came.append(came)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._open, WAIT_SECONDS)
        return came

    def _taken(self, came, start_response):
        reply = self.app.test_client().post("/shop/ipn", data=came.body, headers=came.headers)
        came.status, came.answer = reply.status_code, reply.text.strip()
        start_response(reply.status, [("Content-Length", str(len(reply.data)))])
        return [reply.data]


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """Whoever was answered too late waits for no answer."""


@dataclass
class RunningShop:
    """The shop, its seller's control, and whom it sells to."""

    seller: TestSeller
    back_office: BackOffice
    gate: NotificationGate
    url: str
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def ledger(self) -> Ledger:
        return self.back_office.checkout.ledger

    def sell(self, amount="499.00", vpa="success@mockpay", *, comes_back=True):
        """
        Somebody orders and pays by UPI; the order as the books then have it.

        Args:
            comes_back: Whether the browser brings the result to the shop.
        """
        order = self.back_office.checkout.place("bell", Money.parse(amount))
        back = f"{self.url}/shop/return"
        page = self.session.get(self.back_office.checkout.payment_url(order, back), timeout=20)
        result = self.session.post(f"{page.url}upi", data={"vpa": vpa}, timeout=20)
        if comes_back:
            here = result.url.rpartition("/")[0]
            away = self.session.get(f"{here}/return", allow_redirects=False, timeout=20)
            params = dict(pair.split("=", 1) for pair in urlsplit(away.headers["Location"]).query.split("&"))
            assert params["sellerOrderId"] == order.order_id
            self.session.get(away.headers["Location"], allow_redirects=False, timeout=20)
        return self.order(order)

    def order(self, order):
        """As the books have it now."""
        return self.ledger.find(order.order_id)

    def query_order(self, order):
        """The shop asks ListOrderReference; the order as the books then have it."""
        order = self.order(order)
        return self.back_office.checkout.settle(order, self.back_office.checkout.look_up(order))

    def refund_order(self, order, amount="100.00", **more):
        """By the shop's clerk; the refund as the books then have it."""
        return self.back_office.refund(self.order(order), Money.parse(amount), **more)

    def refund(self, refund):
        """As the books have it now."""
        return self.ledger.refunds.find(refund.reference_id)

    def steps(self, refund):
        """What happened to it, and what brought each step."""
        events = self.ledger.refunds.events(refund.reference_id)
        return [(str(one.status), one.source) for one in events]

    def verify_refunds(self):
        """The job that asks about every refund without an end."""
        return Reconciler(self.ledger, self.back_office.checkout.client).run()

    def alerts(self):
        return [alert.code for alert in self.ledger.alerts.newest()]

    def settled(self):
        """All that is due has happened and had its try."""
        moved = self.seller.advance(seconds=0)
        assert moved["complete"], moved
        return self

    def page(self, order):
        """The order's page, as a program reads it."""
        return self.session.get(f"{self.url}/shop/orders/{order.order_id}", timeout=20)


@contextmanager
def running_shop(server, folder, **settings):
    """Open a shop for a new seller with these settings."""
    seller = server.new_seller(settings=settings)
    seller.freeze()
    credentials = (seller.seller_id, seller.fields["access_key"], seller.fields["secret_key"])
    config = ShopConfig(
        seller=Credentials(*credentials),
        base_url=lambda: server.url,
        public_key=server.runtime.keys.public_file.read_text,
        ledger=folder / f"{seller.seller_id}.db",
        sender=RequestsSender(use_environment=False),
    )
    app = shop_app(config, templates=template_folder(PACKAGE), static=PACKAGE / "static")
    gate = NotificationGate(app)
    listener = _Server(("127.0.0.1", 0), _Quiet)
    listener.set_app(gate)
    serving = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    serving.start()
    url = f"http://127.0.0.1:{listener.server_port}"
    seller.control("PATCH", "", {"ipn_url": f"{url}/shop/ipn"})
    try:
        yield RunningShop(seller, BackOffice(Checkout(config)), gate, url)
    finally:
        gate.open()
        listener.shutdown()
        listener.server_close()
