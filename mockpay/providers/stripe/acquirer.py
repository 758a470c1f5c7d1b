"""
Stripe's other side in process: it reads the requests of a gateway's client, keeps objects of its own and answers.

It decides by the outcome that a request names (`Mockpay-Outcome: issuer=...`) and never calls the payment services.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from mockpay.domain.methods.method import REVERSED, MoneyStatus
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.notifications import OutgoingMessage
from mockpay.domain.payments.faults import Fault
from mockpay.kernel import ids
from mockpay.kernel.clock import DAY, SECOND
from mockpay.kernel.errors import Invalid
from mockpay.kernel.http.calls import HttpCall, HttpReply
from mockpay.providers import gateway_server, paths
from mockpay.providers.paths import ID
from mockpay.providers.stripe import idempotency
from mockpay.providers.stripe.credentials import NAME
from mockpay.providers.stripe.outcomes import error_of
from mockpay.providers.stripe.parameters import Parameters, Refused, bad_request, missing_object
from mockpay.services.gateways import accounts, messages
from mockpay.store import gateway_objects
from mockpay.store.gateway_objects import GatewayObject
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.wire.forms import FormError
from mockpay.wire.stripe import errors, forms, objects, requests, signatures
from mockpay.wire.stripe.errors import ApiError

_INTENT, _CHARGE, _REFUND, _REQUEST = "payment_intent", "charge", "refund", "request"
_PREFIXES = {_INTENT: "pi", _CHARGE: "ch", _REFUND: "re"}
_LEAST_MINOR = 50
_DIGITS = 24
_NO_REASON: Mapping[str, Any] = {"metadata": {}, "reason": None}
#: Methods of payment in Stripe's words.
METHOD_OF = {"card": "card", "upi": "upi"}
CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
#: The statuses from which each action goes on.
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELLABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")


@dataclass(frozen=True, slots=True)
class _Call:
    """A request in one seller's world."""

    sandbox: Sandbox
    params: Parameters
    headers: Mapping[str, str]


def answer(runtime: Runtime, seller_id: str, call: HttpCall) -> HttpReply:
    """What Stripe answers to a request, in a transaction of its own."""
    headers = {name.lower(): value for name, value in call.headers.items()}
    url = urlsplit(call.url)
    path = url.path[url.path.find("/v1/") :]
    more: dict[str, str] = {}
    with transaction(runtime, seller_id) as sandbox:
        try:
            _authenticate(sandbox, headers.get("authorization", ""))
            view, names = _view(call.method, path)
            params = forms.decode(call.body if call.method == "POST" else url.query)
            status, body, replayed = _once(_Call(sandbox, Parameters(params), headers), call.method, path, view, names)
            more = {"Idempotent-Replayed": "true"} if replayed else {}
        except Refused as refused:
            status, body = refused.status, errors.error_body(refused.error)
        except (Invalid, FormError) as error:
            status, body = 400, errors.error_body(ApiError(errors.INVALID_REQUEST, error.message))
    own = {
        "Content-Type": "application/json",
        "Request-Id": f"req_{ids.base62(14)}",
        "Stripe-Version": requests.VERSION,
    }
    return HttpReply(status, {**own, **more}, msgspec.json.encode(body))


def _authenticate(sandbox: Sandbox, header: str) -> None:
    key = signatures.parse_authorization(header)
    if key is None:
        raise Refused(ApiError(errors.INVALID_REQUEST, "You did not provide an API key."), 401)
    if accounts.accepts(sandbox, NAME, secret_key=key) is None:
        raise Refused(ApiError(errors.INVALID_REQUEST, f"Invalid API Key provided: {key[:8]}****{key[-4:]}"), 401)


def _once(call: _Call, method: str, path: str, view: _View, names: list[str]) -> tuple[int, dict[str, Any], bool]:
    """
    Status and body of an answer, and whether it was given before; what was refused before it was tried is not kept.
    """
    key = call.headers.get(requests.IDEMPOTENCY.lower()) if method == "POST" else None
    if key is None:
        return 200, view(call, *names), False
    sandbox, request_id = call.sandbox, idempotency.request_id(key)
    facts = idempotency.describe(sandbox.seller.secret_key, path, call.params.values)
    before = gateway_objects.find(sandbox, NAME, _REQUEST, request_id)
    if before is not None and idempotency.is_fresh(before.created_at, sandbox.now):
        idempotency.check_same(key, facts, before.facts)
        return before.facts["status"], before.facts["body"], True
    try:
        status, body = 200, view(call, *names)
    except Refused as refused:
        if refused.error.type != errors.CARD:
            raise
        status, body = refused.status, errors.error_body(refused.error)
    facts |= {"status": status, "body": body}
    if before is not None:
        gateway_objects.change(sandbox, before, facts=facts, created_at=sandbox.now)
    else:
        _store(sandbox, _REQUEST, request_id, None, None, "done", 0, facts)
    return status, body, False


# --- intents


def _create_intent(call: _Call) -> dict[str, Any]:
    amount, currency = call.params.integer("amount"), call.params.need("currency")
    if currency.lower() != "inr":
        raise bad_request(f"Invalid currency: {currency}", param="currency")
    if amount < _LEAST_MINOR:
        raise bad_request("Amount must be at least ₹0.50 inr", "amount_too_small", "amount")
    capture = call.params.choice("capture_method", CAPTURE_METHODS) or "automatic"
    metadata = call.params.metadata()
    types = call.params.words("payment_method_types") or ["card"]
    if any(name not in METHOD_OF.values() for name in types):
        raise bad_request("The payment method types must be among: card, upi.", param="payment_method_types")
    facts = {"capture": capture, "metadata": metadata, "types": types}
    reference = call.headers.get(requests.IDEMPOTENCY.lower()) or ids.base62(_DIGITS)
    day = call.sandbox.now // DAY
    status = "requires_payment_method"
    intent = _add(call, _INTENT, None, metadata.get("reference"), status, amount, facts, reference, day)
    if call.params.flag("confirm"):
        return _confirm(call, intent.object_id)
    return _intent_body(call, intent)


def _retrieve_intent(call: _Call, intent_id: str) -> dict[str, Any]:
    return _intent_body(call, _settle(call, _find(call, _INTENT, intent_id)))


def _confirm(call: _Call, intent_id: str) -> dict[str, Any]:
    intent = _in_status(call, intent_id, "confirmed", _OPEN)
    about = call.params.inner("payment_method_data")
    if about is None:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise bad_request(message, errors.UNEXPECTED_STATE)
    method = next((ours for ours, theirs in METHOD_OF.items() if theirs == about.text("type")), None)
    if method is None or about.text("type") not in intent.facts["types"]:
        raise bad_request("The payment method type is none of this PaymentIntent's.", param="payment_method_data[type]")
    return _decide(call, intent, method, _payment_details(about, method))


def _payment_details(about: Parameters, method: str) -> dict[str, Any]:
    """
    What may be told of what is paid with: never a full number.

    Raises:
        Refused: a card without its number.
    """
    details = about.inner(METHOD_OF[method])
    if method == "upi":
        return {"vpa": None if details is None else details.text("vpa")}
    number = None if details is None else details.text("number")
    if number is None or not re.fullmatch("[0-9]{12,19}", number):
        raise bad_request("A card with its number is needed.", "parameter_missing", "payment_method_data[card][number]")
    return {"last4": number[-4:]}


def _decide(call: _Call, intent: GatewayObject, method: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    """What the network says to a charge, now or later."""
    codes = METHODS[method].response_codes
    planned = gateway_server.planned(call.headers, codes)
    money = codes.money_status(planned.code)
    number = gateway_objects.count(call.sandbox, NAME, intent.object_id)
    facts: dict[str, Any] = {"method": method, "code": planned.code, "shown": shown, "later": planned.later}
    digits = 6 if method == "card" else 12
    facts["auth_code"] = f"{ids.number(intent.object_id, number, below=10**digits):0{digits}d}"
    state = {MoneyStatus.APPROVED: "succeeded", MoneyStatus.DECLINED: "failed"}.get(money, "pending")
    charge = _add(call, _CHARGE, intent.object_id, None, state, intent.amount_minor, facts, intent.object_id, number)
    if state == "pending":
        due_at = (
            None if planned.later is None else call.sandbox.now + gateway_server.delay_ms(call.sandbox, call.headers)
        )
        if due_at is not None:
            messages.send(call.sandbox, NAME, intent.object_id, at=due_at)
        return _intent_body(call, gateway_objects.change(call.sandbox, intent, state="processing", due_at=due_at))
    messages.send(call.sandbox, NAME, intent.object_id)
    decided = gateway_objects.change(call.sandbox, intent, state=_status_after(intent, state))
    body = _intent_body(call, decided)
    if state == "failed":
        error = error_of(planned.code, charge.object_id, method)
        raise Refused(dataclasses.replace(error, payment_intent=body), 402)
    return body


def _status_after(intent: GatewayObject, state: str) -> str:
    """An intent's status after a charge of it succeeded or failed."""
    if state == "failed":
        return "requires_payment_method"
    return "requires_capture" if intent.facts["capture"] == "manual" else "succeeded"


def _settle(call: _Call, intent: GatewayObject) -> GatewayObject:
    """An intent as it stands by now: what was open may have become known."""
    if intent.state != "processing" or intent.due_at is None or call.sandbox.now < intent.due_at:
        return intent
    charge = _charges(call, intent)[-1]
    later = charge.facts["later"]
    codes = METHODS[charge.facts["method"]].response_codes
    taken = later == REVERSED or codes.money_status(later) is MoneyStatus.APPROVED
    state = "succeeded" if taken else "failed"
    facts = {**charge.facts, "code": codes.approved if taken else later}
    charge = gateway_objects.change(call.sandbox, charge, state=state, facts=facts)
    if later == REVERSED:
        _add(call, _REFUND, charge.object_id, None, "succeeded", charge.amount_minor, _NO_REASON, charge.object_id, 0)
        return gateway_objects.change(call.sandbox, intent, state="succeeded")
    return gateway_objects.change(call.sandbox, intent, state=_status_after(intent, state))


def _capture(call: _Call, intent_id: str) -> dict[str, Any]:
    intent = _in_status(call, intent_id, "captured", ("requires_capture",))
    amount = call.params.integer("amount_to_capture", intent.amount_minor)
    if amount > intent.amount_minor:
        message = "The amount to capture is greater than the amount that can be captured."
        raise bad_request(message, "amount_too_large", "amount_to_capture")
    charge = _charges(call, intent)[-1]
    # What is not captured is released: the charge is about what was taken.
    gateway_objects.change(call.sandbox, charge, facts={**charge.facts, "captured": amount})
    messages.send(call.sandbox, NAME, intent_id)
    return _intent_body(call, gateway_objects.change(call.sandbox, intent, state="succeeded"))


def _cancel(call: _Call, intent_id: str) -> dict[str, Any]:
    intent = _in_status(call, intent_id, "canceled", _CANCELLABLE)
    facts = {**intent.facts, "canceled_at": call.sandbox.now // SECOND, "why": call.params.text("cancellation_reason")}
    return _intent_body(call, gateway_objects.change(call.sandbox, intent, state="canceled", facts=facts))


def _in_status(call: _Call, intent_id: str, done: str, allowed: tuple[str, ...]) -> GatewayObject:
    """An intent whose status allows what is to be done with it."""
    intent = _settle(call, _find(call, _INTENT, intent_id))
    if intent.state not in allowed:
        message = (
            f"This PaymentIntent could not be {done} because it has a status of {intent.state}. Only a PaymentIntent"
            f" with one of the following statuses may be {done}: {', '.join(allowed)}."
        )
        raise bad_request(message, errors.UNEXPECTED_STATE, payment_intent=_intent_body(call, intent))
    return intent


def _charges(call: _Call, intent: GatewayObject) -> list[GatewayObject]:
    return gateway_objects.of_parent(call.sandbox, NAME, intent.object_id)


def _intent_body(call: _Call, intent: GatewayObject) -> dict[str, Any]:
    charge = next(reversed(_charges(call, intent)), None)
    error = None
    if charge is not None and intent.state == "requires_payment_method":
        error = error_of(charge.facts["code"], charge.object_id, charge.facts["method"]).plain()
    latest: Any = None
    if charge is not None:
        latest = (
            _charge_body(call, charge, intent) if "latest_charge" in call.params.items("expand") else charge.object_id
        )
    return objects.new_object(
        _INTENT,
        intent.object_id,
        intent.created_at // SECOND,
        amount=intent.amount_minor,
        amount_capturable=intent.amount_minor if intent.state == "requires_capture" else 0,
        amount_received=_captured_minor(charge, intent) if charge is not None and intent.state == "succeeded" else 0,
        canceled_at=intent.facts.get("canceled_at"),
        cancellation_reason=intent.facts.get("why"),
        capture_method=intent.facts["capture"],
        last_payment_error=error,
        latest_charge=latest,
        metadata=intent.facts["metadata"],
        payment_method_types=intent.facts["types"],
        status=intent.state,
    )


def _captured_minor(charge: GatewayObject, intent: GatewayObject) -> int:
    return int(charge.facts.get("captured", charge.amount_minor)) if intent.state == "succeeded" else 0


def _retrieve_charge(call: _Call, charge_id: str) -> dict[str, Any]:
    charge = _find(call, _CHARGE, charge_id)
    intent = _settle(call, _find(call, _INTENT, str(charge.parent)))
    return _charge_body(call, _find(call, _CHARGE, charge_id), intent)


def _charge_body(call: _Call, charge: GatewayObject, intent: GatewayObject) -> dict[str, Any]:
    failed, theirs = charge.state == "failed", METHOD_OF[charge.facts["method"]]
    error = error_of(charge.facts["code"], charge.object_id, charge.facts["method"]) if failed else None
    captured, refunded = 0 if failed else _captured_minor(charge, intent), _refunded_minor(call, charge)
    return objects.new_object(
        _CHARGE,
        charge.object_id,
        charge.created_at // SECOND,
        amount=charge.amount_minor,
        amount_captured=captured,
        amount_refunded=refunded,
        authorization_code=charge.facts["auth_code"] if charge.state == "succeeded" else None,
        captured=captured > 0,
        failure_code=error.code if error else None,
        failure_message=error.message if error else None,
        paid=charge.state == "succeeded",
        payment_intent=intent.object_id,
        payment_method_details={"type": theirs, theirs: charge.facts["shown"]},
        refunded=0 < captured <= refunded,
        status=charge.state,
    )


# --- webhooks


#: What is told of an intent in a status.
_EVENTS = {
    "succeeded": "payment_intent.succeeded",
    "requires_capture": "payment_intent.amount_capturable_updated",
    "requires_payment_method": "payment_intent.payment_failed",
    "canceled": "payment_intent.canceled",
}


_REFUND_EVENTS = {"pending": "refund.created", "succeeded": "refund.updated", "failed": "refund.failed"}


def webhook(sandbox: Sandbox, object_id: str, name: str, fault: Fault | None) -> OutgoingMessage | None:
    """What is told of an intent or refund as it is by now; the same status has the same event, but for its `name`."""
    call = _Call(sandbox, Parameters({}), {})
    refund = gateway_objects.find(sandbox, NAME, _REFUND, object_id)
    if refund is not None:
        return _event(
            call, _REFUND_EVENTS[refund.state], _refund_of(call, refund), fault, object_id, refund.state, name
        )
    intent = gateway_objects.find(sandbox, NAME, _INTENT, object_id)
    if intent is None:
        return None
    intent = _settle(call, intent)
    if intent.state not in _EVENTS:
        return None
    natural_key = (object_id, intent.state, len(_charges(call, intent)), name)
    return _event(call, _EVENTS[intent.state], _intent_body(call, intent), fault, *natural_key)


def _event(
    call: _Call, type_: str, body: Mapping[str, Any], fault: Fault | None, *natural_key: object
) -> OutgoingMessage:
    """An event about an object, signed at the real time of this try."""
    sandbox = call.sandbox
    event = {
        "id": f"evt_{gateway_server.digits(sandbox, NAME, _DIGITS, *natural_key)}",
        "object": "event",
        "api_version": requests.VERSION,
        "created": sandbox.now // SECOND,
        "data": {"object": body},
        "livemode": False,
        "pending_webhooks": 1,
        "type": type_,
    }
    raw = msgspec.json.encode(event)
    secret = gateway_server.signing_secret(sandbox, NAME, "webhook_secret", fault)
    header = signatures.webhook_header(secret, raw, sandbox.real_now // SECOND)
    return OutgoingMessage({"Content-Type": "application/json", "Stripe-Signature": header}, raw, raw.decode())


# --- refunds


def _create_refund(call: _Call) -> dict[str, Any]:
    intent_id = call.params.text("payment_intent")
    if intent_id is None:
        charge = _find(call, _CHARGE, call.params.text("charge") or "", "charge")
        intent_id = str(charge.parent)
    intent = _settle(call, _find(call, _INTENT, intent_id, "payment_intent"))
    charges = _charges(call, intent)
    if intent.state != "succeeded":
        raise bad_request("This PaymentIntent does not have a successful charge to refund.", param="payment_intent")
    charge = charges[-1]
    remaining = _captured_minor(charge, intent) - _refunded_minor(call, charge)
    if not remaining:
        raise bad_request(f"Charge {charge.object_id} has already been refunded.", "charge_already_refunded")
    amount = call.params.integer("amount", remaining)
    if amount > remaining:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({remaining})"
        raise bad_request(message, param="amount")
    facts = {"metadata": call.params.metadata(), "reason": call.params.text("reason")}
    number = gateway_objects.count(call.sandbox, NAME, charge.object_id)
    parent = charge.object_id
    refund = _add(call, _REFUND, parent, intent_id, "succeeded", amount, facts, parent, number)
    messages.send(call.sandbox, NAME, refund.object_id)
    return _refund_body(refund, intent_id)


def _refunded_minor(call: _Call, charge: GatewayObject) -> int:
    refunds = gateway_objects.of_parent(call.sandbox, NAME, charge.object_id)
    return sum(refund.amount_minor for refund in refunds if refund.state != "failed")


def _retrieve_refund(call: _Call, refund_id: str) -> dict[str, Any]:
    return _refund_of(call, _find(call, _REFUND, refund_id))


def _refund_of(call: _Call, refund: GatewayObject) -> dict[str, Any]:
    return _refund_body(refund, str(_find(call, _CHARGE, str(refund.parent)).parent))


def _refund_body(refund: GatewayObject, intent_id: str) -> dict[str, Any]:
    return objects.new_object(
        _REFUND,
        refund.object_id,
        refund.created_at // SECOND,
        amount=refund.amount_minor,
        charge=refund.parent,
        metadata=refund.facts["metadata"],
        payment_intent=intent_id,
        reason=refund.facts["reason"],
        status=refund.state,
    )


# --- objects


def _add(
    call: _Call,
    kind: str,
    parent: str | None,
    reference: str | None,
    state: str,
    amount: int,
    facts: Mapping[str, Any],
    *natural_key: object,
) -> GatewayObject:
    """A new object; its id follows from the seller's seed and what it is about, so every run has the same."""
    digits = gateway_server.digits(call.sandbox, NAME, _DIGITS, kind, *natural_key)
    return _store(call.sandbox, kind, f"{_PREFIXES[kind]}_{digits}", parent, reference, state, amount, facts)


def _store(
    sandbox: Sandbox,
    kind: str,
    object_id: str,
    parent: str | None,
    reference: str | None,
    state: str,
    amount: int,
    facts: Mapping[str, Any],
) -> GatewayObject:
    new = GatewayObject(0, NAME, kind, object_id, parent, reference, state, amount, "INR", facts, None, sandbox.now)
    return gateway_objects.add(sandbox, new)


def _find(call: _Call, kind: str, object_id: str, param: str | None = None) -> GatewayObject:
    found = gateway_server.find_object(call.sandbox, NAME, kind, object_id)
    if found is None:
        raise missing_object(kind, object_id, param)
    return found


# --- addresses

_View = Callable[..., dict[str, Any]]
_VIEWS: tuple[tuple[str, str, _View], ...] = (
    ("POST", "/v1/payment_intents", _create_intent),
    ("GET", f"/v1/payment_intents/{ID}", _retrieve_intent),
    ("POST", f"/v1/payment_intents/{ID}/confirm", _confirm),
    ("POST", f"/v1/payment_intents/{ID}/capture", _capture),
    ("POST", f"/v1/payment_intents/{ID}/cancel", _cancel),
    ("GET", f"/v1/charges/{ID}", _retrieve_charge),
    ("POST", "/v1/refunds", _create_refund),
    ("GET", f"/v1/refunds/{ID}", _retrieve_refund),
)
_PATTERNS = tuple((verb, re.compile(path), view) for verb, path, view in _VIEWS)


def _view(method: str, path: str) -> tuple[_View, list[str]]:
    """
    What answers a request, and the ids in its path.

    Raises:
        Refused: nobody does.
    """
    view, names = paths.find(_PATTERNS, method, path)
    if view is None:
        message = f"Unrecognized request URL ({method}: {path})."
        raise Refused(ApiError(errors.INVALID_REQUEST, message), 404)
    return view, names
