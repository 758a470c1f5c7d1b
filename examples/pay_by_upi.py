"""Pay ₹499.00 by UPI without a browser, verify the result, and ask the server about the order."""

from urllib.parse import parse_qsl, urlsplit

import requests

from mockpay.testing import LiveServer

RETURN_URL = "http://localhost/return"


def main() -> None:
    """Print what a shop would see."""
    with LiveServer() as server:
        shop = server.new_seller(name="Example Shop").client()

        # 1. The shop sends the buyer to the payment page.
        payment_page = shop.payment_url(amount="499.00", seller_order_id="ORDER-1", redirect_url=RETURN_URL)

        # 2. The buyer chooses UPI and types an ID. The pages are plain forms.
        buyer = requests.Session()
        page = buyer.get(payment_page)
        result_page = buyer.post(f"{page.url}upi", data={"vpa": "success@mockpay"})

        # 3. The buyer goes back to the shop with a signed result.
        way_back = buyer.get(f"{result_page.url}/../return", allow_redirects=False)
        query = urlsplit(way_back.headers["Location"]).query

        # 4. The shop believes nothing before it has verified the signature.
        result = shop.verify_result(dict(parse_qsl(query)))
        print(result.outcome, result.amount, result.amazon_order_id)

        # 5. And asks the server itself.
        found = shop.list_order_reference("ORDER-1").order_references[0]
        print(found.state, found.reason_code)


if __name__ == "__main__":
    main()
