"""An order and its tries as PayU's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockpay.domain.methods.registry import response_codes_of
from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState
from mockpay.domain.sellers import Seller
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import indian
from mockpay.providers.payu import ids
from mockpay.providers.payu.banks import bank_code_of
from mockpay.providers.payu.emi_codes import plan_code
from mockpay.providers.payu.outcomes import error_of, error_of_reason
from mockpay.wire.payu import answers, errors
from mockpay.wire.payu.answers import Transaction

_A = AttemptState
#: What each end of a try is to PayU; while none of these, the try goes on.
_ENDED = {
    _A.FAILED: answers.FAILED,
    _A.CANCELLED: answers.USER_CANCELLED,
    _A.EXPIRED: answers.DROPPED,
    _A.REVERSED: answers.AUTO_REFUND,
    _A.VOIDED: answers.CANCELLED,
}
#: Modes by method; a card's own kind says whether it is a debit card.
_MODES = {"card": "CC", "emi": "EMI", "upi": "UPI", "netbanking": "NB", "wallet": "CASH"}
_DEBIT = "DC"
SUCCESS_MESSAGE, PENDING_MESSAGE = "Transaction is Successful", "TRANSACTION_PENDING"


def fields_of(order: Order) -> Mapping[str, str]:
    """What the seller has posted, as far as it comes back."""
    fields: Any = order.request["fields"]
    return {**fields, "txnid": order.seller_order_id}


def marks_of(order: Order) -> Mapping[str, str]:
    """What else of the posted form is needed later: where the buyer goes."""
    marks: Any = order.request["marks"]
    return marks  # type: ignore[no-any-return]


def transaction_of(seller: Seller, order: Order, attempt: Attempt | None) -> Transaction:
    """
    A try of an order as a transaction; the order's newest unless another one is meant.

    An order that nobody has tried to pay has the id of its first try already.
    """
    status = status_of(order, attempt)
    pending, taken = answers.STATUSES[status] == "pending", status in {answers.CAPTURED, answers.AUTHORIZED}
    mode, bank_code = _mode(attempt) if attempt is not None else ("", "")
    message, error = _failure(order, attempt, status)
    return Transaction(
        mihpayid=attempt.attempt_id if attempt is not None else ids.mihpayid(seller, order.order_id, 1),
        fields=fields_of(order),
        amount=order.amount,
        unmapped_status=status,
        added_on=f"{indian(order.created_at):%Y-%m-%d %H:%M:%S}",
        mode=mode,
        bank_code=bank_code,
        message=SUCCESS_MESSAGE if taken else PENDING_MESSAGE if pending else message,
        error=errors.NO_ERROR if taken else errors.PENDING if pending else error,
        bank_reference=ids.bank_reference(seller, order.order_id) if taken else "",
        auth_code=ids.bank_reference(seller, order.order_id)[:6] if taken else "",
        card_number=_masked(attempt.instrument) if attempt is not None else "",
    )


def status_of(order: Order, attempt: Attempt | None) -> str:
    """PayU's own status of an order's try; that of the newest is the order's."""
    newest = attempt is None or attempt.number == order.attempt_count
    if not newest and attempt is not None:
        return _ENDED.get(attempt.state, answers.FAILED)
    if attempt is not None and attempt.state is _A.REVERSED:
        return answers.AUTO_REFUND
    if order.state in PAID:
        return answers.CAPTURED
    by_state = {
        OrderState.AUTHORIZED: answers.AUTHORIZED,
        OrderState.CREATED: answers.INITIATED,
        OrderState.PENDING: answers.IN_PROGRESS,
        OrderState.FAILED: answers.FAILED,
        OrderState.EXPIRED: answers.BOUNCED if attempt is None else answers.DROPPED,
    }
    if order.state in by_state:
        return by_state[order.state]
    return answers.USER_CANCELLED if order.cancelled_by in {None, Actor.BUYER} else answers.CANCELLED


def _failure(order: Order, attempt: Attempt | None, status: str) -> tuple[str, str]:
    """What the bank, or PayU, says of a payment that took no money, and PayU's error."""
    failure = attempt.failure if attempt is not None else None
    if failure is not None and attempt is not None and failure.code:
        codes = response_codes_of(attempt).codes
        if failure.code in codes:
            row = codes[failure.code]
            return row.meaning, error_of(row)
    reason = (failure.reason if failure is not None else None) or order.reason or status
    return reason.replace("_", " "), error_of_reason(reason)


def _mode(attempt: Attempt) -> tuple[str, str]:
    """`mode` and `bankcode`."""
    parts = attempt.instrument
    mode = _MODES.get(attempt.method, "CASH")
    if attempt.method == "card" and parts.get("type") == "debit":
        mode = _DEBIT
    if attempt.method == "emi":
        return mode, plan_code(parts["emi_bank"], int(parts["tenure"]))
    return mode, bank_code_of(parts["bank"]) if attempt.method == "netbanking" else mode


def _masked(parts: Mapping[str, str]) -> str:
    """``411111XXXXXX1111``; empty for what is no card."""
    return f"{parts['bin']}XXXXXX{parts['last4']}" if "bin" in parts and "last4" in parts else ""
