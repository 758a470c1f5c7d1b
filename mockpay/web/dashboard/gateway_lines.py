"""Which gateway was to take each try of an order and why, and every call to it, for the order's page."""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec import Struct

from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.payments.call_log import CallDirection
from mockpay.domain.payments.routing import Candidate, RoutingDecision, Strategy
from mockpay.store import gateway_calls
from mockpay.store.gateway_calls import GatewayCall
from mockpay.store.unit_of_work import Sandbox
from mockpay.web.wording.gateway_words import OUTCOMES

_STRATEGIES = {
    Strategy.PRIORITY: "in the rule’s own order",
    Strategy.WEIGHTED: "drawn by weight",
    Strategy.LEAST_COST: "the cheapest first",
    Strategy.BEST_RATE: "the best success rate first",
}


class CallLine(Struct, frozen=True):
    """One call: what was asked of whom, what came of it, and both sides of it as text."""

    title: str
    outcome: str
    facts: str
    exchange: str


class RoutedTry(Struct, frozen=True):
    """A try that a rule, or whoever paid, sent to a gateway."""

    number: int
    rule: str
    candidates: list[str]
    calls: list[CallLine]


def routed_tries(sandbox: Sandbox, tries: Sequence[Attempt]) -> list[RoutedTry]:
    """The tries of an order that were routed; none where the seller has no rules."""
    return [_routed(sandbox, attempt) for attempt in tries if attempt.routing is not None]


def _routed(sandbox: Sandbox, attempt: Attempt) -> RoutedTry:
    made = attempt.routing
    assert made is not None
    calls = gateway_calls.of_attempt(sandbox, attempt.attempt_id)
    candidates = [candidate_words(candidate) for candidate in made.candidates]
    return RoutedTry(attempt.number, rule_words(made), candidates, [_line(call) for call in calls])


def rule_words(made: RoutingDecision) -> str:
    """Which rule decided, and how it puts its targets in order."""
    return "No rule fits" if made.rule is None else f"{made.rule.capitalize()}, {_STRATEGIES[made.strategy]}"


def candidate_words(candidate: Candidate) -> str:
    """A gateway that a rule names, its score, and why it is left out."""
    why = f" ({candidate.reason})" if candidate.reason else ""
    if not candidate.eligible:
        return f"{candidate.gateway}: left out{why}"
    score = "" if candidate.score is None else f", {candidate.score:g}"
    return f"{candidate.gateway}{score}{why}"


def _line(call: GatewayCall) -> CallLine:
    again = f", try {call.try_no}" if call.try_no > 1 else ""
    facts = [
        f"HTTP {call.status}" if call.status else "",
        f"{call.latency_ms} ms" if call.status and call.latency_ms is not None else "",
        call.message or "",
    ]
    exchange = json.dumps(call.exchange, indent=2, ensure_ascii=False) if call.exchange else ""
    asked = "webhook" if call.direction is CallDirection.IN else f"{call.operation.lower()}{again}"
    title = f"{call.gateway}: {asked}"
    return CallLine(title, OUTCOMES[call.outcome], ", ".join(filter(None, facts)), exchange)
