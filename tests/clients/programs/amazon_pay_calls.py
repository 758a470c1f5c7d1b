"""
What a shop with Amazon's own Python client asks, in every region that the client knows.

Arguments: seller id, access key, secret key, an order id.  Prints JSON: region -> question ->
what the client's own object says.
"""

import json
import sys

from amazon_pay.client import AmazonPayClient

SELLER, ACCESS_KEY, SECRET_KEY, ORDER = sys.argv[1:]


def said(answer):
    return {"success": answer.success, "dict": answer.to_dict(), "json": json.loads(answer.to_json())}


def ask(region, sandbox):
    def client(secret_key):
        return AmazonPayClient(
            mws_access_key=ACCESS_KEY,
            mws_secret_key=secret_key,
            merchant_id=SELLER,
            region=region,
            currency_code="INR",
            sandbox=sandbox,
            application_name="shop",
        )

    shop, stranger = client(SECRET_KEY), client("another secret")
    return {
        "status": said(shop.get_service_status()),
        "order": said(shop.get_order_reference_details(amazon_order_reference_id=ORDER)),
        "unknown": said(shop.get_order_reference_details(amazon_order_reference_id="S04-0000000-0000000")),
        "forged": said(stranger.get_order_reference_details(amazon_order_reference_id=ORDER)),
    }


answers = {region: ask(region, sandbox=True) for region in ("us", "uk", "de", "eu", "jp")}
answers["live"] = ask("us", sandbox=False)
json.dump(answers, sys.stdout)
