"""The dashboard's page of an order that came by the API of a company beside Amazon Pay."""

import requests

NAMES = {"dashboard-order-stripe": 200, "dashboard-order-razorpay": 200}


def company_orders(server):
    """The address of each page."""
    seller = server.new_seller()
    seller.freeze("2026-11-20T09:30:00Z")
    keys = seller.fields["credentials"]
    stripe = {
        "url": f"{server.url}/gw/stripe/v1",
        "headers": {"Authorization": f"Bearer {keys['stripe']['secret_key']}"},
    }
    declined, card = "pm_card_visa_chargeDeclinedInsufficientFunds", "pm_card_visa"
    made = {"amount": 49_900, "currency": "inr", "metadata[order]": "O-1", "description": "Two cups"}
    intent = _post(**stripe, path="payment_intents", data=made)["id"]
    _post(**stripe, path=f"payment_intents/{intent}/confirm", data={"payment_method": declined}, status=402)
    _post(**stripe, path=f"payment_intents/{intent}/confirm", data={"payment_method": card})
    _post(**stripe, path="refunds", data={"payment_intent": intent, "amount": 10_000})
    razorpay = {
        "url": f"{server.url}/gw/razorpay/v1",
        "auth": (keys["razorpay"]["key_id"], keys["razorpay"]["key_secret"]),
    }
    order = _post(**razorpay, path="orders", json={"amount": 49_900, "currency": "INR", "receipt": "O-2"})["id"]
    seller.pay(order, "upi", vpa="success@razorpay")
    return {
        f"dashboard-order-{name}": f"{seller.dashboard}/{order_id}"
        for name, order_id in {"stripe": intent, "razorpay": order}.items()
    }


def _post(url, path, status=200, **more):
    answer = requests.post(f"{url}/{path}", timeout=30, **more)
    assert answer.status_code == status, answer.text
    return answer.json()
