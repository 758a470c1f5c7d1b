"""Keyword arguments of the client, as Amazon Pay's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import Invalid


class PaymentOptions(TypedDict, total=False):
    """
    What a payment may say beyond amount and order.

    Keys:
        custom_information: Comes back in the result, unchanged.
        transaction_timeout: Seconds until the order expires.
    """

    currency: str
    custom_information: str
    seller_note: str
    seller_store_name: str
    transaction_timeout: int
    is_sandbox: bool


class Filters(TypedDict, total=False):
    """
    What to list; times are milliseconds since 1970.

    Keys:
        statuses: Open, Closed, Suspended, Canceled.
        sort_order: Ascending or Descending.
    """

    created_from: int
    created_to: int
    statuses: Sequence[str]
    page_size: int
    sort_order: str


def payment_fields(amount: str, seller_order_id: str, options: PaymentOptions) -> dict[str, str]:
    """
    The fields of a payment request; what is not given is not sent.

    Raises:
        TypeError: an option has no such name.
        Invalid: code ``payment.field``: amount or order id is empty.
    """
    _check_names(options, PaymentOptions)
    require(amount=amount, seller_order_id=seller_order_id)
    timeout = options.get("transaction_timeout")
    fields = {
        "orderTotalAmount": amount,
        "orderTotalCurrencyCode": options.get("currency", "INR"),
        "sellerOrderId": seller_order_id,
        "customInformation": options.get("custom_information"),
        "sellerNote": options.get("seller_note"),
        "sellerStoreName": options.get("seller_store_name"),
        "transactionTimeout": None if timeout is None else str(timeout),
        "isSandbox": "true" if options.get("is_sandbox", True) else "false",
    }
    return {name: value for name, value in fields.items() if value is not None}


def require(**values: str) -> None:
    """
    Refuse an empty value by its name.

    Raises:
        Invalid: code ``payment.field``.
    """
    for name, value in values.items():
        if not value:
            raise Invalid(f"The {name} is empty.", code="payment.field", name=name)


def filter_params(filters: Filters) -> dict[str, str]:
    """
    The parameters of ListOrderReference that these filters stand for.

    Raises:
        TypeError: a filter has no such name.
    """
    _check_names(filters, Filters)
    listed = enumerate(filters.get("statuses", ()), start=1)
    params = {f"OrderReferenceStatusListFilter.OrderReferenceStatus.{n}": s for n, s in listed}
    if "created_from" in filters:
        params["CreatedTimeRange.StartTime"] = rfc3339(filters["created_from"])
    if "created_to" in filters:
        params["CreatedTimeRange.EndTime"] = rfc3339(filters["created_to"])
    if "page_size" in filters:
        params["PageSize"] = str(filters["page_size"])
    if "sort_order" in filters:
        params["SortOrder"] = filters["sort_order"]
    return params


def _check_names(arguments: Mapping[str, object], names: type) -> None:
    unknown = sorted(arguments.keys() - names.__annotations__.keys())
    if unknown:
        raise TypeError(f"There is no {unknown[0]}; known are {', '.join(names.__annotations__)}.")
