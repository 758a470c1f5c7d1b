"""
What the result tells the seller: status, reasonCode and description.

``001`` and ``01`` are Amazon's (seen in its notes and clients).  Amazon publishes no other
code for the web, so all others here are THE SANDBOX'S OWN; a seller must not branch on them.
Descriptions keep to ASCII without ``!'()*``, so that one signature suits every client.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from mockpay.domain.refunds import PROCESSING_FAILURE, REJECTED


class Status(StrEnum):
    """The three statuses of the way back."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    PENDING = "PENDING"


class Reason(Struct, frozen=True):
    """A reasonCode and its description."""

    code: str
    description: str


SUCCESS = Reason("001", "Txn Success")
PENDING = Reason("01", "Txn Pending")
#: The sandbox's own, for any failure without a row.
FAILED = Reason("200", "Payment failed")

#: The sandbox's own codes, by our reason or error code.
FAILURES: Mapping[str, Reason] = {
    "payment_cancelled": Reason("201", "Cancelled by the buyer"),
    "cancelled_by_seller": Reason("201", "Cancelled by the seller"),
    "payment_timed_out": Reason("202", "The time to pay is over"),
    "payment_collect_request_expired": Reason("203", "The UPI request was not answered"),
    "insufficient_funds": Reason("204", "Not enough funds"),
    "payment_declined": Reason("205", "Declined by the buyer"),
    "payment_failed": Reason("206", "Declined by the bank"),
    "incorrect_pin": Reason("207", "Wrong UPI PIN"),
    "pin_attempts_exceeded": Reason("208", "Too many wrong UPI PINs"),
    "transaction_limit_exceeded": Reason("209", "Over the limit for one payment"),
    "transaction_frequency_limit_exceeded": Reason("210", "Too many payments"),
    "transaction_daily_limit_exceeded": Reason("211", "Over the daily limit"),
    "debit_instrument_blocked": Reason("212", "The account is blocked"),
    "bank_account_invalid": Reason("213", "The account cannot be used"),
    "bank_technical_error": Reason("214", "The bank is unavailable"),
    "upi_app_technical_error": Reason("215", "The UPI app is unavailable"),
    "payment_risk_check_failed": Reason("216", "Refused by a risk check"),
    "invalid_vpa": Reason("217", "No such UPI ID"),
    "gateway_technical_error": Reason("218", "The gateway is unavailable"),
    "told_as_failure": Reason("219", "Payment failed"),
    "order.already_paid": Reason("250", "sellerOrderId is already paid"),
    "order.open_with_another_amount": Reason("251", "This sellerOrderId is open with another amount"),
    "request.stale": Reason("252", "startTime is not fresh"),
    "amount.invalid": Reason("253", "orderTotalAmount is not valid"),
    "amount.too_small": Reason("254", "orderTotalAmount is below 1.00"),
    "currency.unknown": Reason("255", "orderTotalCurrencyCode must be INR"),
    "seller_order_id.invalid": Reason("256", "sellerOrderId is not valid"),
    "start_time.invalid": Reason("257", "startTime is not valid"),
    "timeout.invalid": Reason("258", "transactionTimeout is not valid"),
    "is_sandbox.invalid": Reason("259", "isSandbox must be true or false"),
    "field.invalid": Reason("260", "A field is too long or holds a control character"),
    "simulation.invalid": Reason("261", "sellerNote asks for an unknown SandboxSimulation"),
}

#: Why a refund was declined, by our reason.
REFUND_REASONS: Mapping[str, str] = {REJECTED: "AmazonRejected", PROCESSING_FAILURE: "ProcessingFailure"}


#: What clients sign in different ways.
_UNLIKE = re.compile(r"[^ -~]|[!'()*]")


def failure(reason: str | None, description: str | None = None) -> Reason:
    """The row of one of our reasons, where there is a better description with that."""
    row = FAILURES.get(reason or "", FAILED)
    return Reason(row.code, _UNLIKE.sub("?", description)) if description else row
