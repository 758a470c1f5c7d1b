"""
GetAuthorizationDetails and GetCaptureDetails: India charges at once, so an order has one of each, its last attempt's.

Elements, states and reason codes: Amazon's pages "Authorization states and reason codes" and "Capture states and reason
codes", and answers in public tests of its clients. Which of our reasons is which of Amazon's is the sandbox's choice.
"""

from __future__ import annotations

from collections.abc import Sequence

from mockpay.domain.orders import Order, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState
from mockpay.kernel.clock import SECOND, rfc3339
from mockpay.kernel.errors import NotFound
from mockpay.kernel.money import Money
from mockpay.providers.amazonpay.calls import Call
from mockpay.providers.amazonpay.environments import need_order
from mockpay.providers.amazonpay.ids import charge_id
from mockpay.providers.amazonpay.parameters import quoted
from mockpay.providers.amazonpay.xml_responses import Reply, answer
from mockpay.services.payments.transitions import CAPTURE
from mockpay.store import attempts, schedule
from mockpay.store import refunds as refund_rows
from mockpay.store.journal import order_ids
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.xml import Kept, Tree

_DECLINED = {
    "payment_timed_out": "TransactionTimedOut",
    "payment_collect_request_expired": "TransactionTimedOut",
    "payment_risk_check_failed": "AmazonRejected",
    "bank_technical_error": "ProcessingFailure",
    "upi_app_technical_error": "ProcessingFailure",
    "gateway_technical_error": "ProcessingFailure",
}
#: By the reason of an order whose hold was released.
_CLOSED = {"authorization_expired": "ExpiredUnused", "payment_cancelled": "OrderReferenceCanceled"}
_DECLINED_STATES = frozenset({AttemptState.FAILED, AttemptState.CANCELLED, AttemptState.EXPIRED})
_CAPTURE_FAILED = "capture_failed"


def get_authorization_details(call: Call, sandbox: Sandbox) -> Reply:
    """
    How the authorisation of an order stands.

    Raises:
        NotFound: code ``transaction.not_found``.
    """
    order = need_order(call, sandbox, "AmazonAuthorizationId")
    attempt = _attempt(sandbox, order)
    if attempt is None:
        raise _unknown(call, "AmazonAuthorizationId")
    state, reason = _authorization_state(order, attempt)
    settings = sandbox.seller.settings
    captures = [charge_id(sandbox.seller, order, "C")] if _capture_state(sandbox, order, attempt) else []
    details: Tree = {
        "AmazonAuthorizationId": charge_id(sandbox.seller, order, "A"),
        "AuthorizationReferenceId": attempt.attempt_id,
        "AuthorizationAmount": _price(attempt.amount),
        "CapturedAmount": _price(attempt.captured),
        "AuthorizationFee": _price(Money(0, attempt.amount.currency)),
        **id_list(sandbox, captures),
        "CreationTimestamp": rfc3339(attempt.created_at),
        "ExpirationTimestamp": rfc3339(attempt.created_at + settings.authorization_seconds * SECOND),
        "AuthorizationStatus": _status(state, reason, attempt),
        "SoftDecline": "false",
        "CaptureNow": "true" if settings.capture == "auto" else "false",
    }
    return Reply(answer("GetAuthorizationDetails", {"AuthorizationDetails": details}), order_ids(order))


def get_capture_details(call: Call, sandbox: Sandbox) -> Reply:
    """
    How the capture of an order stands, and how much of it was refunded.

    Raises:
        NotFound: code ``transaction.not_found``: nothing was captured, nor is it tried.
    """
    order = need_order(call, sandbox, "AmazonCaptureId")
    attempt = _attempt(sandbox, order)
    capture = attempt and _capture_state(sandbox, order, attempt)
    if attempt is None or not capture:
        raise _unknown(call, "AmazonCaptureId")
    amount = attempt.captured if attempt.captured_minor else attempt.amount
    details: Tree = {
        "AmazonCaptureId": charge_id(sandbox.seller, order, "C"),
        "CaptureReferenceId": attempt.attempt_id,
        "CaptureAmount": _price(amount),
        "RefundedAmount": _price(Money(order.refunded_minor, amount.currency)),
        "CaptureFee": _price(Money(0, amount.currency)),
        **id_list(sandbox, [refund.refund_id for refund in refund_rows.of_order(sandbox, order.order_pk)]),
        "CreationTimestamp": rfc3339(attempt.updated_at),
        "CaptureStatus": _status(*capture, attempt),
    }
    return Reply(answer("GetCaptureDetails", {"CaptureDetails": details}), order_ids(order))


def authorization_ids(sandbox: Sandbox, order: Order) -> list[str]:
    """The ids of an order's authorisations."""
    return [charge_id(sandbox.seller, order, "A")] if _attempt(sandbox, order) else []


def id_list(sandbox: Sandbox, ids: Sequence[str]) -> dict[str, Tree]:
    """An IdList, there even where it is empty, for sellers whose client needs one."""
    return {"IdList": Kept(member=list(ids))} if sandbox.seller.settings.id_list else {}


def _attempt(sandbox: Sandbox, order: Order) -> Attempt | None:
    """The attempt that took the order's money, else its last one."""
    tries = attempts.of_order(sandbox, order.order_pk)
    return next((attempt for attempt in tries if attempt.captured_minor), tries[-1] if tries else None)


def _unknown(call: Call, name: str) -> NotFound:
    return NotFound(f"{name} {quoted(call.need(name))} is not known.", code="transaction.not_found", name=name)


def _price(amount: Money) -> Tree:
    return {"CurrencyCode": amount.currency, "Amount": amount.wire()}


def _status(state: str, reason: str, attempt: Attempt) -> Tree:
    return {"State": state, "LastUpdateTimestamp": rfc3339(attempt.updated_at), "ReasonCode": reason}


def _authorization_state(order: Order, attempt: Attempt) -> tuple[str, str]:
    if attempt.captured_minor:
        return "Closed", "MaxCapturesProcessed"
    if attempt.state is AttemptState.AUTHORIZED:
        return "Open", ""
    if attempt.state in {AttemptState.VOIDED, AttemptState.REVERSED}:
        return "Closed", _CLOSED.get(order.reason or "", "AmazonClosed")
    if attempt.state in _DECLINED_STATES:
        return "Declined", _DECLINED.get(attempt.reason or "", "InvalidPaymentMethod")
    return "Pending", ""


def _capture_state(sandbox: Sandbox, order: Order, attempt: Attempt) -> tuple[str, str] | None:
    """None where no capture was tried."""
    if attempt.captured_minor:
        return ("Closed", "MaxAmountRefunded") if order.state is OrderState.REFUNDED else ("Completed", "")
    if schedule.waits(sandbox, attempt.attempt_id, CAPTURE):
        return "Pending", ""
    return ("Declined", "AmazonRejected") if order.reason == _CAPTURE_FAILED else None
