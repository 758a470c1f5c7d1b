"""
Calls to gateways, written ahead: the log's row and the outbox row that sends it, in the transaction that wants it.

What comes back is recorded in `results`.
"""

from __future__ import annotations

from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.payments.breaker import BreakerState, Force, after_admission
from mockpay.domain.payments.gateways import PAYING, Operation
from mockpay.domain.payments.routing import DEFAULT
from mockpay.kernel.money import Money
from mockpay.store import gateway_breakers, gateway_calls, outbox
from mockpay.store.gateway_calls import GatewayCall
from mockpay.store.unit_of_work import Sandbox

#: An outbox row of this kind sends one call to a gateway.
CALL = "gateway.call"


def is_routed(attempt: Attempt) -> bool:
    """Whether a gateway with a wire format of its own has the attempt, or may get it."""
    return attempt.gateway != DEFAULT or (attempt.routing is not None and len(attempt.routing.sequence) > 1)


def queue_call(
    sandbox: Sandbox,
    attempt: Attempt,
    order_id: str,
    operation: Operation,
    *,
    leased: bool = False,
    try_no: int = 1,
    began_at: int | None = None,
    delay_ms: int = 0,
    amount: Money | None = None,
    refund_id: str | None = None,
) -> int:
    """
    Queue one call to the gateway that has an attempt; the number of its outbox row.

    Args:
        began_at: When the first call of this payment was queued, in real time; now without.
        amount: Of what is captured or refunded; the attempt's without.
    """
    call = GatewayCall(
        number=0,
        gateway=attempt.gateway,
        operation=operation,
        try_no=try_no,
        idempotency_key="-".join((refund_id or attempt.attempt_id, attempt.gateway, operation)),
        order_id=order_id,
        attempt_id=attempt.attempt_id,
        refund_id=refund_id,
        method=attempt.method,
        breaker=_blocking_breaker(sandbox, attempt) if operation in PAYING else None,
        amount=amount or attempt.amount,
        at=sandbox.now,
        began_at=sandbox.real_now if began_at is None else began_at,
        # Whoever leases it sends it at once.
        sent_at=sandbox.real_now if leased else None,
    )
    number = gateway_calls.add(sandbox, call).number
    return outbox.add(sandbox, CALL, attempt.attempt_id, leased=leased, delay_ms=delay_ms, call=number)


def _blocking_breaker(sandbox: Sandbox, attempt: Attempt) -> BreakerState | None:
    """The state of a circuit breaker that lets no charge through; None where it does, as a probe maybe."""
    if attempt.gateway == DEFAULT:
        return None
    breaker = gateway_breakers.find(sandbox, attempt.gateway, attempt.method)
    force = gateway_breakers.forces(sandbox).get(attempt.gateway, Force.AUTO)
    if not breaker.admits(sandbox.now, force):
        return breaker.state(sandbox.now, force)
    admitted = after_admission(breaker, sandbox.now)
    if admitted != breaker:
        gateway_breakers.save(sandbox, admitted)
    return None


def return_money(sandbox: Sandbox, attempt: Attempt, order_id: str) -> None:
    """Send back what a gateway took of an attempt for nothing; nothing where none took any."""
    if attempt.gateway != DEFAULT and attempt.external_ids and "payment" in attempt.external_ids:
        queue_call(sandbox, attempt, order_id, Operation.REFUND)


def void(sandbox: Sandbox, attempt: Attempt, order_id: str) -> None:
    """Release what an attempt holds at its gateway; nothing where that has no such call: it lapses there."""
    adapter = sandbox.runtime.adapter(attempt.gateway)
    if adapter is not None and adapter.capabilities.void:
        queue_call(sandbox, attempt, order_id, Operation.VOID)
