"""
What a shop with PayU's own Python client does and is answered, step by step, under `mockpay run`.

Arguments: the sandbox's address, a seller, its key and salt. Prints JSON: step -> what the client says.
"""

import json
import sys

from payu_shop import CARD, FORM, Shop, fields_of, run
from payu_websdk.payuClient import Client

URL, SELLER, KEY, SALT = sys.argv[1:]
client = Client(KEY, SALT, "TEST")
shop = Shop(URL, SELLER)


def pay(txnid, **typed):
    """A payment to its end: where its result is posted, and the result."""
    return shop.pay(shop.open(client.generatePaymentForm({**FORM, "txnid": txnid})), txnid, **typed)


def believed(result):
    """What the client makes of a result, and of one that was changed on its way."""
    return [client.validateReverseHash({**result, **changes}) for changes in ({}, {"amount": "1.00"})]


def status(txnid):
    return json.loads(client.verifyPayment(txnid))["transaction_details"][txnid]["status"]


def refund(payment_id, token, amount):
    answer = json.loads(client.cancelRefundTransaction(payment_id, token, amount))
    return [answer["status"], answer.get("error_code"), answer["msg"]]


def create_and_pay():
    url, result = pay("T-1")
    payment = json.loads(client.checkPayment(result["mihpayid"]))["transaction_details"]
    return [url, result["unmappedstatus"], believed(result), status("T-1"), payment["txnid"]]


def refunds():
    payment_id = pay("T-2")[1]["mihpayid"]
    return [refund(payment_id, f"R-{n}", amount) for n, amount in enumerate(("100.00", "150.00", "249.01", "249.00"))]


def decline():
    url, result = pay("T-3", method="upi", vpa="insufficient@mockpay")
    return [url, result["status"], result["error"], believed(result), status("T-3")]


def challenge():
    ends = []
    for otp in ("333333", "123456"):
        url, result = pay(f"T-4-{otp}", **CARD, otp=otp)
        ends.append([url, result["mode"], result["status"], result["error"], believed(result)])
    return ends


def replay():
    payment_id = pay("T-5")[1]["mihpayid"]
    again = shop.open(client.generatePaymentForm({**FORM, "txnid": "T-5"}))
    return ["Duplicate transaction id" in again, [refund(payment_id, "R-5", "10.00") for _ in range(2)]]


def lost_answer():
    """The buyer has paid, and their browser never comes back with the result."""
    page = shop.open(client.generatePaymentForm({**FORM, "txnid": "T-6"}))
    before = status("T-6")
    shop.ask("POST", "/orders/T-6/pay", {"method": "upi", "vpa": "success@mockpay"})
    return [page.startswith("http"), before, status("T-6")]


def webhook_verified():
    received = shop.webhook()
    pay("T-7")
    told = fields_of(received.get(timeout=20)[1])
    return [told["txnid"], told["status"], believed(told)]


run(create_and_pay, refunds, decline, challenge, replay, lost_answer, webhook_verified)
