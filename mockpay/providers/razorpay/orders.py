"""Orders: made, fetched, listed and edited; an order of the core each."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from mockpay.domain.orders import Order, PaymentRequest
from mockpay.domain.scenarios.requested import dump_outcomes
from mockpay.kernel.money import Money
from mockpay.providers.razorpay import ids, objects, parameters
from mockpay.providers.razorpay.calls import Body, Call
from mockpay.providers.razorpay.credentials import NAME
from mockpay.providers.razorpay.errors import invalid
from mockpay.services.payments import orders
from mockpay.store import attempts, counters, transitions
from mockpay.store import orders as order_rows
from mockpay.store.reads import company_lists
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.razorpay import answers

LONGEST_RECEIPT = 40
#: What an order may have; what nothing here looks at is taken and changes nothing.
_FIELDS = (
    "amount currency receipt payment_capture payment partial_payment first_payment_min_amount method customer_id"
    " customer_details customer_additional_info offer_id offers discount token bank_account products line_items"
    " line_items_total shipping_fee cod_fee transfers checkout_config_id force_offer app_offer phonepe_switch_context"
).split()
#: Minutes that an authorisation may wait: the documented bounds.
_SHORTEST_WAIT, _LONGEST_WAIT = 12, 7_200


def create(call: Call) -> Body:
    """A new order, whatever receipt it shares with others."""
    parameters.only(call.body, _FIELDS)
    minor, currency = parameters.amount(call), parameters.currency(call, required=True)
    if parameters.flag(call.body, "partial_payment"):
        raise invalid("Partial payments are not supported by this sandbox.", "partial_payment")
    capture, wait = _capture(call)
    receipt = parameters.text(call.body, "receipt", LONGEST_RECEIPT)
    marks = {"receipt": receipt, "notes": parameters.notes(call.body)}
    order = open_order(call, Money(minor, currency), receipt, marks, capture=capture, authorization_seconds=wait)
    return objects.order_body(order)


def open_order(call: Call, amount: Money, name: str | None, marks: Body, **more: Any) -> Order:
    """
    A new order of the core that may be paid for ever unless `timeout_seconds` says else.

    Args:
        name: The seller's own name for it; the order's id where there is none.
    """
    sandbox = call.sandbox
    digest = f"{NAME} {counters.bump(sandbox, f'{NAME}.order')}"
    request = PaymentRequest(
        provider=NAME,
        seller_order_id="",
        amount=amount,
        redirect_url="",
        digest=digest,
        marks=marks,
        outcomes=dump_outcomes(call.outcomes()),
        **{"timeout_seconds": 0, **more},
    )
    own_name = name or ids.order_id(sandbox.seller, request, 0)
    order = orders.create(sandbox, replace(request, seller_order_id=own_name))
    call.orders.append(order.order_id)
    return order


def _capture(call: Call) -> tuple[str | None, int | None]:
    """Who captures, and how long an authorisation waits in s; the seller's settings where None."""
    payment = parameters.nested(call.body, "payment")
    way = payment.get("capture")
    if way not in (None, "automatic", "manual"):
        raise invalid("The payment.capture is invalid.", "payment.capture")
    options = parameters.nested(payment, "capture_options")
    minutes = options.get("manual_expiry_period" if way == "manual" else "automatic_expiry_period")
    seconds = None
    if minutes is not None:
        wait = parameters.whole(minutes, "expiry period", text=True)
        if not _SHORTEST_WAIT <= wait <= _LONGEST_WAIT:
            message = f"The expiry period must be between {_SHORTEST_WAIT} and {_LONGEST_WAIT}."
            raise invalid(message, "payment.capture_options")
        seconds = wait * 60
    if way is None and call.body.get("payment_capture") is not None:
        way = "automatic" if parameters.flag(call.body, "payment_capture") else "manual"
    return {None: None, "automatic": "auto", "manual": "manual"}[way], seconds


def fetch(call: Call, order_id: str) -> Body:
    """One order."""
    return _body(call, call.order(order_id))


def list_(call: Call) -> Body:
    """Orders, the newest first; of one receipt where that is asked for."""
    receipt = parameters.text(call.query, "receipt")
    found = company_lists.list_orders(call.sandbox, NAME, parameters.part(call), receipt)
    return answers.collection_body([_body(call, order) for order in found])


def list_payments(call: Call, order_id: str) -> Body:
    """Every payment of an order, the oldest first."""
    return answers.collection_body(_payments(call, call.order(order_id)))


def edit(call: Call, order_id: str) -> Body:
    """Other notes."""
    parameters.only(call.body, ())
    order = call.order(order_id)
    marks = {**objects.marks_of(order), "notes": parameters.notes(call.body)}
    return _body(call, mark(call.sandbox, order, marks))


def mark(sandbox: Sandbox, order: Order, marks: Body) -> Order:
    """Keep what of an order is Razorpay's own, whatever state it is in."""
    request = {**order.request, "marks": marks}
    return transitions.update(sandbox, order_rows.mapper, order, request=request, updated_at=order.updated_at)


def _body(call: Call, order: Order) -> dict[str, Any]:
    body = objects.order_body(order, objects.captured_of(call.sandbox, order))
    if "payments" in call.expanded:
        body["payments"] = answers.collection_body(_payments(call, order))
    return body


def _payments(call: Call, order: Order) -> list[dict[str, Any]]:
    found = attempts.of_order(call.sandbox, order.order_pk)
    payments = [objects.payment_of(call.sandbox, order, attempt) for attempt in found]
    return [objects.payment_body(payment, card="card" in call.expanded) for payment in payments]
