"""Payment links: an order with a page that anybody may be sent to."""

from __future__ import annotations

from typing import Any

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.return_urls import check_return_url
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict, NotFound
from mockpay.kernel.money import Money
from mockpay.providers.razorpay import ids, objects, parameters
from mockpay.providers.razorpay.calls import Body, Call
from mockpay.providers.razorpay.credentials import NAME
from mockpay.providers.razorpay.errors import invalid
from mockpay.providers.razorpay.objects import LINK
from mockpay.providers.razorpay.orders import open_order
from mockpay.services.payments import orders
from mockpay.store import api_objects
from mockpay.store.api_objects import ApiObject

_FIELDS = (
    "amount currency accept_partial first_min_partial_amount description customer notify reminder_enable callback_url"
    " callback_method expire_by reference_id upi_link options"
).split()
_EDITABLE = ("reference_id", "expire_by", "reminder_enable")
_LONGEST_REFERENCE, _LONGEST_DESCRIPTION, _LONGEST_URL = 40, 2_048, 2_000
_SHORTEST_SECONDS = 15 * 60
_MEDIA = frozenset({"sms", "email"})


def create(call: Call) -> Body:
    """A link with an order of its own; its page opens at `short_url`."""
    parameters.only(call.body, _FIELDS)
    minor = parameters.amount(call)
    parameters.currency(call, required=False)
    if parameters.flag(call.body, "accept_partial"):
        raise invalid("Partial payments are not supported by this sandbox.", "accept_partial")
    reference = _reference(call)
    callback = parameters.text(call.body, "callback_url", _LONGEST_URL)
    if callback is not None:
        check_return_url("callback_url", callback, call.sandbox.seller.return_urls)
    customer, notify = (parameters.nested(call.body, name) for name in ("customer", "notify"))
    expire_by, seconds = _expiry(call)
    link_id = ids.new(call.sandbox, "plink")
    about = {name: parameters.text(customer, name) for name in ("name", "email", "contact")}
    description = parameters.text(call.body, "description", _LONGEST_DESCRIPTION)
    marks = {
        "link": {"id": link_id, "reference_id": reference},
        "callback_url": callback,
        "receipt": reference,
        "checkout": {"email": about["email"], "contact": about["contact"], "description": description},
        "notes": parameters.notes(call.body),
    }
    facts = {
        "reference_id": reference or "",
        "description": description or "",
        "customer": {name: value for name, value in about.items() if value is not None},
        "notify": {name: parameters.flag(notify, name) for name in sorted(_MEDIA)},
        "callback_url": callback or "",
        "callback_method": "get" if callback else "",
        "expire_by": expire_by,
        "notes": parameters.notes(call.body),
    }
    link = api_objects.add(call.sandbox, NAME, LINK, link_id, facts, reference=reference)
    order = open_order(call, Money(minor), reference, marks, timeout_seconds=seconds)
    facts = {**facts, "short_url": f"{call.pages_url}/pay/{order.page_token}/"}
    api_objects.change(call.sandbox, link, facts=facts, parent=order.order_id)
    return objects.link_body(call.sandbox, order)


def _reference(call: Call) -> str | None:
    reference = parameters.text(call.body, "reference_id", _LONGEST_REFERENCE)
    if reference is not None and api_objects.by_reference(call.sandbox, NAME, LINK, reference) is not None:
        message = f"payment link with given reference_id: ({reference}) already exists"
        raise Conflict(message, code="link.exists", field="reference_id")
    return reference


def _expiry(call: Call) -> tuple[int, int]:
    """The instant in s at which the link ends, 0 for never, and how long that is."""
    if not call.body.get("expire_by"):
        return 0, 0
    at = parameters.whole(call.body["expire_by"], "expire_by", text=call.form)
    seconds = at - call.sandbox.now // SECOND
    if seconds < _SHORTEST_SECONDS:
        raise invalid("expire_by should be at least 15 minutes after current time", "expire_by")
    return at, seconds


def fetch(call: Call, link_id: str) -> Body:
    """One link."""
    return objects.link_body(call.sandbox, _find(call, link_id)[1])


def list_(call: Call) -> Body:
    """Links, the newest first; of one reference where that is asked for."""
    part, wanted = parameters.part(call), call.query.get("reference_id")
    found = api_objects.list_newest(call.sandbox, NAME, LINK, limit=part.count, offset=part.skip)
    bodies = [objects.link_body(call.sandbox, call.order(str(link.parent))) for link in found]
    return {"payment_links": [body for body in bodies if not wanted or body["reference_id"] == wanted]}


def edit(call: Call, link_id: str) -> Body:
    """Another reference or other notes, while nobody has paid."""
    parameters.only(call.body, _EDITABLE)
    link, order = _find(call, link_id)
    if not order.open:
        raise Conflict(f"Payment Link is already {_status(order)}", code="link.over")
    changes: dict[str, Any] = {}
    if "notes" in call.body:
        changes["notes"] = parameters.notes(call.body)
    if call.body.get("reference_id") and call.body["reference_id"] != link.reference:
        changes["reference_id"] = _reference(call)
    facts = {**link.facts, **changes}
    api_objects.change(call.sandbox, link, facts=facts, reference=facts["reference_id"] or None)
    return objects.link_body(call.sandbox, order)


def cancel(call: Call, link_id: str) -> Body:
    """
    Nobody can pay it any more.

    Raises:
        Conflict: code ``link.over``, or ``order.busy`` while money may be moving.
    """
    _, order = _find(call, link_id)
    if not order.open:
        raise Conflict(f"Payment Link is already {_status(order)}", code="link.over")
    return objects.link_body(call.sandbox, orders.cancel(call.sandbox, order, Actor.SELLER))


def notify_by(call: Call, link_id: str, medium: str) -> Body:
    """Send the link once more; nothing leaves the sandbox."""
    if medium not in _MEDIA:
        raise invalid("The selected medium is invalid.", "medium")
    _find(call, link_id)
    return {"success": True}


def _status(order: Order) -> str:
    if order.state in PAID:
        return "paid"
    return "cancelled" if order.state is OrderState.CANCELLED else "expired"


def _find(call: Call, link_id: str) -> tuple[ApiObject, Order]:
    link = api_objects.find(call.sandbox, NAME, LINK, link_id)
    if link is None:
        raise NotFound("There is no such payment link.", code="object.not_found", field="id")
    return link, call.order(str(link.parent))
