"""Payments: starting an attempt to take an order's money."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from mockpay.domain.methods.method import Instrument
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth
from mockpay.domain.payments.plans import Stage
from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import Conflict
from mockpay.risk import assessment
from mockpay.risk.assessment import Inputs
from mockpay.risk.rules import Verdict
from mockpay.services.payments import authentication, card_authentication, otp_authentication, plans, reviews
from mockpay.services.payments.payers import GUEST, CheckoutContext, Payer
from mockpay.services.payments.transitions import ATTEMPTS, ORDERS, get_attempt, get_order
from mockpay.services.sellers import offers
from mockpay.store import attempt_secrets, attempts, outbox
from mockpay.store.transitions import add_event, step
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault.tokens import card_fingerprint

#: An outbox row of this kind asks a gateway for an attempt's money.
CHARGE = "gateway.charge"


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """An attempt that was stored, and the outbox row that will ask the gateway; None: not yet."""

    attempt: Attempt
    outbox_id: int | None


def pay(sandbox: Sandbox, order: Order, instrument: Instrument, payer: Payer = GUEST) -> PaymentResult:
    """
    Store a new attempt with its plan, look at its risk, and let the buyer prove who they are.

    Where nothing is to be proved, the gateway's call is queued for the caller to send.

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
    attempt = _new_attempt(sandbox, order, instrument, number, payer, bank_closed=closed)
    if not attempts.add(sandbox, attempt):
        raise Conflict("Another try has not ended yet.", code="attempt.live")
    if secret := instrument.secret():
        attempt_secrets.add(sandbox, attempt.attempt_id, secret)
    begun = step(sandbox, ORDERS, order, "attempt_started", Actor.BUYER, {"attempt_count": number}, number=number)
    chosen = {**instrument.dump(), "method": instrument.method}
    add_event(sandbox, ATTEMPTS, attempt, "chosen", Actor.BUYER, chosen, before=None)
    return _assess_risk(sandbox, begun, attempt, instrument, payer)


def _assess_risk(
    sandbox: Sandbox, order: Order, attempt: Attempt, instrument: Instrument, payer: Payer
) -> PaymentResult:
    """What the risk check makes of a new attempt."""
    planned = attempt.plan.at(Stage.RISK)
    found = assessment.assess(
        sandbox,
        attempt_id=attempt.attempt_id,
        order=order,
        instrument=instrument,
        inputs=_risk_inputs(sandbox, instrument, payer),
        planned=planned.outcome if attempt.plan.decides(Stage.RISK) else None,
    )
    if found.decision is Verdict.DECLINE:
        return PaymentResult(reviews.decline(sandbox, order, attempt, "risk_decline"), None)
    if found.decision is Verdict.REVIEW:
        return PaymentResult(reviews.hold_for_review(sandbox, attempt), None)
    forced = found.decision is Verdict.CHALLENGE
    return authenticate_or_charge(sandbox, order, attempt, payer.checkout, forced=forced, leased=True)


def _risk_inputs(sandbox: Sandbox, instrument: Instrument, payer: Payer) -> Inputs:
    """What was told of the payer, with what is known of them: who is signed in, which card."""
    told = payer.inputs
    if payer.buyer_id is not None:
        told = replace(told, buyer_id=payer.buyer_id)
    number = instrument.secret().get("number")
    if not number:
        return told
    return replace(told, fingerprint=card_fingerprint(sandbox.runtime.keyring, number))


def authenticate_or_charge(
    sandbox: Sandbox, order: Order, attempt: Attempt, checkout: CheckoutContext, *, forced: bool, leased: bool
) -> PaymentResult:
    """
    Ask the buyer for a proof where one is wanted, else the gateway for the money.

    Args:
        forced: Whether a proof is wanted whatever the amount.
        leased: Whether the caller sends the gateway's call itself, or the worker.
    """
    auth = authentication.required_authentication(sandbox, attempt, forced=forced)
    if auth is not None:
        asked = _require_authentication(sandbox, order, attempt, auth, checkout, forced=forced)
    else:
        asked = reviews.skip_authentication(sandbox, attempt)
    return PaymentResult(asked, queue_charge(sandbox, asked, leased=leased))


def _require_authentication(
    sandbox: Sandbox, order: Order, attempt: Attempt, auth: Auth, checkout: CheckoutContext, *, forced: bool
) -> Attempt:
    """Ask the buyer; 3-D Secure may be over before anybody was asked."""
    event = "auth_required" if attempt.state is AttemptState.CREATED else "approve_to_auth"
    changes = authentication.set_deadline(sandbox, order, attempt, auth)
    facts = {"method": attempt.method, "way": str(auth)}
    asked = step(sandbox, ATTEMPTS, attempt, event, Actor.SANDBOX, changes, **facts)
    if auth is Auth.OTP:
        return otp_authentication.begin(sandbox, asked)
    if not checkout.page_url:
        return asked  # Begun by the page that the buyer comes to.
    return card_authentication.prepare(sandbox, asked, checkout, forced=forced)


def queue_charge(sandbox: Sandbox, attempt: Attempt, *, leased: bool) -> int | None:
    """Queue the gateway's call for an attempt that is ready for it; None where it is not."""
    if not authentication.ready_to_charge(attempt):
        return None
    return outbox.add(sandbox, CHARGE, attempt.attempt_id, leased=leased)


def decide_review(sandbox: Sandbox, attempt_id: str, *, approved: bool, actor: Actor) -> Attempt:
    """
    Somebody, or the clock, has looked at an attempt that the risk check had put aside.

    Raises:
        Conflict: code ``review.over``.
    """
    attempt = get_attempt(sandbox, attempt_id)
    if attempt.state is not AttemptState.RISK_REVIEW:
        raise Conflict("This attempt waits for no review.", code="review.over")
    order = get_order(sandbox, attempt.order_pk)
    if not approved:
        return reviews.decline(sandbox, order, attempt, "reject", actor)
    forced = reviews.challenge_required(sandbox, attempt_id)
    return authenticate_or_charge(sandbox, order, attempt, CheckoutContext(), forced=forced, leased=False).attempt


def attempt_id_of(sandbox: Sandbox, order: Order, number: int) -> str:
    """The id that the order's n-th attempt has or will have; a QR code names it beforehand."""
    return sandbox.short_id("att", order.order_id, number)


def _new_attempt(
    sandbox: Sandbox, order: Order, instrument: Instrument, number: int, payer: Payer, *, bank_closed: bool
) -> Attempt:
    attempt_id = attempt_id_of(sandbox, order, number)
    plan = plans.plan_payment(sandbox, order, instrument, attempt_id, bank_closed=bank_closed)
    return Attempt(
        attempt_id=attempt_id,
        order_pk=order.order_pk,
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
        auth=None,
        buyer_id=payer.buyer_id,
        consent=asdict(payer.consent) if payer.consent and payer.buyer_id else None,
        created_at=sandbox.now,
        updated_at=sandbox.now,
        answer_by=None,
    )
