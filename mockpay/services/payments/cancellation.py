"""Cancelling an order at any time: before payment, while money is held, and after capture."""

from __future__ import annotations

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import AttemptState
from mockpay.domain.refunds import CANCELLATION, RefundRequest
from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import Conflict
from mockpay.services.payments import captures, orders
from mockpay.services.payments.transitions import ORDERS, get_order
from mockpay.services.refunds import refunds
from mockpay.store import attempts
from mockpay.store.transitions import add_event
from mockpay.store.unit_of_work import Sandbox


def cancel(sandbox: Sandbox, order: Order, actor: Actor = Actor.TESTER) -> Order:
    """
    Give an order up: an open one is cancelled, a hold released, captured money refunded.

    Raises:
        Conflict: code ``order.busy`` while money may be moving, ``order.refunded`` where
            everything is on its way back already.
        IllegalTransition: it ended without money.
    """
    if order.state in PAID:
        return _refund_rest(sandbox, order, actor)
    if order.state is OrderState.AUTHORIZED:
        return captures.void(sandbox, order, actor)
    return orders.cancel(sandbox, order, actor)


def _refund_rest(sandbox: Sandbox, order: Order, actor: Actor) -> Order:
    tries = attempts.of_order(sandbox, order.order_pk)
    captured = next((attempt for attempt in tries if attempt.state is AttemptState.CAPTURED), None)
    if captured is None or not captured.refundable.minor:
        message = "All of this order's money is refunded or being refunded."
        raise Conflict(message, code="order.refunded")
    key = refunds.own_reference(sandbox, order, "CANCEL")
    request = RefundRequest(key, captured.refundable, kind=CANCELLATION)
    add_event(sandbox, ORDERS, order, "cancelled_after_capture", actor, before=order.state)
    refunds.request(sandbox, order, request)
    return get_order(sandbox, order.order_pk)
