"""Regions, and the sandbox and live addresses of one: what keeps them apart where the seller's setting asks for it."""

from __future__ import annotations

from urllib.parse import unquote

from mockpay.domain.orders import Order
from mockpay.kernel.errors import Forbidden, NotFound
from mockpay.providers.amazonpay.calls import Call
from mockpay.providers.amazonpay.ids import NAME, order_part
from mockpay.providers.amazonpay.parameters import quoted
from mockpay.store import orders
from mockpay.store.unit_of_work import Sandbox

_SANDBOX_PATH, _LIVE_PATH = "/OffAmazonPayments_Sandbox", "/OffAmazonPayments"
_OTHER_REGIONS = {
    "mws.amazonservices.com": "North America",
    "mws-eu.amazonservices.com": "Europe",
    "mws.amazonservices.jp": "Japan",
}


def check_region(call: Call, sandbox: Sandbox) -> None:
    """
    Refuse a call to another region's host.

    Raises:
        Forbidden: code ``region.denied``.
    """
    host = call.request.host.lower().partition(":")[0].rstrip(".")
    region = _OTHER_REGIONS.get(host)
    if region is not None and _strict(sandbox):
        message = f"Access to {host} is denied: it is for {region}, and the seller belongs to mws.amazonservices.in."
        raise Forbidden(message, code="region.denied", host=host)


def live_only(call: Call, sandbox: Sandbox) -> bool | None:
    """Whether a call is for live orders; None where it is for all."""
    if not _strict(sandbox):
        return None
    path = f"/{unquote(call.request.path).lstrip('/')}"
    if path.startswith(_SANDBOX_PATH):
        return False
    if path.startswith(_LIVE_PATH):
        return True
    # The Node family has one path for both, and says in a field which it means.
    return {"true": False, "false": True}.get(call.fields.get("isSandbox", ""))


def find_order(sandbox: Sandbox, order_id: str) -> Order | None:
    """The order of this id; None where there is none, or where it came through nobody or another company."""
    order = orders.by_id(sandbox, order_id)
    return order if order is not None and order.provider == NAME else None


def need_order(call: Call, sandbox: Sandbox, name: str, code: str = "transaction.not_found") -> Order:
    """
    The order that a parameter names by its id, or by that of its authorisation or capture.

    Raises:
        Invalid: code ``parameter.missing``.
        NotFound: `code`: there is none, or it is one of the other address.
    """
    value = call.need(name)
    message = f"{name} {quoted(value)} is not known."
    order = find_order(sandbox, order_part(value))
    if order is None:
        raise NotFound(message, code=code, name=name)
    check_environment(call, sandbox, order, NotFound(message, code=code, name=name))
    return order


def check_environment(call: Call, sandbox: Sandbox, order: Order, refusal: NotFound) -> None:
    """Raise `refusal` where the order is not one of the call's address, and tell the journal so."""
    if live_only(call, sandbox) not in {None, order.live}:
        order_kind, address = ("live", "sandbox") if order.live else ("sandbox", "live")
        refusal.reason = f"{refusal.message} It is a {order_kind} order, and the call is for {address} ones."
        raise refusal


def _strict(sandbox: Sandbox) -> bool:
    return sandbox.seller.settings.regions == "strict"
