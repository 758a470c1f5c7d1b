"""The notifications: what the seller was told, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, url_for

from mockpay.domain.notifications import DeliveryState, Notification, NotificationType
from mockpay.kernel.clock import rfc3339
from mockpay.store import notifications
from mockpay.store.reads import lists
from mockpay.store.unit_of_work import Runtime, Sandbox, read
from mockpay.web.dashboard import list_page
from mockpay.web.dashboard.layout import render
from mockpay.web.dashboard.list_page import Listing
from mockpay.web.wording import deliveries, sentences
from mockpay.web.wording.deliveries import TYPES, Chip

_PAGE = 50
_S = DeliveryState
_TABS: Mapping[str, tuple[str, tuple[DeliveryState, ...]]] = {
    "": ("All", tuple(DeliveryState)),
    "waiting": ("Waiting", (_S.QUEUED, _S.SENDING, _S.RETRY_WAIT)),
    "delivered": ("Delivered", (_S.DELIVERED,)),
    "dead": ("Given up", (_S.DEAD,)),
    "suppressed": ("Kept back", (_S.SUPPRESSED,)),
}
_TYPES: Mapping[str, str] = {"": "Any", **{str(type_): words for type_, words in TYPES.items()}}


@dataclass(frozen=True, slots=True)
class Line:
    """One notification in a list, in words."""

    url: str
    chip: Chip
    what: str
    type: str
    order_id: str
    subject: str
    copy: int
    decided_by: str | None
    tries: int
    age: str
    made: str


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the list and its news."""

    @pages.get("/sellers/<seller_id>/notifications", endpoint="notifications")
    def notification_list(seller_id: str) -> str:
        with read(runtime, seller_id) as sandbox:
            return _list(runtime, sandbox)

    @pages.get("/sellers/<seller_id>/notifications/news")
    def notifications_news(seller_id: str) -> Response:
        """Whether something happened since the list was shown."""
        with read(runtime, seller_id) as sandbox:
            return list_page.news(_version(sandbox))


def _version(sandbox: Sandbox) -> str:
    return lists.version(sandbox).partition("-")[0]


def _list(runtime: Runtime, sandbox: Sandbox) -> str:
    listing = Listing.asked("notifications", sandbox.seller_id, "show", "type")
    show, type_ = listing.chosen["show"], listing.chosen["type"]
    wanted_type = type_ if type_ in set(NotificationType) else None
    states = tuple(str(s) for s in _TABS[show][1]) if show and show in _TABS else ()
    page = notifications.list_page(sandbox, states=states, type_=wanted_type, cursor=list_page.cursor(), limit=_PAGE)
    counts = lists.deliveries_by_state(sandbox, wanted_type)
    return render(
        runtime,
        sandbox,
        "notifications.html",
        current="notifications",
        tabs=listing.tabs(
            {name: words for name, (words, _) in _TABS.items()},
            {name: sum(counts.get(s, 0) for s in states) for name, (_, states) in _TABS.items()},
        ),
        types=_TYPES,
        lines=[line(sandbox, notification) for notification in page.items],
        somewhere=bool(sandbox.seller.ipn_url),
        **listing.head(page.next_cursor, _version(sandbox)),
    )


def line(sandbox: Sandbox, notification: Notification) -> Line:
    """A notification as a row of a list."""
    return Line(
        url=url_for(
            "dashboard.notification", seller_id=sandbox.seller_id, notification_id=notification.notification_id
        ),
        chip=deliveries.chip(notification.state),
        what=deliveries.what_happened(notification, sandbox.now),
        type=TYPES[notification.type],
        order_id=notification.order_id,
        subject=notification.refund_id or notification.order_id,
        copy=notification.copy,
        decided_by=deliveries.decided_by(notification),
        tries=notification.tries,
        age=sentences.span(sandbox.now - notification.created_at),
        made=rfc3339(notification.created_at),
    )
