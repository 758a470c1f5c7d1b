"""The way back to the seller, signed; and how an order stands in Tinypay's words."""

from __future__ import annotations

import hmac
from urllib.parse import urlencode

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.sellers import Seller
from tinypay.credentials import credentials


def status_of(order: Order) -> str:
    """One of open, paid, refunded and failed."""
    if order.state is OrderState.REFUNDED:
        return "refunded"
    if order.state in PAID:
        return "paid"
    return "open" if order.open else "failed"


def return_url(seller: Seller, order: Order, _attempt: Attempt | None) -> str:
    """The seller's URL with the result and its signature."""
    status, secret = status_of(order), credentials(seller)["secret_key"]
    signature = hmac.digest(secret.encode(), f"{order.order_id}|{status}".encode(), "sha256").hex()
    query = urlencode({"id": order.order_id, "status": status, "signature": signature})
    return f"{order.redirect_url}{'&' if '?' in order.redirect_url else '?'}{query}"
