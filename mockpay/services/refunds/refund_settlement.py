"""How a refund ends: by the clock, by a poll or by a tester; and a chargeback of it."""

from __future__ import annotations

from mockpay.domain import refunds as rules
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.payments.gateways import Operation
from mockpay.domain.payments.routing import DEFAULT
from mockpay.domain.refunds import PROCESSING_FAILURE, Refund, RefundState, network_reference
from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import Conflict
from mockpay.kernel.words import parse_word
from mockpay.services.gateways.calls import CALL, queue_call
from mockpay.services.payments.transitions import get_attempt
from mockpay.services.refunds.transitions import REFUNDS, get_refund
from mockpay.store import gateway_calls, outbox
from mockpay.store.transitions import step
from mockpay.store.unit_of_work import Sandbox


def settle(sandbox: Sandbox, refund_id: str) -> Refund:
    """A refund's time has come: it ends as its plan has it, unless a tester holds it."""
    refund = get_refund(sandbox, refund_id)
    if refund.state is not RefundState.PENDING or refund.held:
        return refund
    if refund.decline is not None:
        return decline(sandbox, refund, refund.decline, Actor.CLOCK)
    attempt = get_attempt(sandbox, refund.attempt_id)
    if attempt.gateway != DEFAULT:
        return ask_gateway(sandbox, refund, attempt)
    return _complete(sandbox, refund, attempt, Actor.CLOCK)


def was_sent(sandbox: Sandbox, refund: Refund) -> bool:
    """Whether a gateway has been asked for a refund, or is about to be: then it alone knows how that ends."""
    return any(call.refund_id == refund.refund_id for call in gateway_calls.of_attempt(sandbox, refund.attempt_id))


def ask_gateway(sandbox: Sandbox, refund: Refund, attempt: Attempt) -> Refund:
    """The gateway that took the money sends it back; what it answers ends the refund."""
    if not outbox.is_queued(sandbox, CALL, attempt.attempt_id):
        amount, number = refund.amount, refund.refund_id
        queue_call(sandbox, attempt, refund.order_id, Operation.REFUND, amount=amount, refund_id=number)
    return refund


def complete_by_hand(sandbox: Sandbox, refund: Refund) -> Refund:
    """
    A tester wants the money back now: the gateway that has it is asked at once and its answer ends the refund; where
    none has, it is back.

    Raises:
        IllegalTransition: it ended already.
    """
    attempt = get_attempt(sandbox, refund.attempt_id)
    if attempt.gateway == DEFAULT:
        return complete(sandbox, refund)
    changes = {"held": False, "decline": None, "due_at": sandbox.now}
    return step(sandbox, REFUNDS, refund, "expedited", Actor.TESTER, changes, gateway=attempt.gateway)


def decline_by_hand(sandbox: Sandbox, refund: Refund, reason: str = PROCESSING_FAILURE) -> Refund:
    """
    A tester refuses a refund.

    Raises:
        Invalid: code ``refund.reason``.
        Conflict: code ``refund.at_gateway``: it was sent to a gateway, so what that answers ends it.
        IllegalTransition: it ended already.
    """
    if refund.state is RefundState.PENDING and was_sent(sandbox, refund):
        message = "This refund was sent to its gateway, which may have paid already: what that answers ends it."
        raise Conflict(message, code="refund.at_gateway")
    return decline(sandbox, refund, reason)


def complete(sandbox: Sandbox, refund: Refund, actor: Actor = Actor.TESTER) -> Refund:
    """
    The money is back at the instrument.

    Raises:
        IllegalTransition: it ended already.
    """
    return _complete(sandbox, refund, get_attempt(sandbox, refund.attempt_id), actor)


def _complete(sandbox: Sandbox, refund: Refund, attempt: Attempt, actor: Actor) -> Refund:
    bank = attempt.instrument.get("bank", "")
    named = network_reference(attempt.method, refund.refund_id, sandbox.seller.seed, sandbox.now, bank)
    kind, bank_reference = named or (None, None)
    changes = {
        "completed_at": sandbox.now,
        "held": False,
        "decline": None,
        "bank_reference_kind": kind,
        "bank_reference": bank_reference,
    }
    reference = {kind.lower(): bank_reference} if kind else {}
    return step(sandbox, REFUNDS, refund, "completed", actor, changes, amount=refund.amount.wire(), **reference)


def decline(sandbox: Sandbox, refund: Refund, reason: str = PROCESSING_FAILURE, actor: Actor = Actor.TESTER) -> Refund:
    """
    The refund is refused; what it had reserved can be refunded again.

    Raises:
        Invalid: code ``refund.reason``: not one of `DECLINE_REASONS`.
        IllegalTransition: it ended already.
    """
    reason = parse_word("reason", reason, rules.DECLINE_REASONS, code="refund.reason", field="reason")
    changes = {"reason_code": reason, "decline": reason, "held": False}
    return step(sandbox, REFUNDS, refund, "declined", actor, changes, reason=reason)


def reverse(sandbox: Sandbox, refund_id: str) -> Refund:
    """A completed refund is taken back; the money is the seller's again."""
    refund = get_refund(sandbox, refund_id)
    if refund.state is not RefundState.COMPLETED:
        return refund
    return step(sandbox, REFUNDS, refund, "reversed", Actor.ISSUER, amount=refund.amount.wire())
