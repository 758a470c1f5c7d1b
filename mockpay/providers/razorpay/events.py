"""Events: what Razorpay tells of a step of a payment or a refund, to the seller's address and to its endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockpay.domain.notifications import (
    OTHER_TIMES,
    Misbehaviour,
    Notification,
    NotificationType,
    OutgoingMessage,
    RetryProfile,
)
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Stage
from mockpay.domain.refunds import Refund
from mockpay.domain.sellers import Seller
from mockpay.kernel.clock import DAY, SECOND
from mockpay.kernel.keys.files import Keys
from mockpay.kernel.money import Money
from mockpay.providers.razorpay import ids, objects
from mockpay.providers.razorpay.credentials import NAME, credentials
from mockpay.services import message_outcomes, notifications
from mockpay.services.payments.transitions import get_attempt, mark_met
from mockpay.store import api_objects, attempts
from mockpay.store.api_objects import ApiObject
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.faults import change_first
from mockpay.wire.razorpay import events as wire
from mockpay.wire.razorpay import signatures

#: A seller's webhook of its own; its `facts` have url, events and the name of its sealed secret.
ENDPOINT, ENABLED = "webhook", "enabled"
MOST_ENDPOINTS = 30
_MINUTE = 60 * SECOND
RETRY_PROFILES = {
    "razorpay": RetryProfile(
        "again after 1 min, 2 min, 4 min and so on for 24 hours, whatever was answered",
        tuple(2**power * _MINUTE for power in range(8)),
        longest_ms=DAY,
        refusal_is_final=False,
    )
}
_PAID = ("payment.captured", "order.paid")
#: What a step of an order is told as.
_OF_ORDERS: Mapping[str, tuple[str, ...]] = {
    "attempt_authorized": ("payment.authorized",),
    "attempt_captured": ("payment.authorized", *_PAID),
    "capture": _PAID,
    "attempt_failed": ("payment.failed",),
    "given_up": ("payment.failed",),
    "timeout": ("payment.failed",),
    "buyer_cancel": ("payment.failed",),
}
#: A link's own event comes last.
_OF_LINKS: Mapping[str, str] = {
    "attempt_captured": "payment_link.paid",
    "capture": "payment_link.paid",
    "timeout": "payment_link.expired",
    "buyer_cancel": "payment_link.cancelled",
}
_OF_REFUNDS: Mapping[str, str] = {
    "requested": "refund.created",
    "completed": "refund.processed",
    "declined": "refund.failed",
    "reversed": "refund.failed",
}
#: Steps by which money goes back that nobody captured, or that came too late.
_RETURNS = frozenset({"void", "auth_expired", "late_success", "refund_completed_in_full"})
_UNPAID = frozenset({AttemptState.FAILED, AttemptState.CANCELLED, AttemptState.EXPIRED})


def observe(sandbox: Sandbox, order: Order, event: str, refund: Refund | None) -> None:
    """Tell of a step of an order or of one of its refunds."""
    if refund is not None:
        _observe_refund(sandbox, order, event, refund)
        return
    last = attempts.last_of_order(sandbox, order.order_pk)
    for name in _OF_ORDERS.get(event, ()):
        if last is not None and (name != "payment.failed" or _failed_now(sandbox, last)):
            _tell_payment(sandbox, order, last, name)
    if event in _RETURNS and last is not None and last.state in objects.RETURNED:
        _tell_return(sandbox, order, last)
    link = objects.marks_of(order).get("link")
    if link and event in _OF_LINKS:
        _tell_link(sandbox, order, last, _OF_LINKS[event])


def _failed_now(sandbox: Sandbox, attempt: Attempt) -> bool:
    """Whether it is this very step by which a try has ended: an order may end long after its last try."""
    return attempt.state in _UNPAID and attempt.updated_at == sandbox.now


def _outcome(sandbox: Sandbox, order: Order, attempt: Attempt | None) -> str:
    """What a scenario does to the messages about a payment, which a try has met though another one may follow."""
    if attempt is not None and attempt.plan.decides(Stage.IPN):
        mark_met(sandbox, attempt, Stage.IPN)
    return message_outcomes.of_payment(sandbox, order, attempt)


def _tell_payment(sandbox: Sandbox, order: Order, attempt: Attempt, name: str) -> None:
    body = objects.payment_body(objects.payment_of(sandbox, order, attempt), card=True)
    if name == "payment.authorized":
        body |= {"status": "authorized", "captured": False, "fee": None, "tax": None}
    entities = {"payment": body}
    if name == "order.paid":
        entities["order"] = objects.order_body(order, attempt)
    _send(
        sandbox, name, entities, order, _outcome(sandbox, order, attempt), attempt.amount, reason=body["error_reason"]
    )


def _tell_return(sandbox: Sandbox, order: Order, attempt: Attempt) -> None:
    """The refund that nobody asked for: of a payment that was never captured."""
    refund = objects.returned_body(attempt)
    payment = objects.payment_body(objects.payment_of(sandbox, order, attempt), card=True)
    outcome = _outcome(sandbox, order, attempt)
    for name in ("refund.created", "refund.processed"):
        _send(sandbox, name, {"refund": refund, "payment": payment}, order, outcome, attempt.amount)


def _observe_refund(sandbox: Sandbox, order: Order, event: str, refund: Refund) -> None:
    name = _OF_REFUNDS.get(event)
    if name is None:
        return
    payment = objects.payment_of(sandbox, order, get_attempt(sandbox, refund.attempt_id))
    entities = {"refund": objects.refund_body(refund), "payment": objects.payment_body(payment, card=True)}
    outcome, speeds = refund.plan.at(Stage.IPN).outcome, refund.facts
    _send(sandbox, name, entities, order, outcome, refund.amount, refund=refund, reason=refund.reason_code)
    fell_back = speeds.get("speed", objects.NORMAL) != speeds.get("speed_processed", objects.NORMAL)
    if event == "requested" and fell_back and speeds.get("speed_processed") == objects.NORMAL:
        _send(sandbox, "refund.speed_changed", entities, order, outcome, refund.amount, refund=refund)


def _tell_link(sandbox: Sandbox, order: Order, attempt: Attempt | None, name: str) -> None:
    entities: dict[str, Any] = {"payment_link": objects.link_body(sandbox, order)}
    if name == "payment_link.paid" and attempt is not None:
        payment = objects.payment_body(objects.payment_of(sandbox, order, attempt), card=True)
        entities |= {"order": objects.order_body(order, attempt), "payment": payment}
    _send(sandbox, name, entities, order, _outcome(sandbox, order, attempt), order.amount)


# --- to whom


def _send(
    sandbox: Sandbox,
    name: str,
    entities: Mapping[str, Mapping[str, Any]],
    order: Order,
    outcome: str,
    amount: Money,
    *,
    refund: Refund | None = None,
    reason: str | None = None,
) -> None:
    """Queue an event for everybody who wants it, as it stands now and signed by the secret of now."""
    targets = list(_targets(sandbox, name))
    if not targets:
        return
    event_id = ids.new(sandbox, "")
    text = wire.body(name, ids.account_id(sandbox.seller), entities, sandbox.now // SECOND)
    facts = {
        "event": name,
        "title": name,
        "event_id": event_id,
        "body": text,
        "amount": amount.wire(),
        "currency": amount.currency,
        "completed": not name.endswith((".failed", ".expired", ".cancelled")),
        "reason": reason,
        "seller_order_id": order.seller_order_id,
        "reference": refund.reference if refund is not None else None,
    }
    kind = NotificationType.REFUND if "refund" in entities else NotificationType.PAYMENT
    for target, url, secret in targets:
        other = f"{secret} {outcome}" if outcome in OTHER_TIMES else secret
        signature = signatures.webhook_signature(other, text.encode())
        notifications.create(
            sandbox,
            NAME,
            kind,
            {**facts, "signature": signature},
            (event_id, target),
            outcome=outcome,
            order=order,
            refund_id=refund.refund_id if refund is not None else None,
            url=url,
        )


def _targets(sandbox: Sandbox, name: str) -> Iterator[tuple[str, str | None, str]]:
    """Name, address and secret of each that wants an event; the seller's own address wants them all."""
    seller = sandbox.seller
    if seller.ipn_url:
        yield "", None, credentials(seller)["webhook_secret"]
    for endpoint in endpoints(sandbox):
        if endpoint.facts["active"] and name in endpoint.facts["events"]:
            secret = api_objects.find_secret(sandbox, endpoint.facts["secret"]).get("secret", "")
            yield endpoint.object_id, endpoint.facts["url"], secret


def endpoints(sandbox: Sandbox) -> list[ApiObject]:
    """A seller's webhooks, the oldest first."""
    found = api_objects.list_newest(sandbox, NAME, ENDPOINT, limit=1_000)
    return [endpoint for endpoint in reversed(found) if endpoint.state == ENABLED]


def listens(sandbox: Sandbox) -> bool:
    """Whether the seller has an address or an active webhook."""
    return bool(sandbox.seller.ipn_url) or any(endpoint.facts["active"] for endpoint in endpoints(sandbox))


def notify(_seller: Seller, _keys: Keys, notification: Notification, _real_now: int) -> OutgoingMessage:
    """An event as it goes out: the same text, signature and id at every try."""
    text, signature = str(notification.facts["body"]), str(notification.facts["signature"])
    if notification.outcome == Misbehaviour.BAD_SIGNATURE:
        signature = change_first(signature)
    body = text.encode()
    if notification.outcome == Misbehaviour.CORRUPT:
        body = body[: len(body) * 2 // 3]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Razorpay-Webhook/v1",
        wire.SIGNATURE: signature,
        wire.EVENT_ID: str(notification.facts["event_id"]),
    }
    return OutgoingMessage(headers, body, text)
