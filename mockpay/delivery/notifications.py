"""
Notifications on their way: a batch of one seller's is sent one by one and recorded at once.

A notification is sent outside any transaction.  One transaction then records all that were
sent and claims what the same seller has next.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from mockpay.domain.notifications import DeliveryResult, Notification, OutgoingMessage, lost_tries
from mockpay.kernel.errors import MockpayError, NotFound, Unusable
from mockpay.kernel.http.calls import HttpCall
from mockpay.services import notifications as told
from mockpay.store import outbox, sellers
from mockpay.store.outbox import Parcel
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction

_log = logging.getLogger(__name__)
_Each = TypeVar("_Each")

#: A batch that takes longer is shared out among free senders, in seconds.  A seller whose
#: server answers at once is cheapest served by one sender, a slow one by as many as it may have.
PATIENCE_SECONDS = 0.025
#: A try is given up when so much of its lease is over: nobody else may begin it meanwhile.
_SHARE_OF_LEASE = 5 / 6
#: What of an answer to a notification is kept.
_EXCERPT_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed parcel, and perhaps the world and the notification as they were then."""

    parcel: Parcel
    read: tuple[Sandbox, Notification] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What was sent and is not recorded yet."""

    parcel: Parcel
    one: Notification
    sent: told.SentMessage


class Batch:
    """
    Claimed notifications of one seller, no two of them of one lane, which one sender has.

    Its sender takes one after the other; another thread may take the rest away at any time.
    """

    def __init__(self, seller_id: str, waiting: Sequence[Claimed], done: Sequence[Done] = ()) -> None:
        self.seller_id = seller_id
        self._waiting: deque[Claimed] = deque()
        self._done = deque(done)
        self.begin(waiting)

    def begin(self, waiting: Sequence[Claimed]) -> None:
        """Take these over; all that it had is recorded."""
        self._waiting.extend(waiting)
        self._until = time.monotonic() + PATIENCE_SECONDS
        #: How many notifications it answers for, with the one that is on its way just now.
        self.size = len(waiting) + len(self._done)
        #: Whether somebody has taken the rest away, so that there is nothing more to take.
        self.shared = False

    @property
    def slow(self) -> bool:
        """Whether it takes longer than one sender should have it."""
        return self.patience <= 0

    @property
    def patience(self) -> float:
        """How long until then, in seconds."""
        return self._until - time.monotonic()

    def next(self) -> Claimed | None:
        """The next one to send; it is the caller's from then on."""
        return _first(self._waiting)

    def add(self, done: Done) -> None:
        """Keep what was sent until it is recorded."""
        self._done.append(done)

    def take_done(self) -> list[Done]:
        """All that was sent; it is the caller's to record from then on."""
        return _all(self._done)

    def share(self) -> list[Batch]:
        """A batch for each that still waits; what was sent is recorded with the first."""
        self.shared = True
        waiting, done = _all(self._waiting), self.take_done()
        self.size -= len(waiting) + len(done)
        parts = [Batch(self.seller_id, [each]) for each in waiting[1:]]
        first = [Batch(self.seller_id, waiting[:1], done)] if waiting or done else []
        return first + parts


def _first(line: deque[_Each]) -> _Each | None:
    try:
        return line.popleft()
    except IndexError:
        return None


def _all(line: deque[_Each]) -> list[_Each]:
    """Take all; whoever else takes at the same time gets what this does not."""
    found = []
    while (each := _first(line)) is not None:
        found.append(each)
    return found


def tell(runtime: Runtime, batch: Batch, room: Callable[[], int] = lambda: 0) -> list[Claimed]:
    """
    Send a batch and record it; what cannot be sent is dead and says why.

    Args:
        room: Asked when all is recorded, before the commit: how many of the same seller's next
            notifications to claim.

    Returns:
        What was claimed so, for the caller to send.
    """
    while (claimed := batch.next()) is not None:
        try:
            batch.add(_sent(runtime, claimed))
        except NotFound:
            continue  # The world was reset or deleted meanwhile; its parcels went with it.
        except MockpayError as error:
            give_up(runtime, claimed.parcel, error)
    done = batch.take_done()
    return _record(runtime, batch.seller_id, done, room) if done else []


def _record(runtime: Runtime, seller_id: str, done: list[Done], room: Callable[[], int]) -> list[Claimed]:
    try:
        with transaction(runtime, seller_id) as sandbox:
            delivered = sum(_write_down(sandbox, each) for each in done)
            if delivered:
                sellers.count(sandbox.connection, seller_id, delivered=delivered)
            return _next_of(sandbox, room())
    except NotFound:
        return []
    except MockpayError as error:
        if len(done) == 1:
            give_up(runtime, done[0].parcel, error)
        else:  # One of them holds up nobody else.
            for each in done:
                _record(runtime, seller_id, [each], lambda: 0)
    return []


def _write_down(sandbox: Sandbox, done: Done) -> bool:
    """Whether it was delivered, and nobody else has recorded that."""
    mine = outbox.record(sandbox, done.parcel.parcel_id, outbox.SENT)
    return mine and told.record(sandbox, done.one, done.sent)


def _next_of(sandbox: Sandbox, room: int) -> list[Claimed]:
    """The seller's next notifications, claimed."""
    found = []
    for parcel in outbox.claim_next(sandbox, told.NOTIFY, room) if room else []:
        with suppress(NotFound):
            found.append(Claimed(parcel, (sandbox, told.sending(sandbox, parcel.subject))))
    return found


def _sent(runtime: Runtime, claimed: Claimed) -> Done:
    """One try: read, written and sent."""
    parcel = claimed.parcel
    sandbox, one = claimed.read or _read(runtime, parcel)
    # Signing takes its time: the transaction that read is over, only what it read is used.
    letter = _written(runtime, sandbox, one)
    timeout = in_time(runtime, sandbox.seller.settings.ipn_timeout_seconds)
    return Done(parcel, one, _deliver(runtime, one, letter, sandbox.seller.ipn_url or "", timeout))


def _read(runtime: Runtime, parcel: Parcel) -> tuple[Sandbox, Notification]:
    with read(runtime, parcel.seller_id) as sandbox:
        return sandbox, told.get_notification(sandbox, parcel.subject)


def _written(runtime: Runtime, sandbox: Sandbox, one: Notification) -> OutgoingMessage:
    """
    The notification as it goes out.

    Raises:
        Unusable: code ``notification.unwritten``: it would meet every later try as well.
    """
    try:
        notify = runtime.providers[one.provider].notify
        if notify is None:
            raise Unusable("This provider sends no notifications.", code="notification.unwritten")
        letter = notify(sandbox.seller, runtime.keys, one)
    except MockpayError:
        raise
    except Exception as error:
        _log.exception("Notification %s could not be written.", one.notification_id)
        message = f"It could not be written: {type(error).__name__}."
        raise Unusable(message, code="notification.unwritten") from error
    return letter


def in_time(runtime: Runtime, seconds: int) -> float:
    """How long a try may take, in s; with the patience before it, it ends within its lease."""
    return min(seconds, runtime.settings.lease_seconds * _SHARE_OF_LEASE)


def _deliver(
    runtime: Runtime, one: Notification, letter: OutgoingMessage, url: str, timeout: float
) -> told.SentMessage:
    """One try, or what a scenario has instead of it."""
    if one.tries < lost_tries(one.outcome):
        return told.SentMessage(url, letter, DeliveryResult(503, "lost on the way, as the scenario has it"))
    began = runtime.real_clock.now()
    try:
        reply = runtime.sender.send(HttpCall("POST", url, letter.headers, letter.body, timeout))
    except MockpayError as error:
        heard = DeliveryResult(None, error.reason, unreachable=error.code != "http.timeout")
        return told.SentMessage(url, letter, heard, latency_ms=runtime.real_clock.now() - began)
    except UnicodeError:  # a host name that no resolver takes
        return told.SentMessage(
            url, letter, DeliveryResult(None, "The address cannot be used.", unreachable=True)
        )
    answer = reply.body[:_EXCERPT_BYTES].decode(errors="replace")
    return told.SentMessage(url, letter, DeliveryResult(reply.status), answer, reply.latency_ms)


def give_up(runtime: Runtime, parcel: Parcel, error: MockpayError) -> None:
    """Write down that a parcel cannot be sent, and why."""
    reason = f"{error.code}: {error.reason}"
    with suppress(NotFound), transaction(runtime, parcel.seller_id) as sandbox:
        told_so = outbox.record(sandbox, parcel.parcel_id, outbox.DEAD, reason)
        if told_so and parcel.kind == told.NOTIFY:
            told.cannot_send(sandbox, parcel.subject, reason)
