"""
What a shop with Razorpay's own Python client does and is answered, step by step.

Arguments: the base address, a key's id and secret. Prints JSON: step -> what the client's own objects say.
"""

import json
import sys

import razorpay
import requests
from razorpay.errors import BadRequestError, GatewayError, SignatureVerificationError
from served import losing, webhook

BASE, *KEY = sys.argv[1:]
CARD = {"number": "4100280000001007", "expiry_month": "08", "expiry_year": "30", "cvv": "123", "name": "Asha"}
BUYER = {"currency": "INR", "email": "asha@example.in", "contact": "9000090000", "method": "card"}
client = razorpay.Client(auth=tuple(KEY), base_url=BASE)


def order(**more):
    return client.order.create({"amount": 50_000, "currency": "INR", **more})


def begin(made, number=CARD["number"], through=client):
    wanted = {**BUYER, "amount": made["amount"], "order_id": made["id"], "card": {**CARD, "number": number}}
    return through.payment.createPaymentJson(wanted)


def pay(made):
    return client.payment.otpSubmit(begin(made)["razorpay_payment_id"], {"otp": "1234"})


def refused(act):
    """The error's class and its description, which is all that this client tells."""
    try:
        act()
    except (BadRequestError, GatewayError) as error:
        return [type(error).__name__, str(error)]
    return None


def believed(verify, *arguments):
    try:
        return verify(*arguments)
    except SignatureVerificationError:
        return False


def create_and_pay():
    made = order(notes={"basket": "1"})
    signed = pay(made)
    verify = client.utility.verify_payment_signature
    payment_id = signed["razorpay_payment_id"]
    payment = client.payment.fetch(payment_id, {"expand[]": "card"})
    paid = client.order.fetch(made["id"])
    told = [believed(verify, signed), believed(verify, {**signed, "razorpay_payment_id": f"{payment_id}x"})]
    told += [payment["status"], payment["method"], payment["card"]["last4"]]
    return [made["status"], *told, paid["status"], paid["notes"]]


def authorise_and_capture():
    payment_id = pay(order(payment={"capture": "manual"}))["razorpay_payment_id"]
    status = client.payment.fetch(payment_id)["status"]
    other = refused(lambda: client.payment.capture(payment_id, 500))
    taken = client.payment.capture(payment_id, 50_000)
    return [status, other, taken["status"], refused(lambda: client.payment.capture(payment_id, 50_000))]


def refunds():
    payment_id = pay(order())["razorpay_payment_id"]
    first = client.payment.refund(payment_id, {"amount": 10_000})
    second = client.payment.refund(payment_id, {"amount": 15_000})
    over = refused(lambda: client.payment.refund(payment_id, {"amount": 25_001}))
    payment = client.payment.fetch(payment_id)
    rest = client.payment.refund(payment_id, {})
    told = [payment["amount_refunded"], payment["refund_status"]]
    return [client.refund.fetch(first["id"])["amount"], second["amount"], over, *told, rest["amount"]]


def decline():
    payment_id = begin(order(), "4100280000080001")["razorpay_payment_id"]
    return refused(lambda: client.payment.otpSubmit(payment_id, {"otp": "1234"}))


def challenge():
    made = order()
    payment_id = begin(made)["razorpay_payment_id"]
    failed = refused(lambda: client.payment.otpSubmit(payment_id, {"otp": "333333"}))
    pay(made)
    return [failed, [payment["status"] for payment in client.order.payments(made["id"])["items"]]]


def replay():
    payment_id = pay(order())["razorpay_payment_id"]
    key = {"X-Refund-Idempotency": "refund-of-order-1"}
    first, again = (client.payment.refund(payment_id, {"amount": 100}, headers=key) for _ in range(2))
    other = refused(lambda: client.payment.refund(payment_id, {"amount": 101}, headers=key))
    return [first["id"] == again["id"], client.payment.fetch(payment_id)["amount_refunded"], other]


def lost_answer():
    """A payment whose answer is lost on its way: the client tells nothing of it, the order does."""
    unlucky = razorpay.Client(auth=tuple(KEY), base_url=losing(BASE)[0])
    made = order(notes={"mockpay_outcome": "auth=frictionless"})
    try:
        begin(made, through=unlucky)
    except requests.ConnectionError:
        return [True, [payment["status"] for payment in client.order.payments(made["id"])["items"]]]
    return None


def paging():
    made = [order(receipt="pages")["id"] for _ in range(5)]
    pages = [client.order.all({"receipt": "pages", "count": 2, "skip": skip})["items"] for skip in (0, 2, 4)]
    return [[len(page) for page in pages], [each["id"] for page in pages for each in page] == made[::-1]]


def webhook_verified():
    """An event that the client's own verifier takes, and the same one a byte longer, which it refuses."""
    url, received = webhook()
    secret = "a-secret-of-the-shop"
    client.webhook.create({"url": url, "secret": secret, "events": {"payment.captured": True}})
    payment_id = pay(order())["razorpay_payment_id"]
    headers, body = received.get(timeout=20)
    signature = headers["X-Razorpay-Signature"]
    verify = client.utility.verify_webhook_signature
    told = json.loads(body)
    same = told["payload"]["payment"]["entity"]["id"] == payment_id
    texts = (body.decode(), f"{body.decode()} ")
    return [told["event"], same, *(believed(verify, text, signature, secret) for text in texts)]


STEPS = (
    create_and_pay,
    authorise_and_capture,
    refunds,
    decline,
    challenge,
    replay,
    lost_answer,
    paging,
    webhook_verified,
)
answers = {step.__name__: step() for step in STEPS}
print("\n" + json.dumps(answers))  # on a line of its own: the client prints what went wrong
