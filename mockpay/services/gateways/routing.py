"""Which gateway takes a payment of a seller's: the rules, the decision of a payment, and a dry run of it."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.methods import netbanking
from mockpay.domain.methods.cards import BINS, NETWORK_NAMES
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments import routing as rules
from mockpay.domain.payments.attempts import Plan, Stage
from mockpay.domain.payments.breaker import Breaker, Force
from mockpay.domain.payments.routing import GatewayState, PaymentFacts, Routing, RoutingDecision, Strategy
from mockpay.kernel.money import Money
from mockpay.kernel.words import parse_word
from mockpay.store import gateway_accounts, gateway_breakers, gateway_calls, sellers
from mockpay.store.unit_of_work import Runtime, Sandbox

#: The currencies in which orders are made here.
_CURRENCIES = ("INR",)


def gateway_names(runtime: Runtime) -> list[str]:
    """Every gateway that a rule may name."""
    return sorted({*runtime.gateways, *(name for name in runtime.providers if runtime.adapter(name) is not None)})


def set_rules(sandbox: Sandbox, routing: Routing) -> None:
    """
    Other rules for a seller; a reset leaves them. Payments that were routed before stay where they are.

    Raises:
        Invalid: as `mockpay.domain.payments.routing.check` raises it.
    """
    words = {
        "methods": list(METHODS),
        "networks": list(NETWORK_NAMES),
        "banks": sorted({*netbanking.BY_CODE, *(bin_.issuer for bin_ in BINS)}),
        "currencies": list(_CURRENCIES),
    }
    rules.check(routing, gateway_names(sandbox.runtime), words)
    sellers.save_routing(sandbox.connection, sandbox.seller_id, routing if routing != Routing() else None)


def route(sandbox: Sandbox, facts: PaymentFacts) -> RoutingDecision | None:
    """Who takes a payment; None where the seller has no rules and nobody was named."""
    if sandbox.seller.routing is None and facts.forced is None:
        return None
    return decide(sandbox, facts)


def facts_of(
    sandbox: Sandbox,
    attempt_id: str,
    method: str,
    amount: Money,
    parts: Mapping[str, str],
    *,
    buyer_id: str | None = None,
    forced: str | None = None,
    plan: Plan | None = None,
) -> PaymentFacts:
    """
    What rules look at.

    Args:
        parts: Of the instrument, as it is stored.
        forced: The gateway that whoever pays has named.

    Raises:
        Invalid: code ``routing.invalid``: there is no such gateway.
    """
    if forced is not None:
        names = gateway_names(sandbox.runtime)
        forced = parse_word("gateway", forced, names, code="routing.invalid", field="gateway")
    return PaymentFacts(
        attempt_id=attempt_id,
        method=method,
        amount=amount,
        now=sandbox.now,
        seed=sandbox.seller.seed,
        network=parts.get("network"),
        bin=parts.get("bin"),
        bank=parts.get("bank") or parts.get("issuer"),
        buyer_id=buyer_id,
        forced=forced,
        part_captured=plan is not None and plan.at(Stage.CAPTURE).outcome == "partial",
    )


def decide(sandbox: Sandbox, facts: PaymentFacts) -> RoutingDecision:
    """Who takes a payment by the seller's rules as they are now."""
    routing = sandbox.seller.routing or Routing()
    return rules.decide(routing, facts, _states(sandbox, routing, facts))


def _states(sandbox: Sandbox, routing: Routing, facts: PaymentFacts) -> dict[str, GatewayState]:
    """How each gateway stands that can be named; success rates only where the rule that decides looks at them."""
    found = None if facts.forced is not None else rules.find_rule(routing, facts)
    rated = found is not None and found[1].strategy is Strategy.BEST_RATE
    breakers = {each.gateway: each for each in gateway_breakers.of_seller(sandbox) if each.method == facts.method}
    forces = gateway_breakers.forces(sandbox)
    disabled = gateway_accounts.disabled(sandbox)
    states = {}
    for name in gateway_names(sandbox.runtime):
        adapter = sandbox.runtime.adapter(name)
        rate = gateway_calls.success_rate(sandbox, name, facts.method, routing.window) if rated else None
        breaker = breakers.get(name) or Breaker(name, facts.method)
        shut = adapter is not None and not breaker.admits(sandbox.now, forces.get(name, Force.AUTO))
        states[name] = GatewayState(adapter.capabilities if adapter else None, shut, rate, name not in disabled)
    return states
