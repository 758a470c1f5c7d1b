"""PayU's webhooks: the result of a payment as a form with its hash, a refund as JSON that nobody signs."""

from __future__ import annotations

from typing import Any

import msgspec

from mockpay.domain.notifications import (
    OTHER_TIMES,
    Misbehaviour,
    Notification,
    NotificationType,
    OutgoingMessage,
    RetryProfile,
)
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.refunds import Refund
from mockpay.domain.sellers import Seller
from mockpay.kernel.clock import SECOND
from mockpay.kernel.keys.files import Keys
from mockpay.providers.payu import ids
from mockpay.providers.payu.actions import REFUND
from mockpay.providers.payu.credentials import NAME, credentials
from mockpay.providers.payu.transactions import transaction_of
from mockpay.services import notifications
from mockpay.services.payments import captures
from mockpay.store import api_objects, attempts
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire import forms
from mockpay.wire.payu import answers, hashes

#: Three more tries after the first; how far apart is not documented.
RETRY_PROFILES = {"payu": RetryProfile("again three times, a minute apart; 4xx is final", (60 * SECOND,), max_tries=4)}
TYPES = {NotificationType.PAYMENT: "payment", NotificationType.REFUND: "refund"}
_FAILED = frozenset({"given_up", "buyer_cancel", "timeout"})
_REFUND_ENDS = {"completed": "success", "declined": "failure"}
#: What stands in the place of the salt where a signed text is shown.
_HIDDEN_SALT = "<SALT>"


def observe(sandbox: Sandbox, order: Order, event: str, refund: Refund | None) -> None:
    """Queue what is told of a step: once how a payment ended, and how a refund did."""
    if refund is not None and event in _REFUND_ENDS:
        _tell_refund(sandbox, order, refund, _REFUND_ENDS[event])
    elif refund is None and sandbox.seller.ipn_url and _ends_payment(sandbox, order, event):
        _tell_payment(sandbox, order, event)


def _ends_payment(sandbox: Sandbox, order: Order, event: str) -> bool:
    automatic = captures.captures_by_itself(sandbox, order)
    succeeded = event in {"attempt_captured", "capture" if automatic else "attempt_authorized"}
    return succeeded or (event in _FAILED and order.attempt_count > 0)


def _tell_payment(sandbox: Sandbox, order: Order, event: str) -> None:
    last = attempts.last_of_order(sandbox, order.order_pk)
    told = transaction_of(sandbox.seller, order, last)
    fields = answers.payment_fields(told, "", "")
    completed = told.status == "success"
    facts = {
        "seller_order_id": order.seller_order_id,
        "amount": order.amount.wire(),
        "currency": order.amount.currency,
        "completed": completed,
        "reason": None if completed else order.reason or told.unmapped_status,
        "fields": {name: value for name, value in fields.items() if name not in {"key", "hash"}},
    }
    outcome = last.plan.at(Stage.IPN).outcome if last is not None else "success"
    about = (order.order_id, TYPES[NotificationType.PAYMENT], event)
    notifications.create(sandbox, NAME, NotificationType.PAYMENT, facts, about, outcome=outcome, order=order)


def _tell_refund(sandbox: Sandbox, order: Order, refund: Refund, status: str) -> None:
    """To the seller's address, and to the one that the refund's own call has named."""
    made = api_objects.find(sandbox, NAME, REFUND, refund.refund_id)
    fields = {
        "action": "refund",
        "status": status,
        "merchantTxnId": order.seller_order_id,
        "mihpayid": refund.attempt_id,
        "request_id": refund.refund_id,
        "token": made.reference if made is not None else refund.reference,
        "amt": refund.amount.wire(),
        "bank_ref_num": ids.bank_reference(sandbox.seller, order.order_id),
        "bank_arn": refund.bank_reference,
        "refund_mode": "Back to Source",
        "remark": "",
        "additionalValue1": "",
        "additionalValue2": "",
    }
    facts = {
        "reference": refund.reference,
        "amount": refund.amount.wire(),
        "currency": refund.amount.currency,
        "completed": refund.decline is None,
        "reason": refund.decline,
        "fields": fields,
    }
    callback = made.facts.get("callback") if made is not None else None
    for url in (sandbox.seller.ipn_url, callback):
        if url:
            about = (order.order_id, TYPES[NotificationType.REFUND], refund.refund_id, url)
            notifications.create(
                sandbox,
                NAME,
                NotificationType.REFUND,
                facts,
                about,
                outcome=refund.plan.at(Stage.IPN).outcome,
                order=order,
                refund_id=refund.refund_id,
                url=url if url == callback else None,
            )


def notify(seller: Seller, _keys: Keys, notification: Notification, _real_now: int) -> OutgoingMessage:
    """The notification as it goes out: the same at every try."""
    own = credentials(seller)
    fields: dict[str, Any] = {**notification.facts["fields"], "key": own["key"]}  # type: ignore[dict-item]
    if notification.type is NotificationType.REFUND:
        # Nothing signs it: what is forged names another merchant's key.
        fields["key"] = _forged(own["key"], notification.outcome)
        body, content_type, signed = msgspec.json.encode(fields), "application/json", ""
    else:
        signed = hashes.response_text(fields, _HIDDEN_SALT)
        fields["hash"] = hashes.digest(hashes.response_text(fields, _forged(own["salt"], notification.outcome)))
        body, content_type = forms.encode_form(fields.items()).encode(), "application/x-www-form-urlencoded"
    if notification.outcome == Misbehaviour.CORRUPT:
        body = body[: len(body) * 2 // 3]
    return OutgoingMessage({"Content-Type": content_type, "User-Agent": "PayU Webhook"}, body, signed)


def _forged(secret: str, outcome: str) -> str:
    """A seller's key or salt, or what a scenario has in its place."""
    return secret[::-1] if outcome in {Misbehaviour.BAD_SIGNATURE, *OTHER_TIMES} else secret
