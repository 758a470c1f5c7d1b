"""Notifications: when one is made, queued and tried again, and what becomes of each try."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from mockpay.domain.notifications import (
    COPIES_APART_MS,
    DELAY_MS,
    OF_SUBSCRIPTIONS,
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
    final_because,
)
from mockpay.domain.orders import Order, OrderState
from mockpay.domain.payments.attempts import Attempt, Stage
from mockpay.domain.refunds import Refund
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.kernel.errors import NotFound
from mockpay.kernel.money import Money
from mockpay.store import attempts, counters, notifications, outbox, schedule, transitions
from mockpay.store.db.mapping import without_nul
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
    """Tell the seller how an order ended, once somebody had tried to pay it; of a wallet's order no seller is told."""
    silent = order.fills_wallet or sandbox.provider_of(order).observe is not None
    if order.attempt_count and sandbox.seller.ipn_url and not silent:
        last = attempts.last_of_order(sandbox, order.order_pk)
        if last is not None:
            of_payment(sandbox, order, last)


def of_payment(sandbox: Sandbox, order: Order, attempt: Attempt) -> None:
    """Tell how a payment ended."""
    paid = order.state is OrderState.PAID
    captured = Money(attempt.captured_minor, order.amount.currency)
    facts = {
        "seller_order_id": order.seller_order_id,
        "amount": (captured if paid else attempt.amount).wire(),
        "currency": order.amount.currency,
        "completed": paid,
        "reason": None if paid else order.reason or attempt.reason,
        "live": order.live,
        "created_at": attempt.created_at,
        "updated_at": sandbox.now,
    }
    outcome = attempt.plan.at(Stage.IPN).outcome
    _create(sandbox, order, NotificationType.PAYMENT, outcome, facts)


def of_refund(sandbox: Sandbox, order: Order, refund: Refund) -> None:
    """Tell how a refund ended."""
    if not sandbox.seller.ipn_url or sandbox.provider_of(order).observe is not None:
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
    _create(sandbox, order, NotificationType.REFUND, outcome, facts, refund.refund_id)


def copies(outcome: str) -> int:
    """How many deliveries of its own a message has."""
    return {"doubled": 2, "doubled_at_once": 2, "tripled": 3}.get(outcome, 1)


def _create(
    sandbox: Sandbox,
    order: Order,
    type_: NotificationType,
    outcome: str,
    facts: Mapping[str, object],
    refund_id: str | None = None,
) -> None:
    name = sandbox.provider_of(order).notification_types.get(type_, type_)
    about = (order.order_id, name, refund_id or "")
    create(sandbox, order.provider, type_, facts, about, outcome=outcome, order=order, refund_id=refund_id)


def create_without_order(
    sandbox: Sandbox, provider: str, type_: NotificationType, facts: Mapping[str, object]
) -> Notification:
    """Make a notification that is about no order, and send it."""
    number = counters.bump(sandbox, f"notification.{type_}")
    return create(sandbox, provider, type_, facts, (type_, number))


def create(
    sandbox: Sandbox,
    provider: str,
    type_: NotificationType,
    facts: Mapping[str, object],
    about: tuple[object, ...],
    *,
    outcome: str = "success",
    order: Order | None = None,
    refund_id: str | None = None,
    url: str | None = None,
) -> Notification:
    """
    Queue each delivery of a message; the first one of them.

    Args:
        about: What makes the message one of its kind: its ids follow from that.
        outcome: What a scenario does to it.
        url: Where it goes; the seller's `ipn_url` where None.
    """
    queued = []
    message_id = ids.uuid(sandbox.seller.seed, "message", *about)
    for copy in range(1, copies(outcome) + 1):
        due = sandbox.now + _delay_ms(outcome, copy)
        notification = Notification(
            number=0,
            notification_id=sandbox.short_id("ipn", *about, copy),
            message_id=message_id,
            seller_id=sandbox.seller_id,
            order_pk=order.order_pk if order else 0,
            order_id=order.order_id if order else "",
            refund_id=refund_id,
            provider=provider,
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
            url=url,
        )
        notifications.add(sandbox, notification)
        _start(sandbox, notification)
        queued.append(notification)
    return queued[0]


def _delay_ms(outcome: str, copy: int) -> int:
    """How long after the fact a copy is due."""
    if outcome == Misbehaviour.DELAYED:
        return DELAY_MS
    if outcome == Misbehaviour.OUT_OF_ORDER:
        return OVERTAKEN_MS
    return 0 if outcome == Misbehaviour.DOUBLED_AT_ONCE else (copy - 1) * COPIES_APART_MS


def _start(sandbox: Sandbox, notification: Notification) -> None:
    _add_event(sandbox, notification, "queued", None)
    why = _why_suppressed(sandbox, notification)
    if why is not None:
        silent = notifications.transition(sandbox, notification, "suppressed", reason=why)
        _add_event(sandbox, silent, "suppressed", notification.state, reason=why)
        return
    if notification.due_at > sandbox.now:
        schedule.add(sandbox, SEND, notification.notification_id, notification.due_at)
    else:
        _enqueue(sandbox, notification)


def _why_suppressed(sandbox: Sandbox, notification: Notification) -> str | None:
    """Why it is never sent by itself; None where it is."""
    if notification.outcome == Misbehaviour.NONE:
        return "a scenario said: none"
    seller = sandbox.seller
    own_address = notification.url is not None or notification.type in OF_SUBSCRIPTIONS
    confirmed = seller.subscribed_url == seller.ipn_url or own_address
    return "the subscription was not confirmed" if profile_of(sandbox).subscribes and not confirmed else None


def profile_of(sandbox: Sandbox) -> RetryProfile:
    """By which the seller's notifications are sent."""
    return retry_profiles(sandbox.runtime)[sandbox.seller.settings.ipn_profile]


def _profile_for(sandbox: Sandbox, notification: Notification) -> RetryProfile:
    """The same for one message: a profile that all companies have follows the company's rule for refusals."""
    profile = profile_of(sandbox)
    if sandbox.seller.settings.ipn_profile not in RETRY_PROFILES:
        return profile
    final = sandbox.runtime.provider(notification.provider).refusal_is_final
    return profile if final else replace(profile, refusal_is_final=False)


def _enqueue(sandbox: Sandbox, notification: Notification) -> None:
    """Put it into the outbox; what is told of one order is told in order."""
    sequence_key = f"{notification.seller_id} {notification.order_pk or notification.message_id}"
    if notification.outcome == Misbehaviour.DOUBLED_AT_ONCE:
        sequence_key += f" {notification.copy}"
    elif notification.outcome == Misbehaviour.SIMULTANEOUS:
        sequence_key += f" {notification.notification_id}"
    outbox.add(sandbox, NOTIFY, notification.notification_id, leased=False, sequence_key=sequence_key)


def _enqueue_once(sandbox: Sandbox, notification: Notification) -> None:
    """The same of what may lie there already, waiting for its turn."""
    schedule.drop(sandbox, SEND, notification.notification_id)
    if not outbox.is_queued(sandbox, NOTIFY, notification.notification_id):
        _enqueue(sandbox, notification)


def _add_event(
    sandbox: Sandbox, notification: Notification, event: str, before: DeliveryState | None, **facts: object
) -> None:
    actor = Actor.TESTER if event == "asked_again" else Actor.SANDBOX
    details = {
        "type": str(notification.type),
        **({"copy": notification.copy} if notification.copy > 1 else {}),
        **facts,
    }
    transitions.add(
        sandbox,
        notification.order_pk,
        machine="notification",
        subject=notification.notification_id,
        event=event,
        before=before,
        after=notification.state,
        actor=actor,
        facts=details,
    )


def send_due(sandbox: Sandbox, notification_id: str) -> None:
    """It is time for a notification's first or next try."""
    notification = get_notification(sandbox, notification_id)
    if notification.state in {DeliveryState.QUEUED, DeliveryState.RETRY_WAIT}:
        _enqueue(sandbox, notification)


def deliver(sandbox: Sandbox, notification_id: str) -> Notification:
    """
    Send a notification now, whatever became of it before.

    Raises:
        NotFound: code ``notification.not_found``.
        IllegalTransition: it is being sent at this moment.
    """
    notification = get_notification(sandbox, notification_id)
    again = notifications.transition(sandbox, notification, "asked_again", due_at=sandbox.now, by_hand=True)
    _add_event(sandbox, again, "asked_again", notification.state)
    _enqueue_once(sandbox, again)
    return again


def get_notification(sandbox: Sandbox, notification_id: str) -> Notification:
    """The notification of this id; NotFound ``notification.not_found`` where there is none."""
    notification = notifications.by_id(sandbox, notification_id)
    if notification is None:
        raise NotFound("There is no such notification.", code="notification.not_found")
    return notification


class SentMessage(Struct, frozen=True):
    """One try as it was made: to where, what, and what came of it."""

    url: str
    message: OutgoingMessage
    result: DeliveryResult
    answer: str = ""
    latency_ms: int = 0


def record(sandbox: Sandbox, notification: Notification, message: SentMessage) -> bool:
    """
    Write down a try and follow it: delivered, tried again later, or given up.

    Args:
        notification: As it was claimed; whoever claimed it is alone with it until the try is recorded.

    Returns:
        Whether it was delivered, for the caller to count (`sellers.count`).

    Raises:
        IllegalTransition: it moved on meanwhile.
    """
    if notification.state is not DeliveryState.SENDING:
        notification = notifications.transition(sandbox, notification, "claimed")
    count = notification.tries + 1
    notifications.add_try(sandbox, notification.notification_id, _try(sandbox, message, count))
    age, profile = sandbox.now - notification.first_due_at, _profile_for(sandbox, notification)
    event, pause = after(profile, message.result, count, age)
    due = None if pause is None else sandbox.now + pause
    # What comes next, the retry profile asks for.
    changes = {"tries": count} if due is None else {"tries": count, "due_at": due, "by_hand": False}
    why = None if event == "delivered" else message.result.reason or f"answered {message.result.status}"
    final = final_because(profile, message.result, count, age) if event == "gave_up" else ""
    recorded = notifications.transition(
        sandbox, notification, event, reason=f"{why}; {final}" if final else why, **changes
    )
    facts = {"number": count, "status": message.result.status, "reason": message.result.reason, "final": final}
    _add_event(sandbox, recorded, event, notification.state, **{name: fact for name, fact in facts.items() if fact})
    if due is not None:
        schedule.add(sandbox, SEND, notification.notification_id, due)
    _overtake(sandbox, recorded)
    return event == "delivered"


def cannot_send(sandbox: Sandbox, notification_id: str, reason: str) -> None:
    """Give a notification up that could not even be written; a tester may ask for it again."""
    notification = get_notification(sandbox, notification_id)
    if notification.state is DeliveryState.SENDING:
        dead = notifications.transition(sandbox, notification, "gave_up", reason=reason)
        _add_event(sandbox, dead, "gave_up", notification.state)


def _try(sandbox: Sandbox, message: SentMessage, number: int) -> Try:
    return Try(
        number=number,
        at=sandbox.now,
        url=message.url,
        headers=message.message.headers,
        body=message.message.body.decode(errors="replace"),
        signed=message.message.signed,
        status=message.result.status,
        answer=without_nul(message.answer[:_EXCERPT]),
        latency_ms=message.latency_ms,
        reason=message.result.reason,
    )


def _overtake(sandbox: Sandbox, sent: Notification) -> None:
    """Now that a later one was sent, those that waited to be overtaken go."""
    if sent.outcome == Misbehaviour.OUT_OF_ORDER:
        return
    for notification in notifications.waiting_overtaken(sandbox, sent.order_pk):
        if notification.number < sent.number:
            _enqueue_once(sandbox, notification)
