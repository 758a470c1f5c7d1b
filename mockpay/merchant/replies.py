"""Read what Amazon Pay's server-to-server operations answer: XML, and JSON for chargeStatus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mockpay.kernel.clock import parse_time
from mockpay.kernel.errors import MockpayError
from mockpay.kernel.http import HttpReply
from mockpay.wire import xml
from mockpay.wire.xml import Plain, XmlError


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
        return (
            self.reason_code == "UpfrontChargeSuccess" or self.reason_description == "Txn Success"
        )


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
        raise _unreadable(reply) from error
    if reply.status == 200 and f"{operation}Response" in document:
        return _branch(_branch(document, f"{operation}Response"), f"{operation}Result")
    fault = _branch(_branch(document, "ErrorResponse"), "Error")
    if not fault:
        raise _unreadable(reply)
    raise ServiceError(_text(fault, "Code"), _text(fault, "Message"), reply.status)


def order_reference_page(result: Mapping[str, Plain]) -> OrderReferencePage:
    """Read ListOrderReference's result; one order comes as an object, several as a list."""
    found = _branch(result, "OrderReferenceList").get("OrderReference", [])
    orders = found if isinstance(found, list) else [found]
    return OrderReferencePage(
        tuple(order_reference(order) for order in orders if isinstance(order, dict)),
        _text(result, "NextPageToken") or None,
    )


def order_reference_details(result: Mapping[str, Plain]) -> OrderReference:
    """Read GetOrderReferenceDetails's result."""
    return order_reference(_branch(result, "OrderReferenceDetails"))


def order_reference(order: Mapping[str, Plain]) -> OrderReference:
    """Read one order."""
    status = _branch(order, "OrderReferenceStatus")
    attributes = _branch(order, "SellerOrderAttributes")
    total = _branch(order, "OrderTotal")
    return OrderReference(
        amazon_order_reference_id=_text(order, "AmazonOrderReferenceId"),
        seller_order_id=_text(attributes, "SellerOrderId"),
        state=_text(status, "State"),
        reason_code=_text(status, "ReasonCode"),
        reason_description=_text(status, "ReasonDescription"),
        amount=_text(total, "Amount"),
        currency=_text(total, "CurrencyCode"),
        custom_information=_text(attributes, "CustomInformation"),
        store_name=_text(attributes, "StoreName"),
        seller_note=_text(order, "SellerNote"),
        release_environment=_text(order, "ReleaseEnvironment"),
        created_at=_time(order, "CreationTimestamp"),
        updated_at=_time(status, "LastUpdateTimestamp"),
    )


def service_status(result: Mapping[str, Plain]) -> ServiceStatus:
    """Read GetServiceStatus's result."""
    return ServiceStatus(_text(result, "Status"), _time(result, "Timestamp"))


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
        raise _unreadable(reply) from error
    if not isinstance(answer, dict):
        raise _unreadable(reply)
    return answer


def _branch(tree: Mapping[str, Plain], name: str) -> Mapping[str, Plain]:
    found = tree.get(name)
    return found if isinstance(found, dict) else {}


def _text(tree: Mapping[str, Plain], name: str) -> str:
    found = tree.get(name)
    return found if isinstance(found, str) else ""


def _time(tree: Mapping[str, Plain], name: str) -> int | None:
    text = _text(tree, name)
    return parse_time(text) if text else None


def _unreadable(reply: HttpReply) -> ServiceError:
    message = f"The service answered HTTP {reply.status} with something unreadable."
    return ServiceError("", message, reply.status)
