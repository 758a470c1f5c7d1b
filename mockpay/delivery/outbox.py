"""Claim, send outside any transaction, record in a new one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread

from mockpay.domain.notifications import Heard, Letter, Notification, lost_tries
from mockpay.kernel.errors import MockpayError, NotFound, Unusable
from mockpay.kernel.http import HttpCall
from mockpay.services import notifications as told
from mockpay.services import payments, settling
from mockpay.services.authentication import ready
from mockpay.services.steps import the_attempt
from mockpay.store import notifications, outbox, sellers
from mockpay.store.engine import reading, writing
from mockpay.store.outbox import Parcel
from mockpay.store.worlds import Runtime, Sandbox, look, work

_log = logging.getLogger(__name__)

#: Asks the seller's return URL once more, as a browser that loads it twice does.
RETURN_AGAIN = "return.again"
_RETURN_TIMEOUT_SECONDS = 10
#: A try is given up when so much of its lease is over: nobody else may begin it meanwhile.
_SHARE_OF_LEASE = 5 / 6
#: What of an answer to a notification is kept.
_EXCERPT_BYTES = 1_000


def _charge(runtime: Runtime, parcel: Parcel) -> None:
    with look(runtime, parcel.seller_id) as sandbox:
        attempt = the_attempt(sandbox, parcel.subject)
        charge = payments.charge_of(sandbox, parcel.subject)
    if not ready(attempt):
        with work(runtime, parcel.seller_id) as sandbox:
            outbox.record(sandbox, parcel.parcel_id, outbox.DEAD, f"the attempt is {attempt.state}")
        return
    result = runtime.gateways[attempt.gateway].charge(charge)
    with work(runtime, parcel.seller_id) as sandbox:
        if outbox.record(sandbox, parcel.parcel_id, outbox.SENT):
            payments.record(sandbox, parcel.subject, result)


def _enquire(runtime: Runtime, parcel: Parcel) -> None:
    with look(runtime, parcel.seller_id) as sandbox:
        attempt = the_attempt(sandbox, parcel.subject)
        charge = payments.charge_of(sandbox, parcel.subject)
    times = int(parcel.facts["times"])
    result = runtime.gateways[attempt.gateway].enquire(charge, times)
    with work(runtime, parcel.seller_id) as sandbox:
        if outbox.record(sandbox, parcel.parcel_id, outbox.SENT):
            payments.found(sandbox, parcel.subject, result, times)


def _ask_bank(runtime: Runtime, parcel: Parcel) -> None:
    with look(runtime, parcel.seller_id) as sandbox:
        attempt = the_attempt(sandbox, parcel.subject)
        charge = payments.charge_of(sandbox, parcel.subject)
    result = runtime.gateways[attempt.gateway].enquire(charge, 1)
    with work(runtime, parcel.seller_id) as sandbox:
        if outbox.record(sandbox, parcel.parcel_id, outbox.SENT):
            payments.told_by_bank(sandbox, parcel.subject, result)


def _return_again(runtime: Runtime, parcel: Parcel) -> None:
    timeout = _in_time(runtime, _RETURN_TIMEOUT_SECONDS)
    call = HttpCall("GET", str(parcel.facts["url"]), timeout=timeout)
    reply = runtime.sender.send(call)
    with work(runtime, parcel.seller_id) as sandbox:
        outbox.record(sandbox, parcel.parcel_id, outbox.SENT, f"answered {reply.status}")
        sellers.count(sandbox.connection, parcel.seller_id, delivered=1)


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A claimed parcel; of a notification perhaps the world and itself as they were then."""

    parcel: Parcel
    read: tuple[Sandbox, Notification] | None = None


def _notify(runtime: Runtime, claimed: _Claimed, go_on: Callable[[], bool]) -> _Claimed | None:
    """Tell the seller; what is told next, if anything, is claimed where this is recorded."""
    parcel = claimed.parcel
    sandbox, one = claimed.read or _read(runtime, parcel)
    # Signing takes its time: the transaction that read is over, only what it read is used.
    letter = _written(runtime, sandbox, one)
    timeout = _in_time(runtime, sandbox.seller.settings.ipn_timeout_seconds)
    sent = _deliver(runtime, one, letter, sandbox.seller.ipn_url or "", timeout)
    with work(runtime, parcel.seller_id) as sandbox:
        if outbox.record(sandbox, parcel.parcel_id, outbox.SENT):
            told.record(sandbox, one, sent)
        return _next_of(sandbox) if go_on() else None


def _read(runtime: Runtime, parcel: Parcel) -> tuple[Sandbox, Notification]:
    with look(runtime, parcel.seller_id) as sandbox:
        return sandbox, told.the_notification(sandbox, parcel.subject)


def _next_of(sandbox: Sandbox) -> _Claimed | None:
    """The seller's next notification, claimed."""
    parcel = outbox.claim_next(sandbox, told.NOTIFY)
    if parcel is None:
        return None
    return _Claimed(parcel, (sandbox, told.sending(sandbox, parcel.subject)))


def _written(runtime: Runtime, sandbox: Sandbox, one: Notification) -> Letter:
    """
    The notification as it goes out.

    Raises:
        Unusable: code ``notification.unwritten``: it would meet every later try as well.
    """
    try:
        letter: Letter = runtime.providers[one.provider].notify(sandbox, one)
    except MockpayError:
        raise
    except Exception as error:
        _log.exception("Notification %s could not be written.", one.notification_id)
        message = f"It could not be written: {type(error).__name__}."
        raise Unusable(message, code="notification.unwritten") from error
    return letter


def _in_time(runtime: Runtime, seconds: int) -> float:
    """How long a try may take, in s."""
    return min(seconds, runtime.settings.lease_seconds * _SHARE_OF_LEASE)


def _deliver(
    runtime: Runtime, one: Notification, letter: Letter, url: str, timeout: float
) -> told.Sent:
    """One try, or what a scenario has instead of it."""
    if one.tries < lost_tries(one.outcome):
        return told.Sent(url, letter, Heard(503, "lost on the way, as the scenario has it"))
    began = runtime.real_clock.now()
    try:
        reply = runtime.sender.send(HttpCall("POST", url, letter.headers, letter.body, timeout))
    except MockpayError as error:
        heard = Heard(None, error.reason, unreachable=error.code != "http.timeout")
        return told.Sent(url, letter, heard, latency_ms=runtime.real_clock.now() - began)
    except UnicodeError:  # a host name that no resolver takes
        return told.Sent(url, letter, Heard(None, "The address cannot be used.", unreachable=True))
    answer = reply.body[:_EXCERPT_BYTES].decode(errors="replace")
    return told.Sent(url, letter, Heard(reply.status), answer, reply.latency_ms)


#: Who sends each kind of parcel and records it; but for notifications, which go on by themselves.
SENDERS: Mapping[str, Callable[[Runtime, Parcel], None]] = {
    payments.CHARGE: _charge,
    settling.ENQUIRE: _enquire,
    settling.ASK_BANK: _ask_bank,
    RETURN_AGAIN: _return_again,
}


def send(runtime: Runtime, parcel: Parcel, go_on: Callable[[], bool] = lambda: False) -> None:
    """
    Send a claimed parcel; what cannot be sent is dead and says why.

    Args:
        go_on: Asked after each notification: whether to claim the same seller's next one, in
            the transaction that records the one before, and to send it as well.
    """
    claimed: _Claimed | None = _Claimed(parcel)
    while claimed is not None:
        claimed = _send(runtime, claimed, go_on)


def _send(runtime: Runtime, claimed: _Claimed, go_on: Callable[[], bool]) -> _Claimed | None:
    parcel = claimed.parcel
    try:
        if parcel.kind == told.NOTIFY:
            return _notify(runtime, claimed, go_on)
        SENDERS[parcel.kind](runtime, parcel)
    except NotFound:
        return None  # The world was reset or deleted meanwhile; its parcels went with it.
    except MockpayError as error:
        _give_up(runtime, parcel, f"{error.code}: {error.reason}")
    return None


def _give_up(runtime: Runtime, parcel: Parcel, reason: str) -> None:
    with suppress(NotFound), work(runtime, parcel.seller_id) as sandbox:
        told_so = outbox.record(sandbox, parcel.parcel_id, outbox.DEAD, reason)
        if told_so and parcel.kind == told.NOTIFY:
            told.cannot_send(sandbox, parcel.subject, reason)


def send_mine(runtime: Runtime, seller_id: str, parcel_id: int) -> None:
    """Send the parcel that the caller queued for itself."""
    with look(runtime, seller_id) as sandbox:
        parcel = outbox.by_number(sandbox, parcel_id)
    if parcel is not None:
        send(runtime, parcel)


def claim(runtime: Runtime, limit: int, seller_id: str | None = None) -> list[Parcel]:
    """Take what nobody is sending, of one seller or of all."""
    now = runtime.real_clock.now()
    with reading(runtime.engine) as connection:
        if not outbox.anything(connection, now, seller_id):
            return []
    with writing(runtime.engine) as connection:
        lease = outbox.lease_ms(runtime)
        parcels = outbox.claim(connection, now, limit, seller_id, lease=lease)
        if letters := [parcel.subject for parcel in parcels if parcel.kind == told.NOTIFY]:
            notifications.claimed(connection, letters)
    return parcels


def send_waiting(runtime: Runtime, seller_id: str | None = None, limit: int = 16) -> int:
    """
    Claim and send what nobody is sending, of one seller or of all; how many parcels.

    All of them go at once, each in a thread of its own: a slow server costs its own time only.
    """
    parcels = claim(runtime, limit, seller_id)
    others = [Thread(target=send, args=(runtime, parcel)) for parcel in parcels[1:]]
    for thread in others:
        thread.start()
    for parcel in parcels[:1]:
        send(runtime, parcel)
    for thread in others:
        thread.join()
    return len(parcels)
