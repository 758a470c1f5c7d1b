"""The operations of the MWS family, each from its parameters to its XML document."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping

import msgspec

from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, Stage
from mockpay.kernel.clock import SECOND, parse_time, rfc3339
from mockpay.kernel.errors import Conflict, Invalid, MockpayError, NotFound, Unusable
from mockpay.providers.amazonpay import refunds
from mockpay.providers.amazonpay.calls import Call
from mockpay.providers.amazonpay.xml_responses import Reply, amazon_state, answer, order_reference
from mockpay.store import attempts, counters
from mockpay.store.journal import order_ids
from mockpay.store.reads import order_search
from mockpay.store.reads.order_search import Search
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.xml import Kept, Tree

#: Domains that clients know; only India's has orders here.
_DOMAINS = frozenset({"IN_INR", "NA_USD", "EU_GBP", "EU_EUR", "FE_JPY"})
_INDIA = "IN_INR"
_STATES = frozenset({"Open", "Closed", "Suspended", "Canceled"})
_FILTER = "OrderReferenceStatusListFilter.OrderReferenceStatus."
_PAGE, _LARGEST_PAGE = 10, 100
_KIND = "amazonpay.next_token"


def get_service_status(_call: Call, sandbox: Sandbox) -> Reply:
    """Always GREEN."""
    now = rfc3339(sandbox.now)
    return Reply(answer("GetServiceStatus", {"Status": "GREEN", "Timestamp": now}))


def get_order_reference_details(call: Call, sandbox: Sandbox) -> Reply:
    """
    One order by Amazon's id.

    Raises:
        NotFound: code ``order.not_found``.
    """
    order = order_search.by_id(sandbox, call.need("AmazonOrderReferenceId"))
    if order is None:
        raise NotFound("There is no such order reference.", code="order.not_found")
    details = {"OrderReferenceDetails": order_reference(order)}
    return Reply(answer("GetOrderReferenceDetails", details), order_ids(order))


def list_order_reference(call: Call, sandbox: Sandbox) -> Reply:
    """The orders of a sellerOrderId; an unknown one is an empty list, not an error."""
    return _page("ListOrderReference", sandbox, _search(call, sandbox))


def list_order_reference_by_next_token(call: Call, sandbox: Sandbox) -> Reply:
    """
    The next page of a list.

    Raises:
        Invalid: code ``token.invalid``: not a token that this seller was given.
    """
    try:
        sealed = base64.b64decode(call.need("NextPageToken"), validate=True)
        plain = sandbox.runtime.keyring.open_(_KIND, sandbox.seller_id, sealed)
        search = msgspec.json.decode(plain, type=Search)
    except (binascii.Error, ValueError, Unusable) as error:
        raise Invalid("The NextPageToken is not valid.", code="token.invalid") from error
    return _page("ListOrderReferenceByNextToken", sandbox, search)


def _search(call: Call, sandbox: Sandbox) -> Search:
    fields = call.fields
    domain = fields.get("PaymentDomain", _INDIA)
    if domain not in _DOMAINS:
        raise _wrong("PaymentDomain")
    if "QueryId" in fields and call.need("QueryIdType") != "SellerOrderId":
        raise _wrong("QueryIdType")
    if fields.get("SortOrder", "Descending") not in {"Ascending", "Descending"}:
        raise _wrong("SortOrder")
    return Search(
        seller_order_id=fields.get("QueryId"),
        nothing=domain != _INDIA,
        latest_only=not sandbox.seller.settings.all_attempts_listed,
        size=_size(fields.get("PageSize")),
        ascending=fields.get("SortOrder") == "Ascending",
        states=_states(fields),
        since=_time(fields.get("CreatedTimeRange.StartTime")),
        until=_time(fields.get("CreatedTimeRange.EndTime")),
    )


def _size(text: str | None) -> int:
    if text is None:
        return _PAGE
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _LARGEST_PAGE):
        raise _wrong("PageSize")
    return int(text)


def _time(text: str | None) -> int | None:
    return None if text is None else parse_time(text)


def _states(fields: Mapping[str, str]) -> tuple[str, ...]:
    wanted = tuple(value for name, value in sorted(fields.items()) if name.startswith(_FILTER))
    if not _STATES.issuperset(wanted):
        raise _wrong("OrderReferenceStatusListFilter")
    return wanted


def _wrong(name: str) -> Invalid:
    message = f"The parameter {name} has a value it cannot take."
    return Invalid(message, code="parameter.invalid", name=name)


def _page(operation: str, sandbox: Sandbox, search: Search) -> Reply:
    found, after = order_search.page(sandbox, search, _in_states)
    # Only who asks for one order meets what a scenario has for it.
    of_one = search.seller_order_id is not None and len(found) == 1
    fault = fault_of(sandbox, found[0]) if of_one else ""
    refused = refusal(fault)
    if refused is not None:
        return Reply.refusing(refused, order_ids(*found))
    shown = [] if fault == "not_found" else found
    listed = [order_reference(one, stale=fault == "stale") for one in shown]
    # Clients test whether the list is empty, so it is there even then.
    result: dict[str, Tree] = {"OrderReferenceList": Kept(OrderReference=listed)}
    if after is not None:
        following = msgspec.json.encode(msgspec.structs.replace(search, after=after))
        sealed = sandbox.runtime.keyring.seal(_KIND, sandbox.seller_id, following)
        result["NextPageToken"] = base64.b64encode(sealed).decode()
    document = answer(operation, result)
    return Reply(document[: len(document) // 2] if fault == "malformed" else document, order_ids(*found))


def _in_states(order: Order, states: tuple[str, ...]) -> bool:
    return not states or amazon_state(order)[0] in states


OPERATIONS: Mapping[str, Callable[[Call, Sandbox], Reply]] = {
    "GetServiceStatus": get_service_status,
    "GetOrderReferenceDetails": get_order_reference_details,
    "ListOrderReference": list_order_reference,
    "ListOrderReferenceByNextToken": list_order_reference_by_next_token,
    "RefundPayment": refunds.refund_payment,
    "Refund": refunds.refund,
    "GetRefundDetails": refunds.get_refund_details,
    # The field's documents use this name for the same.
    "GetRefundStatus": refunds.get_refund_details,
}


#: How long an old state is told, in ms.
_LATE_MS = 5 * SECOND
_THROTTLED_CALLS = 2


def fault_of(sandbox: Sandbox, order: Order) -> str:
    """
    What this call meets: ``""`` for nothing, ``stale``, ``not_found`` or ``malformed``.

    Each call of an order counts, so that the first ones fail and later ones do not.
    """
    last = attempts.last_of_order(sandbox, order.order_pk)
    if last is None or not last.plan.decides(Stage.VERIFY):
        return ""
    outcome = last.plan.at(Stage.VERIFY).outcome
    if outcome in {"stale", "not_found"}:
        return outcome if sandbox.now < _since(last) + _LATE_MS else ""
    times = _THROTTLED_CALLS if outcome == "throttled" else 1
    return outcome if counters.bump(sandbox, f"verify {order.order_id}") <= times else ""


def _since(attempt: Attempt) -> int:
    return attempt.updated_at


def refusal(fault: str) -> MockpayError | None:
    """The error that a fault answers with, where it is one."""
    if fault == "throttled":
        return Conflict("A scenario throttles this call.", code="throttled")
    if fault == "unavailable":
        return Unusable("A scenario has the service down.", code="service.unavailable")
    return None
