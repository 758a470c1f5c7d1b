"""What a client of Razorpay sends: method, path and JSON of each call, and how it becomes bytes and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from mockpay.kernel.errors import Invalid
from mockpay.kernel.http.calls import HttpCall
from mockpay.wire import forms
from mockpay.wire.forms import FormError
from mockpay.wire.razorpay import signatures

IDEMPOTENCY = "X-Refund-Idempotency"
_JSON = "application/json"


class ApiRequest(Struct, frozen=True):
    """One call below the API's base; amounts in the currency's smallest unit."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}


def create_order(amount: int, currency: str, receipt: str, *, capture: bool) -> ApiRequest:
    """Announce a payment; `receipt` (at most 40 characters) is the caller's own name for it."""
    how = {"capture": "automatic" if capture else "manual"}
    return ApiRequest(
        "POST", "/v1/orders", {"amount": amount, "currency": currency, "receipt": receipt, "payment": how}
    )


def create_payment(order_id: str, amount: int, currency: str, instrument: Mapping[str, Any]) -> ApiRequest:
    """Pay an order from server to server; `instrument` has `method` and what belongs to it."""
    body = {"amount": amount, "currency": currency, "order_id": order_id, **instrument}
    return ApiRequest("POST", "/v1/payments/create/json", body)


def fetch_payment(payment_id: str) -> ApiRequest:
    """One payment."""
    return ApiRequest("GET", f"/v1/payments/{quote(payment_id, safe='')}")


def fetch_order_payments(order_id: str) -> ApiRequest:
    """Every payment of an order."""
    return ApiRequest("GET", f"/v1/orders/{quote(order_id, safe='')}/payments")


def fetch_orders(receipt: str) -> ApiRequest:
    """The orders of the caller's own name, each with its payments."""
    return ApiRequest("GET", f"/v1/orders?{urlencode({'receipt': receipt, 'expand[]': 'payments'})}")


def capture_payment(payment_id: str, amount: int, currency: str) -> ApiRequest:
    """Take what was authorised: all of it, as the API has it."""
    path = f"/v1/payments/{quote(payment_id, safe='')}/capture"
    return ApiRequest("POST", path, {"amount": amount, "currency": currency})


def create_refund(payment_id: str, amount: int, key: str) -> ApiRequest:
    """Send money back; the same `key` (10 characters or more of letters, digits, `-` and `_`) is the same refund."""
    path = f"/v1/payments/{quote(payment_id, safe='')}/refund"
    return ApiRequest("POST", path, {"amount": amount, "receipt": key[:40]}, {IDEMPOTENCY: key})


def fetch_refund(refund_id: str) -> ApiRequest:
    """One refund."""
    return ApiRequest("GET", f"/v1/refunds/{quote(refund_id, safe='')}")


def encode(
    request: ApiRequest, base_url: str, key_id: str, key_secret: str, timeout: float, **headers: str
) -> HttpCall:
    """A request as it goes out; `headers` are further ones, their underscores as hyphens."""
    own = {"Authorization": signatures.authorization(key_id, key_secret), "Accept": _JSON, **request.headers}
    if request.body is not None:
        own["Content-Type"] = _JSON
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    body = b"" if request.body is None else msgspec.json.encode(request.body)
    return HttpCall(request.method, base_url.rstrip("/") + request.path, own, body, timeout)


def decode_body(body: bytes) -> Any:
    """
    The JSON of a request; nothing at all is an empty object, whatever its type (Node's client sends it so).

    Raises:
        Invalid: code ``json.malformed``.
    """
    if not body.strip():
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("The body is not well-formed JSON.", code="json.malformed") from error


#: A field's name in a form: ``notes[city]``, ``payment[capture]``.
_FIELD = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_DEEPEST = 4


def decode_form(body: bytes) -> dict[str, Any]:
    """
    A URL-encoded form, whose brackets make objects; every value is text.

    Raises:
        Invalid: code ``form.malformed``: names that contradict each other, too deep, or a broken escape.
    """
    try:
        pairs = forms.decode_form(body)
    except FormError as error:
        raise Invalid(error.message, code="form.malformed") from error
    fields: dict[str, Any] = {}
    for name, value in pairs:
        match = _FIELD.fullmatch(name)
        if match is None:
            fields[name] = value
            continue
        steps = [match[1], *re.findall(r"\[([^\]]*)\]", match[2])]
        place = fields
        for step in steps[:-1]:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict) or len(steps) > _DEEPEST:
                raise Invalid(f"{name[:64]} cannot be read.", code="form.malformed")
            place = inner
        place[steps[-1] or str(len(place))] = value
    return fields


def expansions(pairs: Iterable[tuple[str, str]]) -> frozenset[str]:
    """
    What a query asks to be expanded.

    Clients spell its name ``expand``, ``expand[]``, ``expand[0]``, ``expand[expand]`` or ``expand[expand][0]``.
    """
    return frozenset(value for name, value in pairs if name.partition("[")[0] == "expand")


#: What of a request may be stored.
SHOWN = frozenset(
    "amount currency receipt capture order_id payment_id method bank last4 network type issuer tenure duration speed"
    " count skip from to".split()
)
SHOWN_HEADERS = frozenset({"accept", "content-type", IDEMPOTENCY.lower(), "mockpay-outcome", "mockpay-delay"})
