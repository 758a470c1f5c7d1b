"""Customers, and setup intents that keep a payment method with one."""

from __future__ import annotations

from typing import Any

from mockpay.kernel.clock import SECOND
from mockpay.providers.stripe import bodies, events, ids, lists, payment_methods
from mockpay.providers.stripe.bodies import CUSTOMER, METHOD
from mockpay.providers.stripe.calls import Answer, Call
from mockpay.providers.stripe.credentials import NAME
from mockpay.providers.stripe.parameters import Parameters, bad_request, missing_object
from mockpay.store import api_objects
from mockpay.store.api_objects import ApiObject
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.stripe import objects

SETUP = "setup_intent"
_DELETED = "deleted"
_TEXTS = ("business_name", "description", "email", "individual_name", "name", "phone")
_INNER = ("address", "shipping")
_USAGES = ("off_session", "on_session")
_SETUP_UNEXPECTED = "setup_intent_unexpected_state"


def customer_body(stored: ApiObject) -> dict[str, Any]:
    """A customer; of one that was deleted only that."""
    if stored.state == _DELETED:
        return {"id": stored.object_id, "object": CUSTOMER, "deleted": True}
    return objects.new_object(CUSTOMER, stored.object_id, stored.created_at // SECOND, **stored.facts)


def find_customer(sandbox: Sandbox, customer_id: str, param: str | None = None) -> ApiObject:
    """
    A customer by its id.

    Raises:
        Refused: there is no such customer.
    """
    stored = api_objects.find(sandbox, NAME, CUSTOMER, customer_id)
    if stored is None:
        raise missing_object(CUSTOMER, customer_id, param)
    return stored


def _facts(params: Parameters, before: dict[str, Any] | None = None) -> dict[str, Any]:
    facts = dict(before or {})
    facts |= {name: params.text(name) for name in _TEXTS if name in params}
    for name in _INNER:
        if name in params:
            inner = params.inner(name)
            facts[name] = None if inner is None else dict(inner.values)
    settings = params.inner("invoice_settings")
    if settings is not None:
        usual = objects.new_object(CUSTOMER, "", 0)["invoice_settings"]
        chosen = settings.text("default_payment_method")
        facts["invoice_settings"] = {**usual, "default_payment_method": chosen}
    facts["metadata"] = params.metadata(facts.get("metadata"))
    return facts


def create(call: Call) -> Answer:
    """POST /v1/customers."""
    facts, sandbox = _facts(call.params), call.sandbox
    stored = api_objects.add(sandbox, NAME, CUSTOMER, ids.new_id(sandbox, "cus"), facts, reference=facts.get("email"))
    if (kept := payment_methods.resolve(call)) is not None:
        payment_methods.attach_to(sandbox, kept, stored.object_id)
    body = customer_body(stored)
    events.of_object(call, "customer.created", body)
    return body


def retrieve(call: Call, customer_id: str) -> Answer:
    """GET /v1/customers/{id}."""
    return customer_body(find_customer(call.sandbox, customer_id))


def update(call: Call, customer_id: str) -> Answer:
    """POST /v1/customers/{id}."""
    stored = _living(call, customer_id)
    facts = _facts(call.params, dict(stored.facts))
    body = customer_body(api_objects.change(call.sandbox, stored, facts=facts, reference=facts.get("email")))
    events.of_object(call, "customer.updated", body)
    return body


def delete(call: Call, customer_id: str) -> Answer:
    """DELETE /v1/customers/{id}."""
    stored = _living(call, customer_id)
    events.of_object(call, "customer.deleted", customer_body(stored))
    return customer_body(api_objects.change(call.sandbox, stored, state=_DELETED))


def _living(call: Call, customer_id: str) -> ApiObject:
    stored = find_customer(call.sandbox, customer_id)
    if stored.state == _DELETED:
        raise missing_object(CUSTOMER, customer_id)
    return stored


def list_customers(call: Call) -> Answer:
    """GET /v1/customers."""
    email = call.params.text("email")

    def chosen(stored: ApiObject) -> bool:
        return stored.state != _DELETED and (email is None or stored.facts.get("email") == email)

    return lists.page(call, CUSTOMER, "/v1/customers", customer_body, chosen=chosen)


def list_methods(call: Call, customer_id: str | None = None) -> Answer:
    """GET /v1/customers/{id}/payment_methods, and GET /v1/payment_methods?customer=..."""
    url = "/v1/payment_methods" if customer_id is None else f"/v1/customers/{customer_id}/payment_methods"
    customer_id = customer_id or call.params.need("customer")
    find_customer(call.sandbox, customer_id)
    kind = call.params.text("type")
    return lists.page(
        call,
        METHOD,
        url,
        bodies.method_body,
        parent=customer_id,
        chosen=None if kind is None else lambda stored: bool(stored.facts["type"] == kind),
    )


def retrieve_method(call: Call, customer_id: str, method_id: str) -> Answer:
    """GET /v1/customers/{id}/payment_methods/{id}."""
    stored = payment_methods.find_method(call.sandbox, method_id)
    if stored.parent != customer_id:
        raise missing_object("PaymentMethod", method_id)
    return bodies.method_body(stored)


# --- setup intents


def _setup_body(sandbox: Sandbox, stored: ApiObject) -> dict[str, Any]:
    secret = ids.client_secret(sandbox.seller, stored.object_id)
    return objects.new_object(
        SETUP,
        stored.object_id,
        stored.created_at // SECOND,
        client_secret=secret,
        customer=stored.parent,
        status=stored.state,
        **stored.facts,
    )


def _find_setup(call: Call, setup_id: str) -> ApiObject:
    stored = api_objects.find(call.sandbox, NAME, SETUP, setup_id)
    if stored is None:
        raise missing_object("setupintent", setup_id)
    return stored


def create_setup(call: Call) -> Answer:
    """POST /v1/setup_intents."""
    params, sandbox = call.params, call.sandbox
    customer_id = params.text("customer")
    if customer_id is not None:
        find_customer(sandbox, customer_id, "customer")
    kept = payment_methods.resolve(call)
    facts = {
        "description": params.text("description"),
        "metadata": params.metadata(),
        "payment_method": kept.object_id if kept is not None else None,
        "payment_method_types": params.words("payment_method_types") or ["card"],
        "usage": params.choice("usage", _USAGES) or "off_session",
    }
    state = "requires_confirmation" if kept is not None else "requires_payment_method"
    setup_id = ids.new_id(sandbox, "seti")
    stored = api_objects.add(sandbox, NAME, SETUP, setup_id, facts, parent=customer_id, state=state)
    events.of_object(call, "setup_intent.created", _setup_body(sandbox, stored))
    return _confirm_setup(call, stored, kept) if params.flag("confirm") else _setup_body(sandbox, stored)


def retrieve_setup(call: Call, setup_id: str) -> Answer:
    """GET /v1/setup_intents/{id}."""
    return _setup_body(call.sandbox, _find_setup(call, setup_id))


def update_setup(call: Call, setup_id: str) -> Answer:
    """POST /v1/setup_intents/{id}."""
    stored, params = _find_setup(call, setup_id), call.params
    facts = {**stored.facts, "metadata": params.metadata(stored.facts["metadata"])}
    if "description" in params:
        facts["description"] = params.text("description")
    return _setup_body(call.sandbox, api_objects.change(call.sandbox, stored, facts=facts))


def confirm_setup(call: Call, setup_id: str) -> Answer:
    """POST /v1/setup_intents/{id}/confirm."""
    return _confirm_setup(call, _find_setup(call, setup_id), payment_methods.resolve(call))


def _confirm_setup(call: Call, stored: ApiObject, kept: ApiObject | None) -> Answer:
    sandbox = call.sandbox
    if stored.state in {"succeeded", "canceled"}:
        message = f"You cannot confirm this SetupIntent because it has a status of {stored.state}."
        raise bad_request(message, _SETUP_UNEXPECTED)
    if kept is None and stored.facts["payment_method"] is not None:
        kept = payment_methods.find_method(sandbox, stored.facts["payment_method"])
    if kept is None:
        raise bad_request(
            "You cannot confirm this SetupIntent because it's missing a payment method.", _SETUP_UNEXPECTED
        )
    if stored.parent is not None:
        kept = payment_methods.attach_to(sandbox, kept, stored.parent)
        events.of_object(call, "payment_method.attached", bodies.method_body(kept))
    facts = {**stored.facts, "payment_method": kept.object_id}
    body = _setup_body(sandbox, api_objects.change(sandbox, stored, state="succeeded", facts=facts))
    events.of_object(call, "setup_intent.succeeded", body)
    return body


def cancel_setup(call: Call, setup_id: str) -> Answer:
    """POST /v1/setup_intents/{id}/cancel."""
    stored = _find_setup(call, setup_id)
    if stored.state in {"succeeded", "canceled"}:
        message = f"You cannot cancel this SetupIntent because it has a status of {stored.state}."
        raise bad_request(message, _SETUP_UNEXPECTED)
    reasons = ("abandoned", "requested_by_customer", "duplicate")
    facts = {**stored.facts, "cancellation_reason": call.params.choice("cancellation_reason", reasons)}
    body = _setup_body(call.sandbox, api_objects.change(call.sandbox, stored, state="canceled", facts=facts))
    events.of_object(call, "setup_intent.canceled", body)
    return body


def list_setups(call: Call) -> Answer:
    """GET /v1/setup_intents."""
    parent = call.params.text("customer")
    return lists.page(call, SETUP, "/v1/setup_intents", lambda stored: _setup_body(call.sandbox, stored), parent=parent)
