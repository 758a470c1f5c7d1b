"""Refunds and charges, as calls of the seller's software see them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mockpay.domain.payments.attempts import Stage
from mockpay.domain.refunds import RefundRequest
from mockpay.kernel.errors import MockpayError
from mockpay.kernel.money import Money
from mockpay.providers.stripe import bodies, events, intents, lists
from mockpay.providers.stripe.bodies import INTENT, REFUND, Intent, find_charge, find_intent, find_refund
from mockpay.providers.stripe.calls import Answer, Call, Later
from mockpay.providers.stripe.credentials import NAME
from mockpay.providers.stripe.parameters import bad_request
from mockpay.services.refunds import refund_settlement
from mockpay.services.refunds import refunds as services
from mockpay.store import api_objects
from mockpay.store.api_objects import ApiObject
from mockpay.store.unit_of_work import Sandbox

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_LIST = "/v1/refunds"


def create(call: Call) -> Answer:
    """POST /v1/refunds."""
    params, sandbox = call.params, call.sandbox
    reason, metadata = params.choice("reason", _REASONS), params.metadata()
    if (charge_id := params.text("charge")) is not None:
        intent, _ = find_charge(sandbox, charge_id, "charge")
    elif (intent_id := params.text("payment_intent")) is not None:
        intent = find_intent(sandbox, intent_id, "payment_intent")
    else:
        raise bad_request(
            "One of the following params should be provided: payment_intent or charge.", "parameter_missing"
        )
    amount = _amount(call, intent)
    key = services.own_reference(sandbox, intent.order, "RE")
    request = RefundRequest(key, amount, outcomes=call.outcomes(Stage.REFUND, Stage.IPN))
    result = services.request(sandbox, intent.order, request)
    refund = result.refund
    if refund is None:
        return _refuse_later("throttled")
    stored = api_objects.find(sandbox, NAME, REFUND, refund.refund_id)
    assert stored is not None
    stored = api_objects.change(sandbox, stored, facts={"metadata": metadata, "reason": reason})
    events.of_refund(sandbox, intent, "requested", refund)
    due = refund.due_at is not None and refund.due_at <= sandbox.now
    # What is taken back later was there at once, as every refund here that nothing is asked of.
    if due or refund.plan.at(Stage.REFUND).outcome == "reversed":
        refund_settlement.settle(sandbox, refund.refund_id)
    if result.answer_lost:
        return _refuse_later("answer.lost")
    return bodies.refund_body(find_refund(sandbox, refund.refund_id), stored)


def _refuse_later(code: str) -> Later:
    """An error in the place of the answer to a call whose work stays."""

    def refuse(_sandbox: Sandbox) -> dict[str, Any]:
        raise MockpayError("Try again later.", code=code)

    return Later(None, refuse)


def _amount(call: Call, intent: Intent) -> Money:
    """What is to be sent back: all that is left where no amount is named."""
    if intent.status != "succeeded":
        message = f"This PaymentIntent ({intent.order.order_id}) does not have a successful charge to refund."
        raise bad_request(message, param="payment_intent")
    charge = intent.charges[-1]
    if not charge.refundable.minor:
        raise bad_request(f"Charge {charge.attempt_id} has already been refunded.", "charge_already_refunded")
    amount = replace(charge.refundable, minor=call.params.integer("amount", charge.refundable.minor))
    if amount > charge.refundable:
        left = charge.refundable.minor
        message = f"Refund amount ({amount.minor}) is greater than unrefunded amount on charge ({left})"
        raise bad_request(message, param="amount")
    return amount


def retrieve(call: Call, refund_id: str) -> Answer:
    """GET /v1/refunds/{id}."""
    return _body(call, _stored(call, refund_id))


def _stored(call: Call, refund_id: str) -> ApiObject:
    find_refund(call.sandbox, refund_id)
    stored = api_objects.find(call.sandbox, NAME, REFUND, refund_id)
    assert stored is not None
    return stored


def _body(call: Call, stored: ApiObject) -> dict[str, Any]:
    refund = services.record_poll(call.sandbox, stored.object_id)
    return bodies.refund_body(refund, stored)


def update(call: Call, refund_id: str) -> Answer:
    """POST /v1/refunds/{id}."""
    stored = _stored(call, refund_id)
    facts = {**stored.facts, "metadata": call.params.metadata(stored.facts["metadata"])}
    return _body(call, api_objects.change(call.sandbox, stored, facts=facts))


def cancel(call: Call, refund_id: str) -> Answer:
    """POST /v1/refunds/{id}/cancel: only of refunds that wait for the buyer, which there are none of here."""
    _stored(call, refund_id)
    raise bad_request("This refund cannot be canceled: it does not have the status requires_action.")


def list_refunds(call: Call) -> Answer:
    """GET /v1/refunds."""
    parent = call.params.text("payment_intent")
    if parent is not None:
        find_intent(call.sandbox, parent, "payment_intent")
    elif (charge_id := call.params.text("charge")) is not None:
        parent = find_charge(call.sandbox, charge_id, "charge")[0].order.order_id
    return lists.page(call, REFUND, _LIST, lambda stored: _body(call, stored), parent=parent)


# --- charges


def retrieve_charge(call: Call, charge_id: str) -> Answer:
    """GET /v1/charges/{id}."""
    return bodies.charge_body(call.sandbox, *find_charge(call.sandbox, charge_id))


def refunds_of_charge(call: Call, charge_id: str) -> Answer:
    """GET /v1/charges/{id}/refunds."""
    intent, _ = find_charge(call.sandbox, charge_id)
    url = f"/v1/charges/{charge_id}/refunds"
    return lists.page(call, REFUND, url, lambda stored: _body(call, stored), parent=intent.order.order_id)


def capture_charge(call: Call, charge_id: str) -> Answer:
    """POST /v1/charges/{id}/capture."""
    intent, _ = find_charge(call.sandbox, charge_id)
    values = {**call.params.values}
    if "amount" in values:
        values["amount_to_capture"] = values.pop("amount")
    params = replace(call.params, values=values)
    intents.capture(replace(call, params=params), intent.order.order_id)
    return retrieve_charge(call, charge_id)


def list_charges(call: Call) -> Answer:
    """GET /v1/charges: the newest charge of each intent."""
    parent, intent_id = call.params.text("customer"), call.params.text("payment_intent")
    values = {**call.params.values}
    for name in ("starting_after", "ending_before"):
        if (charge_id := call.params.text(name)) is not None:
            values[name] = find_charge(call.sandbox, charge_id, name)[0].order.order_id
    call = replace(call, params=replace(call.params, values=values))

    def charged(stored: ApiObject) -> bool:
        wanted = intent_id is None or stored.object_id == intent_id
        return wanted and bool(bodies.intent_of(call.sandbox, stored).charges)

    def render(stored: ApiObject) -> dict[str, Any]:
        intent = bodies.intent_of(call.sandbox, stored)
        return bodies.charge_body(call.sandbox, intent, intent.charges[-1])

    return lists.page(call, INTENT, "/v1/charges", render, parent=parent, chosen=charged)
