"""XML documents of the MWS family (`text/xml` without a charset, or one client cannot read it)."""

from __future__ import annotations

from mockpay.domain.orders import CLOSED_UNPAID, PAID, Order, OrderState
from mockpay.kernel import ids
from mockpay.kernel.clock import rfc3339
from mockpay.providers.amazonpay.errors import AmazonError
from mockpay.wire.xml import Tree, render

NAMESPACE = "http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"


def answer(operation: str, result: Tree) -> bytes:
    """`{operation}Response` with its result and a request id."""
    return render(
        f"{operation}Response",
        NAMESPACE,
        {f"{operation}Result": result, "ResponseMetadata": {"RequestId": ids.request_id()}},
    )


def error_document(error: AmazonError, message: str) -> bytes:
    """An ErrorResponse; clients dereference it unchecked, so it is there for every error."""
    detail = {"Type": "Sender", "Code": error.code, "Message": error.message or message}
    return render("ErrorResponse", NAMESPACE, {"Error": detail, "RequestId": ids.request_id()})


def amazon_state(order: Order) -> tuple[str, str, str]:
    """Amazon's State, ReasonCode and ReasonDescription for an order (contract section 2)."""
    if order.state in PAID:
        return "Closed", "UpfrontChargeSuccess", "Txn Success"
    if order.state is OrderState.FAILED:
        return "Closed", "UpfrontChargeFailure", order.reason or "Txn Failure"
    if order.state in CLOSED_UNPAID:
        return "Canceled", "", ""
    return "Open", "", ""


def order_reference(order: Order) -> Tree:
    """One OrderReference; empty elements are left out when it is rendered."""
    state, reason, description = amazon_state(order)
    return {
        "ReleaseEnvironment": order.release_environment,
        "OrderReferenceStatus": {
            "LastUpdateTimestamp": rfc3339(order.updated_at),
            "State": state,
            "ReasonCode": reason,
            "ReasonDescription": description,
        },
        "AmazonOrderReferenceId": order.amazon_order_id,
        "CreationTimestamp": rfc3339(order.created_at),
        "SellerOrderAttributes": {
            "StoreName": order.store_name or "",
            "CustomInformation": order.custom_information or "",
            "SellerOrderId": order.seller_order_id,
        },
        "OrderTotal": {"CurrencyCode": order.amount.currency, "Amount": order.amount.wire()},
        "SellerNote": order.seller_note or "",
    }
