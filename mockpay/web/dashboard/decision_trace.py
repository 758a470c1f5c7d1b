"""The precedence of scenarios step by step, with the step that decided."""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import NORMAL, Attempt, Decision, Source, Stage
from mockpay.services.scenarios import stage_decisions
from mockpay.web.wording.sentences import overruled

_NAMES: dict[Source, str] = {
    Source.RULE: "One-shot rule",
    Source.SIMULATION: "SandboxSimulation",
    Source.INSTRUMENT: "Instrument",
    Source.AMOUNT: "Amount band",
    Source.DEFAULT: "Seller default",
    Source.SUCCESS: "Success",
}
_DECIDED: dict[Source, str] = {
    Source.RULE: "Decided by a rule",
    Source.SIMULATION: "Decided by SandboxSimulation in a note",
    Source.INSTRUMENT: "Decided by the {instrument}",
    Source.AMOUNT: "Decided by the amount",
    Source.DEFAULT: "Decided by the seller’s default",
    Source.SUCCESS: "Nothing was asked for",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name, and what it found."""

    name: str
    description: str
    decides: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """How one stage of an attempt was decided; `seen` is the value that matched."""

    head: str
    seen: str | None
    stage: str
    description: str
    steps: tuple[Step, ...]


def decision_traces(attempt: Attempt, *, magic_amounts: bool) -> list[Trace]:
    """One trace for each decided stage; one that ends in success where none was."""
    return [
        _trace(attempt, Stage(one.stage), one.says, magic_amounts=magic_amounts) for one in stage_decisions(attempt)
    ]


def _trace(attempt: Attempt, stage: Stage, description: str, *, magic_amounts: bool) -> Trace:
    decision = attempt.plan.decisions.get(stage, NORMAL)
    order = list(Source)
    deciding = order.index(decision.source)
    steps = tuple(
        Step(
            name=f"{number}. {_NAMES[source]}",
            description=_passed(attempt, source, magic_amounts=magic_amounts)
            if number - 1 < deciding
            else _won(decision)
            if source is decision.source
            else "not asked",
            decides=source is decision.source,
        )
        for number, source in enumerate(order, start=1)
    )
    seen = decision.seen if decision.source in {Source.INSTRUMENT, Source.AMOUNT} else None
    method = METHODS[attempt.method]
    where = method.approval.where if method.approval and overruled(attempt) else ""
    end = f"; the buyer then chose otherwise {where}" if where else ""
    return Trace(
        _DECIDED[decision.source].format(instrument=method.instrument), seen, str(stage), description + end, steps
    )


def _won(decision: Decision) -> str:
    if decision.source is Source.SUCCESS:
        return "everything normal"
    words = decision.scenario if decision.source is Source.RULE else decision.seen
    return f"{words}: {decision.outcome}"


def _passed(attempt: Attempt, source: Source, *, magic_amounts: bool) -> str:
    """What a step above the deciding one had to say."""
    if source is Source.RULE:
        return "none waiting"
    if source is Source.SIMULATION:
        return "none in a note"
    if source is Source.INSTRUMENT:
        method = METHODS[attempt.method]
        title = method.instrument_title(attempt.instrument)
        return f"{title} is normal" if title else f"no {method.instrument} typed"
    if source is Source.AMOUNT:
        return f"{attempt.amount.wire()} is normal" if magic_amounts else "switched off"
    return "none set"
