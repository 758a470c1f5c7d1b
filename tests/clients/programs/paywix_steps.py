"""
What a shop with paywix, another Python client of PayU, does and is answered, step by step.

Arguments: the sandbox's address, a seller, its key and salt. Prints JSON: step -> what the client says.
"""

import sys

import paywix.config
from payu_shop import CARD, FORM, Shop, fields_of, run
from paywix.payu import Payu

URL, SELLER, KEY, SALT = sys.argv[1:]
paywix.config.PAYU_CONFIGS["test"] = f"{URL}/gw/payu/_payment"
paywix.config.PAYU_CONFIGS["api_test"] = f"{URL}/gw/payu/merchant/postservice.php?form=2"
client = Payu(KEY, SALT, "test")
shop = Shop(URL, SELLER)


def form(txnid):
    return client.make_html(client.transaction(**FORM, txnid=txnid))


def pay(txnid, **typed):
    """A payment to its end: where its result is posted, and the result."""
    return shop.pay(shop.open(form(txnid)), txnid, **typed)


def believed(result):
    """What the client makes of a result, and of one that was changed on its way."""
    return [client.check_transaction(**{**result, **more})["hash_response"]["is_hash_verified"] for more in CHANGES]


CHANGES = ({}, {"amount": "1.00"})


def status(txnid):
    return client.verify_payment(transaction_id=[txnid])["transaction_details"][txnid]["status"]


def refund(payment_id, token, amount):
    answer = client.refund(payment_id=payment_id, refund_id=token, amount=amount)
    return [answer["status"], answer.get("error_code"), answer["msg"]]


def create_and_pay():
    url, result = pay("T-1")
    payment = client.check_payment(payment_id=result["mihpayid"])["transaction_details"]
    return [url, result["unmappedstatus"], believed(result), status("T-1"), payment["txnid"]]


def refunds():
    payment_id = pay("T-2")[1]["mihpayid"]
    answers = [
        client.refund(payment_id=payment_id, refund_id=f"R-{n}", amount=amount)
        for n, amount in enumerate(("100.00", "150.00", "249.01", "249.00"))
    ]
    request_id = answers[0]["request_id"]
    [action] = client.refund_status(refund_id=request_id)["transaction_details"][request_id].values()
    told = [[answer["status"], answer.get("error_code"), answer["msg"]] for answer in answers]
    return [told, action["action"], action["amt"], action["status"]]


def decline():
    url, result = pay("T-3", method="upi", vpa="insufficient@mockpay")
    told = client.check_transaction(**result)["payment_response"]
    return [url, told["status"], told["error"], believed(result), status("T-3")]


def challenge():
    ends = []
    for otp in ("333333", "123456"):
        url, result = pay(f"T-4-{otp}", **CARD, otp=otp)
        told = client.check_transaction(**result)["payment_response"]
        ends.append([url, told["mode"], told["status"], told["error"], believed(result)])
    return ends


def replay():
    payment_id = pay("T-5")[1]["mihpayid"]
    again = shop.open(form("T-5"))
    return ["Duplicate transaction id" in again, [refund(payment_id, "R-5", "10.00") for _ in range(2)]]


def lost_answer():
    """The buyer has paid, and their browser never comes back with the result."""
    page = shop.open(form("T-6"))
    before = status("T-6")
    shop.ask("POST", "/orders/T-6/pay", {"method": "upi", "vpa": "success@mockpay"})
    return [page.startswith("http"), before, status("T-6")]


def webhook_verified():
    received = shop.webhook()
    pay("T-7")
    told = fields_of(received.get(timeout=20)[1])
    return [told["txnid"], told["status"], believed(told)]


run(create_and_pay, refunds, decline, challenge, replay, lost_answer, webhook_verified)
