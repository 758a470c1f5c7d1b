"""What a gateway is asked for an attempt, and what its answers mean."""

from __future__ import annotations

from typing import Any

from mockpay.domain.methods.registry import METHODS, response_codes_of
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth
from mockpay.domain.payments.gateways import Charge, Result, ResultKind
from mockpay.domain.payments.plans import Stage
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.services.payments import authentication, banks, card_authentication
from mockpay.services.payments.outcomes import release_order
from mockpay.services.payments.settlement import record_buyer_answer, schedule_enquiry, settle, submit
from mockpay.services.payments.transitions import ANSWER, ATTEMPTS, TIMEOUT, get_attempt, get_order
from mockpay.store import attempt_secrets, attempts, schedule
from mockpay.store.transitions import step, update
from mockpay.store.unit_of_work import Sandbox


def charge_request(sandbox: Sandbox, attempt_id: str) -> Charge:
    """What to ask the gateway for an attempt."""
    attempt = get_attempt(sandbox, attempt_id)
    issuer = attempt.plan.at(Stage.ISSUER)
    return Charge(
        attempt_id=attempt.attempt_id,
        seller_id=sandbox.seller_id,
        amount=attempt.amount,
        method=attempt.method,
        instrument=attempt.instrument,
        idempotency_key=f"{attempt.attempt_id}:1",
        planned=banks.decision(sandbox, attempt) or _issuer_response(sandbox, attempt),
        agreed=issuer.scenario is not None,
        patience_ms=sandbox.seller.settings.upi_answer_seconds * SECOND,
        fault=attempt.plan.at(Stage.GATEWAY).outcome,
        secret=attempt_secrets.find(sandbox, attempt_id),
    )


def _issuer_response(sandbox: Sandbox, attempt: Attempt) -> str:
    """What the issuer answers: as planned; a card's looks at the proof first."""
    if not METHODS[attempt.method].card or attempt.auth is not Auth.PASSED:
        return attempt.issuer_outcome
    return card_authentication.issuer_response(sandbox, attempt)


def record_gateway_result(sandbox: Sandbox, attempt_id: str, result: Result) -> Attempt:
    """Write down what a gateway answered to `charge_request`; a second answer changes nothing."""
    attempt = get_attempt(sandbox, attempt_id)
    if not authentication.ready_to_charge(attempt):
        return attempt
    order = get_order(sandbox, attempt.order_pk)
    if result.kind is ResultKind.AUTH_REQUIRED:
        return _ask_buyer(sandbox, order, attempt, result)
    if result.kind is ResultKind.DECLINED and METHODS[attempt.method].approval:
        refused = response_codes_of(attempt).failure(result.code, "payment_request")
        event = "auth_fail" if attempt.auth is Auth.PASSED else "validation_error"
        failed = step(sandbox, ATTEMPTS, attempt, event, Actor.ISSUER, {"failure": refused})
        release_order(sandbox, order, failed)
        return failed
    sent = _with_reference(sandbox, attempt, result)
    response = response_codes_of(attempt).answer(_issuer_response(sandbox, attempt))
    silent = result.kind is ResultKind.NO_ANSWER and attempt.plan.decides(Stage.GATEWAY)
    return submit(sandbox, order, sent, response, gateway_silent=silent)


def _with_reference(sandbox: Sandbox, attempt: Attempt, result: Result) -> Attempt:
    """An attempt with the network's reference, authenticated now where nothing was to prove."""
    changes: dict[str, Any] = {"reference": result.reference}
    if attempt.state is AttemptState.CREATED:
        return step(sandbox, ATTEMPTS, attempt, "no_auth_needed", Actor.SANDBOX, changes)
    return update(sandbox, attempts.mapper, attempt, **changes)


def _ask_buyer(sandbox: Sandbox, order: Order, attempt: Attempt, result: Result) -> Attempt:
    settings = sandbox.seller.settings
    approval = METHODS[attempt.method].approval
    assert approval is not None
    wait = getattr(settings, approval.seconds) * SECOND
    answer_by = min(sandbox.now + wait, order.expires_at)
    changes: dict[str, Any] = {"answer_by": answer_by, "reference": result.reference, "auth": Auth.METHOD}
    if attempt.auth is Auth.PASSED:
        asked = update(sandbox, attempts.mapper, attempt, **changes)
    else:
        asked = step(sandbox, ATTEMPTS, attempt, "auth_required", Actor.SANDBOX, changes, method=attempt.method)
    if approval.at_bank:
        banks.open_request(sandbox, asked)
    schedule.add(sandbox, TIMEOUT, attempt.attempt_id, answer_by)
    if result.answer_in_ms is not None:
        due = sandbox.now + result.answer_in_ms
        schedule.add(sandbox, ANSWER, attempt.attempt_id, due)
    return asked


def record_enquiry_result(sandbox: Sandbox, attempt_id: str, result: Result, times: int) -> None:
    """Write down what a gateway answered to an enquiry; still nothing means asking again."""
    attempt = get_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.UNKNOWN:
        return
    if result.kind in {ResultKind.APPROVED, ResultKind.DECLINED}:
        settle(sandbox, attempt_id, result.code)
    else:
        schedule_enquiry(sandbox, attempt, times + 1)


def record_bank_result(sandbox: Sandbox, attempt_id: str, result: Result) -> None:
    """
    Write down what a bank says of its page, asked itself; what a browser brought is not asked.

    A bank that took the money after the attempt had ended sends it back.
    """
    attempt = get_attempt(sandbox, attempt_id)
    outcome = banks.decision(sandbox, attempt)
    # A bank whose buyer has not decided knows nothing, whatever the plan would have been.
    if outcome is None or response_codes_of(attempt).answer(outcome).code != result.code:
        return
    in_time = attempt.answer_by is None or sandbox.now < attempt.answer_by
    answered = record_buyer_answer(sandbox, attempt_id, outcome, Actor.BUYER if in_time else Actor.ISSUER)
    if not answered.live:
        settle(sandbox, attempt_id, result.code)
