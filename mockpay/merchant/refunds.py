"""Refunds on Amazon's wire: what one is asked for with, and what is answered about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mockpay.kernel.errors import Invalid
from mockpay.merchant.parameters import require
from mockpay.merchant.responses import branch, moment, text
from mockpay.wire.xml import Plain

#: Of a seller's own reference ids (MWS reference).
REFERENCE_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
#: How long the two texts may be (MWS reference).
_LONGEST_NOTE, _LONGEST_DESCRIPTOR = 255, 16


class RefundState(StrEnum):
    """How Amazon sees a refund, spelt as on its wire."""

    PENDING = "Pending"
    COMPLETED = "Completed"
    DECLINED = "Declined"


@dataclass(frozen=True, slots=True)
class Refund:
    """
    A refund as Amazon Pay sees it; what the answer left out is empty.

    Attributes:
        reason_code: Why it was declined: AmazonRejected or ProcessingFailure.
        fee_refunded: What Amazon gives back of its own fee, in the same currency.
    """

    amazon_refund_id: str
    refund_reference_id: str
    state: RefundState
    reason_code: str
    reason_description: str
    refund_type: str
    amount: str
    currency: str
    fee_refunded: str
    note: str
    soft_descriptor: str
    created_at: int | None
    updated_at: int | None


def refund_params(
    amazon_order_id: str,
    refund_reference_id: str,
    amount: str,
    currency: str,
    note: str | None,
    soft_descriptor: str | None,
) -> dict[str, str]:
    """
    The parameters of RefundPayment as India's clients send them; what is empty is not sent.

    Raises:
        Invalid: code ``payment.field``: a value is empty, too long, or no reference id.
    """
    require(amazon_order_id=amazon_order_id, amount=amount, currency=currency)
    if not REFERENCE_ID.fullmatch(refund_reference_id):
        raise _wrong("refund_reference_id", "must be 1 to 32 letters, digits, - or _")
    if note and len(note) > _LONGEST_NOTE:
        raise _wrong("note", f"has more than {_LONGEST_NOTE} characters")
    if soft_descriptor and len(soft_descriptor) > _LONGEST_DESCRIPTOR:
        raise _wrong("soft_descriptor", f"has more than {_LONGEST_DESCRIPTOR} characters")
    params = {
        "AmazonTransactionId": amazon_order_id,
        "AmazonTransactionIdType": "OrderReferenceId",
        "RefundReferenceId": refund_reference_id,
        "RefundAmount.Amount": amount,
        "RefundAmount.CurrencyCode": currency,
        "SellerRefundNote": note,
        "SoftDescriptor": soft_descriptor,
    }
    return {name: value for name, value in params.items() if value}


def refund_details(result: Mapping[str, Plain]) -> Refund | None:
    """
    Read a result's RefundDetails: India's RefundPayment puts a RefundDetail into it,
    GetRefundDetails does not; either is taken.

    Returns:
        None if there is no refund in it, or one in no known state.

    Raises:
        Invalid: code ``time.invalid``.
    """
    details = branch(result, "RefundDetails")
    details = branch(details, "RefundDetail") or details
    status = branch(details, "RefundStatus")
    amount = branch(details, "RefundAmount")
    state = text(status, "State")
    if state not in set(RefundState) or not text(details, "AmazonRefundId"):
        return None
    return Refund(
        amazon_refund_id=text(details, "AmazonRefundId"),
        refund_reference_id=text(details, "RefundReferenceId"),
        state=RefundState(state),
        reason_code=text(status, "ReasonCode"),
        reason_description=text(status, "ReasonDescription"),
        refund_type=text(details, "RefundType"),
        amount=text(amount, "Amount"),
        currency=text(amount, "CurrencyCode"),
        fee_refunded=text(branch(details, "FeeRefunded"), "Amount"),
        note=text(details, "SellerRefundNote"),
        soft_descriptor=text(details, "SoftDescriptor"),
        created_at=moment(details, "CreationTimestamp"),
        updated_at=moment(status, "LastUpdateTimestamp"),
    )


def _wrong(name: str, rule: str) -> Invalid:
    return Invalid(f"The {name} {rule}.", code="payment.field", name=name)
