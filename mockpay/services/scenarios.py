"""Scenario rules that a tester makes, and telling which scenario decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from mockpay.domain.methods import upi
from mockpay.domain.methods.iso8583 import ISO_CODES
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.notifications import NotificationType
from mockpay.domain.payments.attempts import Attempt, Decision, Source, Stage
from mockpay.domain.scenarios.resolution import MATCH_KEYS, TABLE, Input, Row, Rule, check_outcome, outcomes_of
from mockpay.kernel.clock import SECOND, indian
from mockpay.kernel.errors import Conflict, Invalid, NotFound
from mockpay.kernel.money import Money
from mockpay.store import scenarios
from mockpay.store.unit_of_work import Sandbox

#: Every attempt looks at every rule, so there is an end to them.
_MOST_RULES = 1_000
_LONGEST_VALUE = 255
#: Keys of a match whose values are words of a list.
_MATCH_WORDS: Mapping[str, Collection[str]] = {"method": METHODS, "notification_type": set(NotificationType)}

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
        Invalid: code ``scenario.stage``, ``scenario.outcome``, ``scenario.match``,
            ``amount.invalid`` or ``vpa.invalid``.
        Conflict: code ``scenario.too_many_rules``.
    """
    fitting = {key: parse_match_value(key, value) for key, value in match.items()}
    at, normal = parse_outcome(stage, outcome, fitting.get("method", ""))
    _drop_spent_rules(sandbox)
    expires_at = None if ttl_seconds is None else sandbox.now + ttl_seconds * SECOND
    return scenarios.add(
        sandbox, stage=at, match=fitting, outcome=normal, times=times, probability=probability, expires_at=expires_at
    )


def parse_outcome(stage: str, outcome: str, method: str = "") -> tuple[Stage, str]:
    """
    A stage and an outcome as attempts know them; a bare ISO code such as ``51`` is ``iso:51``.

    Args:
        method: The only one that the outcome is meant for; empty for any.

    Raises:
        Invalid: code ``scenario.stage`` or ``scenario.outcome``, with the nearest right word.
    """
    if stage not in set(Stage):
        message = f"There is no stage '{stage}'.{_nearest(stage, Stage)}"
        raise Invalid(message, code="scenario.stage", stage=stage)
    at = Stage(stage)
    normal = f"iso:{outcome}" if at is Stage.ISSUER and outcome in ISO_CODES else outcome
    try:
        if at is Stage.ISSUER and method:
            METHODS[method].response_codes.answer(normal)
        else:
            check_outcome(at, outcome)
    except Invalid as error:
        message = f"{error.message}{_nearest(outcome, outcomes_of(at, method))}"
        raise Invalid(message, code="scenario.outcome", outcome=outcome) from error
    return at, normal


def _nearest(word: str, words: Iterable[str]) -> str:
    right = sorted(set(words))
    near = get_close_matches(word, right, 1, 0.5)
    return f" Did you mean '{near[0]}'?" if near else f" It is one of {', '.join(right)}."


def parse_match_value(key: str, value: str) -> str:
    """
    A value as attempts have it: ``499`` is ``499.00``, a UPI ID is in lower case.

    Raises:
        Invalid: code ``scenario.match``, with the nearest right word, ``amount.invalid`` or ``vpa.invalid``.
    """
    if key not in MATCH_KEYS:
        message = f"A rule cannot match on '{key}'.{_nearest(key, MATCH_KEYS)}"
        raise Invalid(message, code="scenario.match", key=key)
    if not (0 < len(value) <= _LONGEST_VALUE and value.isprintable()):
        raise Invalid(f"'{key}' has a value that nothing can have.", code="scenario.match", key=key)
    words = _MATCH_WORDS.get(key)
    if words is not None and value not in words:
        message = f"There is no {key.replace('_', ' ')} '{value}'.{_nearest(value, words)}"
        raise Invalid(message, code="scenario.match", key=key)
    if key == "amount":
        return Money.parse(value).wire()
    return upi.vpa(value) if key == "vpa" else value


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


@dataclass(frozen=True, slots=True)
class StageDecision:
    """What decided a stage of an attempt: `seen` is what matched, `says` the row's words."""

    stage: str
    outcome: str
    source: str
    scenario: str | None
    seen: str | None
    says: str


def stage_decisions(attempt: Attempt) -> list[StageDecision]:
    """Who decided each stage; one normal line where nobody did."""
    if attempt.stage_decisions:
        return [
            StageDecision(
                stage,
                decision.outcome,
                decision.source,
                decision.scenario,
                decision.seen,
                decision_sentence(attempt, decision),
            )
            for stage, decision in attempt.stage_decisions.items()
        ]
    says = "no rule, magic value or default spoke, so everything is normal"
    return [StageDecision(Stage.ISSUER, "success", Source.SUCCESS, None, None, says)]


def decision_sentence(attempt: Attempt, decision: Decision) -> str:
    """Who or what decided, as a clause: the row of a magic value, or what happened instead of the plan."""
    facts, seen = decision.facts or {}, decision.seen
    if decision.source is Source.RISK_RULE:
        off = f"the setting risk_rules switches it off: {decision.scenario}=off"
        return f"{seen}; score {facts.get('score')}; {off}"
    if decision.source is Source.CODE:
        return f"the {typed_as(decision)} {seen} was typed: {_ROWS[str(decision.scenario)].description}"
    if decision.source is Source.BUYER:
        approval = METHODS[attempt.method].approval
        return f"the buyer {seen}" if seen else f"the buyer chose this {approval.where if approval else ''}".rstrip()
    if decision.source is Source.LOCK:
        until = f"{indian(int(facts['until'])):%H:%M}" if "until" in facts else "later"
        return f"wrong codes typed for order {seen or 'none of these'} lock this buyer’s codes until {until} IST"
    if decision.source is Source.BALANCE:
        return f"the buyer’s balance was {seen}"
    row = _ROWS.get(decision.scenario or "")
    return row.description if row is not None else _SOURCE_SAYS[decision.source]


def typed_as(decision: Decision) -> str:
    """What a magic value was typed as: a code, a UPI PIN, a user name."""
    return _TYPED[_ROWS[str(decision.scenario)].input]


_SOURCE_SAYS: Mapping[Source, str] = {
    Source.RULE: "a rule made by dashboard or control API",
    Source.SIMULATION: "SandboxSimulation in a note",
    Source.INSTRUMENT: "the instrument",
    Source.AMOUNT: "the amount",
    Source.DEFAULT: "the seller's setting default_outcomes",
    Source.SUCCESS: "nothing spoke",
    Source.TESTER: "a tester declined it in the review",
    Source.CLOCK: "nobody answered in time",
}
#: What a magic code was typed as.
_TYPED: Mapping[str, str] = {Input.OTP: "code", Input.PIN: "UPI PIN", Input.BANK_USER: "user name"}
