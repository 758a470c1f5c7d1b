"""
Taking money: where to send the buyer, what to believe when they come back, whom to ask.

The shop believes a result only if its signature holds and it fits the books; where two
results contradict each other, or none came, ListOrderReference decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.kernel.money import Money
from mockpay.merchant.client import AmazonPayClient
from mockpay.merchant.ledger import Ledger, OrderState, ShopOrder
from mockpay.merchant.parameters import PaymentOptions
from mockpay.merchant.responses import OrderReference
from mockpay.merchant.results import Outcome, PaymentResult
from mockpay.merchant.shop.config import ShopConfig, find_product
from mockpay.wire import forms

_ORDER_STATES = {
    Outcome.SUCCESS: OrderState.PAID,
    Outcome.PENDING: OrderState.PENDING,
    Outcome.FAILURE: OrderState.FAILED,
}
#: What ListOrderReference may still decide.
_OPEN = frozenset({OrderState.PLACED, OrderState.PENDING, OrderState.UNKNOWN})


class ResultRefused(MockpayError):
    """A result that is signed but does not fit the books."""

    code = "result.refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What ListOrderReference says: a reference, nothing known yet, or no answer and why."""

    reference: OrderReference | None = None
    unanswered: str = ""


class Checkout:
    """What the shop does to be paid: place orders, send the buyer to pay, believe results."""

    def __init__(self, config: ShopConfig) -> None:
        self.config = config

    @cached_property
    def ledger(self) -> Ledger:
        """The books, opened when first needed: a start must not wait for them."""
        return Ledger(self.config.ledger, first_number=self.config.first_number)

    def place(self, sku: str, amount: Money, *, order_id: str = "") -> ShopOrder:
        """Enter an order that is yet to be paid."""
        return self.ledger.place(sku, amount, at=self.config.clock.now(), order_id=order_id)

    def payment_url(self, order: ShopOrder, return_url: str) -> str:
        """
        Where to send the buyer.

        Raises:
            Unreachable, ServiceError: the sandbox did not give its public key.
        """
        page_url = self.config.page_url
        return self._client(page_url() if page_url else None, sealing=True).payment_url(
            amount=order.amount.wire(), seller_order_id=order.order_id, redirect_url=return_url, **self._options(order)
        )

    def wallet_url(self, order: ShopOrder) -> str:
        """Where whoever paid from a balance sees the order's entries; empty before the service has named the order."""
        if not order.amazon_order_id:
            return ""
        address = (self.config.page_url or self.config.base_url)().rstrip("/")
        query = urlencode({"order": order.amazon_order_id})
        return f"{address}/account/{self.config.seller.seller_id}/wallet?{query}"

    def signed_payload(self, order: ShopOrder) -> str:
        """What the shop's app takes to the payment page; raises like `payment_url`."""
        return self._client(sealing=True).signed_payload(
            amount=order.amount.wire(), seller_order_id=order.order_id, **self._options(order)
        )

    def verify(self, params: Mapping[str, str]) -> PaymentResult:
        """
        Verify what came back.

        Raises:
            ResultError, SignatureMismatch: it is not to be believed.
        """
        # The real service sometimes adds a sellerId that it does not sign.
        signed = {name: value for name, value in params.items() if name != "sellerId"}
        return self.client().verify_result(signed)

    def accept_result(self, params: Mapping[str, str]) -> ShopOrder:
        """
        Verify what came back and enter it into the books, once.

        Raises:
            ResultError, SignatureMismatch: it is not to be believed.
            ResultRefused: it is signed but does not fit the books.
        """
        result = self.verify(params)
        order = self.ledger.find(result.seller_order_id or result.custom_information)
        check_result(result, order)
        assert order is not None
        state = _ORDER_STATES[result.outcome]
        order = self.ledger.record_result(order.order_id, params, state, at=self.config.clock.now())
        return self.settle(order, self.look_up(order)) if order.state is OrderState.UNKNOWN else order

    def look_up(self, order: ShopOrder) -> Answer:
        """Ask ListOrderReference; never raises, an answer may fail to come."""
        try:
            client = self.client()
            page = client.list_order_reference(order.order_id)
        except MockpayError as error:
            return Answer(unanswered=error.message)
        return Answer(reference=_latest_or_paid(page.order_references))

    def settle(self, order: ShopOrder, answer: Answer) -> ShopOrder:
        """Follow ListOrderReference where the books are still open."""
        state = state_by_reference(order, answer.reference)
        if state is None or answer.reference is None:
            return order
        self.ledger.move(
            order,
            state,
            at=self.config.clock.now(),
            by="ListOrderReference",
            amazon_order_id=answer.reference.amazon_order_reference_id,
        )
        return self.ledger.find(order.order_id) or order

    def reopen(self, order: ShopOrder) -> ShopOrder:
        """
        Let a failed order be paid once more; an unpaid one stays as it is.

        Raises:
            IllegalTransition: the order is paid or being decided.
        """
        if order.state is not OrderState.PLACED:
            self.ledger.move(order, OrderState.PLACED, at=self.config.clock.now())
        return self.ledger.find(order.order_id) or order

    def client(self) -> AmazonPayClient:
        """A client for what the shop's server asks by itself."""
        return self._client()

    def _options(self, order: ShopOrder) -> PaymentOptions:
        product = find_product(order.sku)
        return {
            "custom_information": order.order_id,
            "seller_note": product.title if product else order.sku,
            "seller_store_name": self.config.name,
        }

    def _client(self, page_url: str | None = None, *, sealing: bool = False) -> AmazonPayClient:
        seller, config = self.config.seller, self.config
        public_key = sealing and config.public_key
        return AmazonPayClient(
            seller.seller_id,
            seller.access_key,
            seller.secret_key,
            public_key() if public_key else None,
            config.base_url(),
            page_url=page_url,
            sender=config.sender,
            clock=config.clock,
        )


def parse_query(query: str) -> dict[str, str]:
    """
    Read the parameters that came back.

    Raises:
        FormError: the query is malformed or names a parameter twice.
    """
    return forms.unique(forms.decode_form(query))


def check_result(result: PaymentResult, order: ShopOrder | None) -> None:
    """
    Hold a verified result against the books.

    Raises:
        ResultRefused: it is about an unknown order, or about something else than was ordered.
    """
    if order is None:
        raise ResultRefused("The result is about an order that is not in the shop's books.", code="result.order")
    named = {result.seller_order_id, result.custom_information} - {""}
    if named != {order.order_id}:
        raise ResultRefused("sellerOrderId and customInformation do not name the same order.")
    if result.outcome is not Outcome.FAILURE and not result.amount:
        raise ResultRefused("orderTotalAmount is missing.")
    if result.amount and not same_amount(result.amount, result.currency, order):
        raise ResultRefused(f"orderTotalAmount is not the {order.amount.wire()} INR that was asked for.")


def same_amount(amount: str, currency: str, order: ShopOrder) -> bool:
    """Whether an amount on the wire is the order's."""
    try:
        return Money.parse(amount, currency) == order.amount
    except Invalid:
        return False


def state_by_reference(order: ShopOrder, reference: OrderReference | None) -> OrderState | None:
    """What ListOrderReference makes of an order whose books are open; None if nothing."""
    if reference is None or order.state not in _OPEN:
        return None
    if not same_amount(reference.amount, reference.currency, order):
        return None
    old = reference.amazon_order_reference_id == order.amazon_order_id
    if order.state is OrderState.PLACED and old:
        # Paid once more: this is still the reference that failed before.
        return None
    if reference.paid:
        return OrderState.PAID
    return OrderState.FAILED if reference.state in {"Closed", "Canceled"} else None


def _latest_or_paid(references: tuple[OrderReference, ...]) -> OrderReference | None:
    """The paid one of several, or the latest."""
    paid = [reference for reference in references if reference.paid]
    ordered = sorted(paid or references, key=lambda reference: reference.created_at or 0)
    return ordered[-1] if ordered else None
