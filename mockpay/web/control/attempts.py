"""How an attempt is told: in its order's detail shortly, by itself with all that is known."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from mockpay.domain.payments.attempts import Attempt, Failure
from mockpay.kernel.clock import rfc3339
from mockpay.risk import assessment as risk
from mockpay.services.payments.transitions import the_attempt, the_order
from mockpay.services.scenarios import why
from mockpay.store import timeline
from mockpay.store.unit_of_work import Sandbox, read
from mockpay.web.control.authentications import (
    AuthenticationEntry,
    OtpEntry,
    authentication_entries,
    otp_entries,
)
from mockpay.web.control.common import TimelineEntry, maybe_time, timeline_entry
from mockpay.web.control.endpoints import Ask, Endpoint
from mockpay.web.control.risk import RiskEntry, risk_entry


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


class AttemptDetail(AttemptEntry, kw_only=True):
    """
    An attempt with what the risk check said, and how its buyer was asked who they are.

    `risk` is null where the risk check never saw it; `timeline` has the lines of the attempt, of
    its one-time passwords and of its authentications.
    """

    order_id: str
    seller_order_id: str
    why: list[WhyEntry]
    risk: RiskEntry | None
    otps: list[OtpEntry]
    authentications: list[AuthenticationEntry]
    timeline: list[TimelineEntry]


def show(ask: Ask[None, None]) -> AttemptDetail:
    with read(ask.runtime, ask.seller_id) as sandbox:
        return attempt_detail(sandbox, the_attempt(sandbox, ask.path["attempt_id"]))


def attempt_detail(sandbox: Sandbox, attempt: Attempt) -> AttemptDetail:
    """An attempt with all that is known of it."""
    order = the_order(sandbox, attempt.order_pk)
    found = risk.of_attempt(sandbox, attempt.attempt_id)
    passwords = otp_entries(sandbox, attempt)
    authentications = authentication_entries(sandbox, attempt)
    subjects = {
        attempt.attempt_id,
        *(one.challenge_id for one in passwords),
        *(one.threeds_server_trans_id for one in authentications),
    }
    events = timeline.of_order(sandbox, order.order_pk)
    return AttemptDetail(
        order_id=order.order_id,
        seller_order_id=order.seller_order_id,
        why=why_entries(attempt),
        risk=risk_entry(found) if found else None,
        otps=passwords,
        authentications=authentications,
        timeline=[timeline_entry(event) for event in events if event.subject in subjects],
        **_fields(attempt),
    )


def attempt_entry(attempt: Attempt) -> AttemptEntry:
    """An attempt as it is told."""
    return AttemptEntry(**_fields(attempt))


def _fields(attempt: Attempt) -> dict[str, Any]:
    return {
        "attempt_id": attempt.attempt_id,
        "method": attempt.method,
        "state": attempt.state,
        "amount": attempt.amount.wire(),
        "currency": attempt.amount.currency,
        "gateway": attempt.gateway,
        "reason": attempt.reason,
        "scenario": attempt.scenario,
        "eci": attempt.eci,
        "liability": attempt.liability,
        "number": attempt.number,
        "instrument": dict(attempt.instrument),
        "reference": attempt.reference,
        "failure": _failure(attempt.failure) if attempt.failure else None,
        "created_at": rfc3339(attempt.created_at),
        "updated_at": rfc3339(attempt.updated_at),
        "answer_by": maybe_time(attempt.answer_by),
    }


def _failure(failure: Failure) -> FailureEntry:
    return FailureEntry(source=failure.source, step=failure.step, reason=failure.reason, code=failure.code)


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


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/sellers/{seller_id}/attempts/{attempt_id}",
        show,
        "One attempt: why it went as it did, what the risk check said, one-time passwords, and "
        "3-D Secure with every message.",
        gives=AttemptDetail,
        fails=(404,),
    ),
)
