"""One try to deliver a notification: signed and sent outside any transaction, then recorded."""

from __future__ import annotations

import logging
from collections.abc import Callable

from msgspec import Struct

from mockpay.domain.notifications import DeliveryResult, Notification, OutgoingMessage, failing_tries
from mockpay.domain.sellers import Seller
from mockpay.kernel.errors import MockpayError, Unusable
from mockpay.kernel.http.calls import HttpCall, is_timeout
from mockpay.services import notifications
from mockpay.store import sellers
from mockpay.store.outbox import OutboxRow
from mockpay.store.unit_of_work import Runtime, Sandbox

_log = logging.getLogger(__name__)

#: A try is given up when so much of its lease is over: nobody else may begin it meanwhile.
_SHARE_OF_LEASE = 5 / 6
#: What of an answer to a notification is kept.
_EXCERPT_BYTES = 1_000
#: What a seller may do about a certificate that nobody vouches for.
_TRUST = "The setting trust_loopback_tls takes any at this machine's own addresses."


class SendResult(Struct, frozen=True):
    """An outbox row that was sent: how to record it, where nobody did before, and what the other side did."""

    record: Callable[[Sandbox], object]
    status: int | None = None
    timed_out: bool = False


#: Sends a claimed row outside any transaction; a `MockpayError` says why it cannot be sent, now or later.
Send = Callable[[Runtime], SendResult]


def delivery(sandbox: Sandbox, row: OutboxRow) -> Send:
    """One try to deliver a notification."""
    seller, notification = sandbox.seller, notifications.get_notification(sandbox, row.subject)

    def send(runtime: Runtime) -> SendResult:
        message = _signed(runtime, seller, notification)
        timeout = timeout_within_lease(runtime, seller.settings.ipn_timeout_seconds)
        trusting = seller.settings.trust_loopback_tls
        url = notification.url or seller.ipn_url or ""
        call = HttpCall("POST", url, message.headers, message.body, timeout, trust_loopback=trusting)
        message_sent, timed_out = _post(runtime, notification, message, call)
        if runtime.terminal is not None:
            runtime.terminal.add_delivery(
                notification.type,
                message_sent.url,
                str(message_sent.result.status or message_sent.result.reason),
                message_sent.latency_ms,
                notification.order_id,
                seller.seller_id,
                message.body.decode(),
                message_sent.answer,
            )

        def record(sandbox: Sandbox) -> None:
            if notifications.record(sandbox, notification, message_sent):
                sellers.count(sandbox.connection, row.seller_id, delivered=1)

        return SendResult(record, timed_out=timed_out)

    return send


def timeout_within_lease(runtime: Runtime, seconds: int) -> float:
    """How long a try may take, in s, so that it ends within its lease."""
    return min(seconds, runtime.settings.lease_seconds * _SHARE_OF_LEASE)


def _signed(runtime: Runtime, seller: Seller, notification: Notification) -> OutgoingMessage:
    """
    The notification as it goes out.

    Raises:
        Unusable: code ``notification.unwritten``: it would meet every later try as well.
    """
    try:
        notify = runtime.providers[notification.provider].notify
        if notify is None:
            raise Unusable("This provider sends no notifications.", code="notification.unwritten")
        return notify(seller, runtime.keys, notification, runtime.real_clock.now())
    except MockpayError:
        raise
    except Exception as error:
        _log.exception("Notification %s could not be written.", notification.notification_id)
        message = f"It could not be written: {type(error).__name__}."
        raise Unusable(message, code="notification.unwritten") from error


def _post(
    runtime: Runtime, notification: Notification, message: OutgoingMessage, call: HttpCall
) -> tuple[notifications.SentMessage, bool]:
    """One try, or what a scenario has instead of it; and whether it timed out."""
    if notification.tries < failing_tries(notification.outcome):
        lost = DeliveryResult(None, "lost on the way, as the scenario has it")
        return notifications.SentMessage(call.url, message, lost), False
    began = runtime.real_clock.now()
    try:
        reply = runtime.sender.send(call)
    except MockpayError as error:
        reason = f"{error.reason} {_TRUST}" if error.code == "http.certificate" else error.reason
        result = DeliveryResult(None, reason, unreachable=error.code != "http.timeout")
        latency_ms = runtime.real_clock.now() - began
        return notifications.SentMessage(call.url, message, result, latency_ms=latency_ms), is_timeout(error)
    answer = reply.body[:_EXCERPT_BYTES].decode(errors="replace")
    result = DeliveryResult(reply.status)
    return notifications.SentMessage(call.url, message, result, answer, reply.latency_ms), False
