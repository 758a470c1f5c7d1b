"""
What a shop with Stripe's own Python client does and is answered, step by step.

Arguments: the base address, a secret key. Prints JSON: step -> what the client's own objects say.
"""

import json
import sys

import stripe
from served import losing, webhook

BASE, KEY = sys.argv[1:]
CARD = {"type": "card", "card": {"number": "4242424242424242", "exp_month": 8, "exp_year": 2040, "cvc": "123"}}
client = stripe.StripeClient(KEY, base_addresses={"api": BASE}, max_network_retries=0)
shop = client.v1


def pay(**changes):
    wanted = {"amount": 49_900, "currency": "inr", "payment_method": "pm_card_visa", "confirm": True}
    return shop.payment_intents.create({**wanted, **changes})


def refused(act):
    try:
        act()
    except stripe.StripeError as error:
        said = error.error
        return [type(error).__name__, error.http_status, error.code, said.decline_code if said else None]
    return None


def create_and_pay():
    intent = pay(metadata={"order": "O-1"}, expand=["latest_charge", "payment_method"])
    again = shop.payment_intents.retrieve(intent.id)
    return [intent.status, again.amount_received, intent.latest_charge.paid, intent.payment_method.card.brand]


def raw_card():
    intent = shop.payment_intents.create({"amount": 500, "currency": "inr", "payment_method_data": CARD})
    return [intent.status, shop.payment_intents.confirm(intent.id).status]


def authorise_and_capture():
    intent = pay(capture_method="manual")
    taken = shop.payment_intents.capture(intent.id, {"amount_to_capture": 40_000})
    other = shop.payment_intents.cancel(pay(capture_method="manual").id)
    return [intent.status, taken.status, taken.amount_received, other.status]


def refunds():
    intent = pay()
    first = shop.refunds.create({"payment_intent": intent.id, "amount": 10_000})
    over = refused(lambda: shop.refunds.create({"payment_intent": intent.id, "amount": 39_901}))
    second = shop.refunds.create({"charge": intent.latest_charge})
    charge = shop.charges.retrieve(intent.latest_charge)
    return [first.status, second.amount, charge.refunded, over, shop.refunds.retrieve(first.id).amount]


def decline():
    return refused(lambda: pay(payment_method="pm_card_visa_chargeDeclinedInsufficientFunds"))


def errors():
    stranger = stripe.StripeClient("sk_test_nobody", base_addresses={"api": BASE}, max_network_retries=0)
    return [
        refused(lambda: pay(amount=1)),
        refused(lambda: shop.payment_intents.retrieve("pi_nothing")),
        refused(stranger.v1.balance.retrieve),
        refused(client.v2.core.events.list),
    ]


def replay():
    key = {"idempotency_key": "order-1"}
    wanted = {"amount": 500, "currency": "inr"}
    first = shop.payment_intents.create(wanted, key)
    again = shop.payment_intents.create(wanted, key)
    other = refused(lambda: shop.payment_intents.create({**wanted, "amount": 600}, key))
    return [first.id == again.id, again.last_response.headers["Idempotent-Replayed"], other]


def lost_answer():
    """The first answer is lost on its way; the client itself sends the same key again."""
    address, seen = losing(BASE)
    unlucky = stripe.StripeClient(KEY, base_addresses={"api": address}, max_network_retries=2)
    wanted = {"amount": 700, "currency": "inr", "payment_method": "pm_card_visa", "confirm": True}
    intent = unlucky.v1.payment_intents.create({**wanted, "metadata": {"order": "lost"}})
    found = shop.payment_intents.search({"query": "metadata['order']:'lost'"}).data
    keys = {headers["Idempotency-Key"] for headers, _ in seen}
    return [intent.status, len(keys), [told.get("Idempotent-Replayed") for _, told in seen], len(found)]


def paging():
    customer = shop.customers.create({"email": "asha@example.in"})
    made = [
        shop.payment_intents.create({"amount": 500 + n, "currency": "inr", "customer": customer.id}).id
        for n in range(5)
    ]
    listed = shop.payment_intents.list({"limit": 2, "customer": customer.id})
    return [each.id for each in listed.auto_paging_iter()] == made[::-1]


def saved_card():
    customer = shop.customers.create({"name": "Asha"})
    setup = shop.setup_intents.create({"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True})
    [method] = shop.customers.payment_methods.list(customer.id).data
    paid = pay(customer=customer.id, payment_method=method.id, off_session=True)
    shop.payment_methods.detach(method.id)
    gone = shop.customers.delete(customer.id)
    left = shop.customers.payment_methods.list(customer.id).data
    return [setup.status, setup.payment_method == method.id, paid.status, gone.deleted, len(left)]


def challenge():
    intent = pay(payment_method="pm_card_threeDSecure2Required", return_url="http://127.0.0.1/back")
    return [intent.status, intent.next_action.redirect_to_url.url, intent.id]


def checkout():
    item = {"price_data": {"currency": "inr", "unit_amount": 5_000, "product_data": {"name": "Bell"}}, "quantity": 2}
    pages = {"success_url": "http://127.0.0.1/ok?id={CHECKOUT_SESSION_ID}", "cancel_url": "http://127.0.0.1/cart"}
    session = shop.checkout.sessions.create({"mode": "payment", "line_items": [item], **pages})
    items = shop.checkout.sessions.line_items.list(session.id).data
    return [session.status, session.amount_total, items[0].description, session.url, session.id]


def webhook_verified():
    """An event that the client's own verifier takes, and the same one a byte longer, which it refuses."""
    url, received = webhook()
    endpoint = shop.webhook_endpoints.create({"url": url, "enabled_events": ["payment_intent.succeeded"]})
    intent = pay()
    headers, body = received.get(timeout=20)
    signature = headers["Stripe-Signature"]
    event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
    told = [event.type, event.data.object.id == intent.id, event.id == shop.events.retrieve(event.id).id]
    try:
        stripe.Webhook.construct_event(body + b" ", signature, endpoint.secret)
    except stripe.SignatureVerificationError:
        told.append("refused")
    shop.webhook_endpoints.delete(endpoint.id)
    return [*told, len(shop.webhook_endpoints.list().data)]


def webhook_times():
    """Trap 12: which times of a signature the client's verifier takes: that of a try, an old and a future one."""
    url, received = webhook()
    endpoint = shop.webhook_endpoints.create({"url": url, "enabled_events": ["customer.created"]})
    told = {}
    for outcome in ("success", "old_signature", "future_signature"):
        shop.customers.create({"metadata": {"mockpay_outcome": f"ipn={outcome}"}})
        headers, body = received.get(timeout=20)
        try:
            told[outcome] = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], endpoint.secret).type
        except stripe.SignatureVerificationError as error:
            told[outcome] = str(error).partition(" (")[0]
    shop.webhook_endpoints.delete(endpoint.id)
    return told


STEPS = (
    create_and_pay,
    raw_card,
    authorise_and_capture,
    refunds,
    decline,
    errors,
    replay,
    lost_answer,
    paging,
    saved_card,
    challenge,
    checkout,
    webhook_verified,
    webhook_times,
)
print(json.dumps({step.__name__: step() for step in STEPS}))
