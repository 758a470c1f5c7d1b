"""Outcomes that a call of a seller's software asks for: `Mockpay-Outcome: STAGE=OUTCOME[, ...]`."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mockpay.domain.payments.attempts import Decision, Source, Stage
from mockpay.domain.scenarios.after_payment import VERIFY_OUTCOMES
from mockpay.domain.scenarios.rule_forms import parse_outcome, parse_stage
from mockpay.kernel.errors import Invalid

#: The header, and the name in the metadata or notes of clients that can send no header of their own.
HEADER, FIELD = "Mockpay-Outcome", "mockpay_outcome"
_LONGEST = 500
#: Of calls whose company tells no old answers: all but the stage that decides about those.
STAGES = tuple(stage for stage in Stage if stage is not Stage.VERIFY)
#: And what nothing of such a company's can show, by stage.
NO_OLD_ANSWERS: Mapping[Stage, frozenset[str]] = {Stage.VERIFY: VERIFY_OUTCOMES - {"success"}}


def parse_outcomes(text: str, where: str = HEADER) -> dict[Stage, Decision]:
    """
    What a call asks for, by stage; nothing where the text is empty.

    Args:
        where: Where the text stood, for people.

    Raises:
        Invalid: code ``scenario.stage`` or ``scenario.outcome``, with the nearest right word; ``outcome.invalid`` for
            what is no such list.
    """
    if len(text) > _LONGEST:
        raise Invalid(f"{where} has at most {_LONGEST} characters.", code="outcome.invalid", field=where)
    decisions: dict[Stage, Decision] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, outcome = (word.strip() for word in part.partition("="))
        if not equals or not outcome:
            raise Invalid(f"{where} is STAGE=OUTCOME[, ...], not '{part}'.", code="outcome.invalid", field=where)
        stage = parse_stage(name, field=where)
        if stage in decisions:
            raise Invalid(f"{where} names the stage '{stage}' twice.", code="outcome.invalid", field=where)
        decisions[stage] = _decision(stage, parse_outcome(stage, outcome, field=where), where)
    return decisions


def check_requested(
    asked: Mapping[Stage, Decision], stages: Collection[Stage], impossible: Mapping[Stage, Collection[str]]
) -> None:
    """
    Refuse what a call can never have.

    Args:
        stages: What may come of the call.
        impossible: Outcomes that nothing at its company can show, by stage.

    Raises:
        Invalid: code ``outcome.invalid``.
    """
    for stage, decision in asked.items():
        wish = f"{stage}={decision.outcome}"
        if stage not in stages:
            message = f"'{wish}' cannot be: this call has no stage '{stage}', it has {', '.join(stages)}."
        elif decision.outcome in impossible.get(stage, ()):
            message = f"'{wish}' cannot be: nothing here has this outcome."
        else:
            continue
        raise Invalid(message, code="outcome.invalid", field=decision.value)


def _decision(stage: Stage, outcome: str, where: str) -> Decision:
    return Decision(outcome, Source.SIMULATION, f"{stage}={outcome}", where)


def dump_outcomes(decisions: Mapping[Stage, Decision]) -> dict[str, list[str]]:
    """As it is stored with an order: outcome and place, by stage."""
    return {str(stage): [made.outcome, made.value or HEADER] for stage, made in decisions.items()}


def load_outcomes(stored: object) -> dict[Stage, Decision]:
    """What `dump_outcomes` made; nothing of anything else."""
    if not isinstance(stored, Mapping):
        return {}
    return {Stage(name): _decision(Stage(name), outcome, where) for name, (outcome, where) in stored.items()}
