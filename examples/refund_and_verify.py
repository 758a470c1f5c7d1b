"""
Give ₹100.00 of ₹499.00 back: Pending now, Completed and told six hours later, which is now.

The shop's side of a notification is a small server here; what it believes is what
`verify_notification` lets through.
"""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import requests

from mockpay.merchant import AmazonPayClient, Certificates, Notification, RequestsSender, verify_notification
from mockpay.testing import LiveServer

believed: list[Notification] = []


def main() -> None:
    """Print what the shop asks, is told and verifies."""
    with LiveServer() as server:
        seller = server.new_seller(settings={"refund_delay_seconds": 6 * 3600})
        seller.freeze()
        # Without the base_url it fetches Amazon's own certificates, as a real shop must.
        fetch = Certificates(RequestsSender(), base_url=lambda: server.url)
        seller.control("PATCH", "", {"ipn_url": listen(seller.seller_id, fetch)})
        shop = seller.client()
        order = pay(shop)
        print("the order is", seller.order(order)["state"])

        # 1. Ask. The same RefundReferenceId again would be the same refund.
        refund = shop.refund(order, "ORDER-3-R1", "100.00")
        print("RefundPayment says", refund.state, refund.amount)

        # 2. Six hours later, all that was due has happened and the shop was told.
        seller.advance(seconds=6 * 3600)
        told = believed[-1]
        print(told.type, "says", told.about.state if told.about else "")

        # 3. Whoever was told nothing asks.
        print("GetRefundDetails says", shop.get_refund_details(refund.amazon_refund_id).state)


def pay(shop: AmazonPayClient) -> str:
    """A buyer pays by UPI; the Amazon order id."""
    page = requests.get(
        shop.payment_url(amount="499.00", seller_order_id="ORDER-3", redirect_url="http://localhost/return"), timeout=10
    )
    requests.post(f"{page.url}upi", data={"vpa": "success@mockpay"}, timeout=10)
    paid = shop.list_order_reference("ORDER-3").order_references[0]
    return paid.amazon_order_reference_id


def listen(seller_id: str, fetch: Certificates) -> str:
    """Take notifications on a free port; the address."""

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = dict(self.headers.items())
            believed.append(verify_notification(headers, body, fetch, seller_id=seller_id))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    endpoint = HTTPServer(("127.0.0.1", 0), Endpoint)
    Thread(target=endpoint.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{endpoint.server_port}/ipn"


if __name__ == "__main__":
    main()
