"""
What a notification reports: a payment that was made or failed, or a refund that ended.

Both roots were seen in consumers of India's notifications; the name of the element with the
payment's amount was not, so any second amount beside the fee is taken for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.merchant.refunds import RefundState
from mockpay.merchant.responses import branch, moment, text
from mockpay.wire import xml
from mockpay.wire.xml import Plain

PAYMENT, REFUND = "OrderReferenceNotification", "PaymentRefund"
_PAYMENT_ROOT = ("ChargeTransactionNotification", "ChargeTransactionDetails")
_REFUND_ROOT = ("RefundTransactionNotification", "RefundTransactionDetails")
#: As elsewhere in the world, and for Amazon's older Refund operation.
_MWS_REFUND_ROOT = ("RefundNotification", "RefundDetails")


class PaymentState(StrEnum):
    """How a payment ended, spelt as on Amazon's wire."""

    COMPLETED = "Completed"
    DECLINED = "Declined"


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """
    A payment that ended; what the notification left out is empty.

    Attributes:
        fee: What Amazon keeps; None if it is not told.
    """

    amazon_order_id: str
    seller_order_id: str
    amount: Money
    fee: Money | None
    state: PaymentState
    reason_code: str
    reason_description: str
    created_at: int | None
    updated_at: int | None


@dataclass(frozen=True, slots=True)
class RefundNotice:
    """A refund that ended; `amount` is None if it is not told, the rest is empty then."""

    amazon_refund_id: str
    refund_reference_id: str
    amount: Money | None
    state: RefundState
    reason_code: str
    reason_description: str
    created_at: int | None
    updated_at: int | None


def notice(notification_type: str, document: str) -> PaymentNotice | RefundNotice | None:
    """
    Read a NotificationData.

    Returns:
        None for a type that is not known here.

    Raises:
        XmlError: the document is broken or dangerous.
        Invalid: an element is missing or makes no sense.
    """
    if notification_type not in {PAYMENT, REFUND}:
        return None
    tree = xml.parse(document.encode(errors="replace"))
    if notification_type == PAYMENT:
        return _payment(_details(tree, _PAYMENT_ROOT))
    if _MWS_REFUND_ROOT[0] in tree:
        details = _details(tree, _MWS_REFUND_ROOT)
        return _refund(details, "AmazonRefundId", "RefundStatus")
    return _refund(_details(tree, _REFUND_ROOT), "RefundTransactionId", "Status")


def _payment(details: Mapping[str, Plain]) -> PaymentNotice:
    status = branch(details, "Status")
    amounts = [child for name, child in details.items() if _is_amount(name, child)]
    if not amounts:
        raise Invalid("The payment's amount is missing.")
    return PaymentNotice(
        amazon_order_id=_required_text(details, "OrderID"),
        seller_order_id=_required_text(details, "SellerReferenceId"),
        amount=_required_money(amounts[0]),
        fee=_money(branch(details, "TotalFee")),
        state=PaymentState(_one_of(PaymentState, status)),
        reason_code=text(status, "ReasonCode"),
        reason_description=text(status, "ReasonDescription"),
        created_at=moment(details, "CreationTimestamp"),
        updated_at=moment(status, "LastUpdateTimestamp"),
    )


def _refund(details: Mapping[str, Plain], id_name: str, status_name: str) -> RefundNotice:
    status = branch(details, status_name)
    return RefundNotice(
        amazon_refund_id=_required_text(details, id_name),
        refund_reference_id=_required_text(details, "RefundReferenceId"),
        amount=_money(branch(details, "RefundAmount")),
        state=RefundState(_one_of(RefundState, status)),
        reason_code=text(status, "ReasonCode"),
        reason_description=text(status, "ReasonDescription"),
        created_at=moment(details, "CreationTimestamp"),
        updated_at=moment(status, "LastUpdateTimestamp"),
    )


def _details(tree: Mapping[str, Plain], root: tuple[str, str]) -> Mapping[str, Plain]:
    found = branch(branch(tree, root[0]), root[1])
    if not found:
        raise Invalid(f"There is no {root[0]}/{root[1]}.")
    return found


def _is_amount(name: str, child: Plain) -> bool:
    return name != "TotalFee" and isinstance(child, dict) and "Amount" in child


def _required_money(amount: Plain) -> Money:
    found = _money(amount if isinstance(amount, dict) else {})
    assert found is not None
    return found


def _money(amount: Mapping[str, Plain]) -> Money | None:
    if "Amount" not in amount:
        return None
    return Money.parse(text(amount, "Amount"), text(amount, "CurrencyCode"))


def _required_text(details: Mapping[str, Plain], name: str) -> str:
    found = text(details, name)
    if not found:
        raise Invalid(f"The {name} is missing.")
    return found


def _one_of(states: type[StrEnum], status: Mapping[str, Plain]) -> str:
    found = text(status, "State")
    if found not in set(states):
        raise Invalid(f"There is no state {found[:40]!r}.")
    return found
