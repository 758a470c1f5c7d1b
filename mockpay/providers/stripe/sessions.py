"""Checkout sessions: an order whose buyer pays at the hosted page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt, Stage
from mockpay.domain.sellers import Seller
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.kernel.money import MINIMUM_MINOR, Money
from mockpay.providers.stripe import ids, intents, lists
from mockpay.providers.stripe.bodies import SESSION, find_intent, session_body
from mockpay.providers.stripe.calls import Answer, Call
from mockpay.providers.stripe.credentials import NAME
from mockpay.providers.stripe.parameters import Parameters, bad_request, missing_object
from mockpay.services.payments import orders
from mockpay.store import api_objects
from mockpay.store.api_objects import ApiObject
from mockpay.wire.faults import change_last
from mockpay.wire.stripe import objects

_LIST = "/v1/checkout/sessions"
_DAY_SECONDS, _LEAST_SECONDS = 86_400, 1_800
_PLACEHOLDER = "{CHECKOUT_SESSION_ID}"
_MOST_ITEMS = 100


def create(call: Call) -> Answer:
    """POST /v1/checkout/sessions."""
    params, sandbox = call.params, call.sandbox
    mode = params.choice("mode", ("payment",)) or "payment"
    items = [_item(Parameters(item, f"line_items[{place}]")) for place, item in enumerate(_items(params))]
    total = sum(item["amount_total"] for item in items)
    if total < MINIMUM_MINOR:
        message = "The Checkout Session's total amount due must add up to at least ₹1.00 inr"
        raise bad_request(message, "amount_too_small")
    session_id = ids.new_id(sandbox, "cs_test")
    success, cancel = (intents.allowed_url(call, params, name) for name in ("success_url", "cancel_url"))
    if success is None:
        raise bad_request("Missing required param: success_url.", "parameter_missing", "success_url")
    now = sandbox.now // SECOND
    expires_at = params.integer("expires_at", now + _DAY_SECONDS)
    if not now + _LEAST_SECONDS <= expires_at <= now + _DAY_SECONDS:
        message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from now."
        raise bad_request(message, param="expires_at")
    inner = params.inner("payment_intent_data") or Parameters({}, "payment_intent_data")
    types = {"payment_method_types": params.values["payment_method_types"]} if "payment_method_types" in params else {}
    about = Parameters({**inner.values, **types}, "payment_intent_data")
    success = success.replace(_PLACEHOLDER, session_id)
    seconds = expires_at - now
    intent = intents.open_intent(
        call,
        about,
        Money(total),
        redirect_url=success,
        timeout_seconds=seconds,
        marks={"cancel_url": (cancel or "").replace(_PLACEHOLDER, session_id)},
    )
    facts = {
        "cancel_url": cancel,
        "client_reference_id": params.text("client_reference_id"),
        "customer_email": params.text("customer_email"),
        "expires_at": expires_at,
        "items": items,
        "locale": params.text("locale"),
        "metadata": params.metadata(),
        "mode": mode,
        "success_url": params.text("success_url", longest=5_000),
    }
    stored = api_objects.add(
        sandbox, NAME, SESSION, session_id, facts, parent=intent.stored.parent, reference=intent.order.order_id
    )
    return session_body(sandbox, stored, call.base_url)


def _items(params: Parameters) -> list[Mapping[str, Any]]:
    items = params.items("line_items")
    if not items or len(items) > _MOST_ITEMS or not all(isinstance(item, Mapping) for item in items):
        raise bad_request("Missing required param: line_items.", "parameter_missing", "line_items")
    return items


def _item(about: Parameters) -> dict[str, Any]:
    if (price := about.text("price")) is not None:
        raise missing_object("price", price, about.param("price"))
    data = about.inner("price_data")
    product = None if data is None else data.inner("product_data")
    if data is None or product is None:
        message = "You must provide `price_data` with `product_data` for each line item."
        raise bad_request(message, "parameter_missing", about.param("price_data"))
    if data.need("currency").lower() != "inr":
        raise bad_request("This sandbox takes inr.", param=data.param("currency"))
    quantity, unit = about.integer("quantity", 1), data.integer("unit_amount", least=0)
    return {"description": product.need("name"), "quantity": quantity, "amount_total": quantity * unit, "unit": unit}


def _find(call: Call, session_id: str) -> ApiObject:
    stored = api_objects.find(call.sandbox, NAME, SESSION, session_id)
    if stored is None:
        raise missing_object("checkout.session", session_id)
    return stored


def retrieve(call: Call, session_id: str) -> Answer:
    """GET /v1/checkout/sessions/{id}."""
    return session_body(call.sandbox, _find(call, session_id), call.base_url)


def expire(call: Call, session_id: str) -> Answer:
    """POST /v1/checkout/sessions/{id}/expire."""
    stored = _find(call, session_id)
    body = session_body(call.sandbox, stored, call.base_url)
    if body["status"] != "open":
        message = f"Only Checkout Sessions with a status in ['open'] can be expired. This one is {body['status']}."
        raise bad_request(message)
    orders.cancel(call.sandbox, find_intent(call.sandbox, str(stored.reference)).order, Actor.SELLER)
    return session_body(call.sandbox, stored, call.base_url)


def list_sessions(call: Call) -> Answer:
    """GET /v1/checkout/sessions."""
    intent_id = call.params.text("payment_intent")
    chosen = None if intent_id is None else lambda stored: bool(stored.reference == intent_id)
    parent = call.params.text("customer")
    return lists.page(
        call,
        SESSION,
        _LIST,
        lambda stored: session_body(call.sandbox, stored, call.base_url),
        parent=parent,
        chosen=chosen,
    )


def line_items(call: Call, session_id: str) -> Answer:
    """GET /v1/checkout/sessions/{id}/line_items."""
    return items_of(_find(call, session_id))


def items_of(stored: ApiObject) -> dict[str, Any]:
    """What a session sells."""
    entries = [
        {
            "id": f"li_{stored.object_id}_{place}",
            "object": "item",
            "amount_discount": 0,
            "amount_subtotal": item["amount_total"],
            "amount_tax": 0,
            "amount_total": item["amount_total"],
            "currency": "inr",
            "description": item["description"],
            "price": None,
            "quantity": item["quantity"],
        }
        for place, item in enumerate(stored.facts["items"])
    ]
    return objects.new_list(f"{_LIST}/{stored.object_id}/line_items", entries, has_more=False)


# --- the buyer's way back


def return_url(seller: Seller, order: Order, attempt: Attempt | None) -> str:
    """Where the buyer goes: a session's pages as they are, or an intent's with what became of it."""
    page, marks = f"/pay/{order.page_token}/result", order.request.get("marks")
    fault = attempt.plan.at(Stage.REDIRECT).outcome if attempt is not None else "success"
    funded = order.state in PAID or order.state is OrderState.AUTHORIZED
    if fault == "failure_though_captured":
        funded = False
    if isinstance(marks, Mapping) and "cancel_url" in marks:
        return order.redirect_url if funded else str(marks["cancel_url"]) or page
    if not order.redirect_url:
        return page
    intent = {
        "payment_intent": order.order_id,
        "payment_intent_client_secret": ids.client_secret(seller, order.order_id),
        "redirect_status": "succeeded" if funded else "failed",
    }
    if fault == "missing_field":
        del intent["redirect_status"]
    elif fault == "order_changed":
        intent["payment_intent"] = change_last(order.order_id)
    joint = "&" if "?" in order.redirect_url else "?"
    return f"{order.redirect_url}{joint}{urlencode(intent)}"
