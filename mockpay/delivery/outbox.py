"""What leaves the process: each kind of outbox row claimed, sent outside any transaction, recorded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from mockpay.delivery.notifications import NotificationTry
from mockpay.delivery.sending import Sending, Sent, timeout_within_lease
from mockpay.kernel.errors import MockpayError, NotFound, Unusable
from mockpay.kernel.http.calls import HttpCall, is_timeout
from mockpay.services import notifications
from mockpay.services.payments import payments, settlement
from mockpay.services.payments.authentication import ready_to_charge
from mockpay.services.payments.transitions import get_attempt
from mockpay.store import notifications as notification_rows
from mockpay.store import outbox, sellers
from mockpay.store.db.engine import reading, writing
from mockpay.store.outbox import OutboxRow
from mockpay.store.unit_of_work import Runtime, Sandbox, read, sandbox_of, transaction

#: Asks the seller's return URL once more, as a browser that loads it twice does.
RETURN_AGAIN = "return.again"
_RETURN_TIMEOUT_SECONDS = 10


class _Charge(Sending):
    """Ask a gateway for an attempt's money."""

    def __init__(self, sandbox: Sandbox, row: OutboxRow) -> None:
        self._attempt = get_attempt(sandbox, row.subject)
        self._charge = payments.charge_request(sandbox, row.subject)

    def send(self, runtime: Runtime) -> Sent:
        if not ready_to_charge(self._attempt):
            raise Unusable(f"The attempt is {self._attempt.state}.", code="attempt.not_ready")
        self._result = runtime.gateways[self._attempt.gateway].charge(self._charge)
        return Sent()

    def record(self, sandbox: Sandbox) -> None:
        payments.record_gateway_result(sandbox, self._attempt.attempt_id, self._result)


class _Enquiry(Sending):
    """Ask a gateway what became of a charge, or a bank what its buyer decided."""

    def __init__(self, sandbox: Sandbox, row: OutboxRow) -> None:
        self._row = row
        self._gateway = get_attempt(sandbox, row.subject).gateway
        self._charge = payments.charge_request(sandbox, row.subject)
        self._times = int(row.facts.get("times", 1))

    def send(self, runtime: Runtime) -> Sent:
        self._result = runtime.gateways[self._gateway].enquire(self._charge, self._times)
        return Sent()

    def record(self, sandbox: Sandbox) -> None:
        if self._row.kind == settlement.ASK_BANK:
            payments.record_bank_result(sandbox, self._row.subject, self._result)
        else:
            payments.record_enquiry_result(sandbox, self._row.subject, self._result, self._times)


class _ReturnAgain(Sending):
    """Load a seller's return URL."""

    def __init__(self, _sandbox: Sandbox, row: OutboxRow) -> None:
        self._url = str(row.facts["url"])

    def send(self, runtime: Runtime) -> Sent:
        timeout = timeout_within_lease(runtime, _RETURN_TIMEOUT_SECONDS)
        reply = runtime.sender.send(HttpCall("GET", self._url, timeout=timeout))
        return Sent(f"answered {reply.status}")

    def record(self, sandbox: Sandbox) -> None:
        sellers.count(sandbox.connection, sandbox.seller_id, delivered=1)


#: Who sends each kind of row.
SENDINGS: Mapping[str, type[Sending]] = {
    payments.CHARGE: _Charge,
    settlement.ENQUIRE: _Enquiry,
    settlement.ASK_BANK: _Enquiry,
    notifications.NOTIFY: NotificationTry,
    RETURN_AGAIN: _ReturnAgain,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that is leased to the caller, with what was read to send it, or why it cannot be sent."""

    row: OutboxRow
    sending: Sending | MockpayError


def _claimed(sandbox: Sandbox, row: OutboxRow) -> Claim:
    try:
        return Claim(row, SENDINGS[row.kind](sandbox, row))
    except MockpayError as error:
        return Claim(row, error)


def send(runtime: Runtime, claim: Claim) -> bool:
    """
    Send a claimed row; what cannot be sent is dead and says why.

    Returns:
        Whether the other side timed out.
    """
    row, sending = claim.row, claim.sending
    try:
        if isinstance(sending, MockpayError):
            raise sending
        sent = sending.send(runtime)
        with transaction(runtime, row.seller_id) as sandbox:
            if outbox.record(sandbox, row.outbox_id, outbox.SENT, sent.reason):
                sending.record(sandbox)
    except NotFound:
        return False  # The world was reset or deleted meanwhile; its rows went with it.
    except MockpayError as error:
        reason = f"{error.code}: {error.reason}"
        with suppress(NotFound), transaction(runtime, row.seller_id) as sandbox:
            if outbox.record(sandbox, row.outbox_id, outbox.DEAD, reason) and (row.kind == notifications.NOTIFY):
                notifications.cannot_send(sandbox, row.subject, reason)
        return is_timeout(error)
    return sent.timed_out


def send_leased(runtime: Runtime, seller_id: str, outbox_id: int) -> None:
    """Send the row that the caller queued and leased to itself."""
    with read(runtime, seller_id) as sandbox:
        row = outbox.by_id(sandbox, outbox_id)
        claim = _claimed(sandbox, row) if row is not None else None
    if claim is not None:
        send(runtime, claim)


def claim(
    runtime: Runtime, seller_id: str | None = None, excluded: Collection[str] = (), *, look: bool = True
) -> Claim | None:
    """
    Lease the next row that nobody is sending, of one seller or of all but the excluded, and read what it needs.

    Args:
        look: Whether to look first, without a lock, if any row waits at all.
    """
    now = runtime.real_clock.now()
    if look:
        with reading(runtime.engine) as connection:
            if not outbox.is_waiting(connection, now, seller_id):
                return None
    with writing(runtime.writer) as connection:
        row = outbox.claim(connection, now, outbox.lease_ms(runtime), seller_id, excluded)
        if row is None:
            return None
        if row.kind == notifications.NOTIFY:
            notification_rows.mark_sending(connection, row.subject)
        try:
            return _claimed(sandbox_of(runtime, connection, row.seller_id), row)
        except NotFound as error:
            return Claim(row, error)
