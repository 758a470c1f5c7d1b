"""
What a shop with Amazon's own Python client is answered, call after call.

Arguments: seller id, access key, secret key, and calls as JSON: [[method, {argument: value}]].
Prints JSON: for each call what the client's own object says, and how many seconds it took.
"""

import json
import sys
import time

from amazon_pay.client import AmazonPayClient

SELLER, ACCESS_KEY, SECRET_KEY, CALLS = sys.argv[1:]
shop = AmazonPayClient(
    mws_access_key=ACCESS_KEY,
    mws_secret_key=SECRET_KEY,
    merchant_id=SELLER,
    region="na",
    currency_code="INR",
    sandbox=True,
    handle_throttle=True,
)


def ask(method, arguments):
    began = time.monotonic()
    answer = getattr(shop, method)(**arguments)
    took = time.monotonic() - began
    if isinstance(answer, list):  # of a convenience that calls several times
        return [{"success": each.success, "dict": each.to_dict(), "took": took} for each in answer]
    return {"success": answer.success, "dict": answer.to_dict(), "took": took}


json.dump([ask(method, arguments) for method, arguments in json.loads(CALLS)], sys.stdout)
