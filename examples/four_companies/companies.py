"""
Four ways to be paid for one basket, each by the company's own client.

Every class is made of an environment (`mockpay secrets --env` prints one, the real service gives you another) and has
the same five verbs, so that a shop needs not know whose it is: `begin`, `believes`, `is_paid`, `refund`, `is_refunded`.
`believes` is given what the buyer's browser brings back, the fields of query and form together. Amounts are text in
rupees: "619.50".
"""

from dataclasses import dataclass
from decimal import Decimal

import paywix.config
import razorpay
import stripe
from paywix.payu import Payu

from mockpay.merchant import AmazonPayClient


@dataclass(frozen=True)
class Page:
    """Where the buyer's browser goes to pay, and the form that it posts there, if any."""

    url: str
    form: dict | None = None


class AmazonPay:
    def __init__(self, env):
        names = {"seller_id", "access_key", "secret_key", "public_key", "base_url"}
        self._client = AmazonPayClient(**{name: env[f"AMAZONPAY_{name.upper()}"] for name in names})

    def begin(self, number, amount, back):
        return Page(self._client.payment_url(amount=amount, seller_order_id=number, redirect_url=back))

    def believes(self, number, amount, fields):
        result = self._client.verify_result(fields)
        return (result.outcome, result.seller_order_id, result.amount) == ("SUCCESS", number, amount)

    def is_paid(self, number):
        return self._order(number).paid

    def refund(self, number, amount):
        order_id = self._order(number).amazon_order_reference_id
        return self._client.refund(order_id, f"{number}-R", amount).amazon_refund_id

    def is_refunded(self, refund):
        return self._client.get_refund_details(refund).state == "Completed"

    def _order(self, number):
        return self._client.list_order_reference(number).order_references[0]


class Razorpay:
    def __init__(self, env):
        self._key = (env["RAZORPAY_KEY_ID"], env["RAZORPAY_KEY_SECRET"])
        self._base = env["RAZORPAY_BASE_URL"]
        self._client = razorpay.Client(auth=self._key, base_url=self._base)

    def begin(self, number, amount, back):
        order = self._client.order.create({"amount": paise(amount), "currency": "INR", "receipt": number})
        form = {"key_id": self._key[0], "order_id": order["id"], "callback_url": back, "cancel_url": back}
        return Page(f"{self._base}/v1/checkout/embedded", form)

    def believes(self, number, amount, fields):
        self._client.utility.verify_payment_signature(fields)  # raises where somebody has changed it
        order = self._client.order.fetch(fields["razorpay_order_id"])
        return (order["receipt"], order["amount_paid"]) == (number, paise(amount))

    def is_paid(self, number):
        return self._order(number)["status"] == "paid"

    def refund(self, number, amount):
        payments = self._client.order.payments(self._order(number)["id"])["items"]
        [paid] = [payment for payment in payments if payment["captured"]]
        return self._client.payment.refund(paid["id"], {"amount": paise(amount), "receipt": f"{number}-R"})["id"]

    def is_refunded(self, refund):
        return self._client.refund.fetch(refund)["status"] == "processed"

    def _order(self, number):
        return self._client.order.all({"receipt": number})["items"][0]


class Stripe:
    def __init__(self, env):
        client = stripe.StripeClient(env["STRIPE_SECRET_KEY"], base_addresses={"api": env["STRIPE_API_BASE"]})
        self._api = client.v1
        self._sessions = {}  # our number -> Stripe's session; a shop keeps it with its order

    def begin(self, number, amount, back):
        price = {"currency": "inr", "unit_amount": paise(amount), "product_data": {"name": f"Basket {number}"}}
        basket = {"line_items": [{"price_data": price, "quantity": 1}], "client_reference_id": number}
        pages = {"success_url": f"{back}?session={{CHECKOUT_SESSION_ID}}", "cancel_url": back}
        session = self._api.checkout.sessions.create({"mode": "payment", **basket, **pages})
        self._sessions[number] = session.id
        return Page(session.url)

    def believes(self, number, amount, fields):
        session = self._api.checkout.sessions.retrieve(fields["session"])  # nobody has signed the address
        told = (session.payment_status, session.client_reference_id, session.amount_total)
        return told == ("paid", number, paise(amount))

    def is_paid(self, number):
        return self._session(number).payment_status == "paid"

    def refund(self, number, amount):
        wanted = {"payment_intent": self._session(number).payment_intent, "amount": paise(amount)}
        return self._api.refunds.create(wanted, {"idempotency_key": f"{number}-R"}).id

    def is_refunded(self, refund):
        return self._api.refunds.retrieve(refund).status == "succeeded"

    def _session(self, number):
        return self._api.checkout.sessions.retrieve(self._sessions[number])


class PayU:
    def __init__(self, env):
        paywix.config.PAYU_CONFIGS["test"] = env["PAYU_PAYMENT_URL"]
        paywix.config.PAYU_CONFIGS["api_test"] = env["PAYU_API_URL"]
        self._client = Payu(env["PAYU_KEY"], env["PAYU_SALT"], "test")

    def begin(self, number, amount, back):
        buyer = {"firstname": "Asha", "email": "asha@example.in", "phone": "9000000000"}
        basket = {"txnid": number, "amount": amount, "productinfo": f"Basket {number}", "surl": back, "furl": back}
        form = self._client.transaction(**basket, **buyer)
        return Page(form.pop("action"), form)

    def believes(self, number, amount, fields):
        told = (fields["status"], fields["txnid"], fields["amount"]) == ("success", number, amount)
        return told and self._client.check_transaction(**fields)["hash_response"]["is_hash_verified"]

    def is_paid(self, number):
        return self._payment(number)["unmappedstatus"] == "captured"

    def refund(self, number, amount):
        wanted = {"payment_id": self._payment(number)["mihpayid"], "refund_id": f"{number}-R", "amount": amount}
        return self._client.refund(**wanted)["request_id"]

    def is_refunded(self, refund):
        [action] = self._client.refund_status(refund_id=refund)["transaction_details"][refund].values()
        return action["status"] == "success"

    def _payment(self, number):
        return self._client.verify_payment(transaction_id=[number])["transaction_details"][number]


def paise(amount):
    return int(Decimal(amount) * 100)
