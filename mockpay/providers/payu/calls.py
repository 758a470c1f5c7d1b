"""A believed command: whose it is, what it asks, and the payments that it names."""

from __future__ import annotations

from msgspec import Struct

from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt
from mockpay.kernel.errors import MockpayError, NotFound
from mockpay.providers.payu.credentials import NAME
from mockpay.providers.payu.posted_forms import PostedForm
from mockpay.providers.payu.transactions import transaction_of
from mockpay.store import api_objects, attempts, orders
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.payu.answers import Transaction

#: The kind of object that has the id of a payment which nobody has tried to pay yet.
PAYMENT = "payment"


class Call(Struct):
    """
    A believed command in one seller's world.

    `base_url` is the sandbox's as the caller names it, `ip` the caller's; `orders` are those that it was about, for the
    journal; `refused` is told in the place of an answer though what the command did stays.
    """

    sandbox: Sandbox
    form: PostedForm
    base_url: str
    outcomes: str = ""
    ip: str = "127.0.0.1"
    orders: list[str] = []
    refused: MockpayError | None = None

    def transaction(self, order: Order, attempt: Attempt | None = None) -> Transaction:
        """An order as PayU's transaction, by its newest try unless another one is meant."""
        self.orders.append(order.order_id)
        shown = attempt or attempts.last_of_order(self.sandbox, order.order_pk)
        return transaction_of(self.sandbox.seller, order, shown)

    def payment(self, name: str = "var1") -> tuple[Order, Attempt | None]:
        """
        The order and the try of a mihpayid.

        Raises:
            NotFound: code ``transaction.not_found``.
        """
        mihpayid, sandbox = self.form.need(name), self.sandbox
        attempt = attempts.by_id(sandbox, mihpayid)
        if attempt is not None:
            order = orders.by_number(sandbox, attempt.order_pk)
        else:
            untried = api_objects.find(sandbox, NAME, PAYMENT, mihpayid)
            order = orders.by_id(sandbox, str(untried.parent)) if untried is not None else None
        if order is None or order.provider != NAME:
            raise NotFound("There is no such transaction.", code="transaction.not_found")
        self.orders.append(order.order_id)
        return order, attempt
