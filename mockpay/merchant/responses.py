"""Read what Amazon Pay's server-to-server operations answer: XML, and JSON for chargeStatus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mockpay.kernel.clock import parse_time
from mockpay.kernel.errors import MockpayError
from mockpay.kernel.http.calls import HttpReply
from mockpay.wire import xml
from mockpay.wire.xml import Plain, XmlError


def branch(tree: Mapping[str, Plain], name: str) -> Mapping[str, Plain]:
    """The children of an element; empty where it has none or is not there."""
    child = tree.get(name)
    return child if isinstance(child, dict) else {}


def text(tree: Mapping[str, Plain], name: str) -> str:
    """The text of an element; empty where it has none or is not there."""
    value = tree.get(name)
    return value if isinstance(value, str) else ""


def moment(tree: Mapping[str, Plain], name: str) -> int | None:
    """
    The time that an element holds, in milliseconds since 1970; None if it is not there.

    Raises:
        Invalid: code ``time.invalid``.
    """
    value = text(tree, name)
    return parse_time(value) if value else None


class ServiceError(MockpayError):
    """
    An operation was refused.

    Attributes:
        service_code: Amazon's own code, e.g. ``SignatureDoesNotMatch``; empty if the answer
            could not be read.
        http_status: The answer's HTTP status.
    """

    code = "service.refused"

    def __init__(self, service_code: str, message: str, http_status: int) -> None:
        super().__init__(message, service_code=service_code, http_status=http_status)
        self.service_code = service_code
        self.http_status = http_status


@dataclass(frozen=True, slots=True)
class OrderReference:
    """An order as Amazon Pay sees it; what the answer left out is empty."""

    amazon_order_reference_id: str
    seller_order_id: str
    state: str
    reason_code: str
    reason_description: str
    amount: str
    currency: str
    custom_information: str
    store_name: str
    seller_note: str
    release_environment: str
    created_at: int | None
    updated_at: int | None

    @property
    def paid(self) -> bool:
        """Whether the money was taken, by the test that shops in India use."""
        return self.reason_code == "UpfrontChargeSuccess" or self.reason_description == "Txn Success"


@dataclass(frozen=True, slots=True)
class OrderReferencePage:
    """One page of orders; no token means it is the last."""

    order_references: tuple[OrderReference, ...]
    next_page_token: str | None


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How the service says it is: GREEN, YELLOW or RED."""

    status: str
    timestamp: int | None


def result_of(operation: str, reply: HttpReply) -> Mapping[str, Plain]:
    """
    The content of ``{operation}Response/{operation}Result``.

    Raises:
        ServiceError: the answer is an error, or none that can be read.
    """
    try:
        document = xml.parse(reply.body)
    except XmlError as error:
        raise unreadable(reply) from error
    if reply.status == 200 and f"{operation}Response" in document:
        return branch(branch(document, f"{operation}Response"), f"{operation}Result")
    fault = branch(branch(document, "ErrorResponse"), "Error")
    if not fault:
        raise unreadable(reply)
    raise ServiceError(text(fault, "Code"), text(fault, "Message"), reply.status)


def order_reference_page(result: Mapping[str, Plain]) -> OrderReferencePage:
    """Read ListOrderReference's result; one order comes as an object, several as a list."""
    listed = branch(result, "OrderReferenceList").get("OrderReference", [])
    orders = listed if isinstance(listed, list) else [listed]
    return OrderReferencePage(
        tuple(order_reference(order) for order in orders if isinstance(order, dict)),
        text(result, "NextPageToken") or None,
    )


def order_reference_details(result: Mapping[str, Plain]) -> OrderReference:
    """Read GetOrderReferenceDetails's result."""
    return order_reference(branch(result, "OrderReferenceDetails"))


def order_reference(order: Mapping[str, Plain]) -> OrderReference:
    """Read one order."""
    status = branch(order, "OrderReferenceStatus")
    attributes = branch(order, "SellerOrderAttributes")
    total = branch(order, "OrderTotal")
    return OrderReference(
        amazon_order_reference_id=text(order, "AmazonOrderReferenceId"),
        seller_order_id=text(attributes, "SellerOrderId"),
        state=text(status, "State"),
        reason_code=text(status, "ReasonCode"),
        reason_description=text(status, "ReasonDescription"),
        amount=text(total, "Amount"),
        currency=text(total, "CurrencyCode"),
        custom_information=text(attributes, "CustomInformation"),
        store_name=text(attributes, "StoreName"),
        seller_note=text(order, "SellerNote"),
        release_environment=text(order, "ReleaseEnvironment"),
        created_at=moment(order, "CreationTimestamp"),
        updated_at=moment(status, "LastUpdateTimestamp"),
    )


def service_status(result: Mapping[str, Plain]) -> ServiceStatus:
    """Read GetServiceStatus's result."""
    return ServiceStatus(text(result, "Status"), moment(result, "Timestamp"))


def charge_answer(reply: HttpReply) -> tuple[dict[str, str], str]:
    """
    The response of chargeStatus and its signature, not yet verified.

    Raises:
        ServiceError: the answer is an error, or none that can be read.
    """
    answer = json_object(reply)
    response = answer.get("response")
    if reply.status != 200 or not isinstance(response, dict):
        fault = answer.get("Error", answer.get("error", answer))
        named = fault if isinstance(fault, dict) else {"Message": str(fault)}
        lower = {str(name).lower(): str(value) for name, value in named.items()}
        message = lower.get("message") or f"The service answered HTTP {reply.status}."
        raise ServiceError(lower.get("code", ""), message, reply.status)
    return {name: str(value) for name, value in response.items()}, str(answer.get("signature", ""))


def json_object(reply: HttpReply) -> dict[str, object]:
    """
    A reply's JSON object.

    Raises:
        ServiceError: it is none.
    """
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise unreadable(reply) from error
    if not isinstance(answer, dict):
        raise unreadable(reply)
    return answer


def unreadable(reply: HttpReply) -> ServiceError:
    """The error for an answer that makes no sense; it has no code of Amazon's."""
    message = f"The service answered HTTP {reply.status} with something unreadable."
    return ServiceError("", message, reply.status)
