"""What became of a refund, and who decides it, in plain sentences; pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from mockpay.domain.payments.attempts import Decision, Source, Stage
from mockpay.domain.refunds import Refund, RefundState
from mockpay.domain.scenarios.resolution import TABLE
from mockpay.domain.timeline import Actor, TimelineEvent
from mockpay.web.wording.sentences import countdown, destination
from mockpay.web.wording.timelines import moment

_S = RefundState
_KINDS: Mapping[str, str] = {
    "SELLER": "Asked for by the seller",
    "CANCELLATION": "The order was cancelled after capture",
    "TESTER": "Asked for by a tester",
}
_ENDED_BY: Mapping[Actor, str] = {
    Actor.CLOCK: "It settled when it was due.",
    Actor.TESTER: "A tester said so.",
    Actor.ISSUER: "The buyer’s bank did it.",
}
_DESCRIPTIONS: Mapping[str, str] = {row.name: row.description for row in TABLE}
_DECIDED: Mapping[Source, str] = {
    Source.RULE: "Decided by a rule",
    Source.SIMULATION: "Decided by a note",
    Source.AMOUNT: "Decided by the amount",
    Source.DEFAULT: "Decided by the seller’s default",
    Source.COMPANY: "Decided by the company’s usual way",
}


def what_happened(refund: Refund, now: int) -> str:
    """One sentence that answers "what happened?" for a refund."""
    if refund.state is _S.PENDING:
        return _pending(refund, now)
    if refund.state is _S.COMPLETED:
        return f"Paid back to {destination(refund.destination)}"
    if refund.state is _S.DECLINED:
        return f"Declined: {refund.decline}"
    return "Paid back, then taken back by the bank"


def _pending(refund: Refund, now: int) -> str:
    if refund.held:
        return "Held until a tester says how it ends"
    if refund.polls_left is not None:
        return f"Settles when it is asked about {_times(refund.polls_left)}"
    return f"On its way, settles in {countdown((refund.due_at or now) - now)}"


def _times(polls: int) -> str:
    return "once more" if polls <= 1 else f"{polls} more times"


def who_decides(refund: Refund, events: Iterable[TimelineEvent]) -> str:
    """Whose doing the end is, or will be: the line below the title."""
    if refund.state is not _S.PENDING:
        last = next((e for e in reversed(list(events)) if e.after == refund.state), None)
        return _ENDED_BY.get(last.actor, "") if last else ""
    if refund.held:
        return "Nobody but a tester decides: complete, decline or release it."
    end = f"is declined, {refund.decline}" if refund.decline else "is completed"
    if refund.polls_left is not None:
        return f"The seller’s own questions about it decide; then it {end}."
    return f"The clock decides: on {moment(refund.due_at or refund.created_at)} it {end}."


def why_requested(refund: Refund) -> str:
    """Whose wish the refund was."""
    return _KINDS.get(refund.kind, refund.kind)


def decided_by(refund: Refund) -> str | None:
    """The tag "decided by" in its shortest true words; None for normal behaviour."""
    decision = next((each for each in refund.plan.decisions.values() if each.scenario), None)
    if decision is None:
        return None
    words = {Source.AMOUNT: f"amount {decision.value}", Source.DEFAULT: "seller default", Source.COMPANY: "usual"}
    return words.get(decision.source, decision.scenario)


class Decided(Struct, frozen=True):
    """What decided one stage of a refund; `value` is the value that matched."""

    head: str
    value: str | None
    stage: str
    description: str


def _description(decision: Decision) -> str:
    if decision.source is Source.SIMULATION:
        return f"{decision.scenario} in {decision.value} asked for {decision.outcome}"
    return _DESCRIPTIONS.get(decision.scenario or "", decision.outcome)


def decisions(refund: Refund) -> list[Decided]:
    """Each stage of the refund that a scenario had a say in."""
    return [
        Decided(
            head=_DECIDED.get(decision.source, "Decided"),
            value=decision.value if decision.source is Source.AMOUNT else None,
            stage=str(stage),
            description=_description(decision),
        )
        for stage, decision in refund.plan.decisions.items()
        if stage in {Stage.REFUND, Stage.IPN}
    ]
