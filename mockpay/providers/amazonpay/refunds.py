"""RefundPayment, Refund and GetRefundDetails: from their parameters to Amazon's documents."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.orders import Order
from mockpay.domain.refunds import Refund, RefundRequest, RefundState
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import Conflict, Invalid, MockpayError, NotFound, Unusable
from mockpay.kernel.money import Money
from mockpay.providers.amazonpay.calls import Call
from mockpay.providers.amazonpay.codec import AMOUNT_RULE
from mockpay.providers.amazonpay.environments import check_environment, find_order, need_order
from mockpay.providers.amazonpay.ids import NAME, order_part
from mockpay.providers.amazonpay.parameters import quoted, wrong
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
#: Parameters that name an order, or what belongs to one.
_ORDER_NAMES = (
    "AmazonOrderReferenceId",
    "AmazonTransactionId",
    "AmazonAuthorizationId",
    "AmazonCaptureId",
    "AmazonRefundId",
)
#: By code, or by field for a refund that cannot be, the parameter that is wrong and what it may be.
_PARAMETERS: Mapping[str, tuple[str, str | None]] = {
    "reference": ("RefundReferenceId", None),
    "note": ("SellerRefundNote", None),
    "soft_descriptor": ("SoftDescriptor", None),
    "amount.invalid": ("RefundAmount.Amount", AMOUNT_RULE),
    "amount.too_small": ("RefundAmount.Amount", None),
    "refund.exceeds_capture": ("RefundAmount.Amount", None),
    "refund.currency": ("RefundAmount.CurrencyCode", "the currency of the order"),
    "refund.duplicate": ("RefundReferenceId", "there is another refund of this reference"),
    "simulation.invalid": ("SellerRefundNote", "there is no such SandboxSimulation"),
}


def refund_payment(call: Call, sandbox: Sandbox) -> Reply:
    """
    India's operation, by order reference.

    Raises:
        Invalid, NotFound, Conflict: see `services.refunds.request`; code
            ``transaction.not_found``, ``parameter.missing`` or ``parameter.invalid``.
    """
    id_type = call.fields.get("AmazonTransactionIdType", _ID_TYPE)
    if id_type != _ID_TYPE:
        raise wrong("AmazonTransactionIdType", id_type, f"only {_ID_TYPE}")
    return _refund(call, sandbox, need_order(call, sandbox, "AmazonTransactionId"), "RefundPayment")


def refund(call: Call, sandbox: Sandbox) -> Reply:
    """
    The operation of the other regions, by capture (an order reference is taken too).

    Raises:
        Invalid, NotFound, Conflict: as for `refund_payment`.
    """
    return _refund(call, sandbox, need_order(call, sandbox, "AmazonCaptureId"), "Refund")


def _refund(call: Call, sandbox: Sandbox, order: Order, operation: str) -> Reply:
    currency = call.need("RefundAmount.CurrencyCode").upper()
    try:
        request = RefundRequest(
            key=call.need("RefundReferenceId"),
            amount=Money.parse(call.need("RefundAmount.Amount"), currency),
            note=call.fields.get("SellerRefundNote") or None,
            soft_descriptor=call.fields.get("SoftDescriptor") or None,
        )
        result = refunds.request(sandbox, order, request)
    except (Invalid, Conflict) as error:
        raise _by_wire_name(call, error) from error
    if result.refund is None:
        return Reply.refusing(Conflict("A scenario throttles this call.", code="throttled"), order_ids(order))
    if result.answer_lost:
        message = "A scenario loses this answer."
        return Reply.refusing(Unusable(message, code="answer.lost"), order_ids(order))
    detail: Tree = _detail(result.refund)
    # India's reply has one level more (seen in a consumer).
    details: Tree = {"RefundDetail": detail} if operation == "RefundPayment" else detail
    document = answer(operation, {"RefundDetails": details})
    return Reply(document, order_ids(order), notify_first=result.refund.refund_id if result.early else None)


def get_refund_details(call: Call, sandbox: Sandbox) -> Reply:
    """
    How a refund stands.

    Raises:
        NotFound: code ``refund.not_found``.
    """
    refund_id = call.need("AmazonRefundId")
    refund = refund_rows.by_id(sandbox, refund_id)
    refusal = NotFound(f"AmazonRefundId {quoted(refund_id)} is not known.", code="refund.not_found")
    order = None if refund is None else find_order(sandbox, refund.order_id)
    if order is None:
        raise refusal
    check_environment(call, sandbox, order, refusal)
    refund = refunds.record_poll(sandbox, refund_id)
    return Reply(answer("GetRefundDetails", {"RefundDetails": _detail(refund)}), (refund.order_id,))


def named_orders(call: Call, sandbox: Sandbox) -> tuple[str, ...]:
    """The ids of the orders of this seller that a believed call names, whatever it asks."""
    names = [order_part(call.fields.get(name, "")) for name in _ORDER_NAMES]
    by_id = [find_order(sandbox, name) for name in dict.fromkeys(names) if name]
    query = call.fields.get("QueryId")
    return order_ids(*by_id, orders.newest(sandbox, query, NAME) if query else None)


def _by_wire_name(call: Call, error: Invalid | Conflict) -> MockpayError:
    """The same error with the parameter's name on the wire and its value."""
    named = _PARAMETERS.get(error.code) or _PARAMETERS.get(str(error.detail.get("field")))
    if named is None:
        return error
    name, rule = named
    rule = rule or str(error.detail.get("rule", error.message[0].lower() + error.message[1:].rstrip(".")))
    return type(error)(wrong(name, call.fields.get(name, ""), rule).message, code=error.code, name=name)


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
