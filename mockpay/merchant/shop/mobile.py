"""
The two endpoints that Amazon Pay's mobile SDK needs from a shop.

The app asks the sign endpoint for the sealed request, opens the payment page with it, and
gives the result's parameters to the verify endpoint.
"""

from __future__ import annotations

import re

from flask import Blueprint, Response, request

from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import ShopOrder
from mockpay.merchant.shop.catalogue import CATALOGUE, thing
from mockpay.merchant.shop.checkout import Refused, Till, received
from mockpay.merchant.shop.pages import price

_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Mobile:
    """The sign and verify endpoints of one shop; both take a query or a form."""

    def __init__(self, till: Till) -> None:
        self._till = till

    def add_to(self, blueprint: Blueprint) -> None:
        """Name the addresses."""
        both = ["GET", "POST"]
        blueprint.add_url_rule("/mobile/sign", "mobile_sign", self.sign, methods=both)
        blueprint.add_url_rule("/mobile/verify", "mobile_verify", self.verify, methods=both)

    def sign(self) -> Response:
        """
        Answer ``payload=..&key=..&iv=..`` for a new order of the shop.

        Takes `sku`, or as Amazon's samples send them `orderTotalAmount` and `sellerOrderId`;
        a `sellerOrderId` of an unpaid order signs that one again.
        """
        try:
            order = self._order(request.values.to_dict())
        except MockpayError as error:
            return _plain(error.message, 400)
        try:
            return _plain(self._till.signed_payload(order))
        except MockpayError as error:
            return _plain(error.message, 503)

    def verify(self) -> Response:
        """Answer `true` if the result is to be believed, `false` if not; keep the books."""
        try:
            params = received(_raw())
            believed = bool(self._till.verify(params))
        except MockpayError:
            return _plain("false")
        try:
            self._till.take(params)
        except Refused as error:
            # Signed, but about an order of somebody else's books: true is the SDK's answer.
            believed = error.code == "result.order"
        return _plain(str(believed).lower())

    def _order(self, sent: dict[str, str]) -> ShopOrder:
        order_id = sent.get("sellerOrderId", "")
        if order_id and not _ORDER_ID.fullmatch(order_id):
            raise Invalid("sellerOrderId must be 1 to 64 letters, digits, - or _.")
        typed = sent.get("orderTotalAmount") or sent.get("amount") or ""
        bought = thing(sent.get("sku", CATALOGUE[0].sku if typed else ""))
        if bought is None:
            raise Invalid("Name what is bought: sku, or orderTotalAmount.")
        known = self._till.books.find(order_id)
        amount = price(bought, typed)
        if known is None:
            return self._till.place(bought.sku, amount, order_id=order_id)
        return self._again(known, amount)

    def _again(self, known: ShopOrder, amount: Money) -> ShopOrder:
        if known.amount != amount:
            raise Invalid(f"{known.order_id} was ordered for {known.amount.wire()}.")
        return self._till.reopen(known)


def _raw() -> str:
    # A form's body is read as it is: the parser decides what is malformed, not Flask.
    octets = request.get_data() if request.method == "POST" else b""
    return (octets or request.query_string).decode("latin-1")


def _plain(text: str, status: int = 200) -> Response:
    reply = Response(text, status, content_type="text/plain; charset=utf-8")
    reply.headers["Cache-Control"] = "no-store"
    return reply
