"""
After the sale: giving money back, cancelling, and what Amazon's notifications bring.

Nothing here is believed because it arrived: a notification is verified, then followed by the
tables of the ledger, where it may race with answers and questions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from mockpay.kernel.errors import MockpayError
from mockpay.kernel.http.calls import Unreachable
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import OrderState, RefundStatus, ShopOrder, ShopRefund
from mockpay.merchant.ledger.database import AMOUNT_CONFLICT
from mockpay.merchant.ledger.refund_rows import NOTIFICATION
from mockpay.merchant.notifications import (
    Notification,
    PaymentNotice,
    PaymentState,
    RefundNotice,
    SubscriptionNotice,
    verify_notification,
)
from mockpay.merchant.reconciler import Reconciler, Reconciliation, is_refusal, update_from
from mockpay.merchant.shop.checkout import Checkout
from mockpay.merchant.transport import Certificates

_ORDER_STATES = {PaymentState.COMPLETED: OrderState.PAID, PaymentState.DECLINED: OrderState.FAILED}

#: A refund's id is its order's with six digits more (seen in Amazon's samples).
_REFUND_ENDING = re.compile(r"-R[0-9]+$")


class BackOffice:
    """What the shop does after a sale: refunds, cancellations, notifications."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self._config = checkout.config

    def refund(self, order: ShopOrder, amount: Money | None, *, note: str = "", reference_id: str = "") -> ShopRefund:
        """
        Give an amount back, or all that is left; what came of it is in the books.

        Raises:
            Invalid, Conflict: the books do not allow it (see `RefundLedger.create`).
        """
        refund = self.checkout.ledger.refunds.create(
            order.order_id, amount, at=self._now(), note=note, reference_id=reference_id
        )
        return self._send(refund)

    def cancel(self, order: ShopOrder) -> ShopRefund:
        """
        Cancel a paid order: give back all that is left; a second time changes nothing.

        Raises:
            Conflict: it is not paid, or nothing is left to give back.
        """
        refund = self.checkout.ledger.refunds.create(order.order_id, at=self._now(), cancels=True)
        return self._send(refund)

    def verify(self, order_id: str = "") -> Reconciliation:
        """Ask about an order's refunds that have no end yet, or about all of them."""
        return self._reconcile.run(order_id=order_id)

    def accept_notification(self, headers: Mapping[str, str], body: bytes) -> Notification:
        """
        Verify a notification and follow it, once.

        Raises:
            NotificationError, SnsError: it is not to be believed.
            Unreachable: the certificate, or whose refund it is, cannot be asked for now.
        """
        notification = verify_notification(
            headers,
            body,
            self._config.fetch_certificate or self._service,
            seller_id=self._config.seller.seller_id,
            messages=self.checkout.ledger.messages,
            certificate_urls=self._config.certificate_urls,
            topic_arns=self._config.topic_arns,
        )
        if isinstance(notification.about, SubscriptionNotice):
            self._service.confirm(notification.about.subscribe_url)
        elif not notification.replayed:
            self._follow(notification)
        return notification

    def _send(self, refund: ShopRefund) -> ShopRefund:
        return self._reconcile.send(refund) if refund.status is RefundStatus.NEW else refund

    def _follow(self, notification: Notification) -> None:
        if isinstance(notification.about, PaymentNotice):
            self._follow_payment(notification.about, notification.message_id)
        elif isinstance(notification.about, RefundNotice):
            self._follow_refund(notification.about, notification.message_id)
        else:
            self._ignore(notification.message_id)

    def _follow_payment(self, notice: PaymentNotice, message_id: str) -> None:
        ledger = self.checkout.ledger
        order = ledger.find(notice.seller_order_id)
        if order is None:
            # Another shop of this seller's: it is believed, and nothing of ours.
            self._ignore(message_id)
            return
        if notice.amount != order.amount:
            named = f"{notice.amount.wire()} {notice.amount.currency}"
            sentence = f"A notification names {named}, the shop asked for {order.amount.wire()}."
            ledger.alerts.enter(order.order_id, AMOUNT_CONFLICT, sentence, at=self._now())
            if notice.state is PaymentState.COMPLETED and Money(0) < notice.amount < order.amount:
                ledger.record_capture(order.order_id, notice.amount)
            self._ignore(message_id)
            return
        order = ledger.apply_notification(
            order.order_id,
            _ORDER_STATES[notice.state],
            amazon_order_id=notice.amazon_order_id,
            message_id=message_id,
            at=self._now(),
        )
        if order.state is OrderState.UNKNOWN:
            self.checkout.settle(order, self.checkout.look_up(order))

    def _follow_refund(self, notice: RefundNotice, message_id: str) -> None:
        refunds, at = self.checkout.ledger.refunds, self._now()
        update = update_from(notice, NOTIFICATION)
        if refunds.find(notice.refund_reference_id) is not None:
            refunds.update(notice.refund_reference_id, update, at=at, message_id=message_id)
            return
        order = self._order_of(notice)
        if order is None or notice.amount is None:
            self._ignore(message_id)
            return
        refunds.enter_unrequested(order.order_id, notice.refund_reference_id, update, at=at, message_id=message_id)

    def _order_of(self, notice: RefundNotice) -> ShopOrder | None:
        """
        The order that a refund is of; None if it is another shop's.

        A refund may be told before the payment that it gives back: Amazon is asked whose it is.

        Raises:
            Unreachable: there is no answer now, so the notification must come again.
        """
        amazon_order_id = _REFUND_ENDING.sub("", notice.amazon_refund_id)
        order = self.checkout.ledger.by_amazon_id(amazon_order_id)
        if order is not None:
            return order
        order = self.checkout.ledger.find(self._seller_order_id(amazon_order_id))
        if order is None:
            return None
        answer = self.checkout.look_up(order)
        if answer.unanswered:
            raise Unreachable(answer.unanswered)
        order = self.checkout.settle(order, answer)
        return order if order.amazon_order_id == amazon_order_id else None

    def _seller_order_id(self, amazon_order_id: str) -> str:
        """The seller's own id of an order; empty if Amazon knows no such order."""
        try:
            return self.checkout.client().get_order_reference_details(amazon_order_id).seller_order_id
        except MockpayError as error:
            if is_refusal(error):
                return ""
            raise Unreachable(error.message) from error

    def _ignore(self, message_id: str) -> None:
        self.checkout.ledger.messages.enter(message_id, at=self._now())

    def _now(self) -> int:
        return self._config.clock.now()

    @cached_property
    def _reconcile(self) -> Reconciler:
        return Reconciler(self.checkout.ledger, self.checkout.client, self._config.clock)

    @cached_property
    def _service(self) -> Certificates:
        config = self._config
        return Certificates(config.sender, base_url=config.base_url, trusted_urls=config.certificate_urls)
