"""An order as Stripe's API answers it, for whoever looks at it in the dashboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from mockpay.domain.orders import Order
from mockpay.domain.providers import CompanyObject
from mockpay.providers.stripe import bodies
from mockpay.providers.stripe.bodies import REFUND, SESSION
from mockpay.providers.stripe.credentials import NAME
from mockpay.providers.stripe.events import pages_of
from mockpay.store import api_objects, refunds
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.redaction import redact
from mockpay.wire.stripe import objects

_SHOWN = objects.SHOWN | {"description", "payment_status", "amount_total", "amount_subtotal", "expires_at"}


def order_objects(sandbox: Sandbox, order: Order) -> list[CompanyObject]:
    """The checkout session where there is one, the payment intent, its charges and their refunds."""
    return [CompanyObject(f"GET /v1/{path}/{body['id']}", _text(body)) for path, body in _bodies(sandbox, order)]


def _bodies(sandbox: Sandbox, order: Order) -> Iterator[tuple[str, Mapping[str, Any]]]:
    pages, intent = pages_of(sandbox), bodies.find_intent(sandbox, order.order_id)
    if (session := api_objects.by_reference(sandbox, NAME, SESSION, order.order_id)) is not None:
        yield "checkout/sessions", bodies.session_body(sandbox, session, pages)
    yield "payment_intents", bodies.intent_body(sandbox, intent, pages)
    for charge in intent.charges:
        yield "charges", bodies.charge_body(sandbox, intent, charge)
    for refund in refunds.of_order(sandbox, order.order_pk):
        stored = api_objects.find(sandbox, NAME, REFUND, refund.refund_id)
        yield "refunds", bodies.refund_body(refund, stored)


def _text(body: Mapping[str, Any]) -> str:
    """Without what is secret or about the buyer; what the seller has written to it itself stays."""
    shown = {**redact(body, _SHOWN), "metadata": body["metadata"]}
    return msgspec.json.encode(shown).decode()
