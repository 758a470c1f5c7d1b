"""One try to deliver a notification: signed and sent outside any transaction, then recorded."""

from __future__ import annotations

import logging

from mockpay.delivery.sending import Sending, Sent, timeout_within_lease
from mockpay.domain.notifications import DeliveryResult, Notification, OutgoingMessage, lost_tries
from mockpay.domain.sellers import Seller
from mockpay.kernel.errors import MockpayError, Unusable
from mockpay.kernel.http.calls import HttpCall, is_timeout
from mockpay.services import notifications
from mockpay.store import sellers
from mockpay.store.outbox import OutboxRow
from mockpay.store.unit_of_work import Runtime, Sandbox

_log = logging.getLogger(__name__)

#: What of an answer to a notification is kept.
_EXCERPT_BYTES = 1_000


class NotificationTry(Sending):
    """One try to deliver a notification."""

    def __init__(self, sandbox: Sandbox, row: OutboxRow) -> None:
        self._seller = sandbox.seller
        self._notification = notifications.get_notification(sandbox, row.subject)

    def send(self, runtime: Runtime) -> Sent:
        message = _signed(runtime, self._seller, self._notification)
        timeout = timeout_within_lease(runtime, self._seller.settings.ipn_timeout_seconds)
        self._sent, timed_out = _post(runtime, self._notification, message, self._seller.ipn_url or "", timeout)
        return Sent(timed_out=timed_out)

    def record(self, sandbox: Sandbox) -> None:
        if notifications.record(sandbox, self._notification, self._sent):
            sellers.count(sandbox.connection, sandbox.seller_id, delivered=1)


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
        return notify(seller, runtime.keys, notification)
    except MockpayError:
        raise
    except Exception as error:
        _log.exception("Notification %s could not be written.", notification.notification_id)
        message = f"It could not be written: {type(error).__name__}."
        raise Unusable(message, code="notification.unwritten") from error


def _post(
    runtime: Runtime, notification: Notification, message: OutgoingMessage, url: str, timeout: float
) -> tuple[notifications.SentMessage, bool]:
    """One try, or what a scenario has instead of it; and whether it timed out."""
    if notification.tries < lost_tries(notification.outcome):
        lost = DeliveryResult(503, "lost on the way, as the scenario has it")
        return notifications.SentMessage(url, message, lost), False
    began = runtime.real_clock.now()
    try:
        reply = runtime.sender.send(HttpCall("POST", url, message.headers, message.body, timeout))
    except MockpayError as error:
        result = DeliveryResult(None, error.reason, unreachable=error.code != "http.timeout")
        took = runtime.real_clock.now() - began
        return notifications.SentMessage(url, message, result, latency_ms=took), is_timeout(error)
    answer = reply.body[:_EXCERPT_BYTES].decode(errors="replace")
    result = DeliveryResult(reply.status)
    return notifications.SentMessage(url, message, result, answer, reply.latency_ms), False
