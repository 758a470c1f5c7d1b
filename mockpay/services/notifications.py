"""Notifications: what the seller is told, when, and what becomes of each try to tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockpay.domain.notifications import (
    COPIES_APART_MS,
    DELAY_MS,
    OVERTAKEN_MS,
    RETRY_PROFILES,
    DeliveryResult,
    DeliveryState,
    Misbehaviour,
    Notification,
    NotificationType,
    OutgoingMessage,
    RetryProfile,
    Try,
    after,
    copies,
)
from mockpay.domain.orders import Order, OrderState
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.payments.plans import Stage
from mockpay.domain.refunds import Refund
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.kernel.errors import NotFound
from mockpay.kernel.money import Money
from mockpay.store import attempts, notification_tries, notifications, outbox, schedule, timeline
from mockpay.store.unit_of_work import Runtime, Sandbox

#: An outbox row of this kind is one try to deliver a notification.
NOTIFY = "notification"
#: The event that makes a notification due.
SEND = "notification.send"
#: What of an answer is kept, in characters.
_EXCERPT = 1_000


def retry_profiles(runtime: Runtime) -> Mapping[str, RetryProfile]:
    """The values of the setting `ipn_profile`: ours, and those of the providers."""
    profiles = dict(RETRY_PROFILES)
    for provider in runtime.providers.values():
        profiles |= provider.retry_profiles
    return profiles


def of_order(sandbox: Sandbox, order: Order) -> None:
    """Tell the seller how an order ended, once somebody had tried to pay it."""
    if order.attempt_count and sandbox.seller.ipn_url:
        last = attempts.last_of_order(sandbox, order.order_pk)
        if last is not None:
            of_payment(sandbox, order, last)


def of_payment(sandbox: Sandbox, order: Order, attempt: Attempt) -> None:
    """Tell how a payment ended."""
    paid = order.state is OrderState.PAID
    taken = Money(attempt.captured_minor, order.amount.currency)
    facts = {
        "seller_order_id": order.seller_order_id,
        "amount": (taken if paid else attempt.amount).wire(),
        "currency": order.amount.currency,
        "completed": paid,
        "reason": None if paid else order.reason or attempt.reason,
        "live": order.live,
        "created_at": attempt.created_at,
        "updated_at": sandbox.now,
    }
    outcome = attempt.plan.at(Stage.IPN).outcome
    _tell(sandbox, order, NotificationType.PAYMENT, outcome, facts)


def of_refund(sandbox: Sandbox, order: Order, refund: Refund) -> None:
    """Tell how a refund ended."""
    if not sandbox.seller.ipn_url:
        return
    facts = {
        "refund_id": refund.refund_id,
        "reference": refund.reference,
        "amount": refund.amount.wire(),
        "currency": refund.amount.currency,
        "completed": refund.decline is None,
        "reason": refund.decline,
        "live": order.live,
        "created_at": refund.created_at,
        "updated_at": refund.updated_at,
    }
    outcome = refund.plan.at(Stage.IPN).outcome
    _tell(sandbox, order, NotificationType.REFUND, outcome, facts, refund.refund_id)


def _tell(
    sandbox: Sandbox,
    order: Order,
    type_: NotificationType,
    outcome: str,
    facts: Mapping[str, object],
    refund_id: str | None = None,
) -> None:
    name = sandbox.provider_of(order).notification_types.get(type_, type_)
    about = (order.order_id, name, refund_id or "")
    message_id = ids.uuid(sandbox.seller.seed, "message", *about)
    for copy in range(1, copies(outcome) + 1):
        due = sandbox.now + _late_ms(outcome, copy)
        one = Notification(
            number=0,
            notification_id=sandbox.short_id("ipn", *about, copy),
            message_id=message_id,
            seller_id=sandbox.seller_id,
            order_pk=order.order_pk,
            order_id=order.order_id,
            refund_id=refund_id,
            provider=order.provider,
            type=type_,
            copy=copy,
            state=DeliveryState.QUEUED,
            outcome=outcome,
            facts=facts,
            tries=0,
            due_at=due,
            first_due_at=due,
            created_at=sandbox.now,
            updated_at=sandbox.now,
            reason=None,
        )
        notifications.add(sandbox, one)
        _queue(sandbox, one)


def _late_ms(outcome: str, copy: int) -> int:
    """How long after the fact a copy is due."""
    if outcome == Misbehaviour.DELAYED:
        return DELAY_MS
    if outcome == Misbehaviour.OUT_OF_ORDER:
        return OVERTAKEN_MS
    return 0 if outcome == Misbehaviour.DOUBLED_AT_ONCE else (copy - 1) * COPIES_APART_MS


def _queue(sandbox: Sandbox, one: Notification) -> None:
    _line(sandbox, one, "queued", None)
    if one.outcome == Misbehaviour.NONE:
        silent = notifications.transition(sandbox, one, "suppressed", reason="a scenario said: none")
        _line(sandbox, silent, "suppressed", one.state)
        return
    if one.due_at > sandbox.now:
        schedule.add(sandbox, SEND, one.notification_id, one.due_at)
    else:
        _post(sandbox, one)


def _post(sandbox: Sandbox, one: Notification) -> None:
    """Put it into the outbox; what is told of one order is told in order."""
    at_once = one.outcome == Misbehaviour.DOUBLED_AT_ONCE
    lane = f"{one.seller_id} {one.order_pk}" + (f" {one.copy}" if at_once else "")
    outbox.add(sandbox, NOTIFY, one.notification_id, mine=False, lane=lane)


def _post_once(sandbox: Sandbox, one: Notification) -> None:
    """The same of what may lie there already, waiting for its turn."""
    schedule.drop(sandbox, SEND, one.notification_id)
    if not outbox.holds(sandbox, NOTIFY, one.notification_id):
        _post(sandbox, one)


def _line(
    sandbox: Sandbox, one: Notification, event: str, before: DeliveryState | None, **facts: object
) -> None:
    actor = Actor.TESTER if event == "asked_again" else Actor.SANDBOX
    told = {"type": str(one.type), **({"copy": one.copy} if one.copy > 1 else {}), **facts}
    timeline.add(
        sandbox,
        one.order_pk,
        machine="notification",
        subject=one.notification_id,
        event=event,
        before=before,
        after=one.state,
        actor=actor,
        facts=told,
    )


def send_due(sandbox: Sandbox, notification_id: str) -> None:
    """It is time for a notification's first or next try."""
    one = get_notification(sandbox, notification_id)
    if one.state in {DeliveryState.QUEUED, DeliveryState.RETRY_WAIT}:
        _post(sandbox, one)


def deliver(sandbox: Sandbox, notification_id: str) -> Notification:
    """
    Send a notification now, whatever became of it before.

    Raises:
        NotFound: code ``notification.not_found``.
        IllegalTransition: it is being sent at this moment.
    """
    one = get_notification(sandbox, notification_id)
    again = notifications.transition(sandbox, one, "asked_again", due_at=sandbox.now)
    _line(sandbox, again, "asked_again", one.state)
    _post_once(sandbox, again)
    return again


def get_notification(sandbox: Sandbox, notification_id: str) -> Notification:
    """The notification of this id, or NotFound."""
    found = notifications.by_id(sandbox, notification_id)
    if found is None:
        raise NotFound("There is no such notification.", code="notification.not_found")
    return found


def sending(sandbox: Sandbox, notification_id: str) -> Notification:
    """A notification whose parcel was just claimed, as it is from then on."""
    return notifications.sending(sandbox, notification_id) or get_notification(sandbox, notification_id)


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One try as it was made: to where, what, and what was heard."""

    url: str
    letter: OutgoingMessage
    heard: DeliveryResult
    answer: str = ""
    latency_ms: int = 0


def record(sandbox: Sandbox, one: Notification, sent: SentMessage) -> bool:
    """
    Write down a try and follow it: delivered, tried again later, or given up.

    Args:
        one: As it was claimed; whoever claimed it is alone with it until the try is recorded.

    Returns:
        Whether it was delivered, for the caller to count (`sellers.count`).

    Raises:
        IllegalTransition: it moved on meanwhile.
    """
    if one.state is not DeliveryState.SENDING:
        one = notifications.transition(sandbox, one, "claimed")
    count = one.tries + 1
    notification_tries.add(sandbox, one.notification_id, _try(sandbox, sent, count))
    profile = retry_profiles(sandbox.runtime)[sandbox.seller.settings.ipn_profile]
    event, pause = after(profile, sent.heard, count, sandbox.now - one.first_due_at)
    due = None if pause is None else sandbox.now + pause
    why = sent.heard.reason or f"answered {sent.heard.status}"
    moved = notifications.transition(
        sandbox, one, event, tries=count, due_at=due, reason=None if event == "delivered" else why
    )
    _line(sandbox, moved, event, one.state, number=count, status=sent.heard.status)
    if due is not None:
        schedule.add(sandbox, SEND, one.notification_id, due)
    _overtake(sandbox, moved)
    return event == "delivered"


def cannot_send(sandbox: Sandbox, notification_id: str, reason: str) -> None:
    """Give a notification up that could not even be written; a tester may ask for it again."""
    one = get_notification(sandbox, notification_id)
    if one.state is DeliveryState.SENDING:
        dead = notifications.transition(sandbox, one, "gave_up", reason=reason)
        _line(sandbox, dead, "gave_up", one.state)


def _try(sandbox: Sandbox, sent: SentMessage, number: int) -> Try:
    return Try(
        number=number,
        at=sandbox.now,
        url=sent.url,
        headers=sent.letter.headers,
        body=sent.letter.body.decode(errors="replace"),
        signed=sent.letter.signed,
        status=sent.heard.status,
        # Whatever a server answers: PostgreSQL keeps no NUL in a text.
        answer=sent.answer[:_EXCERPT].replace("\x00", "\ufffd"),
        latency_ms=sent.latency_ms,
        reason=sent.heard.reason,
    )


def _overtake(sandbox: Sandbox, sent: Notification) -> None:
    """Now that a later one was sent, those that waited to be overtaken go."""
    if sent.outcome == Misbehaviour.OUT_OF_ORDER:
        return
    for one in notifications.waiting_overtaken(sandbox, sent.order_pk):
        if one.number < sent.number:
            _post_once(sandbox, one)
