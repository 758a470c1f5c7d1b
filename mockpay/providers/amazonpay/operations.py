"""The operations of the MWS family, each from its parameters to its XML document."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping

import msgspec
from msgspec.structs import replace

from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, Stage
from mockpay.domain.providers import CompanyObject
from mockpay.kernel.clock import SECOND, parse_time, rfc3339
from mockpay.kernel.errors import Conflict, Invalid, MockpayError, Unusable
from mockpay.providers.amazonpay import charges, order_references, refunds
from mockpay.providers.amazonpay.calls import Call
from mockpay.providers.amazonpay.environments import live_only
from mockpay.providers.amazonpay.ids import NAME
from mockpay.providers.amazonpay.parameters import quoted, wrong
from mockpay.providers.amazonpay.xml_responses import Reply, amazon_state, answer, order_reference
from mockpay.services.payments.transitions import mark_met
from mockpay.store import attempts, counters
from mockpay.store.journal import order_ids
from mockpay.store.reads import order_search
from mockpay.store.reads.order_search import Search
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.xml import Kept, Tree

#: Domains that clients know; only India's has orders here.
_DOMAINS = ("IN_INR", "NA_USD", "EU_GBP", "EU_EUR", "FE_JPY")
_INDIA = "IN_INR"
_STATES = ("Open", "Closed", "Suspended", "Canceled")
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ZONE = re.compile("(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})$")
_FILTER = "OrderReferenceStatusListFilter.OrderReferenceStatus."
_PAGE, _LARGEST_PAGE = 10, 100
_KIND = "amazonpay.next_token"


def get_service_status(_call: Call, sandbox: Sandbox) -> Reply:
    """Always GREEN."""
    now = rfc3339(sandbox.now)
    return Reply(answer("GetServiceStatus", {"Status": "GREEN", "Timestamp": now}))


def list_order_reference(call: Call, sandbox: Sandbox) -> Reply:
    """The orders of a sellerOrderId; an unknown one is an empty list, not an error."""
    domain = call.fields.get("PaymentDomain", _INDIA)
    if domain not in _DOMAINS:
        raise wrong("PaymentDomain", domain, f"one of {', '.join(_DOMAINS)}")
    search = _search(call, sandbox)
    if sandbox.seller.settings.payment_domain == "any" or domain == _INDIA:
        return _page("ListOrderReference", sandbox, search)
    empty = _page("ListOrderReference", sandbox, replace(search, nothing=True))
    reason = f"PaymentDomain {quoted(domain)} is another region's: the orders of this seller are {_INDIA} ones."
    return replace(empty, reason=reason)


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
    return _page("ListOrderReferenceByNextToken", sandbox, replace(search, live=live_only(call, sandbox)))


def _search(call: Call, sandbox: Sandbox) -> Search:
    fields, settings = call.fields, sandbox.seller.settings
    if "QueryId" in fields and call.need("QueryIdType") != "SellerOrderId":
        raise wrong("QueryIdType", fields["QueryIdType"], "only SellerOrderId")
    if fields.get("SortOrder", "Descending") not in {"Ascending", "Descending"}:
        raise wrong("SortOrder", fields["SortOrder"], "Ascending or Descending")
    return Search(
        provider=NAME,
        seller_order_id=fields.get("QueryId"),
        nothing=False,
        latest_only=not settings.all_attempts_listed and settings.duplicate_orders == "refuse",
        size=_size(fields.get("PageSize")),
        ascending=fields.get("SortOrder") == "Ascending",
        states=_states(fields),
        since=_time(fields, "CreatedTimeRange.StartTime", "T00:00"),
        until=_time(fields, "CreatedTimeRange.EndTime", "T23:59:59.999"),
        live=live_only(call, sandbox),
    )


def _size(text: str | None) -> int:
    if text is None:
        return _PAGE
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _LARGEST_PAGE):
        raise wrong("PageSize", text, f"a whole number from 1 to {_LARGEST_PAGE}")
    return int(text)


def _time(fields: Mapping[str, str], name: str, of_day: str) -> int | None:
    """A time of the forms that clients document, UTC where it has no zone; a date alone is that time `of_day`."""
    text = fields.get(name)
    if text is None:
        return None
    dated = f"{text}{of_day}" if _DATE.fullmatch(text) else text
    try:
        return parse_time(dated if _ZONE.search(dated) else f"{dated}Z")
    except Invalid as error:
        raise wrong(name, text, "a time such as 2026-11-21T15:24:07Z, or a date", error.code) from error


def _states(fields: Mapping[str, str]) -> tuple[str, ...]:
    states = tuple(value for name, value in sorted(fields.items()) if name.startswith(_FILTER))
    for name, value in fields.items():
        if name.startswith(_FILTER) and value not in _STATES:
            raise wrong(name, value, f"one of {', '.join(_STATES)}")
    return states


def _page(operation: str, sandbox: Sandbox, search: Search) -> Reply:
    orders, after = order_search.page(sandbox, search, _in_states)
    # Only who asks for one order meets what a scenario has for it.
    is_one_order = search.seller_order_id is not None and len(orders) == 1
    fault = fault_of(sandbox, orders[0]) if is_one_order else ""
    refused = refusal(fault)
    if refused is not None:
        return Reply.refusing(refused, order_ids(*orders))
    visible = [] if fault == "not_found" else orders
    listed = [order_reference(order, stale=fault == "stale") for order in visible]
    # Clients test whether the list is empty, so it is there even then.
    result: dict[str, Tree] = {"OrderReferenceList": Kept(OrderReference=listed)}
    if after is not None:
        following = msgspec.json.encode(replace(search, after=after))
        sealed = sandbox.runtime.keyring.seal(_KIND, sandbox.seller_id, following)
        result["NextPageToken"] = base64.b64encode(sealed).decode()
    document = answer(operation, result)
    return Reply(document[: len(document) // 2] if fault == "malformed" else document, order_ids(*orders))


def order_objects(_sandbox: Sandbox, order: Order) -> list[CompanyObject]:
    """An order as ListOrderReference answers it, whatever a scenario has for a call."""
    document = answer("ListOrderReference", {"OrderReferenceList": Kept(OrderReference=[order_reference(order)])})
    return [CompanyObject(f"ListOrderReference, QueryId={order.seller_order_id}", document.decode())]


def _in_states(order: Order, states: tuple[str, ...]) -> bool:
    return not states or amazon_state(order)[0] in states


OPERATIONS: Mapping[str, Callable[[Call, Sandbox], Reply]] = {
    "GetServiceStatus": get_service_status,
    "GetOrderReferenceDetails": order_references.get_order_reference_details,
    "CancelOrderReference": order_references.cancel_order_reference,
    "CloseOrderReference": order_references.close_order_reference,
    "GetAuthorizationDetails": charges.get_authorization_details,
    "GetCaptureDetails": charges.get_capture_details,
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
        meets = sandbox.now < _since(last) + _LATE_MS
    else:
        times = _THROTTLED_CALLS if outcome == "throttled" else 1
        meets = counters.bump(sandbox, f"verify {order.order_id}") <= times
    if meets:
        mark_met(sandbox, last, Stage.VERIFY)
    return outcome if meets else ""


def _since(attempt: Attempt) -> int:
    return attempt.updated_at


def refusal(fault: str) -> MockpayError | None:
    """The error that a fault answers with, where it is one."""
    if fault == "throttled":
        return Conflict("A scenario throttles this call.", code="throttled")
    if fault == "unavailable":
        return Unusable("A scenario has the service down.", code="service.unavailable")
    return None
