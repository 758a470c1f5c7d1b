"""Notifications by control API: the list, one with every try to send it, and sending it now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from mockpay.delivery import outbox
from mockpay.domain.notifications import DeliveryState, Notification, NotificationType, Try
from mockpay.kernel.clock import rfc3339
from mockpay.services import notifications as verbs
from mockpay.store import notification_tries, notifications, timeline
from mockpay.store.reads.summaries import TryLine, tries_of
from mockpay.store.unit_of_work import Sandbox, read, transaction
from mockpay.web.control.common import PageQuery, States, TimelineEntry, states_of, timeline_entry
from mockpay.web.control.endpoints import Ask, Endpoint

#: Real seconds between two looks whether the worker has sent what it took.
_LOOK_AGAIN = 0.01
#: What an answer may wait longer than the seller's server may take: others of its lane go first.
_PATIENCE = 5
_TO_BE_SENT = frozenset({DeliveryState.QUEUED, DeliveryState.SENDING})


class NotificationQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which notifications."""

    state: States | None = None
    type: NotificationType | None = None
    order_id: str | None = None
    refund_id: str | None = None


class TryEntry(Struct, kw_only=True):
    """
    A try to send a notification.

    `status` is the HTTP status of the answer, null where there was none; then `reason` tells why.
    """

    number: int
    at: str
    status: int | None
    latency_ms: int
    reason: str | None


class SentRequest(Struct, kw_only=True):
    """What was sent, to the letter."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


class HeardAnswer(Struct, kw_only=True):
    """What came back; of the body the beginning."""

    status: int
    body: str


class TryDetail(TryEntry, kw_only=True):
    """A try with what was sent, the text that its signature covers, and the answer, if any."""

    request: SentRequest
    string_to_sign: str
    answer: HeardAnswer | None


class NotificationFacts(Struct, kw_only=True):
    """
    One delivery of a message; a doubled message is several deliveries, counted by `copy`.

    `outcome` is what a scenario does to it (`success`: nothing), `reason` why it is not
    delivered.
    """

    notification_id: str
    message_id: str
    type: str
    state: str
    order_id: str
    refund_id: str | None
    provider: str
    copy: int
    outcome: str
    reason: str | None
    due_at: str
    created_at: str
    updated_at: str
    try_count: int


class NotificationLine(NotificationFacts, kw_only=True):
    """A notification of a list; each of its `tries` without request and answer."""

    tries: list[TryEntry]


class NotificationDetail(NotificationFacts, kw_only=True):
    """A notification with every try that is still kept, the oldest first."""

    tries: list[TryDetail]
    timeline: list[TimelineEntry]
    urls: dict[str, str]


class NotificationList(Struct, kw_only=True):
    """Notifications, the newest first."""

    items: list[NotificationLine]
    next_cursor: str | None


def listed(ask: Ask[NotificationQuery, None]) -> NotificationList:
    query = ask.query
    with read(ask.runtime, ask.seller_id) as sandbox:
        page = notifications.listed(
            sandbox,
            states=states_of(query.state, DeliveryState),
            type_=query.type,
            order_id=query.order_id,
            refund_id=query.refund_id,
            cursor=query.cursor,
            limit=query.limit,
        )
        items = notification_lines(sandbox, page.items)
    return NotificationList(items=items, next_cursor=page.next_cursor)


def show(ask: Ask[None, None]) -> NotificationDetail:
    with read(ask.runtime, ask.seller_id) as sandbox:
        return _detail(sandbox, ask)


def deliver(ask: Ask[None, None]) -> NotificationDetail:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        verbs.deliver(sandbox, ask.path["notification_id"])
        patience = sandbox.seller.settings.ipn_timeout_seconds + _PATIENCE
    _send(ask, time.monotonic() + patience)
    return show(ask)


def _send(ask: Ask[None, None], deadline: float) -> None:
    """Send it unless the worker has it in hand already; then wait until it was tried."""
    while time.monotonic() < deadline:
        outbox.send_waiting(ask.runtime, ask.seller_id)
        with read(ask.runtime, ask.seller_id) as sandbox:
            state = verbs.the_notification(sandbox, ask.path["notification_id"]).state
        if state not in _TO_BE_SENT or ask.runtime.stopping.wait(_LOOK_AGAIN):
            return


def _detail(sandbox: Sandbox, ask: Ask[None, None]) -> NotificationDetail:
    one = verbs.the_notification(sandbox, ask.path["notification_id"])
    tries = notification_tries.of_notification(sandbox, one.notification_id)
    steps = timeline.of_order(sandbox, one.order_pk)
    world = f"{ask.base}/_mockpay/v1/sellers/{one.seller_id}"
    urls = {"order": f"{world}/orders/{one.order_id}"}
    if one.refund_id is not None:
        urls["refund"] = f"{world}/refunds/{one.refund_id}"
    return NotificationDetail(
        tries=[_in_full(each) for each in tries],
        timeline=[timeline_entry(step) for step in steps if step.subject == one.notification_id],
        urls=urls,
        **_fields(one),
    )


def notification_lines(sandbox: Sandbox, found: Sequence[Notification]) -> list[NotificationLine]:
    """Notifications as lists tell them."""
    tries = tries_of(sandbox, [one.notification_id for one in found])
    return [
        NotificationLine(
            tries=[TryEntry(**_try(each)) for each in tries[one.notification_id]], **_fields(one)
        )
        for one in found
    ]


def _fields(one: Notification) -> dict[str, Any]:
    return {
        "notification_id": one.notification_id,
        "message_id": one.message_id,
        "type": one.type.value,
        "state": one.state.value,
        "order_id": one.order_id,
        "refund_id": one.refund_id,
        "provider": one.provider,
        "copy": one.copy,
        "outcome": one.outcome,
        "reason": one.reason,
        "due_at": rfc3339(one.due_at),
        "created_at": rfc3339(one.created_at),
        "updated_at": rfc3339(one.updated_at),
        "try_count": one.tries,
    }


def _try(one: Try | TryLine) -> dict[str, Any]:
    return {
        "number": one.number,
        "at": rfc3339(one.at),
        "status": one.status,
        "latency_ms": one.latency_ms,
        "reason": one.reason,
    }


def _in_full(one: Try) -> TryDetail:
    sent = SentRequest(method="POST", url=one.url, headers=dict(one.headers), body=one.body)
    heard = None if one.status is None else HeardAnswer(status=one.status, body=one.answer)
    return TryDetail(request=sent, string_to_sign=one.signed, answer=heard, **_try(one))


_PATH = "/v1/sellers/{seller_id}/notifications"
_ONE = f"{_PATH}/{{notification_id}}"
ENDPOINTS = (
    Endpoint(
        "GET",
        _PATH,
        listed,
        "What a seller was or will be told, the newest first.",
        query=NotificationQuery,
        gives=NotificationList,
        fails=(400, 404),
    ),
    Endpoint(
        "GET",
        _ONE,
        show,
        "One notification with every try: request, signed text, answer and latency.",
        gives=NotificationDetail,
        fails=(404,),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/deliver",
        deliver,
        "Send a notification now, whatever became of it before; the answer shows the new try.",
        gives=NotificationDetail,
        fails=(404, 409),
    ),
)
