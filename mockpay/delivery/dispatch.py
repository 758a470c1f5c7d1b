"""Each kind of parcel: claimed, sent outside any transaction, recorded in a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockpay.delivery.notifications import Batch, Claimed, give_up, in_time, tell
from mockpay.kernel.errors import MockpayError, NotFound
from mockpay.kernel.http.calls import HttpCall
from mockpay.services import notifications as told
from mockpay.services.payments import charges, payments, settlement
from mockpay.services.payments.authentication import ready_to_charge
from mockpay.services.payments.transitions import get_attempt
from mockpay.store import notifications, outbox, sellers
from mockpay.store.db.engine import reading, writing
from mockpay.store.outbox import Parcel
from mockpay.store.unit_of_work import Runtime, read, transaction

#: Asks the seller's return URL once more, as a browser that loads it twice does.
RETURN_AGAIN = "return.again"
_RETURN_TIMEOUT_SECONDS = 10


def _charge(runtime: Runtime, parcel: Parcel) -> None:
    with read(runtime, parcel.seller_id) as sandbox:
        attempt = get_attempt(sandbox, parcel.subject)
        charge = charges.charge_request(sandbox, parcel.subject)
    if not ready_to_charge(attempt):
        with transaction(runtime, parcel.seller_id) as sandbox:
            outbox.record(sandbox, parcel.parcel_id, outbox.DEAD, f"the attempt is {attempt.state}")
        return
    result = runtime.gateways[attempt.gateway].charge(charge)
    with transaction(runtime, parcel.seller_id) as sandbox:
        if outbox.record(sandbox, parcel.parcel_id, outbox.SENT):
            charges.record_gateway_result(sandbox, parcel.subject, result)


def _enquire(runtime: Runtime, parcel: Parcel) -> None:
    """Ask a gateway what became of a charge, or a bank what its buyer decided."""
    with read(runtime, parcel.seller_id) as sandbox:
        attempt = get_attempt(sandbox, parcel.subject)
        charge = charges.charge_request(sandbox, parcel.subject)
    times = int(parcel.facts.get("times", 1))
    result = runtime.gateways[attempt.gateway].enquire(charge, times)
    with transaction(runtime, parcel.seller_id) as sandbox:
        if not outbox.record(sandbox, parcel.parcel_id, outbox.SENT):
            return
        if parcel.kind == settlement.ASK_BANK:
            charges.record_bank_result(sandbox, parcel.subject, result)
        else:
            charges.record_enquiry_result(sandbox, parcel.subject, result, times)


def _return_again(runtime: Runtime, parcel: Parcel) -> None:
    timeout = in_time(runtime, _RETURN_TIMEOUT_SECONDS)
    call = HttpCall("GET", str(parcel.facts["url"]), timeout=timeout)
    reply = runtime.sender.send(call)
    with transaction(runtime, parcel.seller_id) as sandbox:
        outbox.record(sandbox, parcel.parcel_id, outbox.SENT, f"answered {reply.status}")
        sellers.count(sandbox.connection, parcel.seller_id, delivered=1)


#: Who sends each kind of parcel and records it; notifications go in batches.
SENDERS: Mapping[str, Callable[[Runtime, Parcel], None]] = {
    payments.CHARGE: _charge,
    settlement.ENQUIRE: _enquire,
    settlement.ASK_BANK: _enquire,
    RETURN_AGAIN: _return_again,
}


def send(runtime: Runtime, parcel: Parcel) -> None:
    """Send a claimed parcel; what cannot be sent is dead and says why."""
    if parcel.kind == told.NOTIFY:
        tell(runtime, Batch(parcel.seller_id, [Claimed(parcel)]))
        return
    try:
        SENDERS[parcel.kind](runtime, parcel)
    except NotFound:
        return  # The world was reset or deleted meanwhile; its parcels went with it.
    except MockpayError as error:
        give_up(runtime, parcel, error)


def send_mine(runtime: Runtime, seller_id: str, parcel_id: int) -> None:
    """Send the parcel that the caller queued for itself."""
    with read(runtime, seller_id) as sandbox:
        parcel = outbox.by_number(sandbox, parcel_id)
    if parcel is not None:
        send(runtime, parcel)


def claim(runtime: Runtime, limit: int, seller_id: str | None = None) -> list[Parcel]:
    """Take what nobody is sending, of one seller or of all."""
    now = runtime.real_clock.now()
    with reading(runtime.engine) as connection:
        if not outbox.anything(connection, now, seller_id):
            return []
    with writing(runtime.writer) as connection:
        lease = outbox.lease_ms(runtime)
        parcels = outbox.claim(connection, now, limit, seller_id, lease=lease)
        if letters := [parcel.subject for parcel in parcels if parcel.kind == told.NOTIFY]:
            notifications.claimed(connection, letters)
    return parcels
