"""What leaves the process: each kind of outbox row claimed, sent outside any transaction, recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from mockpay.delivery.notifications import Send, SendResult, delivery, timeout_within_lease
from mockpay.kernel.errors import DatabaseUnavailable, MockpayError, NotFound, Unusable
from mockpay.kernel.http.calls import HttpCall, is_timeout
from mockpay.services import notifications
from mockpay.services.payments import payments, settlement
from mockpay.services.payments.authentication import ready_to_charge
from mockpay.services.payments.transitions import get_attempt
from mockpay.store import outbox, sellers
from mockpay.store.db.engine import reading, writing
from mockpay.store.outbox import OutboxRow
from mockpay.store.unit_of_work import Runtime, Sandbox, read, sandbox_of, transaction

#: Asks the seller's return URL once more, as a browser that loads it twice does.
RETURN_AGAIN = "return.again"
_RETURN_TIMEOUT_SECONDS = 10


def _charge(sandbox: Sandbox, row: OutboxRow) -> Send:
    attempt = get_attempt(sandbox, row.subject)
    charge = payments.charge_request(sandbox, attempt)
    if not ready_to_charge(attempt):
        raise Unusable(f"The attempt is {attempt.state}.", code="attempt.not_ready")

    def send(runtime: Runtime) -> SendResult:
        result = runtime.gateways[attempt.gateway].charge(charge)
        return SendResult(lambda sandbox: payments.record_gateway_result(sandbox, row.subject, result))

    return send


def _enquire(sandbox: Sandbox, row: OutboxRow) -> Send:
    """Ask a gateway what became of a charge, or a bank what its buyer decided."""
    attempt = get_attempt(sandbox, row.subject)
    charge = payments.charge_request(sandbox, attempt)
    times = int(row.facts.get("times", 1))

    def send(runtime: Runtime) -> SendResult:
        result = runtime.gateways[attempt.gateway].enquire(charge, times)
        if row.kind == settlement.ASK_BANK:
            return SendResult(lambda sandbox: payments.record_bank_result(sandbox, row.subject, result))
        return SendResult(lambda sandbox: payments.record_enquiry_result(sandbox, row.subject, result, times))

    return send


def _return_again(_sandbox: Sandbox, row: OutboxRow) -> Send:
    def send(runtime: Runtime) -> SendResult:
        timeout = timeout_within_lease(runtime, _RETURN_TIMEOUT_SECONDS)
        reply = runtime.sender.send(HttpCall("GET", str(row.facts["url"]), timeout=timeout))
        return SendResult(
            lambda sandbox: sellers.count(sandbox.connection, row.seller_id, delivered=1), f"answered {reply.status}"
        )

    return send


#: What sending each kind of row needs, read in the transaction that claims it.
SENDERS: Mapping[str, Callable[[Sandbox, OutboxRow], Send]] = {
    payments.CHARGE: _charge,
    settlement.ENQUIRE: _enquire,
    settlement.ASK_BANK: _enquire,
    notifications.NOTIFY: delivery,
    RETURN_AGAIN: _return_again,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that is leased to the caller, and what sends it, or why nothing can."""

    row: OutboxRow
    send: Send | MockpayError


def claim(runtime: Runtime, seller_id: str | None = None, excluded: Collection[str] = ()) -> Claim | None:
    """Lease the next row that nobody is sending, of one seller or of all but the excluded, and read what it needs."""
    with reading(runtime.engine) as connection:  # first, for it takes no lock
        if not outbox.is_waiting(connection, runtime.real_clock.now(), seller_id):
            return None
    with writing(runtime.writer) as connection:
        row = outbox.claim(connection, runtime.real_clock.now(), outbox.lease_ms(runtime), seller_id, excluded)
        if row is None:
            return None
        return _claimed(row, lambda: sandbox_of(runtime, connection, row.seller_id))


def claim_next(sandbox: Sandbox, seller_id: str | None = None, excluded: Collection[str] = ()) -> Claim | None:
    """The same in a transaction that the caller has begun, as a rule in the next row's world."""
    runtime, connection = sandbox.runtime, sandbox.connection
    row = outbox.claim(connection, runtime.real_clock.now(), outbox.lease_ms(runtime), seller_id, excluded)
    if row is None:
        return None
    if row.seller_id == sandbox.seller_id:
        return _claimed(row, lambda: sandbox)
    return _claimed(row, lambda: sandbox_of(runtime, connection, row.seller_id))


def _claimed(row: OutboxRow, get_sandbox: Callable[[], Sandbox]) -> Claim:
    try:
        return Claim(row, SENDERS[row.kind](get_sandbox(), row))
    except MockpayError as error:
        return Claim(row, error)


def send(runtime: Runtime, claim: Claim) -> SendResult:
    """Send a claimed row, outside any transaction; how that ended is still to be recorded."""
    try:
        if isinstance(claim.send, MockpayError):
            raise claim.send
        return claim.send(runtime)
    except MockpayError as error:
        return _dead(claim.row, error)


def _dead(row: OutboxRow, error: MockpayError) -> SendResult:
    """What cannot be sent, or whose end cannot be recorded."""
    reason = f"{error.code}: {error.reason}"

    def record(sandbox: Sandbox) -> None:
        if row.kind == notifications.NOTIFY:
            notifications.cannot_send(sandbox, row.subject, reason)

    return SendResult(record, reason, is_dead=True, timed_out=is_timeout(error))


def record(
    runtime: Runtime, row: OutboxRow, result: SendResult, then: Callable[[Sandbox], Claim | None] = lambda _: None
) -> Claim | None:
    """
    Write down how sending a row ended.

    Args:
        then: Leases the next row in the same transaction, which saves half of what either costs.
    """
    state = outbox.DEAD if result.is_dead else outbox.SENT
    try:
        with transaction(runtime, row.seller_id) as sandbox:
            if outbox.record(sandbox, row.outbox_id, state, result.reason):
                result.record(sandbox)
            return then(sandbox)
    except NotFound:
        return None  # The world was reset or deleted meanwhile; its rows went with it.
    except DatabaseUnavailable:
        raise  # The row is sent again when its lease is over.
    except MockpayError as error:
        if result.is_dead:
            raise
        return record(runtime, row, _dead(row, error), then)


def send_leased(runtime: Runtime, seller_id: str, outbox_id: int) -> None:
    """Send the row that the caller queued and leased to itself."""
    with read(runtime, seller_id) as sandbox:
        row = outbox.by_id(sandbox, outbox_id)
        claim = _claimed(row, lambda: sandbox) if row is not None else None
    if claim is not None:
        record(runtime, claim.row, send(runtime, claim))
