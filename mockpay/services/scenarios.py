"""Scenario rules that a tester makes, and telling which scenario decided."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import Attempt, Decision, Source, Stage
from mockpay.domain.scenarios.otp_codes import OTP_ELSEWHERE
from mockpay.domain.scenarios.resolution import TABLE, Input, Row, Rule
from mockpay.domain.scenarios.rule_forms import parse_rule
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND, indian
from mockpay.kernel.errors import Conflict, NotFound
from mockpay.store import scenarios
from mockpay.store.unit_of_work import Sandbox

#: Every attempt looks at every rule, so there is an end to them.
_MOST_RULES = 1_000
_PROBABILITY_STEPS = 1_000_000

_ROWS: Mapping[str, Row] = {row.name: row for row in TABLE}


def add_rule(
    sandbox: Sandbox,
    *,
    stage: str,
    match: Mapping[str, str],
    outcome: str,
    times: int | None = 1,
    probability: float = 1.0,
    ttl_seconds: int | None = None,
) -> Rule:
    """
    Make a rule, the last in the seller's queue; it goes before every magic value.

    Args:
        match: What an attempt must have; nothing fits every attempt.
        times: How many attempts it decides, None for every one.
        probability: How often it takes an attempt that fits; the dice follow the seed.
        ttl_seconds: How long it lives by the seller's clock.

    Raises:
        Invalid: as `parse_rule` raises it.
        Conflict: code ``scenario.too_many_rules``.
    """
    at, fitting, normal = parse_rule(stage, match, outcome)
    _drop_spent_rules(sandbox)
    expires_at = None if ttl_seconds is None else sandbox.now + ttl_seconds * SECOND
    return scenarios.add(
        sandbox, stage=at, match=fitting, outcome=normal, times=times, probability=probability, expires_at=expires_at
    )


def _drop_spent_rules(sandbox: Sandbox) -> None:
    """Forget rules that can decide nothing any more, once there are too many."""
    waiting = scenarios.waiting(sandbox)
    if len(waiting) < _MOST_RULES:
        return
    spent = [rule for rule in waiting if not rule.fits(rule.match, sandbox.now)]
    for rule in spent:
        scenarios.clear(sandbox, rule.rule_id)
    if len(waiting) - len(spent) >= _MOST_RULES:
        message = f"A seller has at most {_MOST_RULES} rules."
        raise Conflict(message, code="scenario.too_many_rules")


def remove_rule(sandbox: Sandbox, rule_id: int) -> None:
    """
    Take one rule away.

    Raises:
        NotFound: code ``scenario.not_found``.
    """
    if not scenarios.clear(sandbox, rule_id):
        raise NotFound("There is no such rule.", code="scenario.not_found")


def draw_rule(sandbox: Sandbox, rule: Rule, position: int, subject: str) -> bool:
    """
    Whether the dice let a rule with a probability decide; the same seed throws the same.

    Args:
        position: The rule's place in the seller's queue: its row number counts other sellers' rules too.
        subject: What is decided about.
    """
    dice = ids.number(sandbox.seller.seed, "rule", position, subject, below=_PROBABILITY_STEPS)
    return dice < rule.probability * _PROBABILITY_STEPS


class StageDecision(Struct, frozen=True):
    """What decided a stage of an attempt: `value` is what matched, `description` the row's words."""

    stage: str
    outcome: str
    source: str
    scenario: str | None
    value: str | None
    description: str


def stage_decisions(attempt: Attempt) -> list[StageDecision]:
    """Who decided each stage; one normal line where nobody did and the money was there, none before that."""
    if attempt.stage_decisions or not attempt.funded:
        return [
            StageDecision(
                stage,
                decision.outcome,
                decision.source,
                decision.scenario,
                decision.value,
                decision_sentence(attempt, stage, decision),
            )
            for stage, decision in attempt.stage_decisions.items()
        ]
    sentence = "no rule, magic value or default spoke, so everything is normal"
    return [StageDecision(Stage.ISSUER, "success", Source.SUCCESS, None, None, sentence)]


def decision_sentence(attempt: Attempt, stage: Stage, decision: Decision) -> str:
    """Who or what decided, as a clause: the row of a magic value, or what happened instead of the plan."""
    facts, value = decision.facts or {}, decision.value
    if decision.source is Source.RISK_RULE:
        off = f"the setting risk_rules switches it off: {decision.scenario}=off"
        return f"{_VERDICTS[decision.outcome]}: {value}; score {facts.get('score')}; {off}"
    if decision.source is Source.CODE:
        description = _ROWS[str(decision.scenario)].description.removesuffix(OTP_ELSEWHERE)
        return f"the {typed_as(decision)} {value} was typed: {description}"
    if decision.source is Source.BUYER:
        approval = METHODS[attempt.method].approval
        pressed = f"{_PRESSED.get(decision.outcome, 'chose this')} {approval.where if approval else ''}".rstrip()
        return f"the buyer {value or pressed}"
    if decision.source is Source.LOCK:
        until = f"{indian(int(facts['until'])):%H:%M}" if "until" in facts else "later"
        return f"wrong codes typed for order {value or 'none of these'} lock this buyer’s codes until {until} IST"
    if decision.source is Source.BALANCE:
        return f"the buyer’s balance was {value}"
    if decision.source in _ASKS:
        meaning = _DESCRIPTIONS.get((stage, decision.outcome)) if stage is not Stage.ISSUER else None
        words = _ASKS[decision.source].format(scenario=decision.scenario, value=value)
        return f"{words} asked for {decision.outcome}{f': {meaning}' if meaning else ''}"
    if decision.source is Source.CLOCK and value:
        return value
    row = _ROWS.get(decision.scenario or "")
    return row.description if row is not None else _SOURCE_SENTENCES[decision.source]


def typed_as(decision: Decision) -> str:
    """What a magic value was typed as: a code, a UPI PIN, a user name."""
    return _TYPED[_ROWS[str(decision.scenario)].input]


#: What a rule of the risk check may decide.
_VERDICTS: Mapping[str, str] = {
    "allow": "the risk check let the payment pass",
    "challenge": "the risk check wanted the buyer to prove who they are",
    "review": "the risk check put the payment aside for a review",
    "decline": "the risk check declined the payment",
}
#: What a buyer pressed in an app or on a bank's page.
_PRESSED: Mapping[str, str] = {
    "success": "approved the payment",
    "declined": "declined the payment",
    "failure": "let the payment fail",
    "pendingok": "left the payment pending",
    "cancelled": "cancelled",
}
#: What no row of the table stands for.
_ASKS: Mapping[Source, str] = {
    Source.RULE: "{scenario}, made by dashboard or control API,",
    Source.SIMULATION: "{scenario} in {value}",
    Source.DEFAULT: "the seller’s setting default_outcomes",
    Source.COMPANY: "the company’s usual way",
}
_DESCRIPTIONS: Mapping[tuple[Stage, str], str] = {(row.stage, row.outcome): row.description for row in reversed(TABLE)}
_SOURCE_SENTENCES: Mapping[Source, str] = {
    Source.INSTRUMENT: "the instrument",
    Source.AMOUNT: "the amount",
    Source.SUCCESS: "nothing spoke",
    Source.TESTER: "a tester declined it in the review",
    Source.CLOCK: "nobody answered in time",
}
#: What a magic code was typed as.
_TYPED: Mapping[str, str] = {Input.OTP: "code", Input.PIN: "UPI PIN", Input.BANK_USER: "user name"}
