"""The amounts 1703.01 to 1703.08: what the browser brings back goes wrong, in eight ways."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest

from mockpay.merchant import SignatureMismatch
from mockpay.merchant.results import Outcome
from mockpay.wire.amazonpay.results import ResultError
from tests.providers.amazonpay.http_client import send_request
from tests.providers.amazonpay.shop import RETURN, Shop


@dataclass
class Listener:
    """A shop's own server, which writes down who came back."""

    url: str
    came: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Visits(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.came.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Visits)
    heard = Listener(f"http://127.0.0.1:{server.server_port}")
    Thread(target=server.serve_forever, daemon=True).start()
    yield heard
    server.shutdown()
    server.server_close()


def paid(shop: Shop, amount: str, **wanted):
    reply = shop.buy(orderTotalAmount=amount, **wanted)
    [order] = shop.seller.orders()
    assert order["state"] == "PAID"
    return reply


@pytest.mark.parametrize("amount", ["1703.01", "1703.03", "1703.04"])
def test_a_tampered_result_does_not_verify(shop, amount):
    reply = paid(shop, amount)

    with pytest.raises(SignatureMismatch):
        shop.verified(reply)
    [order] = shop.seller.orders()
    told = (reply.result["orderTotalAmount"], reply.result["amazonOrderId"])
    right = (order["amount"], order["order_id"])
    changed = {"1703.01": (), "1703.03": (0,), "1703.04": (1,)}[amount]
    assert [n for n in (0, 1) if told[n] != right[n]] == list(changed)


def test_a_result_without_its_reason_code_is_refused_by_the_client(shop):
    reply = paid(shop, "1703.02")

    assert "reasonCode" not in reply.result
    with pytest.raises(ResultError):
        shop.verified(reply)


def test_a_duplicated_result_reaches_the_shop_twice(shop, listener):
    reply = paid(shop, "1703.05", redirect_url=f"{listener.url}/back")

    assert shop.verified(reply).outcome is Outcome.SUCCESS
    target = reply.location.removeprefix(listener.url)
    browser = send_request(listener, target)
    assert browser.status == 200
    assert listener.came == [target, target]


def test_a_duplicated_result_for_a_shop_that_is_down_still_brings_the_buyer_back(shop):
    reply = paid(shop, "1703.05", redirect_url="http://127.0.0.1:1/back")

    assert reply.location.startswith("http://127.0.0.1:1/back?status=SUCCESS")


def test_a_delayed_result_waits_five_seconds_of_the_sellers_clock(shop):
    page = shop.order(orderTotalAmount="1703.06")
    held = shop.finish(page)
    assert (held.status, held.location) == (200, None)
    assert held.headers["refresh"] == f"1; url={urlsplit(page).path}return"

    shop.seller.advance(seconds=4)
    assert shop.leave(page).status == 200
    shop.seller.advance(seconds=1)
    assert shop.verified(shop.leave(page)).outcome is Outcome.SUCCESS


def test_a_browser_that_never_returns_leaves_a_success_for_who_asks(shop):
    page = shop.order(orderTotalAmount="1703.07")

    closed = shop.finish(page)

    assert (closed.status, closed.location) == (200, None)
    found = shop.seller.client().list_order_reference("order-1").order_references
    assert [order.paid for order in found] == [True]


def test_a_captured_payment_told_as_failure_is_sent_back(shop):
    page = shop.order(orderTotalAmount="1703.08")

    result = shop.verified(shop.finish(page))

    assert (result.outcome, result.reason_code) == (Outcome.FAILURE, "219")
    assert shop.seller.orders()[0]["state"] == "PAID"
    shop.seller.advance(until="idle")
    [attempt] = shop.seller.order(result.amazon_order_id)["attempts"]
    assert attempt["state"] == "REVERSED"
    assert shop.seller.control("GET", "/audit")["ok"] is True
    assert shop.verified(shop.leave(page)).outcome is Outcome.FAILURE


def test_a_rule_asks_for_a_fault_once(shop):
    shop.seller.next("redirect", "bad_signature")

    with pytest.raises(SignatureMismatch):
        shop.verified(shop.buy())
    assert shop.verified(shop.buy(sellerOrderId="order-2")).outcome is Outcome.SUCCESS


@pytest.mark.parametrize("amount", ["1703.00", "1703.09", "1704.01"])
def test_amounts_beside_the_magic_ones_are_innocent(shop, amount):
    reply = paid(shop, amount)

    assert shop.verified(reply).outcome is Outcome.SUCCESS
    assert reply.location.startswith(RETURN)


def test_magic_amounts_can_be_switched_off(shop):
    shop.seller.control("PATCH", "", {"settings": {"magic_amounts": False}})

    assert shop.verified(paid(shop, "1703.01")).outcome is Outcome.SUCCESS
