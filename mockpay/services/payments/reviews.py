"""Attempts that the risk check puts aside or refuses, and those that it lets pass."""

from __future__ import annotations

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Decision, Failure, Source, Stage
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.risk import risk_table
from mockpay.risk.rules import DECLINED_REASON, Verdict
from mockpay.services.payments.captures import release_order
from mockpay.services.payments.transitions import ATTEMPTS, REVIEW
from mockpay.store import schedule
from mockpay.store.transitions import step
from mockpay.store.unit_of_work import Sandbox


def hold_for_review(sandbox: Sandbox, attempt: Attempt) -> Attempt:
    """Put an attempt aside until somebody looks at it, or the clock approves."""
    parked = step(sandbox, ATTEMPTS, attempt, "risk_review", Actor.SANDBOX)
    due = sandbox.now + sandbox.seller.settings.risk_review_seconds * SECOND
    schedule.add(sandbox, REVIEW, attempt.attempt_id, due)
    return parked


def decline(sandbox: Sandbox, order: Order, attempt: Attempt, event: str, actor: Actor = Actor.SANDBOX) -> Attempt:
    """End an attempt; why is told to the tester, the buyer hears a neutral word."""
    changes: dict[str, object] = {"failure": Failure("internal", "payment_initiation", DECLINED_REASON, "")}
    if actor is Actor.TESTER:
        changes |= attempt.decision_changes(Stage.RISK, Decision("decline", Source.TESTER, value="the review"))
    failed = step(sandbox, ATTEMPTS, attempt, event, actor, changes)
    release_order(sandbox, order, failed)
    return failed


def challenge_required(sandbox: Sandbox, attempt_id: str) -> bool:
    """Whether a rule wanted the buyer to prove who they are, whatever came of the others."""
    assessment = risk_table.of_attempt(sandbox, attempt_id)
    return assessment is not None and any(hit.outcome is Verdict.CHALLENGE for hit in assessment.hits)


def skip_authentication(sandbox: Sandbox, attempt: Attempt, actor: Actor) -> Attempt:
    """Nothing is to be proved: an attempt that was put aside goes on as its method does."""
    if attempt.state is not AttemptState.RISK_REVIEW:
        return attempt
    event = "approve_to_auth" if METHODS[attempt.method].approval else "approve"
    changes = {"auth": str(Auth.PASSED)}
    return step(sandbox, ATTEMPTS, attempt, event, actor, changes)
