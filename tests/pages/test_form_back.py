"""The way back by a form, in a browser: what a shop's page sees of a POST from another site."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.providers.payu.merchant import Merchant


@pytest.fixture
def shop():
    """A shop on a site of its own: its address, and what was posted to it as path, cookies and body."""
    posted = []

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(200)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            posted.append((self.path, self.headers.get("Cookie", ""), body))
            self._answer(404)

        def _answer(self, status):
            text = b"<!doctype html><title>Shop</title><link rel=icon href=data:,>"
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Set-Cookie", "cart=full; SameSite=Lax")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            """Nothing is written to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://localhost:{server.server_port}", posted
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_way_back_brings_no_lax_cookie_and_a_page_that_is_not_there_changes_no_payment(
    mockpay_seller, page, shop, watch
):
    """Trap 15 (csob#531): the result is a cross-site POST, without a Lax cookie; the shop's page answers 404."""
    address, posted = shop
    merchant = Merchant(mockpay_seller)
    fields, pay_page = merchant.opened(surl=f"{address}/nowhere", furl=f"{address}/nowhere")
    mockpay_seller.pay(fields["txnid"], "upi", vpa="success@mockpay")
    watch.expects(404)
    page.goto(f"{address}/cart")
    assert page.context.cookies(address)[0]["sameSite"] == "Lax"
    with page.expect_request(lambda request: request.method == "POST" and request.url.startswith(address)):
        page.goto(f"{mockpay_seller.server.url}{pay_page}return")
    page.wait_for_url(f"{address}/nowhere")
    [(path, cookies, body)] = posted
    assert (path, cookies) == ("/nowhere", "")
    assert "status=success" in body
    details = merchant.command("verify_payment", var1=fields["txnid"])["transaction_details"][fields["txnid"]]
    assert (details["status"], details["unmappedstatus"]) == ("success", "captured")
