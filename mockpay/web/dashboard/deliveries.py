"""The notifications: what was sent to the seller, try by try, what came of it, and one more try on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, request, url_for
from msgspec import Struct

from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.notifications import (
    DELIVERY,
    OF_SUBSCRIPTIONS,
    WAITING,
    DeliveryState,
    Notification,
    NotificationType,
    Try,
)
from mockpay.domain.orders import Order
from mockpay.kernel.clock import SECOND, rfc3339
from mockpay.kernel.money import Money
from mockpay.services.notifications import deliver, get_notification, retry_profiles
from mockpay.store import notifications, schedule, transitions
from mockpay.store.reads import lists
from mockpay.store.unit_of_work import Runtime, Sandbox, read
from mockpay.web.dashboard import list_page
from mockpay.web.dashboard.layout import control_url, render
from mockpay.web.dashboard.list_page import Listing, StateTabs
from mockpay.web.wording import deliveries, sentences
from mockpay.web.wording.deliveries import TYPES
from mockpay.web.wording.timelines import instant, moment

_PAGE = 50
#: Tries on one page; an hourly profile makes some hundreds of them.
_SHOWN = 20
#: How often, and how far apart in real seconds, to look whether the worker has sent it.
_LOOKS, _LOOK_AGAIN = 40, 0.05
_ON_ITS_WAY = frozenset({DeliveryState.QUEUED, DeliveryState.SENDING})
_S = DeliveryState
_TABS: StateTabs = {
    "": ("All", tuple(DeliveryState)),
    "waiting": ("Waiting", (_S.QUEUED, _S.SENDING, _S.RETRY_WAIT)),
    "delivered": ("Delivered", (_S.DELIVERED,)),
    "dead": ("Given up", (_S.DEAD,)),
    "suppressed": ("Kept back", (_S.SUPPRESSED,)),
}
_TYPES: Mapping[str, str] = {"": "Any", **{str(type_): words for type_, words in TYPES.items()}}


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the list, the page of a notification, and their news."""
    list_page.register_list(pages, runtime, "notifications", _list, list_page.timeline_news)
    acts = {"deliver": lambda sandbox, notification: deliver(sandbox, notification.notification_id)}
    list_page.register_detail(pages, runtime, "notification", get_notification, _page, _version, acts, _send)


def _list(runtime: Runtime, sandbox: Sandbox) -> str:
    listing = Listing.of_request("notifications", sandbox.seller_id, show=_TABS, type=_TYPES)
    type_ = listing.chosen["type"] or None
    page = notifications.list_page(
        sandbox, states=listing.states(_TABS), type_=type_, cursor=list_page.cursor(), limit=_PAGE
    )
    orders = lists.orders_by_id(sandbox, {row.order_id for row in page.items if row.order_id})
    return render(
        runtime,
        sandbox,
        "notifications.html",
        current="notifications",
        tabs=listing.state_tabs(_TABS, lists.deliveries_by_state(sandbox, type_)),
        types=_TYPES,
        lines=[_row(sandbox, notification, orders.get(notification.order_id)) for notification in page.items],
        has_ipn_url=bool(sandbox.seller.ipn_url),
        **listing.head(page.next_cursor, list_page.timeline_version(sandbox)),
    )


def what_was_told(notification: Notification) -> str:
    """In short: ``Refund Declined, ₹120.00: insufficient_balance``, or by the company's own name of the event."""
    facts = notification.facts
    title = facts.get("title")
    if title and "amount" not in facts:
        return str(title)
    if notification.type in OF_SUBSCRIPTIONS or notification.type is NotificationType.OBJECT:
        return TYPES[notification.type]
    amount = Money.parse(str(facts["amount"]), str(facts["currency"])).display()
    reason = f": {facts['reason']}" if facts["reason"] else ""
    title = title or f"{TYPES[notification.type]} {'Completed' if facts['completed'] else 'Declined'}"
    return f"{title}, {amount}{reason}"


def _row(sandbox: Sandbox, notification: Notification, order: Order | None) -> dict[str, Any]:
    return {**line(sandbox, notification), "order": list_page.order_link(sandbox, order) if order else None}


def line(sandbox: Sandbox, notification: Notification) -> dict[str, Any]:
    """A notification as a row of a list, in words."""
    return {
        "told": what_was_told(notification),
        "url": url_for(
            "dashboard.notification", seller_id=sandbox.seller_id, notification_id=notification.notification_id
        ),
        "chip": deliveries.chip(notification.state),
        "what": deliveries.what_happened(notification, sandbox.now),
        "type": TYPES[notification.type],
        "refund_id": notification.refund_id,
        "copy_number": notification.copy,
        "decided_by": deliveries.decided_by(notification),
        "tries": notification.tries,
        "age": sentences.span(sandbox.now - notification.created_at),
        "made": rfc3339(notification.created_at),
    }


def _send(runtime: Runtime, seller_id: str, notification_id: str) -> None:
    """Send it; the worker may have taken it first, then it is the worker's answer that is waited for."""
    send_waiting(runtime, seller_id)
    for _ in range(_LOOKS):
        with read(runtime, seller_id) as sandbox:
            if get_notification(sandbox, notification_id).state not in _ON_ITS_WAY:
                return
        if runtime.stopping.wait(_LOOK_AGAIN):
            return


def _version(sandbox: Sandbox, notification: Notification) -> str:
    return f"{len(transitions.of_order(sandbox, notification.order_pk))}.{notification.tries}"


def _page(runtime: Runtime, sandbox: Sandbox, notification: Notification, refusal: Mapping[str, str]) -> str:
    profile = sandbox.seller.settings.ipn_profile
    waiting = [event.due_at for event in schedule.waiting_of(sandbox, notification.notification_id)]
    return render(
        runtime,
        sandbox,
        "notification.html",
        current="notifications",
        notification=notification,
        type=TYPES[notification.type],
        told=what_was_told(notification),
        answer=deliveries.what_happened(notification, sandbox.now),
        chip=deliveries.chip(notification.state),
        decided_by=deliveries.decided_by(notification),
        profile=f"{profile}: {retry_profiles(runtime)[profile].description}",
        address=_addresses(sandbox, notification),
        due=moment(notification.first_due_at),
        next_try=moment(min(waiting)) if waiting and notification.state in WAITING else "",
        can_deliver=DELIVERY.allows(notification.state, "asked_again"),
        **refusal,
        urls=_urls(sandbox, notification),
        version=_version(sandbox, notification),
        **_tries(sandbox, notification),
    )


def _addresses(sandbox: Sandbox, notification: Notification) -> str:
    """Where it went, try by try; before the first where it would go now."""
    tries = notifications.of_notification(sandbox, notification.notification_id)
    return ", then ".join(dict.fromkeys(try_.url for try_ in tries)) or sandbox.seller.ipn_url or "nowhere"


def _tries(sandbox: Sandbox, notification: Notification) -> dict[str, Any]:
    """The newest tries first, a page of them at a time."""
    tries = notifications.of_notification(sandbox, notification.notification_id)
    before = request.args.get("before", type=int)
    matching = [try_ for try_ in tries if before is None or try_.number < before]
    newest = matching[::-1][:_SHOWN]
    older = url_for(
        "dashboard.notification",
        seller_id=sandbox.seller_id,
        notification_id=notification.notification_id,
        before=newest[-1].number if newest else None,
    )
    return {"tries": [_shown(try_) for try_ in newest], "older": older if len(matching) > len(newest) else ""}


def _shown(try_: Try) -> dict[str, Any]:
    """One try as the page shows it."""
    where = urlsplit(try_.url)
    path = where._replace(scheme="", netloc="").geturl() or "/"
    return {
        "number": try_.number,
        "at": f"{moment(try_.at).rpartition(',')[0]}, {instant(try_.at)}",
        "iso": rfc3339(try_.at // SECOND * SECOND),
        "chip": deliveries.delivery_result(try_),
        "request_line": f"POST {path} HTTP/1.1",
        "host": where.netloc,
        "headers": dict(try_.headers),
        "layers": layers(try_.body),
        "body": try_.body,
        "signed": try_.signed,
        "answer": try_.answer,
        "reason": try_.reason or "",
        "latency": f"{try_.latency_ms} ms",
    }


def _urls(sandbox: Sandbox, notification: Notification) -> dict[str, str]:
    here: dict[str, Any] = {"seller_id": sandbox.seller_id}
    ids = {**here, "notification_id": notification.notification_id}
    about_refund = notification.refund_id is not None
    return {
        "list": url_for("dashboard.notifications", **here),
        "news": url_for("dashboard.notification_news", **ids),
        "deliver": url_for("dashboard.act_on_notification", **ids, act="deliver"),
        "order": url_for("dashboard.order", **here, order_id=notification.order_id) if notification.order_id else "",
        "refund": url_for("dashboard.refund", **here, refund_id=notification.refund_id) if about_refund else "",
        "seller": url_for("dashboard.seller", **here),
        "json": control_url(sandbox, f"/notifications/{notification.notification_id}"),
    }


#: Deeper than any message of ours; a text that hides more is shown as it is.
_DEEPEST = 4
_PIECES = re.compile(r"<[^>]*>|[^<]+")
_BELOW = "(shown below)"


class Layer(Struct, frozen=True):
    """One document inside another: the field that held it, and its text made readable."""

    name: str
    text: str


def layers(body: str) -> list[Layer]:
    """
    A body and the documents in its fields, the outermost first.

    The field of an inner document says that it is shown below; a broken body is one layer.
    """
    return _read("Body", body, _DEEPEST) or [Layer("Body", body)]


def _read(name: str, text: str, depth: int) -> list[Layer]:
    start = text.lstrip()[:1]
    if start == "<":
        return [Layer(name, indented(text))]
    if start != "{" or not depth:
        return []
    try:
        fields = json.loads(text)
    except ValueError:
        return []
    inner: list[Layer] = []
    for key, value in fields.items():
        layers_inside = _read(key, value, depth - 1) if isinstance(value, str) else []
        if layers_inside:
            fields[key] = _BELOW
            inner += layers_inside
    return [Layer(name, json.dumps(fields, indent=2, ensure_ascii=False)), *inner]


def indented(document: str) -> str:
    """XML with each element on a line of its own; the text of a leaf stays beside its tags."""
    lines: list[str] = []
    depth, leaf = 0, False
    for piece in (piece for piece in _PIECES.findall(document) if piece.strip()):
        closes, opens = piece.startswith("</"), _opens(piece)
        depth -= closes
        if lines and leaf and (closes or not piece.startswith("<")):
            lines[-1] += piece.strip()
        else:
            lines.append("  " * max(depth, 0) + piece.strip())
        leaf = opens or (leaf and not piece.startswith("<"))
        depth += opens
    return "\n".join(lines)


def _opens(piece: str) -> bool:
    return piece.startswith("<") and piece[1:2] not in {"/", "?", "!"} and not piece.endswith("/>")
