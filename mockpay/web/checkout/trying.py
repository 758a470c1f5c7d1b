"""A try of any method: read what was typed, ask the gateway now, go where the order is."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request

from mockpay.delivery import outbox, scheduler
from mockpay.domain.instruments import Instrument
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.services import payments
from mockpay.store.worlds import Runtime
from mockpay.web.checkout.answers import go
from mockpay.web.checkout.visits import Visit, reading_visit, writing_visit


def start(
    runtime: Runtime,
    token: str,
    read: Callable[[Visit], Instrument],
    refuse: Callable[[Visit, Invalid], Response],
) -> Response:
    """
    A form was sent: pay with what `read` makes of it, or show what `refuse` makes of its error.
    """
    with writing_visit(runtime, token) as visit:
        if not visit.payable or sent_before(visit):
            return go(visit.url)
        try:
            started = payments.pay(visit.sandbox, visit.order, read(visit))
        except Invalid as error:
            return refuse(visit, error)
        except Conflict as error:
            if error.code != "method.unavailable":
                raise
            return refuse(visit, Invalid(error.message, code=error.code))
    send(runtime, visit, started.parcel_id)
    with reading_visit(runtime, token) as visit:
        return go(visit.at("bank") if visit.at_bank else visit.url)


def sent_before(visit: Visit) -> bool:
    """Whether this form belongs to an earlier try: pressed twice, or found by going back."""
    return request.form.get("form_token", visit.form_token) != visit.form_token


def send(runtime: Runtime, visit: Visit, parcel_id: int | None) -> None:
    """Ask the gateway now where it is to be asked, and let happen what is due at once."""
    seller_id = visit.sandbox.seller_id
    if parcel_id is not None:
        outbox.send_mine(runtime, seller_id, parcel_id)
    scheduler.fire_present(runtime, seller_id)
