"""What a client of Stripe sends: method, path and parameters of each call, and how they become bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from mockpay.kernel.http.calls import HttpCall
from mockpay.wire.stripe import forms, signatures

IDEMPOTENCY = "Idempotency-Key"
#: What the public clients of November 2026 speak.
VERSION = "2026-10-28.endive"
_FORM = "application/x-www-form-urlencoded"
#: With a payment comes the charge that took its money.
_WITH_CHARGE = {"expand": ["latest_charge"]}


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One call below the API's base; amounts in the currency's smallest unit; `key` for what may be sent again."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)
    key: str | None = None


def create_intent(
    amount: int, currency: str, reference: str, key: str, *, capture: bool, method: str = "card"
) -> ApiRequest:
    """Announce a payment by a method of theirs; `reference` is the caller's own name for it."""
    params = {
        "amount": amount,
        "currency": currency.lower(),
        "capture_method": "automatic" if capture else "manual",
        "payment_method_types": [method],
        "metadata": {"reference": reference},
    }
    return ApiRequest("POST", "/v1/payment_intents", params, key)


def confirm_intent(intent_id: str, method: Mapping[str, Any], key: str) -> ApiRequest:
    """
    Pay an announced payment from server to server.

    Args:
        method: The `payment_method_data`: `type` and what belongs to it.
    """
    params = {"payment_method_data": method, "error_on_requires_action": True, **_WITH_CHARGE}
    return ApiRequest("POST", _intent(intent_id, "/confirm"), params, key)


def retrieve_intent(intent_id: str) -> ApiRequest:
    """One payment."""
    return ApiRequest("GET", _intent(intent_id), _WITH_CHARGE)


def capture_intent(intent_id: str, amount: int, key: str) -> ApiRequest:
    """Take what was authorised or a part of it, which releases the rest."""
    return ApiRequest("POST", _intent(intent_id, "/capture"), {"amount_to_capture": amount, **_WITH_CHARGE}, key)


def cancel_intent(intent_id: str, key: str) -> ApiRequest:
    """Release what was authorised, or keep a payment from ever being paid."""
    return ApiRequest("POST", _intent(intent_id, "/cancel"), {"cancellation_reason": "abandoned"}, key)


def create_refund(intent_id: str, amount: int, key: str) -> ApiRequest:
    """Send money back; the same `key` is the same refund."""
    params = {"payment_intent": intent_id, "amount": amount, "metadata": {"reference": key}}
    return ApiRequest("POST", "/v1/refunds", params, key)


def retrieve_refund(refund_id: str) -> ApiRequest:
    """One refund."""
    return ApiRequest("GET", f"/v1/refunds/{quote(refund_id, safe='')}")


def _intent(intent_id: str, action: str = "") -> str:
    return f"/v1/payment_intents/{quote(intent_id, safe='')}{action}"


def encode(request: ApiRequest, base_url: str, secret_key: str, timeout: float, **headers: str) -> HttpCall:
    """A request as it goes out; `headers` are further ones, their underscores as hyphens."""
    own = {"Authorization": signatures.authorization(secret_key), "Stripe-Version": VERSION}
    if request.key is not None:
        own[IDEMPOTENCY] = request.key
    own |= {name.replace("_", "-"): value for name, value in headers.items()}
    url, body = base_url.rstrip("/") + request.path, b""
    if request.method == "POST":
        own["Content-Type"] = _FORM
        body = forms.encode(request.params).encode()
    elif request.params:
        url += f"?{urlencode(forms.flatten(request.params))}"
    return HttpCall(request.method, url, own, body, timeout)


#: What of a request may be stored.
SHOWN = frozenset(
    "amount currency capture_method payment_method_types reference type error_on_requires_action expand"
    " amount_to_capture cancellation_reason payment_intent charge reason confirm".split()
)
SHOWN_HEADERS = frozenset({"content-type", "stripe-version", IDEMPOTENCY.lower(), "mockpay-outcome", "mockpay-delay"})
