"""XML documents of the MWS family (`text/xml` without a charset, or one client cannot read it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from mockpay.domain.orders import CLOSED_UNPAID, PAID, Order, OrderState
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import MockpayError
from mockpay.providers.amazonpay.errors import amazon_error
from mockpay.wire.xml import Tree, render

NAMESPACE = "http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"


class Reply(Struct, frozen=True):
    """
    What an operation answers, and is committed for whatever its status.

    `orders` are the ids of those it is about; `refused` is the error that the document tells; `notify_first` the
    refund whose notification must have had its first try before the answer goes out. `reason` and `warnings` are for
    the journal: why the answer is what it is, and what the real service would not take.
    """

    document: bytes
    orders: Sequence[str] = ()
    refused: MockpayError | None = None
    notify_first: str | None = None
    reason: str | None = None
    warnings: Mapping[str, str] | None = None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return amazon_error(self.refused.code).status if self.refused else 200

    @classmethod
    def refusing(cls, error: MockpayError, orders: Sequence[str] = ()) -> Reply:
        """An error that nevertheless keeps what the operation has written."""
        return cls(error_document(error), orders, error)


def answer(operation: str, result: Tree) -> bytes:
    """`{operation}Response` with its result and a request id."""
    return render(
        f"{operation}Response",
        NAMESPACE,
        {f"{operation}Result": result, "ResponseMetadata": {"RequestId": ids.request_id()}},
    )


def error_document(error: MockpayError) -> bytes:
    """An ErrorResponse; clients dereference it unchecked, so it is there for every error."""
    row = amazon_error(error.code)
    detail = {"Type": "Sender", "Code": row.code, "Message": row.text(error)}
    return render("ErrorResponse", NAMESPACE, {"Error": detail, "RequestId": ids.request_id()})


def amazon_note(reason: str | None, *, paid: bool) -> tuple[str, str]:
    """Amazon's ReasonCode and ReasonDescription of a charge that has ended."""
    if paid:
        return "UpfrontChargeSuccess", "Txn Success"
    return "UpfrontChargeFailure", reason or "Txn Failure"


def amazon_state(order: Order) -> tuple[str, str, str]:
    """Amazon's State, ReasonCode and ReasonDescription for an order (contract section 2)."""
    if order.state in PAID or order.state is OrderState.FAILED:
        return "Closed", *amazon_note(order.reason, paid=order.state in PAID)
    if order.state in CLOSED_UNPAID:
        return "Canceled", "SellerCanceled" if order.cancelled_by is Actor.SELLER else "", ""
    return "Open", "", ""


def order_reference(order: Order, *, stale: bool = False) -> dict[str, Tree]:
    """
    One OrderReference; empty elements are left out when it is rendered.

    Args:
        stale: Tell the state that it had before anybody paid.
    """
    state, reason, description = ("Open", "", "") if stale else amazon_state(order)
    return {
        "ReleaseEnvironment": "Live" if order.live else "Sandbox",
        "OrderReferenceStatus": {
            "LastUpdateTimestamp": rfc3339(order.created_at if stale else order.updated_at),
            "State": state,
            "ReasonCode": reason,
            "ReasonDescription": description,
        },
        "AmazonOrderReferenceId": order.order_id,
        "CreationTimestamp": rfc3339(order.created_at),
        "SellerOrderAttributes": {
            "StoreName": order.store_name or "",
            "CustomInformation": order.custom_information or "",
            "SellerOrderId": order.seller_order_id,
        },
        "OrderTotal": {"CurrencyCode": order.amount.currency, "Amount": order.amount.wire()},
        "SellerNote": order.seller_note or "",
    }
