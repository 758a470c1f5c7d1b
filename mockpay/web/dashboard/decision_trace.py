"""The precedence of scenarios step by step, with the step that decided."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import NORMAL, Attempt, AttemptState, Decision, Source, Stage
from mockpay.services.scenarios import stage_decisions
from mockpay.web.wording.sentences import deciding, meaning, method_name, overruled

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


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A rule in words, as a curl command and as a test."""

    title: str
    curl: str
    pytest: str


def reproduction_of(attempt: Attempt | None, url: str, *, token: bool) -> Reproduction | None:
    """
    How to get the same end once more; None where no attempt has one.

    Args:
        url: The address of the seller's scenarios in the control API.
        token: Whether the control API asks for one.
    """
    decided = _stage_and_outcome(attempt) if attempt is not None else None
    if attempt is None or decided is None:
        return None
    stage, outcome = decided
    first = _json({"stage": str(stage), "match": {"method": attempt.method}})
    second = _json({"outcome": outcome, "times": 1})
    title = f"make the next {method_name(attempt)} payment end the same way"
    secret = ' -H "Authorization: Bearer $MOCKPAY_ADMIN_TOKEN"' if token else ""
    # One JSON object over two lines, so that neither scrolls.
    body = f"{first[:-1]},\n  {second[1:]}"
    curl = f"# {title}\ncurl -s{secret} --json '{body}' \\\n  {url}"
    return Reproduction(title, curl, _test(attempt, stage, outcome))


def _json(plain: dict[str, object]) -> str:
    return json.dumps(plain, separators=(",", ":"))


def _stage_and_outcome(attempt: Attempt) -> tuple[Stage, str] | None:
    decided = deciding(attempt)
    if decided is not None and not overruled(attempt):
        return decided[0], decided[1].outcome
    if attempt.failure is not None and METHODS[attempt.method].response_codes.has_outcome(attempt.failure.code):
        return Stage.ISSUER, attempt.failure.code
    if attempt.state is AttemptState.CAPTURED:
        return Stage.ISSUER, "success"
    return None


#: A line for an end that only time brings.
_SETTLED = '    mockpay_seller.advance(until="idle")\n'


def _test(attempt: Attempt, stage: Stage, outcome: str) -> str:
    """A test with the fixtures of `mockpay.testing`."""
    reason = attempt.reason
    check = (
        f'last["reason"] == {json.dumps(reason)}' if reason else f'last["state"] == {json.dumps(str(attempt.state))}'
    )
    return (
        f"def {_name(attempt, outcome)}(mockpay_seller):\n"
        f"    mockpay_seller.next({json.dumps(str(stage))}, {json.dumps(outcome)},"
        f" method={json.dumps(attempt.method)})\n"
        f"    pay(mockpay_seller, {json.dumps(attempt.amount.wire())})  # as your shop does\n"
        f"{_SETTLED if not attempt.live else ''}"
        '    order = mockpay_seller.orders()[0]["order_id"]\n'
        '    last = mockpay_seller.order(order)["attempts"][-1]\n'
        f"    assert {check}\n"
    )


def _name(attempt: Attempt, outcome: str) -> str:
    """A test's name that says what is tried."""
    meant = meaning(attempt.failure.code, attempt.method) if attempt.failure else outcome
    words = re.sub(r"[^a-z0-9]+", "_", meant.lower()).strip("_")
    return f"test_a_{attempt.method}_payment_ends_in_{words}"
