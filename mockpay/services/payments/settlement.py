"""Making the end of a try known: what apps, banks and issuers answer, at once or late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockpay.domain.methods.iso8583 import SCA_REQUIRED
from mockpay.domain.methods.method import REVERSED, Answer, MoneyStatus, Timing
from mockpay.domain.methods.registry import METHODS, response_codes_of
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Decision, Failure, Source, Stage
from mockpay.domain.payments.gateways import Operation
from mockpay.domain.timeline import Actor
from mockpay.domain.wallet.ledger import METHOD as BALANCE
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.services.gateways import calls
from mockpay.services.payments import authentication, banks
from mockpay.services.payments.captures import authorize, queue_payment, release_order, settle_success
from mockpay.services.payments.transitions import ANSWER, ATTEMPTS, ORDERS, get_attempt, get_order, overrule, timed_out
from mockpay.services.wallet import balances, holds, reload_runs
from mockpay.store import outbox, schedule
from mockpay.store.transitions import add_event, step
from mockpay.store.unit_of_work import Sandbox

#: An outbox row of this kind asks a gateway what became of a charge.
ENQUIRE = "gateway.enquire"
#: An outbox row of this kind asks a bank what its buyer decided on its page.
ASK_BANK = "bank.ask"
#: Seconds after which a silent gateway is asked again.
ENQUIRY_SECONDS = (1, 2, 4, 10, 30)
#: How often a gateway is asked of a payment that it says is pending; then only it can tell.
_MOST_ENQUIRIES = 20
_NOT_ENOUGH = "51"
#: The code of a wallet's refusal, and what stands beside its balance.
_REFUSALS = {
    "wallet_frozen": ("57", ", but frozen"),
    "wallet_closed": ("62", ", but closed"),
    "wallet_monthly_spend_cap": ("61", ", but the month's limit is reached"),
}
_WORDS = dict(_REFUSALS.values())


def record_buyer_answer(
    sandbox: Sandbox,
    attempt_id: str,
    outcome: str | None = None,
    actor: Actor = Actor.ISSUER,
    decision: Decision | None = None,
) -> Attempt:
    """
    The buyer's app or bank answers an attempt that waits for them, as its plan has it.

    A buyer who comes after the end of the request finds it timed out.

    Args:
        outcome: What they answer instead of the plan: a PIN, or a button of the app or bank.
        decision: What made them answer so, where it is not just a button.
    """
    attempt = get_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.AUTH_PENDING:
        return attempt
    if actor is Actor.BUYER and attempt.answer_by is not None and sandbox.now >= attempt.answer_by:
        return expire_request(sandbox, attempt_id)
    if attempt.auth is not Auth.METHOD:
        return attempt  # The method's own app or bank does not have the turn.
    # Nobody's press of a button: a magic value, a rule, or the simulated buyer.
    alone: dict[str, Any] = {"unasked": True} if outcome is None and actor is not Actor.BUYER else {}
    if not alone:
        made = decision or Decision(outcome or attempt.issuer_outcome, Source.BUYER)
        attempt = overrule(sandbox, attempt, made)
    network = response_codes_of(attempt)
    answer = network.answer(outcome or attempt.issuer_outcome)
    money = network.money_status(answer.code)
    if money is MoneyStatus.EXPIRED:
        return attempt
    return _act_on(sandbox, attempt, answer, money, actor, alone)


def _act_on(
    sandbox: Sandbox, attempt: Attempt, answer: Answer, money: MoneyStatus, actor: Actor, alone: Mapping[str, Any]
) -> Attempt:
    """What follows from a buyer's answer: a refusal, or the money is asked for, here or at the attempt's gateway."""
    network, order = response_codes_of(attempt), get_order(sandbox, attempt.order_pk)
    failure = network.failure(answer.code) if money is MoneyStatus.DECLINED else None
    if calls.is_routed(attempt) and (failure is None or not _refused_before(attempt, failure)):
        approved = step(sandbox, ATTEMPTS, attempt, "auth_ok", Actor.BUYER, method=attempt.method, **alone)
        queue_payment(sandbox, order, approved, leased=False)
        return approved
    if failure is not None:
        declined = _decline(sandbox, order, attempt, failure, actor, alone)
        _schedule_later(sandbox, order, declined, answer)
        return declined
    if money is MoneyStatus.PENDING:
        return _wait(sandbox, order, attempt, answer, "left_pending")
    ready = step(sandbox, ATTEMPTS, attempt, "auth_ok", Actor.BUYER, method=attempt.method, **alone)
    return submit(sandbox, order, ready, answer)


def _refused_before(attempt: Attempt, failure: Failure) -> bool:
    """Whether the buyer's side, or a bank on its own page, refused before anybody was asked for money."""
    approval = METHODS[attempt.method].approval
    at_bank = approval is not None and approval.at_bank
    return at_bank or failure.source in {"customer", "customer_psp"}


def _decline(
    sandbox: Sandbox, order: Order, attempt: Attempt, failure: Failure, actor: Actor, alone: Mapping[str, Any]
) -> Attempt:
    """The buyer's side, or a bank on its own page, refuses before the money is asked for; another bank after."""
    approval = METHODS[attempt.method].approval
    if approval is not None and failure.code == approval.forged:
        wrong = {"wrong": "checksum"}
        add_event(sandbox, ORDERS, order, "bank_return_refused", Actor.BUYER, wrong, before=order.state)
    if _refused_before(attempt, failure):
        failed = step(sandbox, ATTEMPTS, attempt, "auth_fail", actor, {"failure": failure})
    else:
        submitted = step(sandbox, ATTEMPTS, attempt, "auth_ok", Actor.BUYER, method=attempt.method, **alone)
        submitted = step(sandbox, ATTEMPTS, submitted, "submit", Actor.SANDBOX, gateway=attempt.gateway)
        failed = step(sandbox, ATTEMPTS, submitted, "declined", Actor.ISSUER, {"failure": failure})
    release_order(sandbox, order, failed)
    return failed


def submit(sandbox: Sandbox, order: Order, ready: Attempt, answer: Answer, *, gateway_silent: bool = False) -> Attempt:
    """
    An authenticated attempt goes to the issuer, who answers now, later, or not at all.

    Args:
        gateway_silent: The answer is lost on the way, so that the gateway must be asked again.
    """
    network = response_codes_of(ready)
    submitted = step(sandbox, ATTEMPTS, ready, "submit", Actor.SANDBOX, gateway=ready.gateway)
    money = network.money_status(answer.code)
    refusal = None if money is MoneyStatus.DECLINED else _hold_balance(sandbox, submitted)
    if refusal == _NOT_ENOUGH and (run := reload_runs.wait_for_reload(sandbox, submitted)) is not None:
        method, reload = submitted.method, run.amount.wire()
        return step(sandbox, ATTEMPTS, submitted, "pending", Actor.SANDBOX, method=method, reload=reload)
    if refusal is not None:
        submitted = _refuse_by_balance(sandbox, submitted, refusal)
        # The balance is the sandbox's own, so no gateway's silence hides that it is too small.
        answer, money, gateway_silent = Answer(refusal), MoneyStatus.DECLINED, False
    if gateway_silent:
        silent = step(sandbox, ATTEMPTS, submitted, "no_answer", Actor.SANDBOX)
        schedule_enquiry(sandbox, silent, 1)
        return silent
    return settle_answer(sandbox, order, submitted, answer)


def settle_answer(sandbox: Sandbox, order: Order, submitted: Attempt, answer: Answer) -> Attempt:
    """What an issuer's answer means for an attempt that was submitted: its end, or that it is known later."""
    network = response_codes_of(submitted)
    money = network.money_status(answer.code)
    stepped = authentication.require_challenge(sandbox, order, submitted) if answer.code == SCA_REQUIRED else None
    if stepped is not None:
        return stepped
    if money is MoneyStatus.DECLINED:
        refused = network.failure(answer.code)
        failed = step(sandbox, ATTEMPTS, submitted, "declined", Actor.ISSUER, {"failure": refused})
        release_order(sandbox, order, failed)
        _schedule_later(sandbox, order, failed, answer)
        return failed
    if money is MoneyStatus.UNKNOWN:
        return _wait(sandbox, order, submitted, answer, "no_answer")
    if money is MoneyStatus.PENDING:
        return _wait(sandbox, order, submitted, answer, "pending")
    return settle_success(sandbox, order, submitted, "approved_and_captured")


def _hold_balance(sandbox: Sandbox, attempt: Attempt) -> str | None:
    """
    The code that refuses the money; None where it is there.

    A balance is held, any other method asks its issuer.
    """
    if attempt.method != BALANCE:
        return None
    try:
        holds.hold(sandbox, attempt)
    except Conflict as error:
        return _REFUSALS[error.code][0] if error.code in _REFUSALS else _NOT_ENOUGH
    return None


def _refuse_by_balance(sandbox: Sandbox, attempt: Attempt, refusal: str) -> Attempt:
    """Keep that the balance decided, and what it has."""
    has = balances.balance(sandbox, attempt.instrument["email"]).display() + _WORDS.get(refusal, "")
    return overrule(sandbox, attempt, Decision(refusal, Source.BALANCE, value=has))


def resume_after_reload(sandbox: Sandbox, attempt_id: str) -> Attempt:
    """The reload that an attempt waited for has ended: the balance pays now, or cannot."""
    attempt = get_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.PENDING:
        return attempt
    refusal = _hold_balance(sandbox, attempt)
    if refusal is not None:
        attempt = _refuse_by_balance(sandbox, attempt, refusal)
    return settle(sandbox, attempt_id, refusal or response_codes_of(attempt).approved)


def _wait(sandbox: Sandbox, order: Order, attempt: Attempt, answer: Answer, event: str) -> Attempt:
    waiting = step(sandbox, ATTEMPTS, attempt, event, Actor.ISSUER, code=answer.code, method=attempt.method)
    _schedule_later(sandbox, order, attempt, answer)
    return waiting


def _schedule_later(sandbox: Sandbox, order: Order, attempt: Attempt, answer: Answer) -> None:
    """What the network makes known later, where it does."""
    if answer.later is None or answer.timing is Timing.NEVER:
        return
    delay = attempt.plan.at(Stage.ISSUER).delay_seconds
    wait = sandbox.seller.settings.upi_pending_seconds if delay is None else delay
    due = sandbox.now + wait * SECOND
    if answer.timing is Timing.AFTER_ORDER_EXPIRY and not order.endless:
        due = max(order.expires_at, sandbox.now) + SECOND
    schedule.add(sandbox, "attempt.resolve", attempt.attempt_id, due, code=answer.later)


def schedule_enquiry(sandbox: Sandbox, attempt: Attempt, times: int) -> None:
    """Ask the gateway for the n-th time, by the spacing above; then every 30 seconds."""
    pause = ENQUIRY_SECONDS[min(times, len(ENQUIRY_SECONDS)) - 1] * SECOND
    schedule.add(sandbox, "attempt.enquire", attempt.attempt_id, sandbox.now + pause, times=times)


def queue_enquiry(sandbox: Sandbox, attempt_id: str, times: int) -> None:
    """It is time to ask the gateway what became of an attempt that is still unknown."""
    attempt = get_attempt(sandbox, attempt_id)
    if calls.is_routed(attempt):
        pending = attempt.state is AttemptState.PENDING and times <= _MOST_ENQUIRIES
        if attempt.state is AttemptState.UNKNOWN or pending:
            order_id = get_order(sandbox, attempt.order_pk).order_id
            calls.queue_call(sandbox, attempt, order_id, Operation.STATUS, try_no=times)
    elif attempt.state is AttemptState.UNKNOWN:
        outbox.add(sandbox, ENQUIRE, attempt_id, leased=False, times=times)


def settle(sandbox: Sandbox, attempt_id: str, code: str) -> Attempt:
    """
    The network makes known, late, what became of an attempt.

    Args:
        code: A code of the method's network, or ``reversed`` where it sent the money back.
    """
    attempt = get_attempt(sandbox, attempt_id)
    order = get_order(sandbox, attempt.order_pk)
    pending = attempt.state is AttemptState.PENDING
    if attempt.state is not AttemptState.UNKNOWN and not pending:
        return _settle_ended(sandbox, order, attempt, code)
    if code == REVERSED:
        back = attempt if not pending else step(sandbox, ATTEMPTS, attempt, "stuck", Actor.CLOCK)
        back = step(sandbox, ATTEMPTS, back, "gave_up", Actor.ISSUER)
        release_order(sandbox, order, back, "payment_failed")
        return back
    network, word = response_codes_of(attempt), "resolved" if pending else "found"
    if network.money_status(code) is MoneyStatus.APPROVED:
        too_late = "resolved_too_late" if pending else None
        return settle_success(sandbox, order, attempt, f"{word}_success", too_late)
    refused = network.failure(code)
    failed = step(sandbox, ATTEMPTS, attempt, f"{word}_failure", Actor.ISSUER, {"failure": refused})
    release_order(sandbox, order, failed)
    return failed


def _settle_ended(sandbox: Sandbox, order: Order, attempt: Attempt, code: str) -> Attempt:
    """
    A success for an attempt that has ended without money is sent back.

    Where the company takes it and the order is still to be paid, it counts: the newest attempt alone may come back.
    """
    ended = {AttemptState.FAILED, AttemptState.EXPIRED, AttemptState.CANCELLED}
    paid = code != REVERSED and response_codes_of(attempt).money_status(code) is MoneyStatus.APPROVED
    if attempt.state not in ended or not paid:
        return attempt
    newest = attempt.number == order.attempt_count and attempt.state is not AttemptState.CANCELLED
    if sandbox.provider_of(order).takes_late_success and order.open and newest:
        return authorize(sandbox, order, attempt, "late_success")
    back = step(sandbox, ATTEMPTS, attempt, "late_success", Actor.ISSUER)
    ORDERS.observe(sandbox, order, "late_success")
    return back


def mark_app_opened(sandbox: Sandbox, attempt: Attempt) -> None:
    """The buyer's app was opened: from here on a person answers, not the simulated buyer."""
    due = schedule.waiting_of(sandbox, attempt.attempt_id)
    if any(event.kind == ANSWER for event in due):
        schedule.drop(sandbox, ANSWER, attempt.attempt_id)
        add_event(sandbox, ATTEMPTS, attempt, "seen", Actor.BUYER, before=attempt.state)


def approve_after_expiry(sandbox: Sandbox, attempt_id: str) -> None:
    """The buyer will approve, but only when the order has expired."""
    attempt = get_attempt(sandbox, attempt_id)
    order = get_order(sandbox, attempt.order_pk)
    due = max(order.expires_at, sandbox.now) + SECOND
    schedule.drop(sandbox, ANSWER, attempt_id)
    code = response_codes_of(attempt).approved
    schedule.add(sandbox, "attempt.resolve", attempt_id, due, code=code)


def expire_request(sandbox: Sandbox, attempt_id: str) -> Attempt:
    """Nobody answered the request in time, unless a bank knows better than the browser told."""
    attempt = get_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.AUTH_PENDING:
        return attempt
    if banks.decision(sandbox, attempt) is not None:
        outbox.add(sandbox, ASK_BANK, attempt_id, leased=False)
        return attempt
    timed_out_attempt = step(sandbox, ATTEMPTS, attempt, "timeout", Actor.CLOCK, timed_out(attempt))
    release_order(sandbox, get_order(sandbox, attempt.order_pk), timed_out_attempt)
    return timed_out_attempt
