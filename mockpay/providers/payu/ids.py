"""Ids in PayU's form: a payment's `mihpayid`, the request ids of what is done to it, an order's own `txnid`."""

from __future__ import annotations

import re

from mockpay.domain.orders import Order, PaymentRequest
from mockpay.domain.sellers import Seller
from mockpay.kernel import ids

#: What may stand in an address as it is.
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,25}")


def order_id(seller: Seller, request: PaymentRequest, number: int) -> str:
    """The txnid, where an order of it is the first and it can stand in an address; else an id of ours."""
    txnid = request.seller_order_id
    if not number and _PLAIN.fullmatch(txnid):
        return txnid
    return ids.short("txn", seller.seed, seller.seller_id, txnid, number)


def mihpayid(seller: Seller, order_id: str, number: int) -> str:
    """
    Fourteen digits for the n-th try of an order.

    The published ones have 11 or 18; these begin as no card's number does, and a JavaScript number holds them.
    """
    return f"1{_digits(seller, 13, 'mihpayid', order_id, number)}"


def request_id(seller: Seller, order: Order, reference: str, number: int) -> str:
    """Twelve digits for a refund, a capture or a cancellation."""
    return f"1{_digits(seller, 11, 'request', order.order_id, reference, number)}"


def bank_reference(seller: Seller, order_id: str) -> str:
    """Twelve digits by which the bank knows a payment."""
    return _digits(seller, 12, "bank", order_id)


def _digits(seller: Seller, size: int, *natural_key: object) -> str:
    return f"{ids.number(seller.seed, seller.seller_id, *natural_key, below=10**size):0{size}d}"
