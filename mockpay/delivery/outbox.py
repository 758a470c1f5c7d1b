"""What leaves the process: each kind of outbox row claimed, sent outside any transaction, recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from urllib.parse import urlencode

from msgspec import Struct

from mockpay.delivery import scheduler
from mockpay.delivery.alerts import alert_message
from mockpay.delivery.gateway_calls import gateway_call
from mockpay.delivery.notifications import Send, SendResult, delivery, timeout_within_lease
from mockpay.domain.payments.faults import Fault
from mockpay.domain.payments.routing import DEFAULT
from mockpay.kernel.errors import MockpayError, NotFound, Unusable
from mockpay.kernel.http.calls import HttpCall, is_timeout
from mockpay.services import notifications
from mockpay.services.gateways import calls, health, messages, webhooks
from mockpay.services.payments import payments, settlement
from mockpay.services.payments.authentication import ready_to_charge
from mockpay.services.payments.transitions import get_attempt
from mockpay.services.wallet import reload_charges, reload_runs
from mockpay.store import notifications as notification_rows
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
        result = runtime.gateways[DEFAULT].charge(charge)
        return SendResult(lambda sandbox: payments.record_gateway_result(sandbox, row.subject, result))

    return send


def _enquire(sandbox: Sandbox, row: OutboxRow) -> Send:
    """Ask a gateway what became of a charge, or a bank what its buyer decided."""
    attempt = get_attempt(sandbox, row.subject)
    charge = payments.charge_request(sandbox, attempt)
    times = int(row.facts.get("times", 1))

    def send(runtime: Runtime) -> SendResult:
        result = runtime.gateways[DEFAULT].enquire(charge, times)
        if row.kind == settlement.ASK_BANK:
            return SendResult(lambda sandbox: payments.record_bank_result(sandbox, row.subject, result))
        return SendResult(lambda sandbox: payments.record_enquiry_result(sandbox, row.subject, result, times))

    return send


def _gateway_webhook(sandbox: Sandbox, row: OutboxRow) -> Send:
    """A message of a gateway in this process, as its object is by now; it is received in a transaction of its own."""
    gateway = str(row.facts["gateway"])
    render = sandbox.runtime.provider(gateway).webhook
    assert render is not None
    fault = Fault(row.facts["fault"]) if row.facts["fault"] else None
    message = render(sandbox, row.subject, str(row.facts["name"]), fault)

    def record(sandbox: Sandbox) -> None:
        if message is not None:
            webhooks.receive(sandbox, gateway, message.headers, message.body)

    return lambda _runtime: SendResult(record)


def _reload(_sandbox: Sandbox, row: OutboxRow) -> Send:
    """Nothing leaves the process here: the payment that is begun has a row of its own."""

    def send(_runtime: Runtime) -> SendResult:
        return SendResult(lambda sandbox: reload_charges.charge(sandbox, int(row.subject)))

    return send


def _return_again(_sandbox: Sandbox, row: OutboxRow) -> Send:
    def send(runtime: Runtime) -> SendResult:
        timeout = timeout_within_lease(runtime, _RETURN_TIMEOUT_SECONDS)
        url, fields = str(row.facts["url"]), row.facts.get("fields")
        if isinstance(fields, Mapping):
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            call = HttpCall("POST", url, headers, urlencode(fields).encode(), timeout=timeout)
        else:
            call = HttpCall("GET", url, timeout=timeout)
        reply = runtime.sender.send(call)
        return SendResult(lambda sandbox: sellers.count(sandbox.connection, row.seller_id, delivered=1), reply.status)

    return send


#: What sending each kind of row needs, read in the transaction that claims it.
SENDERS: Mapping[str, Callable[[Sandbox, OutboxRow], Send]] = {
    payments.CHARGE: _charge,
    settlement.ENQUIRE: _enquire,
    settlement.ASK_BANK: _enquire,
    notifications.NOTIFY: delivery,
    RETURN_AGAIN: _return_again,
    calls.CALL: gateway_call,
    health.NOTIFY: alert_message,
    messages.DELIVER: _gateway_webhook,
    reload_runs.CHARGE: _reload,
}


class Claim(Struct, frozen=True):
    """A row that is leased to the caller, and what sends it, or why nothing can."""

    row: OutboxRow
    send: Send | MockpayError


def _claimed(sandbox: Sandbox, row: OutboxRow) -> Claim:
    try:
        return Claim(row, SENDERS[row.kind](sandbox, row))
    except MockpayError as error:
        return Claim(row, error)


def send(runtime: Runtime, claim: Claim) -> bool:
    """
    Send a claimed row; what cannot be sent is dead and says why.

    Returns:
        Whether the other side timed out.
    """
    row = claim.row
    try:
        if isinstance(claim.send, MockpayError):
            raise claim.send
        result = claim.send(runtime)
        answered = f"answered {result.status}" if result.status is not None else None
        with transaction(runtime, row.seller_id) as sandbox:
            if outbox.record(sandbox, row.outbox_id, outbox.SENT, answered):
                result.record(sandbox)
    except NotFound:
        return False  # The world was reset or deleted meanwhile; its rows went with it.
    except MockpayError as error:
        reason = f"{error.code}: {error.reason}"
        with suppress(NotFound), transaction(runtime, row.seller_id) as sandbox:
            if outbox.record(sandbox, row.outbox_id, outbox.DEAD, reason) and (row.kind == notifications.NOTIFY):
                notifications.cannot_send(sandbox, row.subject, reason)
        return is_timeout(error)
    return result.timed_out


def leased(sandbox: Sandbox, outbox_id: int) -> Claim | None:
    """The row that the caller queued and leased to itself, with what it needs; None where it was sent already."""
    row = outbox.by_id(sandbox, outbox_id)
    return _claimed(sandbox, row) if row is not None else None


def send_leased(runtime: Runtime, seller_id: str, outbox_id: int) -> None:
    """Send the row that the caller queued and leased to itself."""
    with read(runtime, seller_id) as sandbox:
        claim = leased(sandbox, outbox_id)
    if claim is not None:
        send(runtime, claim)


def deliver(runtime: Runtime, seller_id: str, outbox_id: int | None) -> None:
    """Send the row that a request has leased to itself, if there is one, and let happen what is due at once."""
    if outbox_id is not None:
        send_leased(runtime, seller_id, outbox_id)
    scheduler.fire_present(runtime, seller_id)


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
