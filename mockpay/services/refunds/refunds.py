"""Refunds: asked for, asked about, held and released."""

from __future__ import annotations

from msgspec import Struct

from mockpay.domain import refunds as rules
from mockpay.domain.orders import PAID, Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Plan, Stage
from mockpay.domain.refunds import SELLER, TESTER, Refund, RefundRequest, RefundState
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.services.payments import payments
from mockpay.services.refunds.refund_settlement import settle
from mockpay.services.refunds.transitions import REFUNDS, get_refund, schedule_settlement
from mockpay.services.wallet import loads
from mockpay.store import attempts, counters, refunds
from mockpay.store.transitions import add_event, require, step
from mockpay.store.unit_of_work import Sandbox


class RefundResult(Struct, frozen=True):
    """
    What a request came to.

    `refund` is None where a scenario throttles the request; `answer_lost` tells that it was
    accepted but the answer must not say so; `early` that the seller hears before the answer.
    """

    refund: Refund | None
    answer_lost: bool = False
    early: bool = False


def request(sandbox: Sandbox, order: Order, refund_request: RefundRequest) -> RefundResult:
    """
    Refund an order, in part or in full; the same request again is the same refund.

    Raises:
        Invalid: code ``refund.invalid``, ``refund.currency``, ``amount.too_small`` or
            ``simulation.invalid``.
        Conflict: code ``refund.duplicate`` (the name is taken by another one),
            ``refund.not_captured``, ``refund.window`` or ``refund.exceeds_capture``; of an order that filled a wallet
            also those of `loads.check_refund`.
    """
    rules.check_request(refund_request)
    before = refunds.by_reference(sandbox, refund_request.key)
    if before is not None:
        if before.digest != refund_request.digest or before.order_pk != order.order_pk:
            message = "There is another refund of this reference."
            raise Conflict(message, code="refund.duplicate")
        return RefundResult(before)
    attempt = _refundable(sandbox, order, refund_request)
    plan = _plan(sandbox, order, attempt, refund_request)
    if plan is None:
        return RefundResult(None)
    if not refunds.reserve(sandbox, attempt, refund_request.amount.minor):
        message = f"At most {attempt.refundable.wire()} {attempt.amount.currency} of this payment can be refunded."
        raise Conflict(message, code="refund.exceeds_capture", field="amount")
    refund = refunds.add(sandbox, _new(sandbox, order, attempt, refund_request, plan))
    if order.fills_wallet:
        loads.debit_refund(sandbox, order, refund)
    _record_request(sandbox, refund)
    early = plan.at(Stage.IPN).outcome == "early"
    if early:
        settle(sandbox, refund.refund_id)
    lost = plan.at(Stage.REFUND).outcome == "lost_answer"
    return RefundResult(refund, answer_lost=lost, early=early)


def _plan(sandbox: Sandbox, order: Order, attempt: Attempt, refund_request: RefundRequest) -> Plan | None:
    """
    What the refund will meet; None where its first request is throttled.

    A throttled request uses up no rule.  What is no call of the seller's software meets no throttle.
    """
    with sandbox.connection.begin_nested() as savepoint:
        plan = payments.plan_refund(sandbox, order, attempt, refund_request)
        throttles = plan.at(Stage.REFUND).outcome == "throttled_once" and refund_request.kind == SELLER
        first = throttles and counters.count(sandbox, f"refund.throttled {refund_request.key}") == 0
        if first:
            savepoint.rollback()
    if first:
        counters.bump(sandbox, f"refund.throttled {refund_request.key}")
    return None if first else plan


def request_by_tester(
    sandbox: Sandbox, order: Order, amount: Money | None = None, reference: str | None = None, note: str | None = None
) -> Refund:
    """
    Refund an order without a call of the seller's software, all that is left of it where no amount is named.

    Raises:
        Invalid, Conflict: as `request`; code ``refund.nothing_left``.
    """
    if amount is None:
        last = attempts.last_of_order(sandbox, order.order_pk)
        amount = last.refundable if last is not None else Money(0, order.amount.currency)
        if not amount.minor:
            raise Conflict("There is nothing left to refund.", code="refund.nothing_left", state=str(order.state))
    key = reference if reference is not None else own_reference(sandbox, order, "REFUND")
    result = request(sandbox, order, RefundRequest(key, amount, note, kind=TESTER))
    return require(result.refund, "refund")


def own_reference(sandbox: Sandbox, order: Order, prefix: str) -> str:
    """A reference for the next refund of an order; it has 32 characters at most, whatever an order's id has."""
    number = len(refunds.of_order(sandbox, order.order_pk)) + 1
    reference = f"{prefix}-{order.order_id}-{number}"
    return reference if rules.is_reference(reference) else sandbox.short_id(prefix, order.order_id, number)


def _new(sandbox: Sandbox, order: Order, attempt: Attempt, refund_request: RefundRequest, plan: Plan) -> Refund:
    settings, outcome = sandbox.seller.settings, plan.at(Stage.REFUND).outcome
    delay, polls = settings.refund_delay_seconds * SECOND, settings.refund_settle_polls
    course = rules.course(outcome, sandbox.now, delay, polls)
    return Refund(
        number=0,
        refund_id=_new_refund_id(sandbox, order, refund_request.key),
        seller_id=sandbox.seller_id,
        order_pk=order.order_pk,
        order_id=order.order_id,
        attempt_id=attempt.attempt_id,
        reference=refund_request.key,
        kind=refund_request.kind,
        state=RefundState.PENDING,
        amount=refund_request.amount,
        digest=refund_request.digest,
        note=refund_request.note,
        soft_descriptor=refund_request.soft_descriptor,
        destination={"method": attempt.method, **attempt.instrument},
        plan=plan,
        scenario=plan.scenario,
        reason_code=None,
        decline=course.decline,
        held=outcome == "held",
        polls_left=course.polls,
        bank_reference_kind=None,
        bank_reference=None,
        due_at=course.due_at,
        created_at=sandbox.now,
        updated_at=sandbox.now,
        completed_at=None,
        facts=refund_request.facts,
    )


def _refundable(sandbox: Sandbox, order: Order, refund_request: RefundRequest) -> Attempt:
    """The attempt whose money is asked back."""
    if refund_request.amount.currency != order.amount.currency:
        raise Invalid("The currency is not the order's.", code="refund.currency")
    if refund_request.amount.minor < 1:
        raise Invalid("The amount is below 0.01.", code="amount.too_small", field="amount")
    tries = attempts.of_order(sandbox, order.order_pk) if order.state in PAID else []
    captured = next((attempt for attempt in tries if attempt.state is AttemptState.CAPTURED), None)
    if captured is None:
        message = "Only captured money can be refunded."
        raise Conflict(message, code="refund.not_captured", state=str(order.state))
    if sandbox.now - captured.updated_at > rules.WINDOW_MS:
        raise Conflict("The payment is too old to be refunded.", code="refund.window")
    if order.fills_wallet and refund_request.amount <= captured.refundable:
        loads.check_refund(sandbox, order, refund_request.amount)
    return captured


def _new_refund_id(sandbox: Sandbox, order: Order, key: str) -> str:
    for number in range(1_000):
        refund_id = sandbox.provider_of(order).refund_id(sandbox.seller, order, key, number)
        if refunds.by_id(sandbox, refund_id) is None:
            return refund_id
    raise Conflict("This order has too many refunds.", code="refund.too_many")


def _record_request(sandbox: Sandbox, refund: Refund) -> None:
    request = {"amount": refund.amount.wire(), "reference": refund.reference, "kind": refund.kind}
    actor = Actor.SELLER if refund.kind == SELLER else Actor.TESTER
    add_event(sandbox, REFUNDS, refund, "requested", actor, request, before=None)
    add_event(sandbox, REFUNDS, refund, "sent", Actor.SANDBOX, refund.destination, before=refund.state)
    if refund.held:
        add_event(sandbox, REFUNDS, refund, "held", Actor.SANDBOX, before=refund.state)
    else:
        schedule_settlement(sandbox, refund, refund)
    REFUNDS.observe(sandbox, refund, "requested")


def record_poll(sandbox: Sandbox, refund_id: str) -> Refund:
    """The seller asks how a refund stands; the n-th time may settle it."""
    refund = get_refund(sandbox, refund_id)
    waits = refund.state is RefundState.PENDING and not refund.held
    if waits and refund.polls_left is not None and refunds.count_poll(sandbox, refund) <= 0:
        return settle(sandbox, refund_id)
    return refund


def hold(sandbox: Sandbox, refund: Refund) -> Refund:
    """
    Keep a refund pending until it is released, completed or declined.

    Raises:
        IllegalTransition: it ended already.
    """
    return step(sandbox, REFUNDS, refund, "held", Actor.TESTER, {"held": True})


def release(sandbox: Sandbox, refund: Refund) -> Refund:
    """
    Let a held refund go on: it settles when it was due, at once if that has passed.

    Raises:
        Conflict: code ``refund.not_held``.
        IllegalTransition: it ended already.
    """
    if refund.state is RefundState.PENDING and not refund.held:
        raise Conflict("This refund is not held.", code="refund.not_held")
    due = max(refund.due_at or sandbox.now, sandbox.now)
    return step(sandbox, REFUNDS, refund, "released", Actor.TESTER, {"held": False, "due_at": due})
