"""Payment methods: cards and UPI ids as their seller keeps them; a card's number is sealed, its CVC nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockpay.domain.methods.cards import restore_card
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.cards import NAME_PREFIX
from mockpay.domain.scenarios.resolution import Input, find
from mockpay.kernel import ids as kernel_ids
from mockpay.providers.stripe import bodies, events, ids
from mockpay.providers.stripe.bodies import CUSTOMER, METHOD, card_of
from mockpay.providers.stripe.calls import Answer, Call
from mockpay.providers.stripe.credentials import NAME
from mockpay.providers.stripe.outcomes import error_of
from mockpay.providers.stripe.parameters import Parameters, Refused, bad_request, missing_object
from mockpay.providers.stripe.test_methods import ATTACHED_THOUGH_DECLINED, number_of
from mockpay.store import api_objects
from mockpay.store.api_objects import ApiObject
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.stripe import objects

#: Methods of payment in Stripe's words.
TYPES = ("card", "upi")
_BILLING = ("email", "name", "phone")
#: A published test card's expiry, where only its name was given.
_TEST_EXPIRY = "12/40"


def read_instrument(call: Call, about: Parameters) -> Instrument:
    """
    What is paid with, by its `type` and the details of that.

    Raises:
        Refused: something is missing, or no such type is taken here.
        Invalid: the card or UPI id is none.
    """
    kind = about.choice("type", TYPES) or "card"
    details = about.inner(kind)
    if details is None:
        raise bad_request(f"Missing required param: {about.param(kind)}.", "parameter_missing", about.param(kind))
    if kind == "upi":
        return METHODS["upi"].read({"vpa": details.need("vpa")}, call.sandbox.now, None)
    if token := details.text("token"):
        return _test_card(token, details.param("token"))
    month, year = details.need("exp_month"), details.need("exp_year")
    billing = about.inner("billing_details")
    name = (billing.text("name") if billing is not None else None) or ""
    parts = {
        "number": details.need("number"),
        "expiry": f"{month:0>2}/{year[-2:]}",
        # A holder's name that is magic decides; of any other this API asks nothing.
        "name": name if name.upper().startswith(NAME_PREFIX) else "Card holder",
    }
    if cvc := details.text("cvc"):
        parts["cvv"] = cvc
    return METHODS["card"].read(parts, call.sandbox.now, None)


def _test_card(name: str, param: str) -> Instrument:
    number = number_of(name)
    if number is None:
        raise missing_object("PaymentMethod", name, param)
    return restore_card(number, _TEST_EXPIRY)


def keep(sandbox: Sandbox, instrument: Instrument, about: Parameters | None = None) -> ApiObject:
    """A new payment method for an instrument."""
    details = _details(sandbox, instrument)
    facts = {
        "type": instrument.method,
        "details": details,
        "billing_details": _billing(about),
        "metadata": about.metadata() if about is not None else {},
    }
    method_id = ids.new_id(sandbox, "pm")
    if secret := instrument.secret():
        api_objects.add_secret(sandbox, method_id, {**secret, "expiry": instrument.dump()["expiry"]})
    return api_objects.add(sandbox, NAME, METHOD, method_id, facts)


def _details(sandbox: Sandbox, instrument: Instrument) -> dict[str, Any]:
    parts = instrument.dump()
    if instrument.method != "card":
        return {"vpa": parts.get("vpa")}
    number = instrument.secret()["number"]
    mark = kernel_ids.digest(sandbox.seller.secret_key, NAME, "fingerprint", number).hex()[:16]
    networks = {"available": [card_of(parts)["network"]], "preferred": None}
    usage = {"three_d_secure_usage": {"supported": True}, "wallet": None, "generated_from": None}
    return {**card_of(parts), "fingerprint": mark, "networks": networks, **usage}


def _billing(about: Parameters | None, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    details = about.inner("billing_details") if about is not None else None
    billing = dict(before or objects.new_object(METHOD, "", 0)["billing_details"])
    if details is None:
        return billing
    texts = {name: details.text(name) for name in _BILLING if name in details}
    address = details.inner("address")
    if address is not None:
        billing["address"] = {name: address.text(name) for name in billing["address"]}
    return {**billing, **texts}


def instrument_of(sandbox: Sandbox, stored: ApiObject) -> Instrument:
    """
    What a payment method pays with.

    Raises:
        Invalid: its card cannot be had again.
    """
    if stored.facts["type"] == "upi":
        return METHODS["upi"].read({"vpa": stored.facts["details"]["vpa"]}, sandbox.now, None)
    secret = api_objects.find_secret(sandbox, stored.object_id)
    return restore_card(secret["number"], secret["expiry"])


def resolve(call: Call, name: str = "payment_method") -> ApiObject | None:
    """
    The payment method of a request: one that is kept, a published test card, or new data; None where it has none.

    Raises:
        Refused: there is no such method.
        Invalid: the data is no instrument.
    """
    method_id, about = call.params.text(name), call.params.inner(f"{name}_data")
    if method_id is not None:
        stored = api_objects.find(call.sandbox, NAME, METHOD, method_id)
        return stored or keep(call.sandbox, _test_card(method_id, name))
    return None if about is None else keep(call.sandbox, read_instrument(call, about), about)


def find_method(sandbox: Sandbox, method_id: str, param: str | None = None) -> ApiObject:
    """
    A payment method by its id.

    Raises:
        Refused: there is no such method.
    """
    stored = api_objects.find(sandbox, NAME, METHOD, method_id)
    if stored is None:
        raise missing_object("PaymentMethod", method_id, param)
    return stored


# --- views


def create(call: Call) -> Answer:
    """POST /v1/payment_methods."""
    call.params.need("type")
    return bodies.method_body(keep(call.sandbox, read_instrument(call, call.params), call.params))


def retrieve(call: Call, method_id: str) -> Answer:
    """GET /v1/payment_methods/{id}."""
    stored = api_objects.find(call.sandbox, NAME, METHOD, method_id)
    if stored is None and (number := number_of(method_id)):
        stored = keep(call.sandbox, restore_card(number, _TEST_EXPIRY))
    return bodies.method_body(stored or find_method(call.sandbox, method_id))


def update(call: Call, method_id: str) -> Answer:
    """POST /v1/payment_methods/{id}."""
    stored = find_method(call.sandbox, method_id)
    facts = {
        **stored.facts,
        "metadata": call.params.metadata(stored.facts["metadata"]),
        "billing_details": _billing(call.params, stored.facts["billing_details"]),
    }
    return bodies.method_body(api_objects.change(call.sandbox, stored, facts=facts))


def attach(call: Call, method_id: str) -> Answer:
    """POST /v1/payment_methods/{id}/attach."""
    customer_id = call.params.need("customer")
    if api_objects.find(call.sandbox, NAME, CUSTOMER, customer_id) is None:
        raise missing_object(CUSTOMER, customer_id, CUSTOMER)
    stored = api_objects.find(call.sandbox, NAME, METHOD, method_id)
    stored = stored or keep(call.sandbox, _test_card(method_id, "payment_method"))
    body = bodies.method_body(attach_to(call.sandbox, stored, customer_id))
    events.of_object(call, "payment_method.attached", body)
    return body


def attach_to(sandbox: Sandbox, stored: ApiObject, customer_id: str) -> ApiObject:
    """
    Keep a payment method with a customer.

    Raises:
        Refused: another customer has it, or its card's issuer refuses it.
    """
    if stored.parent not in {None, customer_id}:
        message = "The payment method you provided has already been attached to a customer."
        raise bad_request(message, param="payment_method")
    number = api_objects.find_secret(sandbox, stored.object_id).get("number")
    if number and number not in ATTACHED_THOUGH_DECLINED:
        declined = find(Input.PAN, number, Stage.ISSUER)
        # A card that is challenged first is declined only when it pays.
        if declined is not None and declined.outcome != "success" and find(Input.PAN, number, Stage.AUTH) is None:
            raise Refused(error_of(declined.outcome, None), 402)
    return api_objects.change(sandbox, stored, parent=customer_id)


def detach(call: Call, method_id: str) -> Answer:
    """POST /v1/payment_methods/{id}/detach."""
    stored = find_method(call.sandbox, method_id)
    if stored.parent is None:
        message = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise bad_request(message, param="payment_method")
    body = bodies.method_body(api_objects.change(call.sandbox, stored, parent=None))
    events.of_object(call, "payment_method.detached", body)
    return body
