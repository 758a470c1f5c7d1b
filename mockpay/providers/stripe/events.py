"""Events: what happened to an object, kept with it as it was, and sent to the webhook endpoints that want it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockpay.domain.notifications import (
    OTHER_TIMES,
    Misbehaviour,
    Notification,
    NotificationType,
    OutgoingMessage,
    RetryProfile,
)
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Decision, Stage
from mockpay.domain.refunds import SELLER, Refund
from mockpay.domain.sellers import Seller
from mockpay.kernel.clock import SECOND
from mockpay.kernel.http.hosts import own_url
from mockpay.kernel.keys.files import Keys
from mockpay.kernel.money import Money
from mockpay.providers.stripe import bodies, ids
from mockpay.providers.stripe.bodies import INTENT, REFUND, SESSION, Intent
from mockpay.providers.stripe.calls import Call
from mockpay.providers.stripe.credentials import NAME
from mockpay.services import message_outcomes, notifications
from mockpay.store import api_objects, refunds
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.stripe import objects, requests, signatures

EVENT, ENDPOINT = "event", "webhook_endpoint"
#: How far off the time of a signature is that has another; the public clients refuse what is 300 s old.
_OTHER_TIMES = {Misbehaviour.OLD_SIGNATURE: -600, Misbehaviour.FUTURE_SIGNATURE: 600}
#: Again three times over a few hours in test mode, without a word on the pauses (Stripe's documentation of webhooks).
RETRY_PROFILES = {
    "stripe": RetryProfile(
        "again after 30 min, 1 h and 2 h, whatever was answered",
        tuple(minutes * 60 * SECOND for minutes in (30, 60, 120)),
        max_tries=4,
        refusal_is_final=False,
    )
}
#: What a step of an order is told as; a charge's comes before its intent's.
_OF_ORDERS: Mapping[str, tuple[str, ...]] = {
    "opened": ("payment_intent.created",),
    "attempt_failed": ("charge.failed", "payment_intent.payment_failed"),
    "attempt_authorized": ("charge.succeeded", "payment_intent.amount_capturable_updated"),
    "attempt_captured": ("charge.succeeded", "payment_intent.succeeded"),
    "capture": ("charge.captured", "payment_intent.succeeded"),
    "given_up": ("payment_intent.canceled",),
    "buyer_cancel": ("payment_intent.canceled",),
    "timeout": ("payment_intent.canceled",),
    "void": ("payment_intent.canceled",),
    "auth_expired": ("payment_intent.canceled",),
}
_OF_REFUNDS: Mapping[str, tuple[str, ...]] = {
    "requested": ("refund.created",),
    "completed": ("charge.refunded", "refund.updated"),
    "declined": ("refund.updated", "refund.failed"),
    "reversed": ("refund.updated", "refund.failed"),
}
_COMPLETED, _EXPIRED = f"{SESSION}.completed", f"{SESSION}.expired"
#: And of an order whose buyer came by a checkout session.
_OF_SESSIONS = {
    "attempt_authorized": _COMPLETED,
    "attempt_captured": _COMPLETED,
    "given_up": _EXPIRED,
    "buyer_cancel": _EXPIRED,
    "timeout": _EXPIRED,
}
_OF_STATUS = {"requires_action": "payment_intent.requires_action", "processing": "payment_intent.processing"}


def pages_of(sandbox: Sandbox) -> str:
    """Where buyers find the pages of their payments."""
    settings = sandbox.runtime.settings
    return (settings.public_url or own_url(settings)).rstrip("/")


def observe(sandbox: Sandbox, order: Order, event: str, refund: Refund | None) -> None:
    """Tell of a step of an order or of one of its refunds."""
    stored = api_objects.find(sandbox, NAME, INTENT, order.order_id)
    if stored is None:
        return
    intent = bodies.intent_of(sandbox, stored)
    if refund is not None:
        _observe_refund(sandbox, intent, event, refund)
        return
    for type_ in _OF_ORDERS.get(event, ()):
        _tell(sandbox, intent, type_)
    if event in _OF_SESSIONS and (session := api_objects.by_reference(sandbox, NAME, SESSION, order.order_id)):
        body = bodies.session_body(sandbox, session, pages_of(sandbox))
        create(sandbox, _OF_SESSIONS[event], body, intent=intent)


def of_status(sandbox: Sandbox, intent: Intent) -> None:
    """Tell that a buyer or a bank has to do something before an intent is paid."""
    if (type_ := _OF_STATUS.get(intent.status)) is not None:
        _tell(sandbox, intent, type_)


def _tell(sandbox: Sandbox, intent: Intent, type_: str) -> None:
    body: dict[str, Any]
    if type_.startswith("charge."):
        if not intent.charges:
            return
        body = bodies.charge_body(sandbox, intent, intent.charges[-1])
    else:
        body = bodies.intent_body(sandbox, intent, pages_of(sandbox))
    create(sandbox, type_, body, intent=intent)


def _observe_refund(sandbox: Sandbox, intent: Intent, event: str, refund: Refund) -> None:
    """Keep a new refund beside the core's; what a call of the seller's asked for is told by that call."""
    if event == "requested":
        facts: Mapping[str, Any] = {"metadata": {}, "reason": None}
        api_objects.add(sandbox, NAME, REFUND, refund.refund_id, facts, parent=intent.order.order_id)
    if event != "requested" or refund.kind != SELLER:
        of_refund(sandbox, intent, event, refund)


def of_refund(sandbox: Sandbox, intent: Intent, event: str, refund: Refund) -> None:
    """Tell of a step of a refund."""
    stored = api_objects.find(sandbox, NAME, REFUND, refund.refund_id)
    for type_ in _OF_REFUNDS.get(event, ()):
        if type_.startswith("charge."):
            charge = next(attempt for attempt in intent.attempts if attempt.attempt_id == refund.attempt_id)
            body = bodies.charge_body(sandbox, intent, charge)
        else:
            body = bodies.refund_body(refunds.by_id(sandbox, refund.refund_id) or refund, stored)
        create(sandbox, type_, body, intent=intent, refund=refund)


def create(
    sandbox: Sandbox,
    type_: str,
    body: Mapping[str, Any],
    *,
    intent: Intent | None = None,
    refund: Refund | None = None,
    requested: Mapping[Stage, Decision] | None = None,
) -> None:
    """
    Keep an event about an object as it is, and queue it for each endpoint that wants its type.

    Args:
        intent: The intent that it is about, `refund` the refund; neither of what is about another object.
        requested: What the call asks for by which the other object changed.
    """
    endpoints = [
        endpoint
        for endpoint in api_objects.in_state(sandbox, NAME, ENDPOINT, "enabled")
        if {"*", type_} & set(endpoint.facts["enabled_events"])
    ]
    event_id = ids.new_id(sandbox, "evt")
    event = objects.new_object(
        EVENT,
        event_id,
        sandbox.now // SECOND,
        api_version=requests.VERSION,
        data={"object": body},
        pending_webhooks=len(endpoints),
        request={"id": None, "idempotency_key": None},
        type=type_,
    )
    api_objects.add(sandbox, NAME, EVENT, event_id, event, parent=str(body["id"]), reference=type_, log=True)
    if not endpoints:
        return
    kind, order = NotificationType.OBJECT, intent.order if intent is not None else None
    if refund is not None:
        kind, outcome = NotificationType.REFUND, refund.plan.at(Stage.IPN).outcome
    elif intent is not None:
        kind, outcome = NotificationType.PAYMENT, message_outcomes.of_payment(sandbox, intent.order, intent.last)
    else:
        outcome = message_outcomes.of_object(sandbox, event_id, requested or {})
    facts = {"event": event, "title": type_, **_summary(body, order)}
    for endpoint in endpoints:
        notifications.create(
            sandbox,
            NAME,
            kind,
            {**facts, "endpoint": endpoint.object_id},
            (event_id, endpoint.object_id),
            outcome=outcome,
            order=order,
            refund_id=refund.refund_id if refund is not None else None,
            url=endpoint.facts["url"],
        )


def of_object(call: Call, type_: str, body: Mapping[str, Any]) -> None:
    """Tell what a call has done to an object that is no payment, no intent and no refund."""
    create(call.sandbox, type_, body, requested=call.outcomes(Stage.IPN))


def _summary(body: Mapping[str, Any], order: Order | None) -> dict[str, Any]:
    """What lists of deliveries show of an event about an order."""
    if order is None:
        return {}
    amount = Money(body.get("amount") or order.amount.minor, order.amount.currency)
    failed = body.get("status") in {"failed", "canceled", "requires_payment_method", "expired"}
    return {
        "seller_order_id": order.seller_order_id,
        "amount": amount.wire(),
        "currency": amount.currency,
        "completed": not failed,
        "reason": order.reason if failed else None,
    }


def listens(sandbox: Sandbox) -> bool:
    """Whether the seller has an endpoint that is on."""
    return bool(api_objects.in_state(sandbox, NAME, ENDPOINT, "enabled"))


def notify(seller: Seller, _keys: Keys, notification: Notification, real_now: int) -> OutgoingMessage:
    """An event as it goes out; its signature's time is the real one of this try, as the public clients check it."""
    body = msgspec.json.format(msgspec.json.encode(notification.facts["event"]), indent=2)
    secret, timestamp = ids.endpoint_secret(seller, str(notification.facts["endpoint"])), real_now // SECOND
    if notification.outcome in OTHER_TIMES:
        timestamp += _OTHER_TIMES[Misbehaviour(notification.outcome)]
    header = signatures.webhook_header(secret, body, timestamp)
    if notification.outcome == Misbehaviour.BAD_SIGNATURE:
        header = signatures.webhook_header(f"{secret}x", body, timestamp)
    signed = f"{timestamp}.{body.decode()}"
    if notification.outcome == Misbehaviour.CORRUPT:
        body = body[: len(body) * 2 // 3]
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": header,
    }
    return OutgoingMessage(headers, body, signed)
