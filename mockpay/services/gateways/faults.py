"""Faults of gateways: which one a call meets, and the rules that a tester makes."""

from __future__ import annotations

from mockpay.domain.payments.attempts import Stage
from mockpay.domain.payments.faults import OF_WEBHOOKS, Fault, FaultRule, planned_fault
from mockpay.domain.payments.gateways import PAYING, Operation
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.services.payments.transitions import get_attempt
from mockpay.store import gateway_faults
from mockpay.store.gateway_calls import GatewayCall
from mockpay.store.unit_of_work import Sandbox

#: Every call looks at every rule of its gateway, so there is an end to them.
_MOST_RULES = 100
_SIDES = 1_000_000
#: How long a gateway stays switched off.
OUTAGE_SECONDS = 600


def find(sandbox: Sandbox, call: GatewayCall, operation: Operation) -> FaultRule | None:
    """
    The oldest rule that a call meets, else what the payment's plan has for its charge.

    A rule's dice follow the seller's seed; it is used up when the call is sent.
    """
    for rule in gateway_faults.of_gateway(sandbox, call.gateway):
        about = (rule.fault_id, call.attempt_id, operation, call.try_no)
        dice = ids.number(sandbox.seller.seed, "fault", *about, below=_SIDES) / _SIDES
        if rule.fault not in OF_WEBHOOKS and rule.fits(operation, sandbox.now, dice):
            return rule
    return _by_plan(sandbox, call) if operation in PAYING else None


def _by_plan(sandbox: Sandbox, call: GatewayCall) -> FaultRule | None:
    """What a scenario has for the charge, where it goes to the payment's first gateway."""
    attempt = get_attempt(sandbox, call.attempt_id)
    outcome = attempt.plan.at(Stage.GATEWAY).outcome
    return planned_fault(call.gateway, outcome, call.try_no) if attempt.at_first_gateway else None


def use_up_webhook_fault(sandbox: Sandbox, gateway: str, object_id: str) -> Fault | None:
    """What a message about an object meets; its dice follow the seller's seed."""
    for rule in gateway_faults.of_gateway(sandbox, gateway):
        dice = ids.number(sandbox.seller.seed, "fault", rule.fault_id, object_id, below=_SIDES) / _SIDES
        if rule.fault in OF_WEBHOOKS and rule.fits(Operation.STATUS, sandbox.now, dice):
            return rule.fault if rule.times is None or gateway_faults.use_up(sandbox, rule) else None
    return None


def find_lasting(sandbox: Sandbox, gateway: str, operation: Operation) -> FaultRule | None:
    """The oldest rule that every call of an operation meets, however many there are."""
    rules = gateway_faults.of_gateway(sandbox, gateway)
    calls = (rule for rule in rules if rule.fault not in OF_WEBHOOKS)
    lasting = (rule for rule in calls if rule.times is None and rule.probability == 1)
    return next((rule for rule in lasting if rule.fits(operation, sandbox.now, 0.0)), None)


def add(
    sandbox: Sandbox,
    gateway: str,
    fault: Fault,
    *,
    operation: Operation | None = None,
    times: int | None = None,
    probability: float = 1.0,
    seconds: int | None = None,
    latency_ms: int = 6_000,
) -> FaultRule:
    """
    Let calls of a gateway meet a fault.

    Args:
        times: How many; None: all of them.
        seconds: For so long by the seller's clock; None: until it is taken away.

    Raises:
        Conflict: code ``fault.too_many``.
    """
    if len(gateway_faults.of_gateway(sandbox, gateway)) >= _MOST_RULES:
        raise Conflict(f"A gateway has at most {_MOST_RULES} faults: take them away first.", code="fault.too_many")
    expires_at = None if seconds is None else sandbox.now + seconds * SECOND
    rule = FaultRule(0, gateway, fault, operation, times, probability, latency_ms, expires_at, sandbox.now)
    return gateway_faults.add(sandbox, rule)


def switch_off(sandbox: Sandbox, gateway: str) -> FaultRule:
    """
    Let nobody reach a gateway for ten minutes of the seller's clock; where it is off already, for ten from now.

    Raises:
        Conflict: code ``fault.too_many``.
    """
    switch_on(sandbox, gateway)
    return add(sandbox, gateway, Fault.REFUSE, seconds=OUTAGE_SECONDS)


def switch_on(sandbox: Sandbox, gateway: str) -> None:
    """Let calls reach a gateway again; whatever else they meet stays."""
    outages = [rule.fault_id for rule in gateway_faults.of_gateway(sandbox, gateway) if rule.is_outage]
    gateway_faults.remove(sandbox, gateway, outages)
