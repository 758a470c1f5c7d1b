"""Deciding what an attempt will meet, once, when it begins."""

from __future__ import annotations

from mockpay.domain.methods.method import Instrument, ResponseCodes
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.methods.upi import MOST_WRONG_PINS, PIN_LOCKED, WRONG_PIN
from mockpay.domain.notifications import NotificationType
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, Decision, Plan, Source, Stage
from mockpay.domain.refunds import RefundRequest
from mockpay.domain.scenarios.resolution import (
    MATCH_KEYS,
    PAYMENT_STAGES,
    REFUND_STAGES,
    Facts,
    Input,
    Rule,
    find,
    resolve,
)
from mockpay.kernel import ids
from mockpay.store import attempts, scenarios
from mockpay.store.unit_of_work import Sandbox

_PROBABILITY_STEPS = 1_000_000
#: What a bank's down time means for a try.
_CLOSED = Decision("bankdown", Source.DEFAULT, "bank.down", "the bank's down time")


def plan_payment(
    sandbox: Sandbox, order: Order, instrument: Instrument, attempt_id: str, *, bank_closed: bool = False
) -> Plan:
    """
    The plan of a new attempt; the rules that decide it are used up here.

    A bank that is closed for now decides before everything else; no rule is spent on it.
    """
    settings = sandbox.seller.settings
    amount = order.amount.wire()
    match = {
        **{key: value for key, value in instrument.dump().items() if key in MATCH_KEYS},
        "method": instrument.method,
        "amount": amount,
        "seller_order_id": order.seller_order_id,
        "order_id": order.order_id,
        "notification_type": str(NotificationType.PAYMENT),
    }
    codes = METHODS[instrument.method].response_codes
    facts = Facts(
        inputs={**instrument.inputs, Input.AMOUNT: amount},
        match=match,
        response_codes=codes,
        simulated=sandbox.provider_of(order).payment_simulation(order.seller_note) if order.seller_note else {},
        magic_amounts=settings.magic_amounts,
        defaults=settings.default_outcomes,
    )
    open_stages = [s for s in PAYMENT_STAGES if not (bank_closed and s is Stage.ISSUER)]
    plan = resolve(facts, _use_up_rules(sandbox, match, codes, attempt_id, open_stages))
    return Plan({**plan.decisions, Stage.ISSUER: _CLOSED}) if bank_closed else plan


def plan_refund(sandbox: Sandbox, order: Order, attempt: Attempt, request: RefundRequest) -> Plan:
    """
    The plan of a new refund; the rules that decide it are used up here.

    Raises:
        Invalid: code ``simulation.invalid``: the note asks for what cannot be simulated.
    """
    settings, amount = sandbox.seller.settings, request.amount.wire()
    inputs: dict[str, str] = {Input.REFUND_AMOUNT: amount}
    if request.amount == order.amount:
        inputs[Input.REFUND_OF] = amount
    match = {
        "method": attempt.method,
        "amount": amount,
        "seller_order_id": order.seller_order_id,
        "order_id": order.order_id,
        "reference": request.key,
        "notification_type": str(NotificationType.REFUND),
    }
    codes = METHODS[attempt.method].response_codes
    facts = Facts(
        inputs=inputs,
        match=match,
        response_codes=codes,
        stages=REFUND_STAGES,
        simulated=sandbox.provider_of(order).refund_simulation(request.note),
        magic_amounts=settings.magic_amounts,
        defaults=settings.default_outcomes,
    )
    subject = f"{order.order_id} {request.key}"
    return resolve(facts, _use_up_rules(sandbox, match, codes, subject, list(REFUND_STAGES)))


def _use_up_rules(
    sandbox: Sandbox, match: dict[str, str], codes: ResponseCodes, subject: str, stages: list[Stage]
) -> dict[Stage, Rule]:
    """For each of the stages the oldest rule that fits and whose dice fall; used up at once."""
    chosen: dict[Stage, Rule] = {}
    # The rule's place in the queue, not its row number: that counts other sellers' rules too.
    for place, rule in enumerate(scenarios.waiting(sandbox)):
        if rule.stage not in stages or rule.stage in chosen or not rule.fits(match, sandbox.now):
            continue
        # A UPI code means nothing to a card issuer: such a rule waits for its own method.
        if rule.stage is Stage.ISSUER and not codes.has_outcome(rule.outcome):
            continue
        dice = ids.number(sandbox.seller.seed, "rule", place, subject, below=_PROBABILITY_STEPS)
        if dice < rule.probability * _PROBABILITY_STEPS:
            chosen[rule.stage] = rule
            scenarios.use_up(sandbox, rule)
    return chosen


def pin_outcome(sandbox: Sandbox, attempt: Attempt, pin: str) -> str | None:
    """
    The outcome that a UPI PIN asks for; None for an ordinary one.

    A wrong PIN fails the try; the third of one order locks (NPCI: Z6 after three).
    """
    row = find(Input.PIN, pin)
    if row is None:
        return None
    tries = attempts.of_order(sandbox, attempt.order_pk)
    wrong = sum(one.failure is not None and one.failure.code == WRONG_PIN for one in tries)
    return PIN_LOCKED if row.outcome == WRONG_PIN and wrong + 1 >= MOST_WRONG_PINS else row.outcome
