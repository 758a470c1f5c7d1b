"""Payments: fetched, listed, captured and edited; an attempt of the core each."""

from __future__ import annotations

from typing import Any

from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Stage
from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import Conflict, NotFound
from mockpay.kernel.money import Money
from mockpay.providers.razorpay import ids, objects, parameters
from mockpay.providers.razorpay.calls import Body, Call, Later
from mockpay.providers.razorpay.credentials import NAME
from mockpay.providers.razorpay.errors import Declined, invalid
from mockpay.services.payments import captures
from mockpay.store import api_objects, attempts, transitions
from mockpay.store.reads import company_lists
from mockpay.wire.razorpay import answers
from mockpay.wire.razorpay import errors as words
from mockpay.wire.razorpay.answers import GATEWAY, ApiError


def fetch(call: Call, payment_id: str) -> Body:
    """One payment."""
    return body(call, *call.payment(payment_id))


def list_(call: Call) -> Body:
    """Payments, the newest first."""
    found = company_lists.list_attempts(call.sandbox, NAME, parameters.part(call))
    payments = objects.payments_of(call.sandbox, found)
    return answers.collection_body(
        [objects.payment_body(payment, card="card" in call.expanded) for payment in payments]
    )


def body(call: Call, order: Order, attempt: Attempt) -> dict[str, Any]:
    """A payment as it stands."""
    payment = objects.payment_of(call.sandbox, order, attempt)
    return objects.payment_body(payment, card="card" in call.expanded)


def capture(call: Call, payment_id: str) -> Later:
    """
    Take what was authorised: all of it, as the API has it.

    Raises:
        Conflict: code ``capture.done``, ``capture.not_authorized``, ``capture.pending``.
        Invalid: code ``capture.differs``, or as `parameters.amount` and `parameters.currency`.
    """
    parameters.only(call.body, ("amount", "currency"))
    order, attempt = call.payment(payment_id)
    minor = parameters.amount(call)
    parameters.currency(call, required=False)
    if attempt.state is AttemptState.CAPTURED or attempt.state is AttemptState.REVERSED:
        raise Conflict(words.ALREADY_CAPTURED, code="capture.done")
    if attempt.state is not AttemptState.AUTHORIZED:
        raise Conflict(words.NOT_AUTHORIZED, code="capture.not_authorized")
    if minor != attempt.amount.minor:
        raise invalid(words.OTHER_CAPTURE, "amount", "capture.differs")
    asked = call.outcomes(Stage.CAPTURE, Stage.IPN)
    if asked:
        plan = attempt.plan
        for stage, decision in asked.items():
            plan = plan.plus(stage, decision)
        transitions.update(call.sandbox, attempts.mapper, attempt, plan=plan, updated_at=attempt.updated_at)
    captures.capture(call.sandbox, order, Actor.SELLER, Money(minor))
    return Later(None, lambda later: _captured(later, payment_id))


def _captured(call: Call, payment_id: str) -> Body:
    order, attempt = call.payment(payment_id)
    if attempt.state is AttemptState.VOIDED:
        description = "Payment capture failed at the gateway; the amount is released."
        reason, step = "gateway_technical_error", "payment_capture"
        raise Declined(ApiError(GATEWAY, description, reason, "gateway", step, None, order.order_id, payment_id))
    return body(call, order, attempt)


def edit(call: Call, payment_id: str) -> Body:
    """Other notes."""
    parameters.only(call.body, ())
    order, attempt = call.payment(payment_id)
    keep_details(call, order, attempt.attempt_id, {"notes": parameters.notes(call.body)})
    return body(call, order, attempt)


def keep_details(call: Call, order: Order, payment_id: str, details: Body) -> None:
    """Keep what is known of a payment beside the core's attempt."""
    stored = api_objects.find(call.sandbox, NAME, objects.DETAILS, payment_id)
    if stored is None:
        api_objects.add(call.sandbox, NAME, objects.DETAILS, payment_id, details, parent=order.order_id)
    else:
        api_objects.change(call.sandbox, stored, facts={**stored.facts, **details})


def fetch_card(call: Call, payment_id: str) -> Body:
    """The card of a payment."""
    return _card(call.payment(payment_id)[1])


def fetch_card_by_id(call: Call, card_id: str) -> Body:
    """The same by the card's own id."""
    return _card(call.payment(ids.payment_of(card_id))[1])


def _card(attempt: Attempt) -> Body:
    if "last4" not in attempt.instrument:
        raise NotFound("This payment was not made by a card.", code="object.not_found")
    return objects.card_body(attempt)
