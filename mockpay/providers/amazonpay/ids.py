"""Ids in Amazon's form: an order's (19 characters) and a refund's."""

from __future__ import annotations

import re

from mockpay.domain.orders import Order, PaymentRequest
from mockpay.domain.sellers import Seller
from mockpay.kernel import ids

#: The company's name in the store.
NAME = "amazonpay"


def order_id(seller: Seller, request: PaymentRequest, number: int) -> str:
    """E.g. ``S04-3441699-5326071``; ``P`` for a live one."""
    parts = (seller.seller_id, request.seller_order_id, number)
    dice = ids.number(seller.seed, "order", *parts, below=10**14)
    return f"{'P' if request.live else 'S'}04-{dice // 10**7:07d}-{dice % 10**7:07d}"


#: What the id of an authorisation, a capture or a refund has behind its order's.
_ENDING = re.compile(r"-[ACR].*", re.DOTALL)


def order_part(any_id: str) -> str:
    """The id of the order that something belongs to, by its own id."""
    return _ENDING.sub("", any_id)


def charge_id(seller: Seller, order: Order, kind: str) -> str:
    """The order's id, ``-A`` for an authorisation or ``-C`` for a capture, and six digits."""
    dice = ids.number(seller.seed, "charge", order.order_id, below=10**6)
    return f"{order.order_id}-{kind}{dice:06d}"


def refund_id(seller: Seller, order: Order, reference: str, number: int) -> str:
    """The order's id, ``-R`` and six digits."""
    dice = ids.number(seller.seed, "refund", order.order_id, reference, number, below=10**6)
    return f"{order.order_id}-R{dice:06d}"
