"""The precedence of scenarios as a ladder, with the step that decided."""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.domain.methods import netbanking
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.payments.plans import NORMAL, Decision, Source, Stage
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
    Source.INSTRUMENT: "Decided by the UPI ID",
    Source.AMOUNT: "Decided by the amount",
    Source.DEFAULT: "Decided by the seller’s default",
    Source.SUCCESS: "Nothing was asked for",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ladder: its name, and what it had to say."""

    name: str
    says: str
    decides: bool


@dataclass(frozen=True, slots=True)
class Ladder:
    """How one stage of an attempt was decided; `seen` is the value that matched."""

    head: str
    seen: str | None
    stage: str
    says: str
    steps: tuple[Step, ...]


def ladders(attempt: Attempt, *, magic_amounts: bool) -> list[Ladder]:
    """One ladder for each decided stage; one that ends in success where none was."""
    return [
        _ladder(attempt, Stage(one.stage), one.says, magic_amounts=magic_amounts)
        for one in stage_decisions(attempt)
    ]


def _ladder(attempt: Attempt, stage: Stage, says: str, *, magic_amounts: bool) -> Ladder:
    decision = attempt.plan.decisions.get(stage, NORMAL)
    order = list(Source)
    place = order.index(decision.source)
    steps = tuple(
        Step(
            name=f"{number}. {_NAMES[source]}",
            says=_passed(attempt, source, magic_amounts=magic_amounts)
            if number - 1 < place
            else _won(decision)
            if source is decision.source
            else "not asked",
            decides=source is decision.source,
        )
        for number, source in enumerate(order, start=1)
    )
    seen = decision.seen if decision.source in {Source.INSTRUMENT, Source.AMOUNT} else None
    where = "at the bank" if attempt.method == netbanking.METHOD else "in the UPI app"
    told = f"; the buyer then chose otherwise {where}" if overruled(attempt) else ""
    return Ladder(_DECIDED[decision.source], seen, str(stage), says + told, steps)


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
        vpa = attempt.instrument.get("vpa")
        return f"{vpa} is normal" if vpa else "no UPI ID typed"
    if source is Source.AMOUNT:
        return f"{attempt.amount.wire()} is normal" if magic_amounts else "switched off"
    return "none set"
