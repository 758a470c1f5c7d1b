"""What became of a notification, in plain sentences; pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from mockpay.domain.notifications import DeliveryState, Misbehaviour, Notification, NotificationType, Try
from mockpay.web.wording.sentences import countdown

_S = DeliveryState
#: Chip class, icon and word of each state.
Chip = tuple[str, str, str]
_CHIPS: Mapping[DeliveryState, Chip] = {
    _S.QUEUED: ("wait", "clock", "Queued"),
    _S.SENDING: ("wait", "send", "Sending"),
    _S.DELIVERED: ("ok", "tick", "Delivered"),
    _S.RETRY_WAIT: ("odd", "clock", "Retrying"),
    _S.DEAD: ("bad", "cross", "Given up"),
    _S.SUPPRESSED: ("idle", "dash", "Kept back"),
}
TYPES: Mapping[NotificationType, str] = {
    NotificationType.PAYMENT: "Payment",
    NotificationType.REFUND: "Refund",
    NotificationType.TEST: "Test",
    NotificationType.SUBSCRIPTION: "Subscription to confirm",
    NotificationType.UNSUBSCRIPTION: "Subscription cancelled",
    NotificationType.OBJECT: "Object",
}


def chip(state: DeliveryState) -> Chip:
    """How the state is shown."""
    return _CHIPS[state]


def what_happened(notification: Notification, now: int) -> str:
    """One sentence that answers "what happened?" for a notification."""
    scenario = notification.outcome == Misbehaviour.NONE
    if notification.state is _S.DELIVERED:
        delivered = f"delivered at the {ordinal(notification.tries)} try"
        if scenario:
            return f"Kept back by a scenario, then sent by a tester: {delivered}"
        by = ", which a tester asked for" if notification.by_hand else ""
        return f"D{delivered[1:]}{by}"
    if notification.state is _S.SUPPRESSED:
        return "Kept back, as the scenario has it" if scenario else f"Kept back: {notification.reason}"
    if notification.state is _S.SENDING:
        return "Is being sent"
    if notification.state is _S.DEAD:
        return f"Given up after {_tries(notification.tries)}: {notification.reason}"
    remaining = notification.due_at - now
    when = f"in {countdown(remaining)}" if remaining > 0 else "now"
    if notification.state is _S.RETRY_WAIT:
        return f"Try {notification.tries} {_failed(notification)}; next try {when}"
    return f"Sent {when}" if not notification.tries else f"Sent again {when}"


def _failed(notification: Notification) -> str:
    reason = notification.reason or "failed"
    return reason if reason.startswith("answered ") else f"failed: {reason}"


def _tries(count: int) -> str:
    return "one try" if count == 1 else f"{count} tries"


def ordinal(number: int) -> str:
    """``first``, ``2nd``, ``3rd``, ``11th``."""
    if number == 1:
        return "first"
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def decided_by(notification: Notification) -> str | None:
    """The misbehaviour that a scenario asked for; None for normal behaviour."""
    return None if notification.outcome == "success" else notification.outcome.replace("_", " ")


def delivery_result(delivery: Try) -> Chip:
    """What came of a try."""
    if delivery.status is None:
        return ("bad", "cross", "No answer")
    standard = delivery.status in {status.value for status in HTTPStatus}
    words = f"{delivery.status} {HTTPStatus(delivery.status).phrase}" if standard else str(delivery.status)
    good = 200 <= delivery.status < 300
    return ("ok", "tick", words) if good else ("bad", "cross", words)
