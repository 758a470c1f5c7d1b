"""
Razorpay's other side in process: it reads the requests of a gateway's client, keeps objects of its own and answers.

It decides by the outcome that a request names (`Mockpay-Outcome: issuer=...`) and never calls the payment services.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from mockpay.domain.methods.method import REVERSED, MoneyStatus
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.notifications import OutgoingMessage
from mockpay.domain.payments.faults import Fault
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Invalid
from mockpay.kernel.http.calls import HttpCall, HttpReply
from mockpay.providers import gateway_server, paths
from mockpay.providers.paths import ID
from mockpay.providers.razorpay.credentials import NAME
from mockpay.providers.razorpay.outcomes import error_of
from mockpay.services.gateways import accounts, messages
from mockpay.store import gateway_objects
from mockpay.store.gateway_objects import GatewayObject
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.wire.razorpay import answers, requests, signatures
from mockpay.wire.razorpay.answers import BAD_REQUEST, ApiError

_ORDER, _PAYMENT, _REFUND = "order", "payment", "refund"
_PREFIXES = {_ORDER: "order", _PAYMENT: "pay", _REFUND: "rfnd"}
_LEAST_MINOR = 100
_LONGEST_RECEIPT = 40
_KEY = re.compile(r"[A-Za-z0-9_-]{10,}")
_DIGITS = 14
#: Methods of payment in Razorpay's words.
METHOD_OF = {"card": "card", "emi": "emi", "upi": "upi", "netbanking": "netbanking"}
#: Where the reference of a payment stands, by its method.
_REFERENCES = {"upi": "rrn", "netbanking": "bank_transaction_id"}
#: What a payment of each status has taken.
_TAKEN = frozenset({"captured", "refunded"})


class _Refused(Exception):
    """An answer that is an error."""

    def __init__(self, error: ApiError, status: int = 400) -> None:
        super().__init__(error.description)
        self.error, self.status = error, status


def _bad_request(description: str, field: str | None = None, **more: Any) -> _Refused:
    return _Refused(ApiError(BAD_REQUEST, description, field=field, **more))


@dataclass(frozen=True, slots=True)
class _Call:
    """A request in one seller's world."""

    sandbox: Sandbox
    body: Mapping[str, Any]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    credentials: Mapping[str, str] = field(repr=False)

    def amount(self, name: str = "amount", default: int | None = None) -> int:
        """
        A whole number of the smallest unit; clients send it as a number or as its digits.

        Raises:
            _Refused: it is none.
        """
        value = self.body.get(name, default)
        if isinstance(value, str) and re.fullmatch("[0-9]{1,15}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 10**15:
            raise _bad_request(f"The {name} must be an integer.", name)
        return value


def answer(runtime: Runtime, seller_id: str, call: HttpCall) -> HttpReply:
    """What Razorpay answers to a request, in a transaction of its own."""
    headers = {name.lower(): value for name, value in call.headers.items()}
    url = urlsplit(call.url)
    path = url.path[url.path.find("/v1/") :]
    with transaction(runtime, seller_id) as sandbox:
        try:
            own = _authenticate(sandbox, headers.get("authorization", ""))
            view, names = _view(call.method, path)
            plain = requests.decode_body(call.body)
            if not isinstance(plain, Mapping):
                raise _bad_request("The request body must be an object.")
            status, body = 200, view(_Call(sandbox, plain, parse_qs(url.query), headers, own), *names)
        except _Refused as refused:
            status, body = refused.status, answers.error_body(refused.error)
        except Invalid as error:
            status, body = 400, answers.error_body(ApiError(BAD_REQUEST, error.message))
    return HttpReply(status, {"Content-Type": "application/json; charset=utf-8"}, msgspec.json.encode(body))


def _authenticate(sandbox: Sandbox, header: str) -> Mapping[str, str]:
    """The credentials to which those of a request belong."""
    key_id, key_secret = signatures.parse_authorization(header) or ("", "")
    own = accounts.accepts(sandbox, NAME, key_id=key_id, key_secret=key_secret)
    if own is None:
        raise _Refused(ApiError(BAD_REQUEST, "Authentication failed"), 401)
    return own


# --- orders


def _create_order(call: _Call) -> dict[str, Any]:
    amount, currency = call.amount(), call.body.get("currency")
    if amount < _LEAST_MINOR:
        raise _bad_request("The amount must be at least INR 1.00", "amount")
    if currency != "INR":
        raise _bad_request("The currency is not supported.", "currency")
    receipt = call.body.get("receipt")
    if receipt is not None and not (isinstance(receipt, str) and _is_storable(receipt)):
        raise _bad_request(f"The receipt may not be greater than {_LONGEST_RECEIPT} characters.", "receipt")
    how = call.body.get("payment")
    automatic = isinstance(how, Mapping) and how.get("capture") == "automatic"
    captures = automatic or str(call.body.get("payment_capture")) in {"1", "True"}
    same = 0 if receipt is None else len(gateway_objects.of_reference(call.sandbox, NAME, _ORDER, receipt))
    name = receipt or ids.base62(_DIGITS)
    order = _add(call, _ORDER, None, receipt, "created", amount, {"captures": captures}, name, same)
    return _order_body(call.sandbox, order)


def _is_storable(receipt: str) -> bool:
    return len(receipt) <= _LONGEST_RECEIPT and "\0" not in receipt


def _fetch_orders(call: _Call) -> dict[str, Any]:
    """Orders of a receipt; real lists know more filters, which a gateway's client does not need."""
    receipt = next(iter(call.query.get("receipt", ())), None)
    if receipt is None or not _is_storable(receipt):
        raise _bad_request("Only orders of a receipt are listed here.", "receipt")
    expanded = "payments" in [value for name, values in call.query.items() if "expand" in name for value in values]
    items = []
    for order in gateway_objects.of_reference(call.sandbox, NAME, _ORDER, receipt):
        body = _order_body(call.sandbox, order)
        items.append({**body, "payments": _fetch_order_payments(call, order.object_id)} if expanded else body)
    return answers.collection_body(items)


def _fetch_order(call: _Call, order_id: str) -> dict[str, Any]:
    return _order_body(call.sandbox, _find(call, _ORDER, order_id))


def _fetch_order_payments(call: _Call, order_id: str) -> dict[str, Any]:
    _find(call, _ORDER, order_id)
    payments = gateway_objects.of_parent(call.sandbox, NAME, order_id)
    return answers.collection_body([_payment_body(call.sandbox, _settle(call, payment)) for payment in payments])


def _order_body(sandbox: Sandbox, order: GatewayObject) -> dict[str, Any]:
    payments = gateway_objects.of_parent(sandbox, NAME, order.object_id)
    paid = sum(payment.amount_minor for payment in payments if payment.state in _TAKEN)
    return answers.order_body(
        order.object_id,
        order.amount_minor,
        order.currency,
        order.reference,
        paid=paid,
        attempts=len(payments),
        created_at=order.created_at // SECOND,
    )


# --- payments


def _create_payment(call: _Call) -> dict[str, Any]:
    order = _find(call, _ORDER, str(call.body.get("order_id")), "order_id")
    if call.amount() != order.amount_minor:
        raise _bad_request("Your payment amount is different from your order amount.", "amount")
    method = next((ours for ours, theirs in METHOD_OF.items() if theirs == call.body.get("method")), None)
    if method is None:
        raise _bad_request("The selected method is invalid.", "method")
    payments = gateway_objects.of_parent(call.sandbox, NAME, order.object_id)
    # An order is the anchor of its payments: it takes money once, and while one is open no other.
    if any(_settle(call, payment).state != "failed" for payment in payments):
        raise _bad_request(
            "Payment already done for this order.", reason="order_already_paid", order_id=order.object_id
        )
    return _decide(call, order, method, len(payments))


def _decide(call: _Call, order: GatewayObject, method: str, number: int) -> dict[str, Any]:
    """What the network says to a payment, now or later."""
    codes = METHODS[method].response_codes
    planned = gateway_server.planned(call.headers, codes)
    money = codes.money_status(planned.code)
    facts: dict[str, Any] = {"method": method, "instrument": _instrument(call.body), "code": planned.code}
    facts["auth_code"] = f"{ids.number(order.object_id, number, below=10**6):06d}"
    due_at = None
    if money is MoneyStatus.APPROVED:
        state = "captured" if order.facts["captures"] else "authorized"
    elif money is MoneyStatus.DECLINED:
        state = "failed"
    else:
        state, facts["later"] = "created", planned.later
        delay_ms = gateway_server.delay_ms(call.sandbox, call.headers)
        due_at = None if planned.later is None else call.sandbox.now + delay_ms
    anchor = order.object_id
    payment = _add(call, _PAYMENT, anchor, None, state, order.amount_minor, facts, anchor, number, due_at=due_at)
    if state != "created" or due_at is not None:
        messages.send(call.sandbox, NAME, payment.object_id, at=due_at)
    if state == "failed":
        raise _Refused(error_of(codes, planned.code, order.object_id, payment.object_id))
    named = {"razorpay_payment_id": payment.object_id}
    if state == "created":
        return {**named, "next": []}
    signature = signatures.payment_signature(call.credentials["key_secret"], order.object_id, payment.object_id)
    return {**named, "razorpay_order_id": order.object_id, "razorpay_signature": signature}


def _instrument(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of what was paid with: never a full number."""
    card = body.get("card")
    number = str(card.get("number", "")) if isinstance(card, Mapping) else ""
    own = {name: body[name] for name in ("bank", "vpa") if isinstance(body.get(name), str)}
    return own | ({"card": {"entity": "card", "last4": number[-4:]}} if number else {})


def _settle(call: _Call, payment: GatewayObject) -> GatewayObject:
    """A payment as it stands by now: what was open may have become known."""
    if payment.state != "created" or payment.due_at is None or call.sandbox.now < payment.due_at:
        return payment
    later = payment.facts["later"]
    if later == REVERSED:
        return gateway_objects.change(call.sandbox, payment, state="refunded")
    codes = METHODS[payment.facts["method"]].response_codes
    facts = {**payment.facts, "code": later}
    if codes.money_status(later) is not MoneyStatus.APPROVED:
        return gateway_objects.change(call.sandbox, payment, state="failed", facts=facts)
    order = _find(call, _ORDER, str(payment.parent))
    state = "captured" if order.facts["captures"] else "authorized"
    return gateway_objects.change(call.sandbox, payment, state=state, facts=facts)


def _fetch_payment(call: _Call, payment_id: str) -> dict[str, Any]:
    return _payment_body(call.sandbox, _settle(call, _find(call, _PAYMENT, payment_id)))


def _capture(call: _Call, payment_id: str) -> dict[str, Any]:
    payment = _settle(call, _find(call, _PAYMENT, payment_id))
    if payment.state in _TAKEN:
        raise _bad_request("This payment has already been captured")
    if payment.state != "authorized":
        raise _bad_request("Only payments which have been authorized and not yet captured can be captured")
    if call.amount() != payment.amount_minor:
        raise _bad_request("The capture amount must be equal to the amount authorized", "amount")
    messages.send(call.sandbox, NAME, payment_id)
    return _payment_body(call.sandbox, gateway_objects.change(call.sandbox, payment, state="captured"))


def _payment_body(sandbox: Sandbox, payment: GatewayObject) -> dict[str, Any]:
    method, code = payment.facts["method"], payment.facts["code"]
    codes, order_id = METHODS[method].response_codes, str(payment.parent)
    failed = payment.state == "failed"
    return answers.payment_body(
        payment.object_id,
        order_id,
        payment.amount_minor,
        payment.currency,
        payment.state,
        instrument={"method": METHOD_OF[method], **payment.facts["instrument"]},
        refunded=_refunded_minor(sandbox, payment),
        created_at=payment.created_at // SECOND,
        error=error_of(codes, code, order_id, payment.object_id) if failed else None,
        acquirer={_REFERENCES.get(method, "auth_code"): None if failed else payment.facts["auth_code"]},
    )


# --- webhooks


#: What is told of a payment in a state; one that the network sent back was captured before.
_EVENTS = {"authorized": "authorized", "captured": "captured", "refunded": "captured", "failed": "failed"}


_REFUND_EVENTS = {"pending": "created", "processed": "processed", "failed": "failed"}


def webhook(sandbox: Sandbox, object_id: str, name: str, fault: Fault | None) -> OutgoingMessage | None:
    """What is told of a payment or refund as it is by now; the same state has the same event, but for its `name`."""
    refund = gateway_objects.find(sandbox, NAME, _REFUND, object_id)
    payment_id = str(refund.parent) if refund is not None else object_id
    payment = gateway_objects.find(sandbox, NAME, _PAYMENT, payment_id)
    if payment is None:
        return None
    payment = _settle(_Call(sandbox, {}, {}, {}, {}), payment)
    about, names = refund or payment, _EVENTS if refund is None else _REFUND_EVENTS
    if about.state not in names:
        return None
    payload = {"payment": {"entity": _payment_body(sandbox, payment)}}
    if refund is not None:
        payload = {"refund": {"entity": _refund_body(refund)}, **payload}
    event = {
        "entity": "event",
        "account_id": f"acc_{gateway_server.digits(sandbox, NAME, _DIGITS, 'account')}",
        "event": f"{about.kind}.{names[about.state]}",
        "contains": [*payload],
        "payload": payload,
        "created_at": sandbox.now // SECOND,
    }
    body = msgspec.json.encode(event)
    secret = gateway_server.signing_secret(sandbox, NAME, "webhook_secret", fault)
    headers = {
        "Content-Type": "application/json",
        "X-Razorpay-Signature": signatures.webhook_signature(secret, body),
        "X-Razorpay-Event-Id": gateway_server.digits(sandbox, NAME, _DIGITS, object_id, about.state, name),
    }
    return OutgoingMessage(headers, body, body.decode())


# --- refunds


def _create_refund(call: _Call, payment_id: str | None = None) -> dict[str, Any]:
    payment = _find(call, _PAYMENT, payment_id or str(call.body.get("payment_id")))
    payment = _settle(call, payment)
    key = call.headers.get(requests.IDEMPOTENCY.lower())
    if key is not None and not _KEY.fullmatch(key):
        raise _bad_request(
            "The idempotency key must have 10 characters or more of letters, digits, hyphens and underscores."
        )
    remaining = payment.amount_minor - _refunded_minor(call.sandbox, payment)
    before = gateway_objects.of_reference(call.sandbox, NAME, _REFUND, key) if key is not None else []
    if before:
        same = before[0].parent == payment.object_id and before[0].amount_minor == call.amount(
            default=before[0].amount_minor
        )
        if not same:
            raise _bad_request("Different request with the same idempotency key has already been processed.")
        return _refund_body(before[0])
    if payment.state not in _TAKEN:
        raise _bad_request("The payment status should be captured for action to be taken")
    if not remaining:
        raise _bad_request("The payment has been fully refunded already")
    amount = call.amount(default=remaining)
    if amount > remaining:
        raise _bad_request("The refund amount provided is greater than amount captured", "amount")
    number = gateway_objects.count(call.sandbox, NAME, payment.object_id)
    receipt = call.body.get("receipt")
    facts = {"receipt": receipt if isinstance(receipt, str) else None}
    parent = payment.object_id
    refund = _add(call, _REFUND, parent, key, "processed", amount, facts, parent, number)
    if amount == remaining:
        gateway_objects.change(call.sandbox, payment, state="refunded")
    messages.send(call.sandbox, NAME, refund.object_id)
    return _refund_body(refund)


def _refunded_minor(sandbox: Sandbox, payment: GatewayObject) -> int:
    refunds = gateway_objects.of_parent(sandbox, NAME, payment.object_id)
    by_network = payment.state == "refunded" and not refunds
    return (
        payment.amount_minor
        if by_network
        else sum(refund.amount_minor for refund in refunds if refund.state != "failed")
    )


def _fetch_refund(call: _Call, refund_id: str) -> dict[str, Any]:
    return _refund_body(_find(call, _REFUND, refund_id))


def _fetch_payment_refunds(call: _Call, payment_id: str) -> dict[str, Any]:
    _find(call, _PAYMENT, payment_id)
    refunds = gateway_objects.of_parent(call.sandbox, NAME, payment_id)
    return answers.collection_body([_refund_body(refund) for refund in refunds])


def _refund_body(refund: GatewayObject) -> dict[str, Any]:
    return answers.refund_body(
        refund.object_id,
        str(refund.parent),
        refund.amount_minor,
        refund.currency,
        refund.state,
        refund.facts["receipt"],
        refund.created_at // SECOND,
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
    due_at: int | None = None,
) -> GatewayObject:
    """A new object; its id follows from the seller's seed and what it is about, so every run has the same."""
    sandbox = call.sandbox
    object_id = f"{_PREFIXES[kind]}_{gateway_server.digits(sandbox, NAME, _DIGITS, kind, *natural_key)}"
    new = GatewayObject(0, NAME, kind, object_id, parent, reference, state, amount, "INR", facts, due_at, sandbox.now)
    return gateway_objects.add(sandbox, new)


def _find(call: _Call, kind: str, object_id: str, field: str = "id") -> GatewayObject:
    found = gateway_server.find_object(call.sandbox, NAME, kind, object_id)
    if found is None:
        raise _bad_request("The id provided does not exist", field)
    return found


# --- addresses

_View = Callable[..., dict[str, Any]]
_VIEWS: tuple[tuple[str, str, _View], ...] = (
    ("POST", "/v1/orders", _create_order),
    ("GET", "/v1/orders", _fetch_orders),
    ("GET", f"/v1/orders/{ID}", _fetch_order),
    ("GET", f"/v1/orders/{ID}/payments", _fetch_order_payments),
    ("POST", "/v1/payments/create/json", _create_payment),
    ("GET", f"/v1/payments/{ID}", _fetch_payment),
    ("POST", f"/v1/payments/{ID}/capture", _capture),
    ("POST", f"/v1/payments/{ID}/refund", _create_refund),
    ("GET", f"/v1/payments/{ID}/refunds", _fetch_payment_refunds),
    ("POST", "/v1/refunds", _create_refund),
    ("GET", f"/v1/refunds/{ID}", _fetch_refund),
)
_PATTERNS = tuple((verb, re.compile(path), view) for verb, path, view in _VIEWS)


def _view(method: str, path: str) -> tuple[_View, list[str]]:
    """
    What answers a request, and the ids in its path.

    Raises:
        _Refused: nobody does.
    """
    view, names = paths.find(_PATTERNS, method, path)
    if view is None:
        raise _Refused(ApiError(BAD_REQUEST, "The requested URL was not found on the server."), 404)
    return view, names
