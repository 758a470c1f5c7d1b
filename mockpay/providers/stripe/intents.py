"""Payment intents: an order made, paid, captured and given up by calls of the seller's software."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from mockpay.domain.orders import PaymentRequest
from mockpay.domain.return_urls import return_url_allowed
from mockpay.domain.scenarios.requested import dump_outcomes
from mockpay.domain.timeline import Actor
from mockpay.kernel.money import MINIMUM_MINOR, Money
from mockpay.providers.stripe import bodies, events, ids, lists, payment_methods, searches
from mockpay.providers.stripe.bodies import CUSTOMER, INTENT, Intent, find_intent, intent_of
from mockpay.providers.stripe.calls import Answer, Call, Later
from mockpay.providers.stripe.credentials import NAME
from mockpay.providers.stripe.parameters import Parameters, Refused, bad_request, missing_object
from mockpay.services.payments import captures, orders, payments
from mockpay.services.payments.authentication import CheckoutContext, Payer
from mockpay.store import api_objects
from mockpay.store.api_objects import ApiObject
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds.rules import Browser
from mockpay.wire.stripe import errors
from mockpay.wire.stripe.errors import ApiError

_CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
#: What a caller may set and change, as it is.
_TEXTS = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELLABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")
_LIST, _SEARCHED = "/v1/payment_intents", 1_000
_BROWSER = Browser(ip="127.0.0.1")


def create(call: Call) -> Answer:
    """POST /v1/payment_intents."""
    params = call.params
    kept = payment_methods.resolve(call)
    intent = open_intent(call, params, read_amount(params, params.need("currency")), kept)
    return _confirm(call, intent, kept) if params.flag("confirm") else _answer(call, intent)


def read_amount(params: Parameters, currency: str) -> Money:
    """
    What is to be paid.

    Raises:
        Refused: it is too little, or of a currency that is not taken here.
    """
    minor = params.integer("amount")
    if currency.lower() != "inr":
        raise bad_request(f"Invalid currency: {currency}. This sandbox takes inr.", param="currency")
    if minor < MINIMUM_MINOR:
        raise bad_request("Amount must be at least ₹1.00 inr", "amount_too_small", "amount")
    return Money(minor)


def open_intent(
    call: Call,
    params: Parameters,
    amount: Money,
    kept: ApiObject | None = None,
    *,
    redirect_url: str = "",
    timeout_seconds: int = 0,
    marks: Mapping[str, object] | None = None,
) -> Intent:
    """
    A new order with what the company keeps beside it.

    Args:
        params: Of the intent: those of the call or inner ones.
        timeout_seconds: How long it may be paid; 0: for ever.
        marks: What the buyer's way back needs to know.
    """
    sandbox = call.sandbox
    customer = _customer(call)
    intent_id = ids.new_id(sandbox, "pi")
    capture = params.choice("capture_method", _CAPTURE_METHODS) or "automatic"
    request = PaymentRequest(
        provider=NAME,
        seller_order_id=intent_id,
        amount=amount,
        redirect_url=redirect_url or allowed_url(call, params, "return_url") or "",
        digest=intent_id,
        seller_note=params.text("description"),
        timeout_seconds=timeout_seconds,
        outcomes=dump_outcomes(call.outcomes(params=params)),
        capture="manual" if capture == "manual" else "auto",
        marks=marks or {},
    )
    automatic = params.inner("automatic_payment_methods")
    about = {
        **{name: params.text(name) for name in _TEXTS},
        "automatic": None if automatic is None else {"allow_redirects": "always", "enabled": True},
        "capture_method": capture,
        "confirmation_method": params.choice("confirmation_method", ("automatic", "manual")) or "automatic",
        "metadata": params.metadata(),
        "payment_method": kept.object_id if kept is not None else None,
        "shipping": _plain(params, "shipping"),
        "tried": 0,
        "types": _types(params),
    }
    # Before the order, whose first step is told with what is kept here.
    stored = api_objects.add(sandbox, NAME, INTENT, intent_id, about, parent=customer)
    opened = orders.open_order(sandbox, request)
    assert opened.order is not None
    return Intent(opened.order, stored, [])


def _plain(params: Parameters, name: str) -> dict[str, Any] | None:
    inner = params.inner(name)
    return None if inner is None else dict(inner.values)


def _types(params: Parameters) -> list[str]:
    types = params.words("payment_method_types") or ["card"]
    for name in types:
        if name not in payment_methods.TYPES:
            message = f'The payment method type "{name}" is invalid: this sandbox has card and upi.'
            raise bad_request(message, "payment_intent_invalid_parameter", "payment_method_types")
    return types


def _customer(call: Call) -> str | None:
    customer_id = call.params.text("customer")
    if customer_id is not None and api_objects.find(call.sandbox, NAME, CUSTOMER, customer_id) is None:
        raise missing_object(CUSTOMER, customer_id, CUSTOMER)
    return customer_id


def allowed_url(call: Call, params: Parameters, name: str) -> str | None:
    """
    Where a buyer is to be sent; None where it is not there.

    Raises:
        Refused: the seller's return URLs do not have it.
    """
    url = params.url(name)
    plain = None if url is None else url.replace("{CHECKOUT_SESSION_ID}", "id")
    if plain is not None and not return_url_allowed(plain, call.sandbox.seller.return_urls):
        raise bad_request("This URL is none of the seller's return URLs.", "url_invalid", params.param(name))
    return url


def _answer(call: Call, intent: Intent) -> dict[str, Any]:
    return bodies.intent_body(call.sandbox, intent, call.base_url)


def _in_status(intent: Intent, done: str, allowed: tuple[str, ...], body: dict[str, Any]) -> None:
    if intent.status not in allowed:
        message = (
            f"This PaymentIntent could not be {done} because it has a status of {intent.status}. Only a PaymentIntent"
            f" with one of the following statuses may be {done}: {', '.join(allowed)}."
        )
        raise bad_request(message, errors.UNEXPECTED_STATE, payment_intent=body)


def retrieve(call: Call, intent_id: str) -> Answer:
    """GET /v1/payment_intents/{id}."""
    return _answer(call, find_intent(call.sandbox, intent_id))


def update(call: Call, intent_id: str) -> Answer:
    """POST /v1/payment_intents/{id}."""
    sandbox, params = call.sandbox, call.params
    intent = find_intent(sandbox, intent_id)
    order, facts = intent.order, dict(intent.stored.facts)
    if "amount" in params:
        amount = read_amount(params, params.text("currency") or "inr")
        _in_status(intent, "updated", _CONFIRMABLE, _answer(call, intent))
        order = orders.change(sandbox, order, amount=amount)
    kept = payment_methods.resolve(call)
    if kept is not None:
        facts |= {"payment_method": kept.object_id, "tried": order.attempt_count}
    facts |= {name: params.text(name) for name in _TEXTS if name in params}
    if "shipping" in params:
        facts["shipping"] = _plain(params, "shipping")
    facts["metadata"] = params.metadata(facts["metadata"])
    parent = _customer(call) or intent.stored.parent
    stored = api_objects.change(sandbox, intent.stored, facts=facts, parent=parent)
    return _answer(call, Intent(order, stored, intent.attempts))


# --- paying


def confirm(call: Call, intent_id: str) -> Answer:
    """POST /v1/payment_intents/{id}/confirm."""
    intent = find_intent(call.sandbox, intent_id)
    kept = payment_methods.resolve(call)
    if kept is None and intent.status == "requires_confirmation":
        kept = payment_methods.find_method(call.sandbox, intent.stored.facts["payment_method"])
    return _confirm(call, intent, kept)


def _confirm(call: Call, intent: Intent, kept: ApiObject | None) -> Answer:
    sandbox = call.sandbox
    _in_status(intent, "confirmed", _CONFIRMABLE, _answer(call, intent))
    if kept is None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the"
            " PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a"
            " payment method."
        )
        raise bad_request(message, errors.UNEXPECTED_STATE, payment_intent=_answer(call, intent))
    order = intent.order
    if intent.status == "requires_action":
        # Whoever confirms again begins anew, as the client's own library does.
        orders.abandon(sandbox, order)
        order = find_intent(sandbox, order.order_id).order
    if (url := allowed_url(call, call.params, "return_url")) and url != order.redirect_url:
        order = orders.change(sandbox, order, redirect_url=url)
    instrument = payment_methods.instrument_of(sandbox, kept)
    outcomes = call.outcomes()
    page = CheckoutContext(f"{call.base_url}/pay/{order.page_token}", _BROWSER, order.payee(sandbox.seller.name))
    facts = {**intent.stored.facts, "payment_method": kept.object_id, "tried": order.attempt_count}
    api_objects.change(sandbox, intent.stored, facts=facts)
    begun = payments.pay(sandbox, order, instrument, Payer(checkout=page, outcomes=outcomes))
    begun = payments.ask_issuer_at_once(sandbox, begun, _BROWSER)
    refuses_action = call.params.flag("error_on_requires_action") or call.params.flag("off_session")
    base_url, order_id = call.base_url, order.order_id

    def answer(later: Sandbox) -> dict[str, Any]:
        paid = find_intent(later, order_id)
        if paid.status == "requires_action" and refuses_action:
            raise _needs_action(later, paid, base_url)
        error = bodies.declined(later, paid, base_url)
        if error is not None:
            raise Refused(error, 402)
        events.of_status(later, paid)
        return bodies.intent_body(later, paid, base_url)

    return Later(begun.outbox_id, answer)


def _needs_action(sandbox: Sandbox, intent: Intent, base_url: str) -> Refused:
    """Nobody is there who could prove anything: the charge is refused."""
    orders.abandon(sandbox, intent.order)
    body = bodies.intent_body(sandbox, find_intent(sandbox, intent.order.order_id), base_url)
    message = "Your card was declined. This transaction requires authentication."
    code = "authentication_required"
    return Refused(ApiError(errors.CARD, message, code, code, payment_intent=body), 402)


def capture(call: Call, intent_id: str) -> Answer:
    """POST /v1/payment_intents/{id}/capture."""
    sandbox = call.sandbox
    intent = find_intent(sandbox, intent_id)
    _in_status(intent, "captured", ("requires_capture",), _answer(call, intent))
    minor = call.params.integer("amount_to_capture", intent.order.amount.minor)
    metadata = call.params.metadata(intent.stored.facts["metadata"])
    api_objects.change(sandbox, intent.stored, facts={**intent.stored.facts, "metadata": metadata})
    captures.capture(sandbox, intent.order, Actor.SELLER, replace(intent.order.amount, minor=minor))
    return _answer(call, find_intent(sandbox, intent_id))


def cancel(call: Call, intent_id: str) -> Answer:
    """POST /v1/payment_intents/{id}/cancel."""
    sandbox = call.sandbox
    intent = find_intent(sandbox, intent_id)
    _in_status(intent, "canceled", _CANCELLABLE, _answer(call, intent))
    reason = call.params.choice("cancellation_reason", _REASONS)
    api_objects.change(sandbox, intent.stored, facts={**intent.stored.facts, "cancellation_reason": reason})
    if intent.status == "requires_capture":
        captures.void(sandbox, intent.order, Actor.SELLER)
    else:
        orders.cancel(sandbox, intent.order, Actor.SELLER)
    return _answer(call, find_intent(sandbox, intent_id))


# --- lists


def list_intents(call: Call) -> Answer:
    """GET /v1/payment_intents."""
    parent = call.params.text("customer")
    return lists.page(call, INTENT, _LIST, lambda stored: _answer(call, intent_of(call.sandbox, stored)), parent=parent)


def search(call: Call) -> Answer:
    """GET /v1/payment_intents/search."""
    wanted = searches.read_query(call.params.need("query"))
    limit = call.params.integer("limit", 10)
    rows = api_objects.list_newest(call.sandbox, NAME, INTENT, limit=_SEARCHED)
    found = [body for body in (_answer(call, intent_of(call.sandbox, row)) for row in rows) if wanted(body)]
    start = call.params.integer("page", 0, least=0)
    more = start + limit < len(found)
    return {
        "object": "search_result",
        "url": f"{_LIST}/search",
        "has_more": more,
        "next_page": str(start + limit) if more else None,
        "data": found[start : start + limit],
    }
