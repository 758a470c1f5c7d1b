"""Invoices by command: a payment that the buyer opens by its address."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import Conflict, Invalid, NotFound
from mockpay.providers.payu import codec
from mockpay.providers.payu.calls import Call
from mockpay.providers.payu.credentials import NAME
from mockpay.providers.payu.posted_forms import PostedForm
from mockpay.services.payments import orders
from mockpay.store import orders as order_rows

_DAY_SECONDS, _HOUR_SECONDS, _MINUTE_SECONDS = 86_400, 3_600, 60
_UNITS = {"D": _DAY_SECONDS, "H": _HOUR_SECONDS, "M": _MINUTE_SECONDS}
_USUAL_DAYS = 7


def create_invoice(call: Call) -> dict[str, Any]:
    """
    Open a payment; its address is told, nothing is sent to the buyer.

    Raises:
        Invalid: code ``json.malformed``, or as for a posted payment.
        Conflict: code ``txnid.duplicate``.
    """
    values = _read(call.form.need("var1"))
    fields = {"phone": "9000000000", **values}
    wanted = codec.payment_request(
        call.sandbox, PostedForm(fields), call.outcomes, seconds=_seconds(values), page=f"{call.base_url}/"
    )
    opened = orders.open_order(call.sandbox, wanted)
    order = opened.order
    if order is None or not opened.new:
        raise Conflict("There is an invoice of that txnid.", code="txnid.duplicate")
    call.orders.append(order.order_id)
    return {
        "Transaction Id": order.seller_order_id,
        "Email Id": fields.get("email", ""),
        "Phone": fields["phone"],
        "Status": "Success",
        "URL": f"{call.base_url}/pay/{order.page_token}/",
    }


def _read(text: str) -> dict[str, str]:
    try:
        plain = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid("Invalid Json.", code="json.malformed") from error
    if not isinstance(plain, dict):
        raise Invalid("Invalid Json.", code="json.malformed")
    values = {str(name): str(value) for name, value in plain.items() if isinstance(value, str | int | float)}
    if any("\0" in value for value in values.values()):
        raise Invalid("Invalid Json.", code="json.malformed")
    return values


def _seconds(values: dict[str, str]) -> int:
    """How long an invoice may be paid: `validation_period` in `time_unit`s, days without."""
    text = values.get("validation_period") or values.get("validationPeriod") or str(_USUAL_DAYS)
    if not re.fullmatch("[0-9]{1,4}", text) or not int(text):
        raise Invalid("validation_period is a number from 1.", code="parameter.invalid")
    return int(text) * _UNITS.get(values.get("time_unit", "D").upper()[:1], _DAY_SECONDS)


def expire_invoice(call: Call) -> dict[str, Any]:
    """
    End an invoice that nobody paid.

    Raises:
        NotFound: code ``transaction.not_found``.
        Conflict: code ``order.over``.
    """
    order = order_rows.newest(call.sandbox, call.form.need("var1"), NAME)
    if order is None:
        raise NotFound("There is no such invoice.", code="transaction.not_found")
    if not order.open:
        raise Conflict("Invoice cannot be expired: it was paid or is over.", code="order.over")
    call.orders.append(order.order_id)
    orders.cancel(call.sandbox, order, Actor.SELLER)
    return {"status": 1, "msg": "Invoice Expired Successfully"}
