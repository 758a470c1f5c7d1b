"""
A notification: a message to the seller, one delivery of it, and every try to send it.

A delivery is one row with retries of its own; a message that a scenario doubles is several
deliveries of one `message_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from mockpay.domain.timeline import Machine, steps
from mockpay.kernel.clock import SECOND


class NotificationType(StrEnum):
    """What a message is about, spelt as in the control API; a provider has its own names."""

    PAYMENT = "payment"
    REFUND = "refund"
    #: Asked for by a tester, about a payment that never was.
    TEST = "test"
    #: That the seller's address is to confirm that it takes notifications, and that it takes none any more.
    SUBSCRIPTION = "subscription"
    UNSUBSCRIPTION = "unsubscription"
    #: What a company tells of an object of its own, such as a customer.
    OBJECT = "object"


#: Those that a scenario may do something to.
OF_SCENARIOS = (NotificationType.PAYMENT, NotificationType.REFUND, NotificationType.OBJECT)
#: Those that go out though no subscription is confirmed.
OF_SUBSCRIPTIONS = frozenset({NotificationType.SUBSCRIPTION, NotificationType.UNSUBSCRIPTION})


class DeliveryState(StrEnum):
    """DEAD is given up, SUPPRESSED never sent because a scenario said so."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"
    DELIVERED = "DELIVERED"
    RETRY_WAIT = "RETRY_WAIT"
    DEAD = "DEAD"
    SUPPRESSED = "SUPPRESSED"


_S = DeliveryState

#: `claimed` from SENDING is a sender that died: what it was sending is sent again.
DELIVERY: Machine[DeliveryState] = Machine(
    "delivery",
    {
        **steps([_S.QUEUED, _S.RETRY_WAIT, _S.SENDING], claimed=_S.SENDING),
        **steps([_S.SENDING], delivered=_S.DELIVERED, failed=_S.RETRY_WAIT, gave_up=_S.DEAD),
        **steps([_S.QUEUED], suppressed=_S.SUPPRESSED),
        **steps([_S.DELIVERED, _S.DEAD, _S.RETRY_WAIT, _S.SUPPRESSED, _S.QUEUED], asked_again=_S.QUEUED),
    },
)
#: What the clock, a sender or a tester still makes something of.
WAITING = frozenset({_S.QUEUED, _S.SENDING, _S.RETRY_WAIT})

_HOUR = 3_600 * SECOND


class RetryProfile(Struct, frozen=True):
    """
    When a notification that was not delivered is tried again.

    Args:
        description: For people.
        pauses: In ms, before the second, third ... try; the last one goes on.
        longest_ms: How long after it was due the last try may be.
        unreachable_is_final: Whether a host that nobody answers at is given up at once.
        max_tries: How many there are at most, the first one included; None for no bound.
        subscribes: Whether the seller's address must confirm its subscription before anything else is sent there.
        refusal_is_final: Whether an answer of 4xx is never tried again.
    """

    description: str
    pauses: tuple[int, ...]
    longest_ms: int = 14 * 24 * _HOUR
    unreachable_is_final: bool = False
    max_tries: int | None = None
    subscribes: bool = False
    refusal_is_final: bool = True


#: Those that every provider has.
RETRY_PROFILES: Mapping[str, RetryProfile] = {
    "fast": RetryProfile(
        "again after 1 s, 5 s, 30 s and 2 min, then hourly for 14 days",
        (1 * SECOND, 5 * SECOND, 30 * SECOND, 120 * SECOND, _HOUR),
    )
}


class DeliveryResult(Struct, frozen=True):
    """
    What came of one try: a status, or None with the reason that there was no answer.

    `unreachable` tells a host that nobody answers at from one that answered too late.
    """

    status: int | None
    reason: str | None = None
    unreachable: bool = False


def after(profile: RetryProfile, result: DeliveryResult, tries: int, age_ms: int) -> tuple[str, int | None]:
    """
    What a try means: the machine's event, and for a failed one the pause before the next in ms.

    2xx is delivered, what `final_because` has a reason for is dead, anything else is tried again.

    Args:
        tries: How many there were, this one included.
        age_ms: How long ago the message was due for the first time.
    """
    if result.status is not None and 200 <= result.status < 300:
        return "delivered", None
    if final_because(profile, result, tries, age_ms):
        return "gave_up", None
    return "failed", _pause(profile, tries)


def final_because(profile: RetryProfile, result: DeliveryResult, tries: int, age_ms: int) -> str:
    """Why no try follows one that was not delivered, in words; empty where one does."""
    if profile.refusal_is_final and result.status is not None and 400 <= result.status < 500:
        return "a 4xx is never tried again"
    if profile.unreachable_is_final and result.unreachable:
        return "this retry profile never tries again where nobody is there"
    if profile.max_tries is not None and tries >= profile.max_tries:
        return f"this retry profile makes {profile.max_tries} tries at most"
    if age_ms + _pause(profile, tries) > profile.longest_ms:
        return f"this retry profile ends after {profile.longest_ms // (24 * _HOUR)} days"
    return ""


def _pause(profile: RetryProfile, tries: int) -> int:
    return profile.pauses[min(tries, len(profile.pauses)) - 1]


class Misbehaviour(StrEnum):
    """What a scenario may do to a message (stage `ipn`)."""

    NONE = "none"
    DOUBLED = "doubled"
    DOUBLED_AT_ONCE = "doubled_at_once"
    SIMULTANEOUS = "simultaneous"
    TRIPLED = "tripled"
    OUT_OF_ORDER = "out_of_order"
    DELAYED = "delayed"
    BAD_SIGNATURE = "bad_signature"
    #: By a time, or a secret where a signature has no time, that is over; or that is still to come.
    OLD_SIGNATURE = "old_signature"
    FUTURE_SIGNATURE = "future_signature"
    CORRUPT = "corrupt"
    EARLY = "early"


#: `fails_until_4`: the first three tries are lost on the way, as at an endpoint that is down.
FAILS_UNTIL = "fails_until_"
_MOST_FAILURES = 20
DELAY_MS = 30 * SECOND
#: How far apart the copies of a doubled message are.
COPIES_APART_MS = 5 * SECOND
#: How long a message waits for a later one of its order to overtake it.
OVERTAKEN_MS = 60 * SECOND


def failing_tries(outcome: str) -> int:
    """How many of the first tries are lost on the way."""
    count = outcome.removeprefix(FAILS_UNTIL)
    return int(count) - 1 if count != outcome else 0


def known_outcome(outcome: str) -> bool:
    """Whether the stage `ipn` has this outcome."""
    count = outcome.removeprefix(FAILS_UNTIL)
    if count != outcome:
        return count.isascii() and count.isdigit() and 2 <= int(count[:3]) <= _MOST_FAILURES
    return outcome == "success" or outcome in set(Misbehaviour)


#: Signatures that are right by another time or secret than the one that counts.
OTHER_TIMES = frozenset({Misbehaviour.OLD_SIGNATURE, Misbehaviour.FUTURE_SIGNATURE})


class Notification(Struct, frozen=True):
    """
    One delivery as stored; instants in ms of the seller's clock.

    `facts` is what the message says, as it stood when it was made; `outcome` what a scenario
    does to it; `copy` counts the deliveries of one message from 1; `by_hand` says that a tester asked
    for the last try, or for the next.  What is about no order has `order_pk` 0 and an empty `order_id`. It goes to
    `url`, to the seller's `ipn_url` where that is None.
    """

    number: int
    notification_id: str
    message_id: str
    seller_id: str
    order_pk: int
    order_id: str
    refund_id: str | None
    provider: str
    type: NotificationType
    copy: int
    state: DeliveryState
    outcome: str
    facts: Mapping[str, object]
    tries: int
    due_at: int
    first_due_at: int
    created_at: int
    updated_at: int
    reason: str | None
    by_hand: bool = False
    url: str | None = None


class OutgoingMessage(Struct, frozen=True):
    """A notification as it goes out; `signed` is the text that its signature covers."""

    headers: Mapping[str, str]
    body: bytes
    signed: str


class Try(Struct, frozen=True):
    """One try to deliver, with what was sent and what came back."""

    number: int
    at: int
    url: str
    headers: Mapping[str, str]
    body: str
    signed: str
    status: int | None
    answer: str
    latency_ms: int
    reason: str | None
