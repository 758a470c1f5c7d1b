"""
Where Amazon's notifications arrive, and the two endpoints that Amazon Pay's mobile SDK needs from a shop.

An app asks the sign endpoint for the sealed request, opens the payment page with it, and
gives the result's parameters to the verify endpoint.
"""

from __future__ import annotations

import re
import sqlite3

from flask import Blueprint, Response, request

from mockpay.kernel.errors import DatabaseUnavailable, Invalid, MockpayError
from mockpay.kernel.http.calls import Unreachable
from mockpay.merchant.ledger import ShopOrder
from mockpay.merchant.shop.back_office import BackOffice
from mockpay.merchant.shop.checkout import Checkout, ResultRefused, parse_query
from mockpay.merchant.shop.config import CATALOGUE, find_product
from mockpay.merchant.shop.pages import price

_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class IpnEndpoint:
    """The IPN endpoint of one shop."""

    def __init__(self, back_office: BackOffice) -> None:
        self._back_office = back_office

    def add_to(self, blueprint: Blueprint) -> None:
        """Name the address."""
        blueprint.add_url_rule("/ipn", "ipn", self.post, methods=["POST"])

    def post(self) -> Response:
        """
        Answer 200 for what is taken, or was before; 400 for what is not to be believed, which
        Amazon never sends again; 500 for a trouble of the shop's own, so that it does.
        """
        headers = dict(request.headers.items())
        try:
            notification = self._back_office.accept_notification(headers, request.get_data())
        except (Unreachable, DatabaseUnavailable, sqlite3.Error) as error:
            return _plain(f"Not now: {error}\n", 500)
        except MockpayError as error:
            return _plain(f"{error.code}: {error.message}\n", 400)
        return _plain("Taken before.\n" if notification.replayed else "Taken.\n")


class MobileEndpoints:
    """The sign and verify endpoints of one shop; both take a query or a form."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

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
            return _plain(self._checkout.signed_payload(order))
        except MockpayError as error:
            return _plain(error.message, 503)

    def verify(self) -> Response:
        """Answer `true` if the result is to be valid, `false` if not; keep the books."""
        try:
            params = parse_query(_raw_query())
            valid = bool(self._checkout.verify(params))
        except MockpayError:
            return _plain("false")
        try:
            self._checkout.accept_result(params)
        except ResultRefused as error:
            # Signed, but about an order of somebody else's books: true is the SDK's answer.
            valid = error.code == "result.order"
        return _plain(str(valid).lower())

    def _order(self, fields: dict[str, str]) -> ShopOrder:
        order_id = fields.get("sellerOrderId", "")
        if order_id and not _ORDER_ID.fullmatch(order_id):
            raise Invalid("sellerOrderId must be 1 to 64 letters, digits, - or _.")
        amount_text = fields.get("orderTotalAmount") or fields.get("amount") or ""
        product = find_product(fields.get("sku", CATALOGUE[0].sku if amount_text else ""))
        if product is None:
            raise Invalid("Name what is bought: sku, or orderTotalAmount.")
        order = self._checkout.ledger.find(order_id)
        amount = price(product, amount_text)
        if order is None:
            return self._checkout.place(product.sku, amount, order_id=order_id)
        if order.amount != amount:
            raise Invalid(f"{order.order_id} was ordered for {order.amount.wire()}.")
        return self._checkout.reopen(order)


def _raw_query() -> str:
    # A form's body is read as it is: the parser decides what is malformed, not Flask.
    octets = request.get_data() if request.method == "POST" else b""
    return (octets or request.query_string).decode("latin-1")


def _plain(text: str, status: int = 200) -> Response:
    reply = Response(text, status, content_type="text/plain; charset=utf-8")
    reply.headers["Cache-Control"] = "no-store"
    return reply
