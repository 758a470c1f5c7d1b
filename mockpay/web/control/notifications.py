"""Notifications by control API: the list, one with every try to send it, and sending it now."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.notifications import OF_SUBSCRIPTIONS, DeliveryState, Notification, NotificationType, Try
from mockpay.services import notifications as verbs
from mockpay.services import subscriptions
from mockpay.store import notifications, transitions
from mockpay.store.reads.lists import tries_of
from mockpay.store.unit_of_work import Sandbox
from mockpay.web.control.endpoints import GET, POST, Request
from mockpay.web.control.responses import PageQuery, States, TimelineEntry, parse_states, timeline_entries, to_response

#: Real seconds between two reads of a notification that the worker is sending.
_POLL_SECONDS = 0.01
#: Beyond the seller's own time-out: other deliveries to the same seller may go first.
_QUEUE_SECONDS = 5
_TO_BE_SENT = frozenset({DeliveryState.QUEUED, DeliveryState.SENDING})


class NotificationQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which notifications."""

    state: States | None = None
    type: NotificationType | None = None
    order_id: str | None = None
    refund_id: str | None = None


class DeliverySummary(Struct, kw_only=True):
    """
    One delivery: a try to send a notification.

    `status` is the HTTP status of the answer, null where there was none; then `reason` has the cause.
    """

    number: int
    at: str
    status: int | None
    latency_ms: int
    reason: str | None


class DeliveryRequest(Struct, kw_only=True):
    """The request as it was sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


class DeliveryResponse(Struct, kw_only=True):
    """The seller's answer; of the body the beginning."""

    status: int
    body: str


class DeliveryDetail(DeliverySummary, kw_only=True):
    """A delivery with its request, the text that its signature covers, and the answer, if any."""

    request: DeliveryRequest
    string_to_sign: str
    answer: DeliveryResponse | None


class NotificationContent(Struct, kw_only=True):
    """What a message tells: that a payment or a refund is COMPLETED or DECLINED, of how much, and why if it was."""

    state: str
    amount: str
    currency: str
    reason: str | None
    seller_order_id: str | None
    reference: str | None


class NotificationFields(Struct, kw_only=True):
    """
    One delivery of a message; a doubled message is several deliveries, counted by `copy`.

    `outcome` is what a scenario does to it (`success`: nothing), `reason` why it is not delivered.  What confirms or
    cancels a subscription has no `content`, and like a test notification no `order_id`.
    """

    notification_id: str
    message_id: str
    type: NotificationType
    state: DeliveryState
    order_id: str | None
    refund_id: str | None
    provider: str
    copy: int
    content: NotificationContent | None
    outcome: str
    reason: str | None
    due_at: str
    created_at: str
    updated_at: str
    try_count: int


class NotificationSummary(NotificationFields, kw_only=True):
    """A notification whose `tries` are without request and answer."""

    tries: list[DeliverySummary]


class NotificationDetail(NotificationFields, kw_only=True):
    """A notification with every delivery that is still stored, the oldest first."""

    tries: list[DeliveryDetail]
    timeline: list[TimelineEntry]
    urls: dict[str, str]


class NotificationList(Struct, kw_only=True):
    """Notifications, the newest first."""

    items: list[NotificationSummary]
    next_cursor: str | None


def list_notifications(request: Request[NotificationQuery, None]) -> NotificationList:
    """Their tries are without request and answer here; one notification has them."""
    query = request.query
    with request.read() as sandbox:
        page = notifications.list_page(
            sandbox,
            states=parse_states(query.state, DeliveryState),
            type_=query.type,
            order_id=query.order_id,
            refund_id=query.refund_id,
            cursor=query.cursor,
            limit=query.limit,
        )
        items = notification_summaries(sandbox, page.items)
    return NotificationList(items=items, next_cursor=page.next_cursor)


def get_notification(request: Request[None, None]) -> NotificationDetail:
    """Each try as it was sent, with the text that its signature covers, and what the seller answered."""
    with request.read() as sandbox:
        notification = verbs.get_notification(sandbox, request.path["notification_id"])
        return _detail(sandbox, notification, request.seller_url)


def deliver_notification(request: Request[None, None]) -> NotificationDetail:
    """Also one that was delivered, given up or kept back. While it is being sent, it is 409."""
    with request.transaction() as sandbox:
        notification = verbs.deliver(sandbox, request.path["notification_id"])
    return _after_try(request, notification)


def send_test_notification(request: Request[None, None]) -> NotificationDetail:
    """
    Its address must be set. It is signed as any other and marked as a sample, where the provider has such a mark;
    the answer shows its first try.
    """
    with request.transaction() as sandbox:
        notification = subscriptions.send_test(sandbox)
    return _after_try(request, notification)


def _after_try(request: Request[None, None], notification: Notification) -> NotificationDetail:
    """The notification after its try: sent here, unless the worker is already sending it."""
    with request.read() as sandbox:
        seconds = sandbox.seller.settings.ipn_timeout_seconds + _QUEUE_SECONDS
    deadline = time.monotonic() + seconds
    while True:
        send_waiting(request.runtime, request.seller_id)
        with request.read() as sandbox:
            notification = verbs.get_notification(sandbox, notification.notification_id)
            waits = notification.state in _TO_BE_SENT and time.monotonic() < deadline
            if not waits or request.runtime.stopping.is_set():
                return _detail(sandbox, notification, request.seller_url)
        request.runtime.stopping.wait(_POLL_SECONDS)


def _detail(sandbox: Sandbox, notification: Notification, seller_url: str) -> NotificationDetail:
    urls = {"order": f"{seller_url}/orders/{notification.order_id}"} if notification.order_id else {}
    if notification.refund_id is not None:
        urls["refund"] = f"{seller_url}/refunds/{notification.refund_id}"
    return to_response(
        NotificationDetail,
        notification,
        order_id=notification.order_id or None,
        content=_content(notification),
        try_count=notification.tries,
        tries=[
            _delivery(delivery) for delivery in notifications.of_notification(sandbox, notification.notification_id)
        ],
        timeline=timeline_entries(transitions.of_order(sandbox, notification.order_pk), {notification.notification_id}),
        urls=urls,
    )


def notification_summaries(sandbox: Sandbox, notifications: Sequence[Notification]) -> list[NotificationSummary]:
    """Notifications with their deliveries in short."""
    tries = tries_of(sandbox, [notification.notification_id for notification in notifications])
    return [
        to_response(
            NotificationSummary,
            notification,
            order_id=notification.order_id or None,
            content=_content(notification),
            try_count=notification.tries,
            tries=[to_response(DeliverySummary, line) for line in tries[notification.notification_id]],
        )
        for notification in notifications
    ]


def _content(notification: Notification) -> NotificationContent | None:
    facts: Mapping[str, Any] = notification.facts
    if notification.type in OF_SUBSCRIPTIONS or notification.type is NotificationType.OBJECT:
        return None
    return NotificationContent(
        state="COMPLETED" if facts["completed"] else "DECLINED",
        amount=facts["amount"],
        currency=facts["currency"],
        reason=facts["reason"],
        seller_order_id=facts.get("seller_order_id"),
        reference=facts.get("reference"),
    )


def _delivery(delivery: Try) -> DeliveryDetail:
    answer = None
    if delivery.status is not None:
        answer = DeliveryResponse(status=delivery.status, body=delivery.answer)
    return to_response(
        DeliveryDetail,
        delivery,
        request=to_response(DeliveryRequest, delivery, method="POST"),
        string_to_sign=delivery.signed,
        answer=answer,
    )


_PATH = "/v1/sellers/{seller_id}/notifications"
_NOTIFICATION = f"{_PATH}/{{notification_id}}"
ENDPOINTS = (
    GET(_PATH, list_notifications, "A seller's notifications, sent and waiting, the newest first."),
    GET(_NOTIFICATION, get_notification, "One notification with every try: request, signed text, answer and latency."),
    POST(
        f"{_PATH}/test",
        send_test_notification,
        "Send a test notification, as a seller may ask for one: a payment that never was.",
        errors=(409,),
    ),
    POST(
        f"{_NOTIFICATION}/deliver",
        deliver_notification,
        "Send a notification now, whatever became of it before; the answer shows the new try.",
        errors=(409,),
    ),
)
