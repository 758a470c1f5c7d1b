"""Ids in Stripe's form: a prefix, an underscore and 24 letters and digits; the same seed gives the same ones."""

from __future__ import annotations

from mockpay.domain.orders import Order, PaymentRequest
from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.providers.stripe.credentials import NAME
from mockpay.store import counters
from mockpay.store.unit_of_work import Sandbox

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_DIGITS = 24


def new_id(sandbox: Sandbox, prefix: str) -> str:
    """The id of the seller's next object of a kind."""
    return numbered(sandbox.seller, prefix, counters.bump(sandbox, f"{NAME}.{prefix}"))


def numbered(seller: Seller, prefix: str, number: int) -> str:
    """The id of the seller's n-th object of a kind."""
    return f"{prefix}_{_digits(seller, prefix, number)}"


def order_id(_seller: Seller, request: PaymentRequest, _number: int) -> str:
    """An intent's id, by which the seller's software knows the order too."""
    return request.seller_order_id


def charge_id(seller: Seller, order_id: str, number: int) -> str:
    """The id of an intent's n-th charge."""
    return f"ch_{_digits(seller, 'ch', order_id, number)}"


def refund_id(seller: Seller, order: Order, reference: str, number: int) -> str:
    """The id of a refund."""
    return f"re_{_digits(seller, 're', order.order_id, reference, number)}"


def client_secret(seller: Seller, object_id: str) -> str:
    """By which a buyer's browser may see an object."""
    return f"{object_id}_secret_{ids.digest(seller.secret_key, NAME, 'client_secret', object_id).hex()[:25]}"


def endpoint_secret(seller: Seller, endpoint_id: str) -> str:
    """Under which a webhook endpoint's messages are signed."""
    return f"whsec_{ids.digest(seller.secret_key, NAME, 'endpoint', endpoint_id).hex()[:32]}"


def _digits(seller: Seller, *natural_key: object) -> str:
    dice = ids.number(seller.seed, NAME, "front", seller.seller_id, *natural_key, below=36**_DIGITS)
    return "".join(_BASE36[dice // 36**place % 36] for place in range(_DIGITS))
