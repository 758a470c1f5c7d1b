"""Orders, attempts and refunds of the core as Razorpay's objects; a state of theirs always follows from ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState
from mockpay.domain.refunds import Refund, RefundState
from mockpay.kernel import ids as kernel_ids
from mockpay.kernel.clock import SECOND
from mockpay.providers.razorpay import ids
from mockpay.providers.razorpay.credentials import NAME
from mockpay.providers.razorpay.outcomes import error_of_attempt
from mockpay.store import api_objects, attempts, orders
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.razorpay import answers
from mockpay.wire.razorpay.answers import BY_ITSELF

_A = AttemptState
#: What each state of an attempt is to Razorpay; while none of these, it is created.
_STATUSES = {
    _A.AUTHORIZED: "authorized",
    _A.CAPTURED: "captured",
    _A.VOIDED: "refunded",
    _A.REVERSED: "refunded",
    _A.FAILED: "failed",
    _A.CANCELLED: "failed",
    _A.EXPIRED: "failed",
}
#: The money was there, and went back without anybody's call.
RETURNED = frozenset({_A.VOIDED, _A.REVERSED})
_REFUND_STATUSES = {
    RefundState.PENDING: "pending",
    RefundState.COMPLETED: "processed",
    RefundState.DECLINED: "failed",
    RefundState.REVERSED: "failed",
}
_NETWORKS = {"Mastercard": "MasterCard"}
#: What is known of a payment beside the core's attempt: its notes, who pays, by which token.
DETAILS = "payment"
#: Razorpay's fee in percent, and the tax on it.
_FEE, _TAX = 2, 18
AT_ONCE, NORMAL, OPTIMUM = "instant", "normal", "optimum"


def marks_of(order: Order) -> Mapping[str, Any]:
    """What of an order is Razorpay's own: receipt, notes, what the checkout's form said."""
    marks: Any = order.request.get("marks")
    return marks if isinstance(marks, Mapping) else {}


def shown_notes(notes: Mapping[str, Any] | None) -> Any:
    """Notes as they are answered: PHP has no other empty object than a list."""
    return dict(notes) if notes else []


# --- orders


def order_body(order: Order, captured: Attempt | None = None) -> dict[str, Any]:
    """An order; `captured` is the attempt that paid it, where it is known."""
    paid = order.state in PAID
    marks = marks_of(order)
    body = answers.order_body(
        order.order_id,
        order.amount.minor,
        order.amount.currency,
        marks.get("receipt"),
        paid=(captured.captured_minor if captured is not None else order.amount.minor) if paid else 0,
        attempts=order.attempt_count,
        created_at=order.created_at // SECOND,
    )
    return {**body, "notes": shown_notes(marks.get("notes"))}


def captured_of(sandbox: Sandbox, order: Order) -> Attempt | None:
    """The attempt that paid an order: its last one."""
    return attempts.last_of_order(sandbox, order.order_pk) if order.state in PAID else None


# --- payments


class Payment(Struct, frozen=True):
    """An attempt with its order and what else is known of it."""

    order: Order
    attempt: Attempt
    details: Mapping[str, Any]

    @property
    def status(self) -> str:
        """In Razorpay's words."""
        status = _STATUSES.get(self.attempt.state, "created")
        whole = self.attempt.captured_minor and self.attempt.refund_reserved_minor >= self.attempt.captured_minor
        return "refunded" if status == "captured" and whole else status

    @property
    def refunded_minor(self) -> int:
        """What is back, or on its way."""
        attempt = self.attempt
        return attempt.amount.minor if attempt.state in RETURNED else attempt.refund_reserved_minor


def payment_of(sandbox: Sandbox, order: Order, attempt: Attempt) -> Payment:
    """An attempt as a payment."""
    stored = api_objects.find(sandbox, NAME, DETAILS, attempt.attempt_id)
    checkout: Any = marks_of(order).get("checkout") or {}
    return Payment(order, attempt, {**checkout, **(stored.facts if stored is not None else {})})


def payments_of(sandbox: Sandbox, found: list[Attempt]) -> list[Payment]:
    """Several attempts as payments."""
    payments = []
    for attempt in found:
        order = orders.by_number(sandbox, attempt.order_pk)
        assert order is not None
        payments.append(payment_of(sandbox, order, attempt))
    return payments


def payment_body(payment: Payment, *, card: bool = False) -> dict[str, Any]:
    """
    A payment.

    Args:
        card: Whether the card is told whole: in webhooks, and where it is to be expanded.
    """
    order, attempt, details = payment.order, payment.attempt, payment.details
    captured = attempt.state is _A.CAPTURED
    fee, tax = _fees(attempt.captured_minor) if captured else (None, None)
    body = answers.payment_body(
        attempt.attempt_id,
        order.order_id,
        attempt.amount.minor,
        attempt.amount.currency,
        payment.status,
        instrument=_instrument(attempt, card=card),
        refunded=payment.refunded_minor,
        created_at=attempt.created_at // SECOND,
        error=error_of_attempt(attempt, order.order_id),
        acquirer=_acquirer(attempt),
    )
    own = {name: details.get(name) for name in ("description", "email", "contact", "customer_id", "token_id")}
    return {
        **body,
        "international": attempt.instrument.get("country", "IN") != "IN",
        "captured": captured,
        "notes": shown_notes(details.get("notes")),
        "fee": fee,
        "tax": tax,
        **own,
    }


def _fees(minor: int) -> tuple[int, int]:
    """The fee with its tax, and the tax, rounded half up."""
    fee = (minor * _FEE + 50) // 100
    tax = (fee * _TAX + 50) // 100
    return fee + tax, tax


def _instrument(attempt: Attempt, *, card: bool) -> dict[str, Any]:
    parts, method = attempt.instrument, attempt.method
    if "last4" in parts:
        whole = {"card": card_body(attempt)} if card else {}
        plan = {"emi": {"issuer": parts.get("bank"), "duration": parts.get("tenure")}} if method == "emi" else {}
        return {"method": method, "card_id": ids.belonging("card", attempt.attempt_id), **whole, **plan}
    if method == "upi":
        vpa = parts.get("vpa")
        return {"method": method, "vpa": vpa, "upi": {"payer_account_type": "bank_account", "vpa": vpa}}
    if method == "netbanking":
        return {"method": method, "bank": parts.get("bank")}
    return {"method": method, "wallet": "mockpay"}


def card_body(attempt: Attempt) -> dict[str, Any]:
    """The card of a payment, never its number."""
    parts = attempt.instrument
    network = parts["network"]
    return {
        "id": ids.belonging("card", attempt.attempt_id),
        "entity": "card",
        "name": "",
        "last4": parts["last4"],
        "network": _NETWORKS.get(network, network),
        "type": parts.get("type", "credit"),
        "issuer": parts.get("issuer"),
        "international": parts.get("country", "IN") != "IN",
        "emi": attempt.method == "emi",
        "sub_type": "consumer",
        "token_iin": None,
    }


def _acquirer(attempt: Attempt) -> dict[str, str | None]:
    """What the bank calls a payment whose money was there."""
    if attempt.method == "upi":
        return {"rrn": attempt.reference, "upi_transaction_id": attempt.reference}
    if attempt.method == "netbanking":
        return {"bank_transaction_id": attempt.reference}
    if "last4" not in attempt.instrument:
        return {"transaction_id": attempt.reference}
    code = f"{kernel_ids.number(attempt.attempt_id, 'auth_code', below=10**6):06d}"
    return {"auth_code": code if attempt.funded else None}


# --- refunds


def refund_body(refund: Refund) -> dict[str, Any]:
    """A refund."""
    facts = refund.facts
    body = answers.refund_body(
        refund.refund_id,
        refund.attempt_id,
        refund.amount.minor,
        refund.amount.currency,
        _REFUND_STATUSES[refund.state],
        facts.get("receipt"),
        refund.created_at // SECOND,
    )
    return {
        **body,
        "notes": shown_notes(facts.get("notes")),
        "acquirer_data": {"rrn" if refund.bank_reference_kind == "RRN" else "arn": refund.bank_reference},
        "speed_requested": facts.get("speed", NORMAL),
        "speed_processed": facts.get("speed_processed", NORMAL),
    }


def returned_body(attempt: Attempt) -> dict[str, Any]:
    """The refund of money that nobody captured in time, or that came too late: nobody asked for it."""
    return answers.refund_body(
        ids.belonging("rfnd", attempt.attempt_id),
        attempt.attempt_id,
        attempt.amount.minor,
        attempt.amount.currency,
        "processed",
        None,
        attempt.updated_at // SECOND,
    ) | {"notes": {"comment": BY_ITSELF}}


# --- payment links


LINK = "payment_link"
#: What an order's state is to its link; else it is created.
_LINK_STATUSES = {OrderState.EXPIRED: "expired", OrderState.CANCELLED: "cancelled", OrderState.FAILED: "expired"}


def link_body(sandbox: Sandbox, order: Order) -> dict[str, Any]:
    """The payment link that an order belongs to."""
    stored = api_objects.find(sandbox, NAME, LINK, marks_of(order)["link"]["id"])
    assert stored is not None
    paid = order.state in PAID
    captured = captured_of(sandbox, order)
    payments = [] if captured is None else [_link_payment(captured)]
    ended = order.updated_at // SECOND
    status = "paid" if paid else _LINK_STATUSES.get(order.state, "created")
    return {
        "id": stored.object_id,
        "entity": LINK,
        "accept_partial": False,
        "amount": order.amount.minor,
        "amount_paid": captured.captured_minor if captured is not None else 0,
        "currency": order.amount.currency,
        "first_min_partial_amount": 0,
        "reminder_enable": False,
        "reminders": [],
        "upi_link": False,
        "user_id": "",
        **stored.facts,
        "notes": shown_notes(stored.facts.get("notes")) or None,
        "order_id": order.order_id,
        "payments": payments or None,
        "status": status,
        "cancelled_at": ended if status == "cancelled" else 0,
        "expired_at": ended if status == "expired" else 0,
        "created_at": stored.created_at // SECOND,
        "updated_at": max(stored.updated_at, order.updated_at) // SECOND,
    }


def _link_payment(attempt: Attempt) -> dict[str, Any]:
    return {
        "payment_id": attempt.attempt_id,
        "amount": attempt.captured_minor,
        "method": attempt.method,
        "status": "captured",
        "created_at": attempt.created_at // SECOND,
        "updated_at": attempt.updated_at // SECOND,
    }
