"""Attempts by control API: a summary within their order, all details at their own address, and risk reviews."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.payments.attempts import Attempt, AttemptState, Source, Stage
from mockpay.domain.payments.decisions import deciding
from mockpay.domain.timeline import Actor
from mockpay.otp import otp_table
from mockpay.otp.rules import Channel, OtpState, Purpose
from mockpay.risk import assessment as risk
from mockpay.services import scenarios
from mockpay.services.payments import payments, transitions
from mockpay.store import transitions as timeline
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import threeds_table
from mockpay.threeds.rules import ENDED, REASONS, Liability, State, liability
from mockpay.web.control.endpoints import GET, POST, Request
from mockpay.web.control.gateways import RoutingDecision
from mockpay.web.control.responses import TimelineEntry, timeline_entries, to_response
from mockpay.web.control.risk import RiskAssessment


class OtpChallenge(Struct, kw_only=True):
    """
    A one-time password; its code is in the buyer's inbox only.

    `sends` is how often one was sent; `undelivered`: the last sending failed.
    """

    challenge_id: str
    purpose: Purpose
    state: OtpState
    channel: Channel
    destination_masked: str
    amount: str | None
    currency: str | None
    sends: int
    sends_left: int
    wrong_count: int
    tries_left: int
    undelivered: bool
    created_at: str
    expires_at: str
    resend_at: str


class ThreeDSMessage(Struct, kw_only=True):
    """
    A message as its log has it, redacted.

    Sender and receiver: S the 3DS Server, D the directory, A the ACS, B the browser.
    """

    seq: int
    type: str
    sender: str
    receiver: str
    at: str
    body: dict[str, Any]


class ThreeDSAuthentication(Struct, kw_only=True):
    """
    A 3-D Secure authentication with its messages.

    `ares_status` is the ARes's transStatus, `trans_status` the final one and `liability` who bears
    a fraud then; `card` is masked.
    """

    threeds_server_trans_id: str
    acs_trans_id: str | None
    ds_trans_id: str | None
    number: int
    state: State
    flow: str | None
    outcome: str
    ares_status: str | None
    trans_status: str | None
    reason: str | None
    reason_description: str | None
    eci: str | None
    liability: Liability | None
    network: str
    card: str
    issuer: str
    amount: str
    currency: str
    payee: str
    comp_ind: str | None
    window_size: str | None
    challenge_indicator: str | None
    interactions: int
    challenge_cancel: str | None
    error_code: str | None
    otp_challenge_id: str | None
    started_at: str
    challenged_at: str | None
    opened_at: str | None
    completed_at: str | None
    returned_at: str | None
    messages: list[ThreeDSMessage]


def otp_challenges(sandbox: Sandbox, attempt: Attempt) -> list[OtpChallenge]:
    """The one-time passwords of an attempt, the oldest first."""
    challenges = otp_table.of_attempt(sandbox, attempt.attempt_id)
    stored = (otp_table.find(sandbox, challenge.challenge_id) for challenge in challenges)
    return [to_response(OtpChallenge, row.challenge, sends=row.send_count) for row in stored if row is not None]


def threeds_authentications(sandbox: Sandbox, attempt: Attempt) -> list[ThreeDSAuthentication]:
    """The 3-D Secure authentications of an attempt, the oldest first."""
    transactions = threeds_table.of_attempt(sandbox, attempt.attempt_id)
    return [
        to_response(
            ThreeDSAuthentication,
            txn,
            threeds_server_trans_id=txn.txn_id,
            reason_description=REASONS.get(txn.reason or ""),
            liability=liability(txn.trans_status).value if txn.state in ENDED else None,
            card=txn.masked,
            messages=[
                to_response(ThreeDSMessage, message) for message in threeds_table.messages_of(sandbox, txn.txn_id)
            ],
        )
        for txn in transactions
    ]


def approve_attempt(request: Request[None, None]) -> AttemptDetail:
    """What would be `risk_review_seconds` later, now."""
    return _decide(request, approved=True)


def reject_attempt(request: Request[None, None]) -> AttemptDetail:
    """The attempt fails; the order may be paid in another way."""
    return _decide(request, approved=False)


def _decide(request: Request[None, None], *, approved: bool) -> AttemptDetail:
    """The attempt after the decision; an approved one has called its gateway already."""
    attempt_id = request.path["attempt_id"]
    with request.transaction() as sandbox:
        payments.decide_review(sandbox, attempt_id, approved=approved, actor=Actor.TESTER)
    send_waiting(request.runtime, request.seller_id)
    with request.read() as sandbox:
        return attempt_detail(sandbox, transitions.get_attempt(sandbox, attempt_id))


class AttemptFailure(Struct, kw_only=True):
    """Why an attempt failed; `code` is the network's."""

    source: str
    step: str
    reason: str
    code: str


class AttemptSummary(Struct, kw_only=True):
    """
    One try to take an order's money; `saved_token` is the saved method that paid.

    `scenario` names the row, the rule or the risk rule that settled how it stands; null where none did, or none yet.
    """

    attempt_id: str
    method: str
    state: AttemptState
    amount: str
    captured_amount: str
    refundable_amount: str
    currency: str
    gateway: str
    reason: str | None
    scenario: str | None
    eci: str | None
    liability: Liability | None
    saved_token: str | None
    number: int
    instrument: dict[str, str]
    reference: str | None
    failure: AttemptFailure | None
    created_at: str
    updated_at: str
    answer_by: str | None
    routing: Annotated[
        RoutingDecision | None, Meta(description="Why this gateway took it; null where the seller has no rules.")
    ]
    external_ids: Annotated[
        dict[str, str] | None, Meta(description="What the gateway calls its objects; null for the built-in one.")
    ]


class StageDecision(Struct, kw_only=True):
    """What decided a stage of an attempt."""

    attempt_id: str
    stage: Stage
    outcome: str
    source: Source
    scenario: str | None
    value: str | None
    description: str


class AttemptDetail(AttemptSummary, kw_only=True):
    """
    An attempt with its risk assessment and how its buyer was authenticated.

    `risk` is null where the risk check never saw it; `timeline` has the lines of the attempt, of
    its one-time passwords and of its authentications.
    """

    order_id: str
    seller_order_id: str
    why: list[StageDecision]
    risk: RiskAssessment | None
    otps: list[OtpChallenge]
    authentications: list[ThreeDSAuthentication]
    timeline: list[TimelineEntry]


def get_attempt(request: Request[None, None]) -> AttemptDetail:
    """
    `authentications` has every 3-D Secure message as it was sent, redacted; card numbers and codes are never among
    them.
    """
    with request.read() as sandbox:
        return attempt_detail(sandbox, transitions.get_attempt(sandbox, request.path["attempt_id"]))


def attempt_detail(sandbox: Sandbox, attempt: Attempt) -> AttemptDetail:
    """An attempt with its decisions, risk assessment, authentications and timeline."""
    order = transitions.get_order(sandbox, attempt.order_pk)
    assessment = risk.of_attempt(sandbox, attempt.attempt_id)
    otps = otp_challenges(sandbox, attempt)
    authentications = threeds_authentications(sandbox, attempt)
    subjects = {
        attempt.attempt_id,
        *(otp.challenge_id for otp in otps),
        *(authentication.threeds_server_trans_id for authentication in authentications),
    }
    return to_response(
        AttemptDetail,
        attempt,
        order_id=order.order_id,
        seller_order_id=order.seller_order_id,
        why=stage_decisions(attempt),
        risk=to_response(RiskAssessment, assessment) if assessment else None,
        otps=otps,
        authentications=authentications,
        timeline=timeline_entries(timeline.of_order(sandbox, order.order_pk), subjects),
        **_computed(attempt),
    )


def attempt_summary(attempt: Attempt) -> AttemptSummary:
    """An attempt without what happened to it."""
    return to_response(AttemptSummary, attempt, **_computed(attempt))


def _computed(attempt: Attempt) -> dict[str, str | None]:
    settled = deciding(attempt)
    return {
        "captured_amount": attempt.captured.wire(),
        "refundable_amount": attempt.refundable.wire(),
        "scenario": settled[1].scenario if settled else None,
    }


def stage_decisions(attempt: Attempt) -> list[StageDecision]:
    """What decided each stage of an attempt."""
    return [
        to_response(StageDecision, decision, attempt_id=attempt.attempt_id)
        for decision in scenarios.stage_decisions(attempt)
    ]


ENDPOINTS = (
    GET(
        "/v1/sellers/{seller_id}/attempts/{attempt_id}",
        get_attempt,
        "One attempt: why it went as it did, the risk assessment, one-time passwords, and "
        "3-D Secure with every message.",
    ),
    POST(
        "/v1/sellers/{seller_id}/reviews/{attempt_id}/approve",
        approve_attempt,
        "Let an attempt go on that is RISK_REVIEW; its buyer may still be asked for a proof.",
        errors=(409,),
    ),
    POST(
        "/v1/sellers/{seller_id}/reviews/{attempt_id}/reject",
        reject_attempt,
        "End an attempt that is RISK_REVIEW; the buyer hears a neutral word.",
        errors=(409,),
    ),
)
