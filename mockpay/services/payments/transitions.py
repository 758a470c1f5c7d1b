"""What follows from each step of an order and of an attempt: two tables, and what their words do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockpay.domain.methods.method import MoneyStatus
from mockpay.domain.methods.registry import METHODS, no_answer_failure, response_codes_of
from mockpay.domain.orders import Order, OrderKind
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Decision, Plan, Source, Stage
from mockpay.domain.timeline import Actor
from mockpay.domain.wallet.ledger import METHOD as BALANCE
from mockpay.kernel.errors import Conflict
from mockpay.otp import challenges
from mockpay.otp.rules import Purpose
from mockpay.risk import risk_table
from mockpay.services import notifications
from mockpay.services.gateways import calls
from mockpay.services.wallet import holds, loads, reload_runs
from mockpay.store import attempts, orders, scenarios, schedule
from mockpay.store.transitions import FollowUp, Transitions, add_event, require, update
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import threeds_table
from mockpay.threeds.rules import ENDED
from mockpay.vault import saved_methods
from mockpay.vault.rules import Consent

#: Events of the schedule.
ORDER_EXPIRY, AUTHORIZATION_EXPIRY = "order.expire", "order.auth_expire"
ANSWER, TIMEOUT, REVIEW = "attempt.answer", "attempt.timeout", "attempt.review"
CAPTURE = "attempt.capture"
#: The event that sends money back which was captured for nothing.
REVERSE = "attempt.reverse"
#: The event that sends money back which a gateway took for nothing, where it did not answer before.
RETURN = "attempt.return"
VOID = "attempt.void"


# --- orders


def cancel_expiry(sandbox: Sandbox, _before: Order, order: Order) -> None:
    """The order waits for its buyer no more."""
    schedule.drop(sandbox, ORDER_EXPIRY, str(order.order_pk))


def cancel_authorization_expiry(sandbox: Sandbox, _before: Order, order: Order) -> None:
    """The hold on the funds has been used or released."""
    schedule.drop(sandbox, AUTHORIZATION_EXPIRY, str(order.order_pk))


def credit_wallet(sandbox: Sandbox, _before: Order, order: Order) -> None:
    """What was captured for a wallet is its owner's balance; what its limits refuse is sent back."""
    attempt = attempts.last_of_order(sandbox, order.order_pk) if order.fills_wallet else None
    if attempt is None:
        return
    try:
        loads.credit(sandbox, order, attempt)
        facts = {"amount": attempt.captured.wire()}
        add_event(sandbox, ORDERS, order, "credited", Actor.SANDBOX, facts, before=order.state)
    except Conflict as error:
        facts = {"reason": error.code, "message": error.message}
        add_event(sandbox, ORDERS, order, "not_credited", Actor.SANDBOX, facts, before=order.state)
        schedule.add(sandbox, REVERSE, attempt.attempt_id, sandbox.now)


def end_reload(sandbox: Sandbox, _before: Order, order: Order) -> None:
    """The run of auto-reload that this order charges for knows how it ended."""
    if order.kind is OrderKind.RELOAD:
        reload_runs.record_order_end(sandbox, order)


def notify_seller(sandbox: Sandbox, _before: Order, order: Order) -> None:
    """Queue the notification of how the payment ended."""
    notifications.of_order(sandbox, order)


def _tell_company(sandbox: Sandbox, order: Order, event: str) -> None:
    """Let the company through which the order came queue what it tells of a step."""
    observe = sandbox.provider_of(order).observe
    if observe is not None:
        observe(sandbox, order, event, None)


ORDERS: Transitions[Order] = Transitions(
    orders.mapper,
    "order_id",
    {
        "attempt_started": (),
        "attempt_failed": (),
        "attempt_authorized": (cancel_expiry,),
        "attempt_captured": (cancel_expiry, credit_wallet, end_reload, notify_seller),
        "given_up": (cancel_expiry, end_reload, notify_seller),
        "buyer_cancel": (cancel_expiry, end_reload, notify_seller),
        "timeout": (end_reload, notify_seller),
        "capture": (cancel_authorization_expiry, credit_wallet, end_reload, notify_seller),
        "void": (cancel_authorization_expiry, end_reload, notify_seller),
        "auth_expired": (end_reload, notify_seller),
        # The refund's own table has what follows from these (services/refunds/transitions.py).
        "refund_completed": (),
        "refund_completed_in_full": (),
        "refund_reversed": (),
        "last_refund_reversed": (),
    },
    observe=_tell_company,
)


# --- attempts


def end_authentication(sandbox: Sandbox, before: Attempt, _after: Attempt) -> None:
    """Nobody waits for this buyer's proof any more: neither app, password nor issuer."""
    schedule.drop(sandbox, TIMEOUT, before.attempt_id)
    if before.auth is Auth.METHOD:
        schedule.drop(sandbox, ANSWER, before.attempt_id)
    elif before.auth is Auth.OTP:
        challenge = challenges.active(sandbox, Purpose.PAYMENT, before.attempt_id)
        if challenge is not None:
            challenges.cancel(sandbox, challenge.challenge_id)
    elif before.auth is Auth.THREEDS:
        txn = threeds_table.latest(sandbox, before.attempt_id)
        if txn is not None and txn.state not in ENDED:
            schedule.drop(sandbox, "threeds.timeout", txn.txn_id)
            if txn.otp_challenge_id is not None:
                challenges.cancel(sandbox, txn.otp_challenge_id)


def end_review(sandbox: Sandbox, before: Attempt, _after: Attempt) -> None:
    """Nobody needs to look at the attempt any more."""
    if before.state is AttemptState.RISK_REVIEW:
        schedule.drop(sandbox, REVIEW, before.attempt_id)


def cancel_pending_capture(sandbox: Sandbox, _before: Attempt, attempt: Attempt) -> None:
    """A capture that was to be known later is not wanted any more."""
    schedule.drop(sandbox, CAPTURE, attempt.attempt_id)


def capture_hold(sandbox: Sandbox, _before: Attempt, attempt: Attempt) -> None:
    """A balance's hold pays; what was not captured is the buyer's again."""
    if attempt.method == BALANCE:
        holds.capture_hold(sandbox, attempt)


def release_hold(sandbox: Sandbox, _before: Attempt, attempt: Attempt) -> None:
    """A balance's hold is the buyer's again."""
    if attempt.method == BALANCE:
        holds.release_hold(sandbox, attempt)


def return_to_balance(sandbox: Sandbox, _before: Attempt, attempt: Attempt) -> None:
    """What was captured of a balance is the buyer's again."""
    if attempt.method == BALANCE:
        holds.return_capture(sandbox, attempt)


def return_at_gateway(sandbox: Sandbox, _before: Attempt, attempt: Attempt) -> None:
    """What a gateway took of an attempt that keeps no money is sent back."""
    calls.return_money(sandbox, attempt, get_order(sandbox, attempt.order_pk).order_id)


def void_at_gateway(sandbox: Sandbox, _before: Attempt, attempt: Attempt) -> None:
    """A gateway that can be told so holds the money no longer."""
    calls.void(sandbox, attempt, get_order(sandbox, attempt.order_pk).order_id)


def save_method(sandbox: Sandbox, _before: Attempt, attempt: Attempt) -> None:
    """Save what has just paid for a buyer who agreed; what cannot be saved is left alone."""
    consent = attempt.consent
    if attempt.buyer_id is None or consent is None:
        return
    secret = attempts.find_secret(sandbox, attempt.attempt_id)
    instrument = METHODS[attempt.method].restore(secret, attempt.instrument)
    if instrument is None:
        return
    agreed = Consent(
        str(consent["text_version"]), str(consent["text_sha256"]), int(str(consent["accepted_at"])), str(consent["ip"])
    )
    saved_methods.save(sandbox, attempt.buyer_id, instrument, agreed, attempt.attempt_id)


def record_risk_outcome(sandbox: Sandbox, _before: Attempt, attempt: Attempt) -> None:
    """Let the risk check know whether it was declined."""
    risk_table.record_outcome(sandbox, attempt.attempt_id, declined=attempt.state is AttemptState.FAILED)


def put_rules_back(sandbox: Sandbox, _before: Attempt, attempt: Attempt) -> None:
    """A rule for a stage that was never reached waits for the next attempt."""
    stages = attempt.reached_stages
    for stage, decision in attempt.plan.decisions.items():
        if decision.source is Source.RULE and stage not in stages:
            scenarios.put_back(sandbox, str(decision.scenario))


#: What comes after an attempt's end, and so of an order's last one only.
_AFTER_THE_LAST = (Stage.REDIRECT, Stage.IPN, Stage.VERIFY)


def forget_unmet(sandbox: Sandbox, attempt: Attempt) -> None:
    """Another try follows: what this one's way back, notification and status would have met, it has not met."""
    unmet = {stage for stage in _AFTER_THE_LAST if attempt.plan.decides(stage) and not attempt.decisions.decides(stage)}
    for stage in unmet:
        decision = attempt.plan.at(stage)
        if decision.source is Source.RULE:
            scenarios.put_back(sandbox, str(decision.scenario))
    if unmet:
        plan = Plan({stage: made for stage, made in attempt.plan.decisions.items() if stage not in unmet})
        update(
            sandbox, attempts.mapper, attempt, plan=plan, scenario=plan.payment_scenario, updated_at=attempt.updated_at
        )


def mark_met(sandbox: Sandbox, attempt: Attempt, stage: Stage) -> None:
    """Keep that an attempt has met what its plan has for a stage that may also go by."""
    if not attempt.decisions.decides(stage):
        changes = attempt.decision_changes(stage, attempt.plan.at(stage))
        update(sandbox, attempts.mapper, attempt, **changes, updated_at=attempt.updated_at)


def shred_secret(sandbox: Sandbox, _before: Attempt, attempt: Attempt) -> None:
    """The card number is needed no more."""
    if METHODS[attempt.method].card:
        attempts.shred(sandbox, attempt.attempt_id)


def _attempt_facts(before: Attempt, after: Attempt) -> Mapping[str, object]:
    if after.failure is None or after.failure == before.failure:
        return {}
    return {"code": after.failure.code, "reason": after.failure.reason, "method": after.method}


_ENDED: tuple[FollowUp[Attempt], ...] = (record_risk_outcome, shred_secret, put_rules_back)
_ABANDONED: tuple[FollowUp[Attempt], ...] = (end_review, end_authentication, *_ENDED)
_CAPTURED: tuple[FollowUp[Attempt], ...] = (capture_hold, save_method, *_ENDED)
_LOST: tuple[FollowUp[Attempt], ...] = (release_hold, *_ENDED)

#: A balance is held by `settlement.submit`, so from `submit` on there may be a hold.
ATTEMPTS: Transitions[Attempt] = Transitions(
    attempts.mapper,
    "attempt_id",
    {
        "risk_decline": _ENDED,
        "risk_review": (),
        "approve": (end_review,),
        "approve_to_auth": (end_review,),
        "reject": (end_review, *_ENDED),
        "validation_error": _ENDED,
        "no_auth_needed": (),
        "auth_required": (),
        "auth_ok": (end_authentication,),
        "auth_unavailable": (end_authentication,),
        "left_pending": (end_authentication,),
        "auth_fail": (end_authentication, *_ENDED),
        "cancel": _ABANDONED,
        "timeout": _ABANDONED,
        "submit": (),
        "soft_decline_sca": (),
        "failover": (),
        "approved": (save_method,),
        "approved_and_captured": _CAPTURED,
        "declined": _LOST,
        "pending": (),
        "no_answer": (),
        "resolved_success": _CAPTURED,
        "resolved_authorized": (save_method,),
        "resolved_failure": _LOST,
        "resolved_too_late": (return_at_gateway, *_LOST),
        "stuck": (),
        "found_success": _CAPTURED,
        "found_authorized": (save_method,),
        "found_failure": _LOST,
        "not_found": _LOST,
        "gave_up": _LOST,
        # What was authorised was saved then.
        "capture": (capture_hold, *_ENDED),
        "capture_failed": (),
        "void": (cancel_pending_capture, void_at_gateway, *_LOST),
        "auth_expiry": (void_at_gateway, *_LOST),
        "reverse": (return_to_balance, return_at_gateway),
        "late_success": (record_risk_outcome, return_at_gateway),
        "late_authorized": (save_method,),
    },
    _attempt_facts,
)


def get_order(sandbox: Sandbox, order_pk: int) -> Order:
    """The order of this row number; NotFound ``order.not_found`` where there is none."""
    return require(orders.by_number(sandbox, order_pk), "order")


def get_attempt(sandbox: Sandbox, attempt_id: str) -> Attempt:
    """The attempt of this id; NotFound ``attempt.not_found`` where there is none."""
    return require(attempts.by_id(sandbox, attempt_id), "attempt")


def overrule(sandbox: Sandbox, attempt: Attempt, decision: Decision) -> Attempt:
    """Keep who decided the issuer's stage, where that is not what planned it; the first one counts."""
    codes = response_codes_of(attempt)
    as_planned = codes.answer(decision.outcome) == codes.answer(attempt.issuer_outcome)
    if (as_planned and attempt.plan.decides(Stage.ISSUER)) or attempt.decisions.decides(Stage.ISSUER):
        return attempt
    return update(sandbox, attempts.mapper, attempt, **attempt.decision_changes(Stage.ISSUER, decision))


def timed_out(attempt: Attempt) -> dict[str, Any]:
    """What changes where nobody did anything in time: the failure, and that the clock decided unless it was planned."""
    failure, proof = no_answer_failure(attempt), attempt.auth in {Auth.OTP, Auth.THREEDS}
    stage = Stage.AUTH if proof else Stage.ISSUER
    codes = response_codes_of(attempt)
    silent = proof or codes.money_status(codes.answer(attempt.issuer_outcome).code) is MoneyStatus.EXPIRED
    if attempt.plan.decides(stage) and silent:
        return {"failure": failure}
    decision = Decision("timeout" if proof else failure.code or "timeout", Source.CLOCK)
    return {"failure": failure, **attempt.decision_changes(stage, decision)}
