"""A bank that decides late: pending now, paid when the seller's clock has moved."""

import requests

from mockpay.testing import LiveServer


def main() -> None:
    """Print the order's state before and after."""
    with LiveServer() as server:
        seller = server.new_seller()
        seller.freeze()
        page = requests.get(
            seller.client().payment_url(
                amount="499.00", seller_order_id="ORDER-2", redirect_url="http://localhost/return"
            ),
            timeout=10,
        )
        requests.post(f"{page.url}upi", data={"vpa": "pendingok@mockpay"}, timeout=10)
        print(seller.orders()[0]["state"])

        moved = seller.advance(until="idle")
        print(moved["fired"], "events fired, now", moved["now"])
        print(seller.orders()[0]["state"])


if __name__ == "__main__":
    main()
