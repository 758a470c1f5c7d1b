"""What leaves the process: each kind of outbox row claimed, sent outside any transaction, recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from mockpay.delivery.notifications import deliver, timeout_within_lease
from mockpay.kernel.errors import MockpayError, NotFound
from mockpay.kernel.http.calls import HttpCall, is_timeout
from mockpay.services import notifications
from mockpay.services.payments import payments, settlement
from mockpay.services.payments.authentication import ready_to_charge
from mockpay.services.payments.transitions import get_attempt
from mockpay.store import notifications as notification_rows
from mockpay.store import outbox, sellers
from mockpay.store.db.engine import reading, writing
from mockpay.store.outbox import OutboxRow
from mockpay.store.unit_of_work import Runtime, read, transaction

#: Asks the seller's return URL once more, as a browser that loads it twice does.
RETURN_AGAIN = "return.again"
_RETURN_TIMEOUT_SECONDS = 10


def _charge(runtime: Runtime, row: OutboxRow) -> bool:
    with read(runtime, row.seller_id) as sandbox:
        attempt = get_attempt(sandbox, row.subject)
        charge = payments.charge_request(sandbox, row.subject)
    if not ready_to_charge(attempt):
        with transaction(runtime, row.seller_id) as sandbox:
            outbox.record(sandbox, row.outbox_id, outbox.DEAD, f"the attempt is {attempt.state}")
        return False
    result = runtime.gateways[attempt.gateway].charge(charge)
    with transaction(runtime, row.seller_id) as sandbox:
        if outbox.record(sandbox, row.outbox_id, outbox.SENT):
            payments.record_gateway_result(sandbox, row.subject, result)
    return False


def _enquire(runtime: Runtime, row: OutboxRow) -> bool:
    """Ask a gateway what became of a charge, or a bank what its buyer decided."""
    with read(runtime, row.seller_id) as sandbox:
        attempt = get_attempt(sandbox, row.subject)
        charge = payments.charge_request(sandbox, row.subject)
    times = int(row.facts.get("times", 1))
    result = runtime.gateways[attempt.gateway].enquire(charge, times)
    with transaction(runtime, row.seller_id) as sandbox:
        if outbox.record(sandbox, row.outbox_id, outbox.SENT):
            if row.kind == settlement.ASK_BANK:
                payments.record_bank_result(sandbox, row.subject, result)
            else:
                payments.record_enquiry_result(sandbox, row.subject, result, times)
    return False


def _return_again(runtime: Runtime, row: OutboxRow) -> bool:
    timeout = timeout_within_lease(runtime, _RETURN_TIMEOUT_SECONDS)
    reply = runtime.sender.send(HttpCall("GET", str(row.facts["url"]), timeout=timeout))
    with transaction(runtime, row.seller_id) as sandbox:
        outbox.record(sandbox, row.outbox_id, outbox.SENT, f"answered {reply.status}")
        sellers.count(sandbox.connection, row.seller_id, delivered=1)
    return False


#: Who sends each kind of row and records it; the result tells whether the other side timed out.
SENDERS: Mapping[str, Callable[[Runtime, OutboxRow], bool]] = {
    payments.CHARGE: _charge,
    settlement.ENQUIRE: _enquire,
    settlement.ASK_BANK: _enquire,
    notifications.NOTIFY: deliver,
    RETURN_AGAIN: _return_again,
}


def send(runtime: Runtime, row: OutboxRow) -> bool:
    """
    Send a claimed row; what cannot be sent is dead and says why.

    Returns:
        Whether the other side timed out.
    """
    try:
        return SENDERS[row.kind](runtime, row)
    except NotFound:
        return False  # The world was reset or deleted meanwhile; its rows went with it.
    except MockpayError as error:
        reason = f"{error.code}: {error.reason}"
        with suppress(NotFound), transaction(runtime, row.seller_id) as sandbox:
            if outbox.record(sandbox, row.outbox_id, outbox.DEAD, reason) and (row.kind == notifications.NOTIFY):
                notifications.cannot_send(sandbox, row.subject, reason)
        return is_timeout(error)


def send_leased(runtime: Runtime, seller_id: str, outbox_id: int) -> None:
    """Send the row that the caller queued and leased to itself."""
    with read(runtime, seller_id) as sandbox:
        row = outbox.by_id(sandbox, outbox_id)
    if row is not None:
        send(runtime, row)


def claim(runtime: Runtime, seller_id: str | None = None, excluded: Collection[str] = ()) -> OutboxRow | None:
    """Lease the next row that nobody is sending: of one seller, or of all but the excluded."""
    now = runtime.real_clock.now()
    with reading(runtime.engine) as connection:
        if not outbox.is_waiting(connection, now, seller_id):
            return None
    with writing(runtime.writer) as connection:
        row = outbox.claim(connection, now, outbox.lease_ms(runtime), seller_id, excluded)
        if row is not None and row.kind == notifications.NOTIFY:
            notification_rows.mark_sending(connection, row.subject)
    return row
