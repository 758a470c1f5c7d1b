"""The precedence of scenarios step by step, with the step that decided."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from mockpay.domain.methods.iso8583 import ISO_CODES
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import NORMAL, PLANNERS, Attempt, AttemptState, Decision, Source, Stage
from mockpay.domain.payments.decisions import deciding
from mockpay.services.scenarios import stage_decisions
from mockpay.web.wording.sentences import magic_part, meaning, method_name

_NAMES: dict[Source, str] = {
    Source.RULE: "One-shot rule",
    Source.SIMULATION: "Note",
    Source.INSTRUMENT: "Instrument",
    Source.AMOUNT: "Amount band",
    Source.DEFAULT: "Seller default",
    Source.COMPANY: "Company’s usual way",
    Source.SUCCESS: "Success",
    Source.RISK_RULE: "Risk rule",
    Source.CODE: "Code typed",
    Source.BUYER: "Buyer",
    Source.LOCK: "Lock",
    Source.BALANCE: "Balance",
    Source.TESTER: "Tester",
    Source.SELLER: "Seller",
    Source.CLOCK: "Clock",
}
_DECIDED: dict[Source, str] = {
    Source.RULE: "Decided by a rule",
    Source.SIMULATION: "Decided by a note",
    Source.INSTRUMENT: "Decided by the {instrument}",
    Source.AMOUNT: "Decided by the amount",
    Source.DEFAULT: "Decided by the seller’s default",
    Source.COMPANY: "Decided by the company’s usual way",
    Source.SUCCESS: "Nothing was asked for",
    Source.RISK_RULE: "Decided by the risk rule {scenario}",
    Source.CODE: "Decided by what was typed",
    Source.BUYER: "Decided by the buyer",
    Source.LOCK: "Decided by a lock",
    Source.BALANCE: "Decided by the balance",
    Source.TESTER: "Decided by a tester",
    Source.SELLER: "Decided by the seller",
    Source.CLOCK: "Decided by the clock",
}
#: Whose value is told beside the head.
_SHOWN = frozenset({Source.INSTRUMENT, Source.AMOUNT, Source.CODE})


class Step(Struct, frozen=True):
    """One step: its name, and what it found."""

    name: str
    description: str
    decides: bool


class Trace(Struct, frozen=True):
    """How one stage of an attempt was decided; `value` is the value that matched."""

    head: str
    value: str | None
    stage: str
    description: str
    steps: tuple[Step, ...]


def decision_traces(attempt: Attempt, *, magic_amounts: bool) -> list[Trace]:
    """One trace for each decided stage, the one that settled the end first; one that ends in success where none was."""
    settled = deciding(attempt)
    decisions = sorted(stage_decisions(attempt), key=lambda decision: settled is None or decision.stage != settled[0])
    return [
        _trace(attempt, Stage(decision.stage), decision.description, magic_amounts=magic_amounts)
        for decision in decisions
    ]


def _trace(attempt: Attempt, stage: Stage, description: str, *, magic_amounts: bool) -> Trace:
    planned = attempt.plan.at(stage)
    decision = attempt.decisions.decisions.get(stage, planned)
    overruled = decision.source not in PLANNERS
    # Most companies have no way of their own.
    planners = [source for source in PLANNERS if source is not Source.COMPANY or planned.source is source]
    winner = planners.index(planned.source)
    steps = [
        Step(
            name=f"{number}. {_NAMES[source]}",
            description=_passed(attempt, source, magic_amounts=magic_amounts)
            if number - 1 < winner
            else _won(planned)
            if source is planned.source
            else "not asked",
            decides=source is planned.source and not overruled,
        )
        for number, source in enumerate(planners, start=1)
    ]
    if overruled:
        steps.append(Step(f"{len(steps) + 1}. {_NAMES[decision.source]}", description, decides=True))
    part = magic_part(attempt, decision)
    head = _DECIDED[decision.source].format(instrument=part, scenario=decision.scenario)
    value = decision.value if decision.source in _SHOWN and str(decision.value) not in f"{head} {description}" else None
    return Trace(head, value, str(stage), description, tuple(steps))


def _won(decision: Decision) -> str:
    if decision.source is Source.SUCCESS:
        return "everything normal"
    words = decision.scenario if decision.source in {Source.RULE, Source.SIMULATION} else decision.value
    return f"{words}: {decision.outcome}"


def _passed(attempt: Attempt, source: Source, *, magic_amounts: bool) -> str:
    """What a step above the deciding one had to say."""
    if source is Source.RULE:
        return "none waiting"
    if source is Source.SIMULATION:
        return "asks for nothing"
    if source is Source.INSTRUMENT:
        method = METHODS[attempt.method]
        title = method.instrument_title(attempt.instrument)
        return f"{title} is normal" if title else f"no {method.instrument} typed"
    if source is Source.AMOUNT:
        return f"{attempt.amount.wire()} is normal" if magic_amounts else "switched off"
    return "none set"


class Reproduction(Struct, frozen=True):
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
    match = {"method": attempt.method}
    coded = stage is Stage.AUTH and not METHODS[attempt.method].card
    title = f"make the next {method_name(attempt)} payment end the same way"
    rules = [(stage, outcome)]
    if coded:
        # Whether a code is asked for depends on the amount, or on a risk rule.
        match["amount"] = attempt.amount.wire()
        title = f"make the next {method_name(attempt)} payment of {attempt.amount.display()} end the same way"
        if attempt.stage_decisions.get(Stage.RISK, NORMAL).outcome == "challenge":
            rules.insert(0, (Stage.RISK, "challenge"))
    secret = ' -H "Authorization: Bearer $MOCKPAY_ADMIN_TOKEN"' if token else ""
    lines = [_curl(rule, match, url, secret) for rule in rules]
    return Reproduction(title, "\n".join([f"# {title}", *lines]), _test(attempt, rules, match))


def _curl(rule: tuple[Stage, str], match: Mapping[str, str], url: str, secret: str) -> str:
    stage, outcome = rule
    first = _json({"stage": str(stage), "match": match})
    second = _json({"outcome": outcome, "times": 1})
    # One JSON object over two lines, so that neither scrolls; old curls have no --json.
    header = '-H "Content-Type: application/json"'
    return f"curl -s{secret} {header} \\\n  -d '{first[:-1]},\n  {second[1:]}' \\\n  {url}"


def _json(plain: Mapping[str, object]) -> str:
    return json.dumps(plain, separators=(",", ":"))


#: What makes any typed code end an authentication as a magic one did.
_CODE_OUTCOMES = {"locked": "otp_locked", "wrong": "otp_locked"}


def _stage_and_outcome(attempt: Attempt) -> tuple[Stage, str] | None:
    settled = deciding(attempt)
    failure, codes = attempt.failure, METHODS[attempt.method].response_codes
    if settled is not None:
        stage, decision = settled
        if decision.source in PLANNERS or stage is Stage.RISK:
            twofold = stage is Stage.ISSUER and decision.outcome in ISO_CODES and not codes.speaks_iso
            return stage, f"code:{decision.outcome}" if twofold else decision.outcome
        if stage is Stage.AUTH:
            outcome = decision.outcome.removeprefix("acs:")
            card = "N" if METHODS[attempt.method].card else _CODE_OUTCOMES.get(outcome, outcome)
            return stage, card if outcome in _CODE_OUTCOMES else outcome
    if failure is not None and codes.has_outcome(failure.code):
        return Stage.ISSUER, failure.code
    if attempt.state is AttemptState.CAPTURED:
        return Stage.ISSUER, "success"
    return None


#: A line for an end that only time brings.
_SETTLED = '    mockpay_seller.advance(until="idle")\n'


_CARD = {"expiry": "08/39", "cvv": "123", "name": "Asha Rao", "otp": "123456"}
#: What pays by each method without a magic value of its own.
_ORDINARY: Mapping[str, Mapping[str, str]] = {
    "upi": {"vpa": "asha@okaxis"},
    "card": {"number": "4718609108204366", **_CARD},
    "netbanking": {"bank": "HDFC"},
    "wallet": {"email": "rich@buyers.mockpay.test", "otp": "123456"},
    "emi": {"number": "5241810000000000", "bank": "HDFC", "tenure": "6", **_CARD},
}


def _test(attempt: Attempt, rules: Sequence[tuple[Stage, str]], match: Mapping[str, str]) -> str:
    """A test with the fixtures of `mockpay.testing`."""
    reason = attempt.reason
    check = (
        f'last["reason"] == {json.dumps(reason)}' if reason else f'last["state"] == {json.dumps(str(attempt.state))}'
    )
    match_arguments = "".join(f", {name}={json.dumps(value)}" for name, value in match.items())
    lines = [
        f"    mockpay_seller.next({json.dumps(str(stage))}, {json.dumps(outcome)}{match_arguments})\n"
        for stage, outcome in rules
    ]
    typed = "".join(f", {name}={json.dumps(text)}" for name, text in _ORDINARY.get(attempt.method, {}).items())
    return (
        f"def {_name(attempt, rules[-1][1])}(mockpay_seller):\n"
        f"{''.join(lines)}"
        f"    order = mockpay_seller.open_order({json.dumps(attempt.amount.wire())})  # as your shop does\n"
        f"    mockpay_seller.pay(order, {json.dumps(attempt.method)}{typed})\n"
        f"{_SETTLED if not attempt.live else ''}"
        '    last = mockpay_seller.order(order)["attempts"][-1]\n'
        f"    assert {check}\n"
    )


def _name(attempt: Attempt, outcome: str) -> str:
    """A test's name that says what is tried."""
    meaning_ = (meaning(attempt.failure.code, attempt.method) or attempt.failure.reason) if attempt.failure else outcome
    words = re.sub(r"[^a-z0-9]+", "_", meaning_.lower()).strip("_")
    article = "an" if attempt.method == "emi" else "a"
    return f"test_{article}_{attempt.method}_payment_ends_in_{words or attempt.state.lower()}"
