"""Messages of gateways in this process: queued for whom they are sent to, as a fault may have it."""

from __future__ import annotations

from mockpay.domain.payments.faults import Fault
from mockpay.kernel.clock import SECOND
from mockpay.services.gateways import faults
from mockpay.store import outbox, schedule
from mockpay.store.unit_of_work import Sandbox

#: An outbox row of this kind is one message of a gateway in this process.
DELIVER = "gateway.webhook"
#: The event at which a gateway in this process sends a message.
SEND = "gateway.send_webhook"
#: How late a delayed message is by the seller's clock, and one that a later one overtakes in real time.
_DELAY_MS, _OVERTAKEN_MS = 30 * SECOND, 5 * SECOND


def send(sandbox: Sandbox, gateway: str, object_id: str, *, at: int | None = None) -> None:
    """
    Send a message about a payment as it is by then, now or later; a fault may do something to it.

    Args:
        at: When, by the seller's clock.
    """
    if at is not None and at > sandbox.now:
        schedule.add(sandbox, SEND, object_id, at, gateway=gateway)
        return
    fault = faults.use_up_webhook_fault(sandbox, gateway, object_id)
    if fault is Fault.WEBHOOK_DELAY:
        schedule.add(sandbox, SEND, object_id, sandbox.now + _DELAY_MS, gateway=gateway, late=True)
    elif fault is not Fault.WEBHOOK_DROP:
        _queue(sandbox, gateway, object_id, fault)


def send_due(sandbox: Sandbox, gateway: str, object_id: str, *, late: bool) -> None:
    """The time has come; a message that was delayed meets no other fault."""
    if late:
        _queue(sandbox, gateway, object_id, None)
    else:
        send(sandbox, gateway, object_id)


def _queue(sandbox: Sandbox, gateway: str, object_id: str, fault: Fault | None) -> None:
    delay_ms = _OVERTAKEN_MS if fault is Fault.WEBHOOK_REORDER else 0
    twice = fault in {Fault.WEBHOOK_DUPLICATE, Fault.WEBHOOK_SIMULTANEOUS}
    for number in range(2 if twice else 1):
        # Two messages at once have names of their own, the same one twice has one.
        name = str(number) if fault is Fault.WEBHOOK_SIMULTANEOUS else ""
        facts = {"gateway": gateway, "name": name, "fault": fault and str(fault)}
        outbox.add(sandbox, DELIVER, object_id, leased=False, delay_ms=delay_ms, sequence_key=None, **facts)
