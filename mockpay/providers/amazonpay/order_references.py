"""GetOrderReferenceDetails, CancelOrderReference and CloseOrderReference."""

from __future__ import annotations

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import Conflict
from mockpay.providers.amazonpay.calls import Call
from mockpay.providers.amazonpay.charges import authorization_ids, id_list
from mockpay.providers.amazonpay.environments import need_order
from mockpay.providers.amazonpay.text_limits import check_texts
from mockpay.providers.amazonpay.xml_responses import Reply, amazon_state, answer, order_reference
from mockpay.services.payments import cancellation
from mockpay.services.payments.transitions import CAPTURE
from mockpay.store import attempts, schedule
from mockpay.store.journal import order_ids
from mockpay.store.unit_of_work import Sandbox

_ENDED = frozenset({OrderState.FAILED, OrderState.CANCELLED, OrderState.EXPIRED})


def get_order_reference_details(call: Call, sandbox: Sandbox) -> Reply:
    """
    One order by Amazon's id.

    Raises:
        NotFound: code ``order.not_found``.
    """
    order = _need(call, sandbox)
    details = order_reference(order) | id_list(sandbox, authorization_ids(sandbox, order))
    return Reply(answer("GetOrderReferenceDetails", {"OrderReferenceDetails": details}), order_ids(order))


def cancel_order_reference(call: Call, sandbox: Sandbox) -> Reply:
    """
    Give up an order that nobody has paid; a hold is released.

    Raises:
        NotFound: code ``order.not_found``.
        Conflict: code ``order.paid`` where money was or may be taken, ``order.ended``.
    """
    order = _need(call, sandbox)
    warnings = check_texts(sandbox.seller, call.fields)
    _check_not_ended(order)
    if order.state in PAID or _capture_pending(sandbox, order):
        message = f"Order reference {order.order_id} has a capture and cannot be cancelled; refund it."
        raise Conflict(message, code="order.paid", state=str(order.state))
    cancellation.cancel(sandbox, order, Actor.SELLER)
    return Reply(answer("CancelOrderReference", {}), order_ids(order), warnings=warnings)


def close_order_reference(call: Call, sandbox: Sandbox) -> Reply:
    """
    Say that nothing more will be charged: of India's orders a paid one, which is closed by its payment.

    Raises:
        NotFound: code ``order.not_found``.
        Conflict: code ``order.not_closable`` where it is not paid yet, ``order.ended``.
    """
    order = _need(call, sandbox)
    warnings = check_texts(sandbox.seller, call.fields)
    _check_not_ended(order)
    if order.state not in PAID:
        message = f"Order reference {order.order_id} is Open and not paid; it can be cancelled, not closed."
        raise Conflict(message, code="order.not_closable", state=str(order.state))
    return Reply(answer("CloseOrderReference", {}), order_ids(order), warnings=warnings)


def _need(call: Call, sandbox: Sandbox) -> Order:
    return need_order(call, sandbox, "AmazonOrderReferenceId", "order.not_found")


def _check_not_ended(order: Order) -> None:
    if order.state in _ENDED:
        state = amazon_state(order)[0]
        message = f"Order reference {order.order_id} is {state}, so this operation is not allowed."
        raise Conflict(message, code="order.ended", state=str(order.state))


def _capture_pending(sandbox: Sandbox, order: Order) -> bool:
    last = attempts.last_of_order(sandbox, order.order_pk)
    return last is not None and schedule.waits(sandbox, last.attempt_id, CAPTURE)
