"""Orders, attempts and refunds of the core as Stripe's payment intents, charges and refunds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import BEFORE_MONEY, Attempt, AttemptState, Auth
from mockpay.domain.refunds import Refund, RefundState
from mockpay.kernel.clock import SECOND
from mockpay.providers.stripe import ids
from mockpay.providers.stripe.credentials import NAME
from mockpay.providers.stripe.outcomes import error_of
from mockpay.providers.stripe.parameters import missing_object
from mockpay.store import api_objects, attempts, orders, refunds
from mockpay.store.api_objects import ApiObject
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.stripe import errors, objects
from mockpay.wire.stripe.errors import ApiError

INTENT, REFUND, METHOD, CUSTOMER = "payment_intent", "refund", "payment_method", "customer"
SESSION = "checkout.session"
_A = AttemptState
#: Attempts whose money was asked for; a failed one is looked at more closely.
_CHARGED = frozenset({_A.PROCESSING, _A.PENDING, _A.UNKNOWN, _A.AUTHORIZED, _A.CAPTURED, _A.VOIDED, _A.REVERSED})
_TAKEN = frozenset({_A.AUTHORIZED, _A.CAPTURED, _A.VOIDED, _A.REVERSED})
_BLOCKED = "payment_risk_check_failed"
_REFUND_STATUS = {
    RefundState.PENDING: "pending",
    RefundState.COMPLETED: "succeeded",
    RefundState.DECLINED: "failed",
    RefundState.REVERSED: "failed",
}
_BRANDS = {"American Express": "amex", "Diners Club": "diners"}
#: The result of 3-D Secure by its ECI.
_THREEDS = {"05": "authenticated", "02": "authenticated", "06": "attempt_acknowledged", "01": "attempt_acknowledged"}
_NOT_AUTHENTICATED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod"
    " to attempt to fulfill this PaymentIntent again."
)


class Intent(Struct, frozen=True):
    """An order with what the company keeps beside it, and its attempts, the oldest first."""

    order: Order
    stored: ApiObject
    attempts: list[Attempt]

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def status(self) -> str:
        """The intent's status in Stripe's words."""
        order, last = self.order, self.last
        if order.state in PAID:
            return "succeeded"
        if order.state is OrderState.AUTHORIZED:
            return "requires_capture"
        if not order.open:
            return "canceled"
        if last is not None and last.live:
            return "requires_action" if last.state is _A.AUTH_PENDING else "processing"
        unused = self.stored.facts["payment_method"] and self.stored.facts["tried"] == order.attempt_count
        return "requires_confirmation" if unused else "requires_payment_method"

    @property
    def charges(self) -> list[Attempt]:
        """The attempts that asked for money."""
        return [attempt for attempt in self.attempts if is_charge(attempt)]


def is_charge(attempt: Attempt) -> bool:
    """Whether an attempt came as far as to ask for money; the company counts what its risk check blocked."""
    failure = attempt.failure
    refused = failure is not None and (failure.step not in BEFORE_MONEY or failure.reason == _BLOCKED)
    return attempt.state in _CHARGED or refused


def find_intent(sandbox: Sandbox, intent_id: str, param: str | None = None) -> Intent:
    """
    An intent by its id.

    Raises:
        Refused: there is no such intent.
    """
    stored = api_objects.find(sandbox, NAME, INTENT, intent_id)
    if stored is None:
        raise missing_object(INTENT, intent_id, param)
    return intent_of(sandbox, stored)


def intent_of(sandbox: Sandbox, stored: ApiObject) -> Intent:
    """The intent of a stored row."""
    order = orders.by_id(sandbox, stored.object_id)
    assert order is not None
    tries = attempts.of_order(sandbox, order.order_pk) if order.attempt_count else []
    return Intent(order, stored, tries)


def intent_body(sandbox: Sandbox, intent: Intent, base_url: str) -> dict[str, Any]:
    """A payment intent."""
    order, facts, status = intent.order, intent.stored.facts, intent.status
    latest = next(reversed(intent.charges), None)
    canceled = status == "canceled"
    return objects.new_object(
        INTENT,
        order.order_id,
        order.created_at // SECOND,
        amount=order.amount.minor,
        amount_capturable=order.amount.minor if status == "requires_capture" else 0,
        amount_received=latest.captured_minor if latest is not None and status == "succeeded" else 0,
        automatic_payment_methods=facts["automatic"],
        canceled_at=order.updated_at // SECOND if canceled else None,
        cancellation_reason=facts.get("cancellation_reason") or ("automatic" if canceled else None),
        capture_method=facts["capture_method"],
        client_secret=ids.client_secret(sandbox.seller, order.order_id),
        confirmation_method=facts["confirmation_method"],
        currency=order.amount.currency.lower(),
        customer=intent.stored.parent,
        description=facts["description"],
        last_payment_error=_last_error(sandbox, intent),
        latest_charge=latest.attempt_id if latest is not None else None,
        metadata=facts["metadata"],
        next_action=_next_action(intent, base_url),
        payment_method=None if status == "requires_payment_method" else facts["payment_method"],
        payment_method_types=facts["types"],
        receipt_email=facts["receipt_email"],
        setup_future_usage=facts["setup_future_usage"],
        shipping=facts["shipping"],
        statement_descriptor=facts["statement_descriptor"],
        statement_descriptor_suffix=facts["statement_descriptor_suffix"],
        status=status,
        transfer_group=facts["transfer_group"],
    )


def _last_error(sandbox: Sandbox, intent: Intent) -> dict[str, Any] | None:
    last = intent.last
    if last is None or intent.status not in {"requires_payment_method", "requires_confirmation"}:
        return None
    return None if (error := error_of_attempt(last)) is None else _with_method(sandbox, intent, error).plain()


def _with_method(sandbox: Sandbox, intent: Intent, error: ApiError) -> ApiError:
    stored = api_objects.find(sandbox, NAME, METHOD, str(intent.stored.facts["payment_method"]))
    return error if stored is None else dataclasses.replace(error, payment_method=method_body(stored))


def error_of_attempt(attempt: Attempt) -> ApiError | None:
    """Why an attempt took no money; None where it has, or may yet."""
    if attempt.live or attempt.state in _TAKEN:
        return None
    if is_charge(attempt) and attempt.failure is not None:
        code = "59" if attempt.failure.reason == _BLOCKED else attempt.failure.code
        return error_of(code, attempt.attempt_id, attempt.method)
    return ApiError(errors.INVALID_REQUEST, _NOT_AUTHENTICATED, "payment_intent_authentication_failure")


def declined(sandbox: Sandbox, intent: Intent, base_url: str) -> ApiError | None:
    """The error of an intent whose last attempt took no money; None where it has, or may yet."""
    last = intent.last
    error = error_of_attempt(last) if last is not None else None
    if error is None:
        return None
    body = intent_body(sandbox, intent, base_url)
    return dataclasses.replace(_with_method(sandbox, intent, error), type=errors.CARD, payment_intent=body)


def _next_action(intent: Intent, base_url: str) -> dict[str, Any] | None:
    last = intent.last
    if intent.status != "requires_action" or last is None:
        return None
    page = f"{base_url}/pay/{intent.order.page_token}/"
    if last.auth is Auth.METHOD:
        instructions = {"hosted_instructions_url": page, "mobile_auth_url": page, "qr_code": None}
        kind = "upi_handle_redirect_or_display_qr_code"
        return {"type": kind, kind: instructions}
    if intent.order.redirect_url:
        where = {"return_url": intent.order.redirect_url, "url": f"{page}3ds"}
        return {"type": "redirect_to_url", "redirect_to_url": where}
    script = {"type": "three_d_secure_redirect", "stripe_js": f"{page}3ds", "source": last.attempt_id}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": script}


# --- charges


def find_charge(sandbox: Sandbox, charge_id: str, param: str | None = None) -> tuple[Intent, Attempt]:
    """
    A charge with its intent.

    Raises:
        Refused: there is no such charge.
    """
    attempt = attempts.by_id(sandbox, charge_id)
    order = orders.by_number(sandbox, attempt.order_pk) if attempt is not None and is_charge(attempt) else None
    if attempt is None or order is None or order.provider != NAME:
        raise missing_object("charge", charge_id, param)
    return find_intent(sandbox, order.order_id), attempt


def charge_body(sandbox: Sandbox, intent: Intent, attempt: Attempt) -> dict[str, Any]:
    """A charge."""
    order, facts = intent.order, intent.stored.facts
    error = error_of_attempt(attempt)
    paid = attempt.state in _TAKEN
    refunded = _refunded(sandbox, order, attempt)
    captured = attempt.captured_minor
    blocked = attempt.failure is not None and attempt.failure.reason == _BLOCKED
    return objects.new_object(
        "charge",
        attempt.attempt_id,
        attempt.created_at // SECOND,
        amount=attempt.amount.minor,
        amount_captured=captured,
        amount_refunded=refunded,
        authorization_code=attempt.reference if paid else None,
        captured=captured > 0,
        currency=attempt.amount.currency.lower(),
        customer=intent.stored.parent,
        description=facts["description"],
        failure_code=error.code if error else None,
        failure_message=error.message if error else None,
        metadata=facts["metadata"],
        outcome=_outcome(error, paid=paid, blocked=blocked),
        paid=paid,
        payment_intent=order.order_id,
        payment_method=facts["payment_method"],
        payment_method_details=_method_details(attempt),
        receipt_email=facts["receipt_email"],
        refunded=0 < attempt.amount.minor <= refunded or 0 < captured <= refunded,
        shipping=facts["shipping"],
        statement_descriptor=facts["statement_descriptor"],
        statement_descriptor_suffix=facts["statement_descriptor_suffix"],
        status="succeeded" if paid else "failed" if error else "pending",
        transfer_group=facts["transfer_group"],
    )


def _refunded(sandbox: Sandbox, order: Order, attempt: Attempt) -> int:
    if attempt.state in {_A.VOIDED, _A.REVERSED}:
        return attempt.amount.minor
    if not attempt.refund_reserved_minor:
        return 0
    rows = refunds.of_order(sandbox, order.order_pk)
    ended = {RefundState.DECLINED, RefundState.REVERSED}
    return sum(row.amount.minor for row in rows if row.attempt_id == attempt.attempt_id and row.state not in ended)


def _outcome(error: ApiError | None, *, paid: bool, blocked: bool) -> dict[str, Any] | None:
    if not paid and error is None:
        return None
    row = ("approved_by_network", "authorized", "Payment complete.")
    if blocked:
        row = ("not_sent_to_network", "blocked", "Stripe blocked this payment as too risky.")
    elif error is not None:
        row = ("declined_by_network", "issuer_declined", "The bank did not return any further details.")
    status, kind, words = row
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": error.network_decline_code if error and not blocked else None,
        "network_status": status,
        "reason": error.decline_code if error else None,
        "risk_level": "highest" if blocked else "normal",
        "risk_score": None,
        "seller_message": words,
        "type": kind,
    }


def _method_details(attempt: Attempt) -> dict[str, Any]:
    if "vpa" in attempt.instrument:
        return {"type": "upi", "upi": {"vpa": attempt.instrument["vpa"]}}
    if "last4" not in attempt.instrument:
        return {"type": attempt.method, attempt.method: {}}
    result = _THREEDS.get(attempt.eci or "")
    proof = None if result is None else {"result": result, "version": "2.2.0", "authentication_flow": None}
    card = {**card_of(attempt.instrument), "authorization_code": attempt.reference, "three_d_secure": proof}
    return {"type": "card", "card": card}


def card_of(parts: Mapping[str, str]) -> dict[str, Any]:
    """What may be told of a card, from its stored parts."""
    month, _, year = parts["expiry"].partition("/")
    network = _BRANDS.get(parts["network"], parts["network"].lower())
    return {
        "brand": network,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": None},
        "country": parts["country"],
        "exp_month": int(month),
        "exp_year": 2000 + int(year),
        "funding": parts["type"],
        "issuer": parts["issuer"],
        "last4": parts["last4"],
        "network": network,
    }


# --- refunds and what else is kept


def refund_body(refund: Refund, stored: ApiObject | None) -> dict[str, Any]:
    """A refund; `stored` is what its seller keeps with it."""
    facts: Mapping[str, Any] = stored.facts if stored is not None else {}
    failed = refund.state in {RefundState.DECLINED, RefundState.REVERSED}
    arn = {"type": "card", "card": {"reference": refund.bank_reference, "reference_status": "available"}}
    return objects.new_object(
        REFUND,
        refund.refund_id,
        refund.created_at // SECOND,
        amount=refund.amount.minor,
        charge=refund.attempt_id,
        currency=refund.amount.currency.lower(),
        destination_details=arn if refund.bank_reference else None,
        failure_reason="unknown" if failed else None,
        metadata=facts.get("metadata", {}),
        payment_intent=refund.order_id,
        reason=facts.get("reason"),
        status=_REFUND_STATUS[refund.state],
    )


def find_refund(sandbox: Sandbox, refund_id: str, param: str | None = None) -> Refund:
    """
    A refund by its id.

    Raises:
        Refused: there is no such refund.
    """
    refund = refunds.by_id(sandbox, refund_id)
    if refund is None or api_objects.find(sandbox, NAME, REFUND, refund_id) is None:
        raise missing_object(REFUND, refund_id, param)
    return refund


def method_body(stored: ApiObject) -> dict[str, Any]:
    """A payment method."""
    facts = stored.facts
    own = {facts["type"]: facts["details"]}
    return objects.new_object(
        METHOD,
        stored.object_id,
        stored.created_at // SECOND,
        billing_details=facts["billing_details"],
        customer=stored.parent,
        metadata=facts["metadata"],
        type=facts["type"],
        **own,
    )


def session_body(sandbox: Sandbox, stored: ApiObject, base_url: str) -> dict[str, Any]:
    """A checkout session; its intent is told once somebody has tried to pay."""
    facts, intent = stored.facts, find_intent(sandbox, str(stored.reference))
    total, paid = intent.order.amount.minor, intent.status in {"succeeded", "requires_capture"}
    status = "complete" if paid else "expired" if intent.status == "canceled" else "open"
    url = f"{base_url}/pay/{intent.order.page_token}/"
    email = facts["customer_email"]
    details = {"address": None, "email": email, "name": None, "phone": None, "tax_exempt": "none", "tax_ids": []}
    kept = ("cancel_url", "client_reference_id", "customer_email", "expires_at", "locale", "metadata", "mode")
    return objects.new_object(
        SESSION,
        stored.object_id,
        stored.created_at // SECOND,
        amount_subtotal=total,
        amount_total=total,
        currency=intent.order.amount.currency.lower(),
        customer=stored.parent,
        customer_creation="if_required",
        customer_details=details if paid else None,
        payment_intent=intent.order.order_id if intent.attempts else None,
        payment_method_types=intent.stored.facts["types"],
        payment_status="paid" if paid else "unpaid",
        status=status,
        success_url=facts["success_url"],
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        url=url if status == "open" else None,
        **{name: facts[name] for name in kept},
    )
