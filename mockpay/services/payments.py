"""Payments: starting a try to take an order's money, and writing down what the gateway says."""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.domain import netbanking, upi
from mockpay.domain.attempts import Attempt, AttemptState
from mockpay.domain.gateways import Charge, Result, ResultKind
from mockpay.domain.instruments import Instrument
from mockpay.domain.methods import network_of
from mockpay.domain.orders import Order
from mockpay.domain.plans import Stage
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.services import banks, offers, plans
from mockpay.services.endings import lost
from mockpay.services.settling import answer, enquire_later, settle, submit
from mockpay.services.steps import attempt_step, order_step, the_attempt, the_order
from mockpay.store import attempts, outbox, schedule, secrets, timeline
from mockpay.store.worlds import Sandbox

#: An outbox row of this kind asks a gateway for an attempt's money.
CHARGE = "gateway.charge"
#: Methods whose buyer is asked by somebody else: an app or a bank's page.
_ASKS_BUYER = frozenset({upi.METHOD, netbanking.METHOD})


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt that was stored, and the outbox row that will ask the gateway."""

    attempt: Attempt
    parcel_id: int


def pay(sandbox: Sandbox, order: Order, instrument: Instrument) -> Started:
    """
    Store a new attempt with its plan, and queue the gateway's call for the caller to send.

    Raises:
        Conflict: code ``order.closed``, ``order.attempts_used_up``, ``attempt.live`` (another
            attempt of this order has not ended) or ``method.unavailable`` (`offers.check`).
    """
    # The clock may be past the end before its event has fired.
    if not order.open or sandbox.now >= order.expires_at:
        raise Conflict("This order cannot be paid any more.", code="order.closed")
    number = order.attempt_count + 1
    if number > sandbox.seller.settings.max_attempts:
        raise Conflict("There are no tries left.", code="order.attempts_used_up")
    closed = offers.check(sandbox, order, instrument)
    attempt = _attempt(sandbox, order, instrument, number, bank_closed=closed)
    if not attempts.add(sandbox, attempt):
        raise Conflict("Another try has not ended yet.", code="attempt.live")
    if secret := instrument.secret():
        secrets.keep(sandbox, attempt.attempt_id, secret)
    order_step(
        sandbox, order, "attempt_started", Actor.BUYER, {"attempt_count": number}, number=number
    )
    timeline.add(
        sandbox, order.order_id, machine="attempt", subject=attempt.attempt_id, event="chosen",
        before=None, after=attempt.state, actor=Actor.BUYER, facts=instrument.dump(),
    )  # fmt: skip
    return Started(attempt, outbox.add(sandbox, CHARGE, attempt.attempt_id, mine=True))


def attempt_id_of(sandbox: Sandbox, order: Order, number: int) -> str:
    """The id that the order's n-th attempt has or will have; a QR code names it beforehand."""
    return sandbox.short_id("att", order.amazon_order_id, number)


def _attempt(
    sandbox: Sandbox, order: Order, instrument: Instrument, number: int, *, bank_closed: bool
) -> Attempt:
    attempt_id = attempt_id_of(sandbox, order, number)
    plan = plans.decide(sandbox, order, instrument, attempt_id, bank_closed=bank_closed)
    return Attempt(
        attempt_id=attempt_id,
        order_id=order.order_id,
        seller_id=sandbox.seller_id,
        number=number,
        method=instrument.method,
        state=AttemptState.CREATED,
        amount=order.amount,
        captured_minor=0,
        refund_reserved_minor=0,
        instrument=instrument.dump(),
        plan=plan,
        scenario=plan.scenario,
        gateway="simulator",
        reference=None,
        failure=None,
        eci=None,
        liability=None,
        created_at=sandbox.now,
        updated_at=sandbox.now,
        answer_by=None,
    )


def charge_of(sandbox: Sandbox, attempt_id: str) -> Charge:
    """What to ask the gateway for an attempt."""
    attempt = the_attempt(sandbox, attempt_id)
    issuer = attempt.plan.at(Stage.ISSUER)
    return Charge(
        attempt_id=attempt.attempt_id,
        seller_id=sandbox.seller_id,
        amount=attempt.amount,
        method=attempt.method,
        instrument=attempt.instrument,
        idempotency_key=f"{attempt.attempt_id}:1",
        planned=banks.said(sandbox, attempt) or issuer.outcome,
        agreed=issuer.scenario is not None,
        patience_ms=sandbox.seller.settings.upi_answer_seconds * SECOND,
        fault=attempt.plan.at(Stage.GATEWAY).outcome,
        secret=secrets.find(sandbox, attempt_id),
    )


def record(sandbox: Sandbox, attempt_id: str, result: Result) -> Attempt:
    """Write down what a gateway answered to `charge_of`; a second answer changes nothing."""
    attempt = the_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.CREATED:
        return attempt
    order = the_order(sandbox, attempt.order_id)
    if result.kind is ResultKind.AUTH_REQUIRED:
        return _ask_buyer(sandbox, order, attempt, result)
    if result.kind is ResultKind.DECLINED and attempt.method in _ASKS_BUYER:
        refused = network_of(attempt).failure(result.code, "payment_request")
        failed = attempt_step(sandbox, attempt, "validation_error", Actor.ISSUER, failure=refused)
        lost(sandbox, order, failed)
        return failed
    changes = {"reference": result.reference}
    ready = attempt_step(sandbox, attempt, "no_auth_needed", Actor.SANDBOX, changes=changes)
    told = network_of(attempt).answer(attempt.issuer_outcome)
    silent = result.kind is ResultKind.NO_ANSWER and attempt.plan.decides(Stage.GATEWAY)
    return submit(sandbox, order, ready, told, gateway_silent=silent)


def _ask_buyer(sandbox: Sandbox, order: Order, attempt: Attempt, result: Result) -> Attempt:
    settings = sandbox.seller.settings
    at_bank = attempt.method == netbanking.METHOD
    wait = (settings.bank_page_seconds if at_bank else settings.upi_collect_seconds) * SECOND
    answer_by = min(sandbox.now + wait, order.expires_at)
    asked = attempt_step(
        sandbox, attempt, "auth_required", Actor.SANDBOX, method=attempt.method,
        changes={"answer_by": answer_by, "reference": result.reference},
    )  # fmt: skip
    if at_bank:
        banks.open_(sandbox, asked)
    schedule.add(sandbox, "attempt.timeout", attempt.attempt_id, answer_by)
    if result.answer_in_ms is not None:
        due = sandbox.now + result.answer_in_ms
        schedule.add(sandbox, "attempt.answer", attempt.attempt_id, due)
    return asked


def found(sandbox: Sandbox, attempt_id: str, result: Result, times: int) -> None:
    """Write down what a gateway answered to an enquiry; still nothing means asking again."""
    attempt = the_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.UNKNOWN:
        return
    if result.kind in {ResultKind.APPROVED, ResultKind.DECLINED}:
        settle(sandbox, attempt_id, result.code)
    else:
        enquire_later(sandbox, attempt, times + 1)


def told_by_bank(sandbox: Sandbox, attempt_id: str, result: Result) -> None:
    """
    Write down what a bank says of its page, asked itself; what a browser brought is not asked.

    A bank that took the money after the attempt had ended sends it back.
    """
    attempt = the_attempt(sandbox, attempt_id)
    outcome = banks.said(sandbox, attempt)
    # A bank whose buyer has not decided knows nothing, whatever the plan would have been.
    if outcome is None or network_of(attempt).answer(outcome).code != result.code:
        return
    in_time = attempt.answer_by is None or sandbox.now < attempt.answer_by
    told = answer(sandbox, attempt_id, outcome, Actor.BUYER if in_time else Actor.ISSUER)
    if not told.live:
        settle(sandbox, attempt_id, result.code)
