"""How an attempt is told, and what decided its stages."""

from __future__ import annotations

from msgspec import Struct

from mockpay.domain.attempts import Attempt
from mockpay.kernel.clock import rfc3339
from mockpay.services.scenarios import why
from mockpay.web.control.shapes import maybe_time


class FailureEntry(Struct, kw_only=True):
    """Why an attempt failed; `code` is the network's."""

    source: str
    step: str
    reason: str
    code: str


class AttemptEntry(Struct, kw_only=True):
    """One try to take an order's money."""

    attempt_id: str
    method: str
    state: str
    amount: str
    currency: str
    gateway: str
    reason: str | None
    scenario: str | None
    eci: str | None
    liability: str | None
    number: int
    instrument: dict[str, str]
    reference: str | None
    failure: FailureEntry | None
    created_at: str
    updated_at: str
    answer_by: str | None


class WhyEntry(Struct, kw_only=True):
    """What decided a stage of an attempt."""

    attempt_id: str
    stage: str
    outcome: str
    source: str
    scenario: str | None
    seen: str | None
    says: str


def attempt_entry(attempt: Attempt) -> AttemptEntry:
    """An attempt as it is told."""
    failure = attempt.failure
    return AttemptEntry(
        attempt_id=attempt.attempt_id,
        method=attempt.method,
        state=attempt.state,
        amount=attempt.amount.wire(),
        currency=attempt.amount.currency,
        gateway=attempt.gateway,
        reason=attempt.reason,
        scenario=attempt.scenario,
        eci=attempt.eci,
        liability=attempt.liability,
        number=attempt.number,
        instrument=dict(attempt.instrument),
        reference=attempt.reference,
        failure=FailureEntry(
            source=failure.source, step=failure.step, reason=failure.reason, code=failure.code
        )
        if failure
        else None,
        created_at=rfc3339(attempt.created_at),
        updated_at=rfc3339(attempt.updated_at),
        answer_by=maybe_time(attempt.answer_by),
    )


def why_entries(attempt: Attempt) -> list[WhyEntry]:
    """What decided each stage of an attempt."""
    return [
        WhyEntry(
            attempt_id=attempt.attempt_id,
            stage=one.stage,
            outcome=one.outcome,
            source=one.source,
            scenario=one.scenario,
            seen=one.seen,
            says=one.says,
        )
        for one in why(attempt)
    ]
