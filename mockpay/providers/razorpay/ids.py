"""Names of Razorpay's objects: a prefix and 14 letters and digits, the same in every run with the same seed."""

from __future__ import annotations

import string

from mockpay.domain.orders import Order, PaymentRequest
from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.providers.razorpay.credentials import NAME
from mockpay.store import counters
from mockpay.store.unit_of_work import Sandbox

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SIZE = 14


def digits(seller: Seller, *natural_key: object) -> str:
    """Fourteen letters and digits."""
    dice = ids.number(seller.seed, NAME, seller.seller_id, *natural_key, below=len(_DIGITS) ** _SIZE)
    return "".join(_DIGITS[dice // len(_DIGITS) ** place % len(_DIGITS)] for place in range(_SIZE))


def order_id(seller: Seller, request: PaymentRequest, number: int) -> str:
    """``order_...``; a request's digest is its own, whatever receipt it shares with others."""
    return f"order_{digits(seller, 'order', request.digest, number)}"


def payment_id(seller: Seller, order_id: str, number: int) -> str:
    """``pay_...`` for the n-th try of an order."""
    return f"pay_{digits(seller, 'payment', order_id, number)}"


def refund_id(seller: Seller, order: Order, reference: str, number: int) -> str:
    """``rfnd_...``."""
    return f"rfnd_{digits(seller, 'refund', order.order_id, reference, number)}"


def account_id(seller: Seller) -> str:
    """``acc_...``."""
    return f"acc_{digits(seller, 'account')}"


def new(sandbox: Sandbox, prefix: str) -> str:
    """The name of another object of its kind; ``cust_...``."""
    number = counters.bump(sandbox, f"{NAME}.{prefix}")
    separator = "_" if prefix else ""
    return f"{prefix}{separator}{digits(sandbox.seller, prefix, number)}"


def belonging(prefix: str, payment_id: str) -> str:
    """The name of what a payment has one of: its card, or the refund of money that nobody captured."""
    return f"{prefix}_{payment_id.removeprefix('pay_')}"


def payment_of(object_id: str) -> str:
    """The payment to which what `belonging` named belongs."""
    return f"pay_{object_id.partition('_')[2]}"
