"""
A payment made, paid and refunded through the companies' own Python clients, unmodified.

They run in the environment of the clients' tests (`.venv-clients`); Stripe's does the same at localstripe. With PayU's
no payment is made: a buyer's browser posts its form.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from statistics import median

from bench.localstripe import localstripe, new_seller
from bench.place import Place
from bench.program import Program
from bench.report import Line

PYTHON = Path(".venv-clients/bin/python")
#: Objects that are stored at localstripe before.
_STORED = 1_000
_KEY = "sk_test_12345"
#: Prints the median seconds of so many journeys; arguments: count, base address, then the key. The first one connects.
_TIMED = """
import sys, time
from statistics import median
count, base, *key = sys.argv[1:]
{setup}
took = []
for number in range(int(count) + 1):
    began = time.perf_counter()
    {journey}
    took.append(time.perf_counter() - began)
print(median(took[1:]))
"""
_STRIPE_SETUP = """
import stripe
shop = stripe.StripeClient(key[0], base_addresses={"api": base}, max_network_retries=0).v1
CARD = {"type": "card", "card": {"number": "4242424242424242", "exp_month": "8", "exp_year": "2040", "cvc": "123"}}
"""
_STRIPE = """
    method = shop.payment_methods.create(CARD)
    intent = shop.payment_intents.create({"amount": 49900, "currency": "inr", "payment_method": method.id})
    assert shop.payment_intents.confirm(intent.id).status == "succeeded"
    assert shop.refunds.create({"payment_intent": intent.id, "amount": 10000}).amount == 10000
"""
_RAZORPAY_SETUP = """
import razorpay
client = razorpay.Client(auth=tuple(key), base_url=base)
BUYER = {"currency": "INR", "email": "asha@example.in", "contact": "9000090000", "method": "card"}
CARD = {"number": "4100280000001007", "expiry_month": "08", "expiry_year": "40", "cvv": "123", "name": "Asha"}
# Who pays so often with one card would be put aside for a review.
QUICK = {"mockpay_outcome": "risk=allow"}
"""
_RAZORPAY = """
    order = client.order.create({"amount": 49900, "currency": "INR", "notes": QUICK})
    begun = client.payment.createPaymentJson({**BUYER, "amount": 49900, "order_id": order["id"], "card": CARD})
    paid = client.payment.otpSubmit(begun["razorpay_payment_id"], {"otp": "1234"})
    assert client.payment.refund(paid["razorpay_payment_id"], {"amount": 10000})["amount"] == 10000
"""


def measure(rounds: int, payments: int) -> list[Line]:
    """Rounds of so many journeys at each, in turn."""
    if not PYTHON.exists():
        message = f"there is no {PYTHON}; `make test` makes it"
        raise RuntimeError(message)
    stripe, theirs, razorpay = [], [], []
    with Place() as place, Program(place) as program, localstripe(_STORED) as port:
        own, keys = f"http://127.0.0.1:{program.port}/gw", new_seller(program)["credentials"]
        pair = (keys["razorpay"]["key_id"], keys["razorpay"]["key_secret"])
        for _ in range(rounds):
            stripe.append(_took(_STRIPE_SETUP, _STRIPE, payments, f"{own}/stripe", keys["stripe"]["secret_key"]))
            theirs.append(_took(_STRIPE_SETUP, _STRIPE, payments // 10, f"http://localhost:{port}", _KEY))
            razorpay.append(_took(_RAZORPAY_SETUP, _RAZORPAY, payments, f"{own}/razorpay", *pair))
    ours, its, other = median(stripe), median(theirs), median(razorpay)
    what = "made, paid and refunded by {}'s client"
    return [
        Line(what.format("Stripe"), _ms(ours), f"localstripe {_ms(its)}", its / ours, "x", 1, 4, higher=True),
        Line(what.format("Razorpay"), _ms(other), f"by Stripe's {_ms(ours)}", other / ours, "x", None, None, "told"),
    ]


def _took(setup: str, journey: str, count: int, base: str, *key: str) -> float:
    """The median seconds of a journey."""
    program = _TIMED.format(setup=setup, journey=journey.strip())
    done = subprocess.run([PYTHON, "-c", program, str(count), base, *key], check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"
