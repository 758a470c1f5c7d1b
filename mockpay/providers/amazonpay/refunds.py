"""RefundPayment, Refund and GetRefundDetails: from their parameters to Amazon's documents."""

from __future__ import annotations

from mockpay.domain.orders import Order
from mockpay.domain.refunds import Refund, RefundRequest, RefundState
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import Conflict, Invalid, NotFound, Unusable
from mockpay.kernel.money import Money
from mockpay.providers.amazonpay.calls import Call
from mockpay.providers.amazonpay.reasons import REFUND_REASONS
from mockpay.providers.amazonpay.xml_responses import Reply, answer
from mockpay.services.refunds import refunds
from mockpay.store import orders
from mockpay.store import refunds as refund_rows
from mockpay.store.journal import order_ids
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.xml import Tree

_STATES = {
    RefundState.PENDING: "Pending",
    RefundState.COMPLETED: "Completed",
    RefundState.DECLINED: "Declined",
    # Amazon's wire has no word for it: the refund was completed.
    RefundState.REVERSED: "Completed",
}
_ID_TYPE = "OrderReferenceId"
#: Parameters that name an order; a capture's id begins with its order's.
_ORDER_NAMES = ("AmazonOrderReferenceId", "AmazonTransactionId", "AmazonCaptureId")


def refund_payment(call: Call, sandbox: Sandbox) -> Reply:
    """
    India's operation, by order reference.

    Raises:
        Invalid, NotFound, Conflict: see `services.refunds.request`; code
            ``transaction.not_found``, ``parameter.missing`` or ``parameter.invalid``.
    """
    if call.fields.get("AmazonTransactionIdType", _ID_TYPE) != _ID_TYPE:
        message = f"AmazonTransactionIdType must be {_ID_TYPE}."
        raise Invalid(message, code="parameter.invalid", name="AmazonTransactionIdType")
    order = _order(sandbox, call.need("AmazonTransactionId"))
    return _refund(call, sandbox, order, "RefundPayment")


def refund(call: Call, sandbox: Sandbox) -> Reply:
    """
    The operation of the other regions, by capture (an order reference is taken too).

    Raises:
        Invalid, NotFound, Conflict: as for `refund_payment`.
    """
    named = call.need("AmazonCaptureId")
    order = _order(sandbox, named.partition("-C")[0])
    return _refund(call, sandbox, order, "Refund")


def _order(sandbox: Sandbox, order_id: str) -> Order:
    order = orders.by_id(sandbox, order_id)
    if order is None:
        raise NotFound("There is no such transaction.", code="transaction.not_found")
    return order


def _refund(call: Call, sandbox: Sandbox, order: Order, operation: str) -> Reply:
    currency = call.need("RefundAmount.CurrencyCode").upper()
    asked = RefundRequest(
        key=call.need("RefundReferenceId"),
        amount=Money.parse(call.need("RefundAmount.Amount"), currency),
        note=call.fields.get("SellerRefundNote") or None,
        soft_descriptor=call.fields.get("SoftDescriptor") or None,
    )
    got = refunds.request(sandbox, order, asked)
    if got.refund is None:
        return Reply.refusing(Conflict("A scenario throttles this call.", code="throttled"), order_ids(order))
    if got.answer_lost:
        message = "A scenario loses this answer."
        return Reply.refusing(Unusable(message, code="answer.lost"), order_ids(order))
    detail: Tree = _detail(got.refund)
    # India's reply has one level more (seen in a consumer).
    details: Tree = {"RefundDetail": detail} if operation == "RefundPayment" else detail
    document = answer(operation, {"RefundDetails": details})
    return Reply(document, order_ids(order), notify_first=got.refund.refund_id if got.early else None)


def get_refund_details(call: Call, sandbox: Sandbox) -> Reply:
    """
    How a refund stands.

    Raises:
        NotFound: code ``refund.not_found``.
    """
    found = refunds.record_poll(sandbox, call.need("AmazonRefundId"))
    return Reply(answer("GetRefundDetails", {"RefundDetails": _detail(found)}), (found.order_id,))


def named_orders(call: Call, sandbox: Sandbox) -> tuple[str, ...]:
    """The ids of the orders of this seller that a believed call names, whatever it asks."""
    names = [call.fields.get(name, "").partition("-C")[0] for name in _ORDER_NAMES]
    refund = refund_rows.by_id(sandbox, call.fields.get("AmazonRefundId", ""))
    if refund is not None:
        names.append(refund.order_id)
    return order_ids(*(orders.by_id(sandbox, name) for name in dict.fromkeys(names) if name))


def _detail(refund: Refund) -> Tree:
    """One RefundDetail; empty elements are left out when it is rendered."""
    return {
        "AmazonRefundId": refund.refund_id,
        "RefundReferenceId": refund.reference,
        "RefundType": "SellerInitiated",
        "RefundAmount": {"CurrencyCode": refund.amount.currency, "Amount": refund.amount.wire()},
        "FeeRefunded": {"CurrencyCode": refund.amount.currency, "Amount": "0.00"},
        "CreationTimestamp": rfc3339(refund.created_at),
        "RefundStatus": {
            "State": _STATES[refund.state],
            "LastUpdateTimestamp": rfc3339(refund.updated_at),
            "ReasonCode": REFUND_REASONS.get(refund.reason_code or "", ""),
            "ReasonDescription": "",
        },
        "SellerRefundNote": refund.note or "",
        "SoftDescriptor": refund.soft_descriptor or "",
    }
