"""Risk: looking at a new attempt, what was decided, and what a tester wants decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mockpay.domain.methods import netbanking
from mockpay.domain.methods.cards import Card
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.orders import Order
from mockpay.domain.scenarios.risk import RISK_OUTCOMES
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.kernel.words import parse_word, unknown_word
from mockpay.risk import risk_table
from mockpay.risk import rules as rules
from mockpay.risk.rules import Assessment, Facts, PresetDecision, Verdict, rules_of
from mockpay.store.unit_of_work import Sandbox

#: What a tester's force may match on.
FORCE_KEYS = frozenset(
    {"method", "amount", "vpa", "bank", "last4", "email", "seller_order_id", "order_id", "ip", "device", "buyer_id"}
)
_MOST_FORCED = 100
_LONGEST = 255
_BY_SCENARIO = "decided by the scenario of this attempt"


class Inputs(Struct, frozen=True):
    """
    What is told of the buyer beside the instrument; None where nobody told.

    `fingerprint` is the keyed one of the card's number, never the number.
    """

    ip: str | None = None
    device: str | None = None
    email: str | None = None
    buyer_id: str | None = None
    buyer_name: str | None = None
    fingerprint: str | None = None


def assess(
    sandbox: Sandbox,
    *,
    attempt_id: str,
    order: Order,
    instrument: Instrument,
    inputs: Inputs,
    planned: str | None = None,
) -> Assessment:
    """
    Decide on a new attempt, and keep what it brought and what was decided.

    A tester's force goes before the plan, the plan before the rules.

    Args:
        planned: The outcome of the plan's risk stage (`RISK_OUTCOMES`); None leaves it to the
            rules, as ``success`` does.
    """
    facts = facts_of(order.amount, instrument, inputs, highest=planned == "highest")
    active = rules_of(sandbox.seller.settings.risk_rules)
    counts, forced = risk_table.count(sandbox, facts, most=active.most, first_above=active.first_above)
    decided = _forced_decision(sandbox, _match_of(order, instrument, facts)) if forced else None
    assessment = rules.assess(active.rules, facts, counts, decided or _scenario_decision(planned))
    risk_table.add(sandbox, attempt_id, facts)
    if assessment.hits:
        risk_table.add_assessment(sandbox, attempt_id, assessment)
    return assessment


def dry_run(sandbox: Sandbox, facts: Facts, planned: str | None = None) -> Assessment:
    """
    What an attempt like this would meet now; nothing is kept and no force is used up.

    Raises:
        Invalid: code ``risk.decision``: not an outcome of the risk stage.
    """
    if planned is not None and planned not in RISK_OUTCOMES:
        raise _unknown_decision(planned, RISK_OUTCOMES, "planned")
    facts = replace(facts, highest=facts.highest or planned == "highest")
    active = rules_of(sandbox.seller.settings.risk_rules)
    counts, _ = risk_table.count(sandbox, facts, most=active.most, first_above=active.first_above)
    return rules.assess(active.rules, facts, counts, _scenario_decision(planned))


def facts_of(amount: Money, instrument: Instrument, inputs: Inputs, *, highest: bool = False) -> Facts:
    """What the rules may look at; of a card its first six and last four digits."""
    parts = instrument.dump()
    holder = instrument.typed.name if isinstance(instrument, Card) else None
    email = inputs.email or parts.get("email")
    return Facts(
        amount=amount,
        method=instrument.method,
        fingerprint=inputs.fingerprint,
        card=f"{parts['bin']}…{parts['last4']}" if "bin" in parts else None,
        country=parts.get("country"),
        holder=holder,
        vpa=parts.get("vpa"),
        ip=_bounded(inputs.ip),
        device=_bounded(inputs.device),
        email=email.strip().lower()[:_LONGEST] if email else None,
        buyer_id=inputs.buyer_id,
        buyer_name=_bounded(inputs.buyer_name),
        highest=highest,
    )


def _bounded(text: str | None) -> str | None:
    """What a header or form says, bounded; nothing where it says nothing."""
    return (text.strip()[:_LONGEST] or None) if text else None


def _scenario_decision(outcome: str | None) -> PresetDecision | None:
    if outcome is None or outcome in {"success", "highest"}:
        return None
    return PresetDecision(Verdict(outcome.upper()), "SCENARIO", "scenario", _BY_SCENARIO)


def force(sandbox: Sandbox, match: Mapping[str, str], decision: str, reason: str) -> risk_table.Override:
    """
    Decide on the next attempt that fits, once.

    Args:
        match: Values by `FORCE_KEYS`; empty fits any attempt.
        decision: allow, challenge, review or decline, in any case.

    Raises:
        Invalid: code ``risk.match`` or ``risk.decision``.
        Conflict: code ``risk.too_many_forced``.
    """
    if decision.upper() not in Verdict.__members__:
        raise _unknown_decision(decision, Verdict, "decision")
    for key, value in match.items():
        if key not in FORCE_KEYS:
            sentence = f"It cannot match on '{key[:_LONGEST]}'."
            raise unknown_word(sentence, key, FORCE_KEYS, code="risk.match", field=f"match.{key}", key=key)
        if not 0 < len(value) <= _LONGEST:
            raise Invalid(
                f"'{key}' has a value that nothing can have.", code="risk.match", field=f"match.{key}", key=key
            )
    if len(risk_table.overrides(sandbox)) >= _MOST_FORCED:
        message = f"At most {_MOST_FORCED} forced decisions wait for their attempts."
        raise Conflict(message, code="risk.too_many_forced")
    normal = {key: _parse_match_value(key, value) for key, value in match.items()}
    return risk_table.add_override(sandbox, normal, Verdict(decision.upper()), reason[:_LONGEST])


def _parse_match_value(key: str, value: str) -> str:
    """A value as attempts have it: ``499`` is ``499.00``, UPI IDs and e-mails in lower case, ``UPI`` is ``upi``."""
    if key == "amount":
        return Money.parse(value).wire()
    words = {"method": METHODS, "bank": netbanking.BY_CODE}.get(key)
    if words is not None:
        return parse_word(key, value, words, code="risk.match", field=f"match.{key}", key=key)
    return value.lower() if key in {"vpa", "email"} else value


def _unknown_decision(decision: str, words: Iterable[str], field: str) -> Invalid:
    sentence = f"'{decision[:32]}' is no decision of the risk check."
    return unknown_word(sentence, decision, words, code="risk.decision", field=field)


def _match_of(order: Order, instrument: Instrument, facts: Facts) -> Mapping[str, str | None]:
    return {
        **instrument.dump(),
        "method": facts.method,
        "amount": facts.amount.wire(),
        "email": facts.email,
        "seller_order_id": order.seller_order_id,
        "order_id": order.order_id,
        "ip": facts.ip,
        "device": facts.device,
        "buyer_id": facts.buyer_id,
    }


def _forced_decision(sandbox: Sandbox, facts: Mapping[str, str | None]) -> PresetDecision | None:
    """The oldest force that fits; it is used up."""
    for override in risk_table.overrides(sandbox):
        if all(facts.get(key) == value for key, value in override.match.items()):
            risk_table.use_override(sandbox, override)
            return PresetDecision(override.decision, "FORCED", "forced", override.reason)
    return None


def of_attempt(sandbox: Sandbox, attempt_id: str) -> Assessment | None:
    """What was decided on an attempt; None where the risk check never saw it."""
    return risk_table.of_attempt(sandbox, attempt_id)
