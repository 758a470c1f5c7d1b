"""A sandbox at the other end of the wire: it answers a shop's calls as the real one does."""

import json
import re
from urllib.parse import urlsplit

from mockpay.kernel.http.calls import HttpReply, Unreachable
from mockpay.wire import forms, keys
from mockpay.wire.amazonpay import opening, signing
from mockpay.wire.amazonpay.opening import open_envelope, read_parameters
from mockpay.wire.amazonpay.signature_verification import SignedRequest, request_fields, verify_request
from mockpay.wire.amazonpay.signing import Encoding
from tests.merchant.posted import CERTIFICATE
from tests.merchant.pretend_refunds import PretendRefunds, done, fault
from tests.wire.known_answers import ACCESS_KEY, PRIVATE_KEY, PUBLIC_KEY, SECRET_KEY

#: 21 November 2026, 3:34 pm in India.
NOW = 1_795_255_447_000
#: The id of the first order in new books.
FIRST = "NCW-2026-000001"
URL = "http://127.0.0.1:8420"
PAID = ("Closed", "UpfrontChargeSuccess", "Txn Success")
FAILED = ("Closed", "UpfrontChargeFailure", "Declined by the bank")
OPEN = ("Open", "", "")


class PretendSandbox:
    """Knows the orders it was told about; unreachable while `away`; `refunds` are its own."""

    def __init__(self):
        self.away = False
        self.listed = {}
        self.calls = []
        self.refunds = PretendRefunds()

    def send(self, call):
        self.calls.append(call)
        if self.away:
            raise Unreachable("No answer from 127.0.0.1.")
        if urlsplit(call.url).path == "/getDynamicConfig":
            config = {"publicKey": keys.public_key_line(PUBLIC_KEY)}
            return HttpReply(200, {}, json.dumps(config).encode())
        if call.url.endswith(".pem"):
            return HttpReply(200, {}, CERTIFICATE)
        return self._operation(urlsplit(call.url))

    def knows(self, seller_order_id, status, amount="499.00", amazon_order_id="S04-1-1"):
        """Add an order to what ListOrderReference lists."""
        state, reason, description = status
        reference = {
            "AmazonOrderReferenceId": amazon_order_id,
            "CreationTimestamp": "2026-11-21T10:04:07.000Z",
            "OrderReferenceStatus": {
                "State": state,
                "ReasonCode": reason,
                "ReasonDescription": description,
                "LastUpdateTimestamp": "2026-11-21T10:05:07.000Z",
            },
            "OrderTotal": {"Amount": amount, "CurrencyCode": "INR"},
            "SellerOrderAttributes": {"SellerOrderId": seller_order_id},
        }
        self.listed.setdefault(seller_order_id, []).append(reference)

    def forget(self, seller_order_id):
        self.listed.pop(seller_order_id, None)

    def _operation(self, url):
        request = SignedRequest("GET", url.netloc, url.path, url.query)
        if verify_request(request, secret=SECRET_KEY) is None:
            return fault(403, "SignatureDoesNotMatch", "The signature differs.")
        fields = request_fields(url.query)
        if fields["Action"] == "GetOrderReferenceDetails":
            return self._details(fields["AmazonOrderReferenceId"])
        if fields["Action"] != "ListOrderReference":
            return self.refunds.answer(fields)
        found = self.listed.get(fields["QueryId"], [])
        result = {"OrderReferenceList": {"OrderReference": found}}
        return done("ListOrderReference", result)

    def _details(self, amazon_order_id):
        every = [one for references in self.listed.values() for one in references]
        for one in every:
            if one["AmazonOrderReferenceId"] == amazon_order_id:
                return done("GetOrderReferenceDetails", {"OrderReferenceDetails": one})
        return fault(404, "InvalidOrderReferenceId")


def opened_request(query):
    """What a sealed request says, and where it wants the buyer sent back to."""
    sent = read_parameters(forms.decode_form(query))
    opened = open_envelope(sent.payload, sent.key, sent.iv, PRIVATE_KEY)
    assert opening.verify_envelope(opened, SECRET_KEY)
    return opened.values, sent.redirect_url


def signed_result(status, order_id, amount="499.00", **changes):
    """A result's parameters as the sandbox signs them; a change of None leaves one out."""
    codes = {"SUCCESS": ("001", "Txn Success"), "PENDING": ("01", "Txn Pending")}
    code, description = codes.get(status, ("UPI-U30", "Declined by the bank"))
    answer = {
        "status": status,
        "reasonCode": code,
        "description": description,
        "amazonOrderId": "S04-1-1",
        "sellerOrderId": order_id,
        "orderTotalAmount": amount,
        "orderTotalCurrencyCode": "INR",
        "transactionDate": "1795255447000",
        "customInformation": order_id,
    } | changes
    answer = {name: value for name, value in answer.items() if value is not None}
    signature = signing.sign_result(answer, ACCESS_KEY, SECRET_KEY, Encoding.PHP)
    return answer | {"signature": signature}


def buy(shop, sku="bell", **fields):
    return shop.post("/shop/buy", data={"sku": sku, **fields})


def come_back(shop, params):
    return shop.get("/shop/return?" + forms.encode_form(params.items()))


def books_say(page):
    return re.search(r'data-testid="shop-order-state" data-state="(\w+)"', page.text)[1]
