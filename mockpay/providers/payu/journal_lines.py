"""What the journal has of a posted form: names and the reason of a refusal, a believed command's values."""

from __future__ import annotations

from typing import Any

from flask import Response

from mockpay.domain.methods.cards import redact
from mockpay.domain.orders import Order
from mockpay.kernel.errors import MockpayError
from mockpay.providers.payu.credentials import NAME
from mockpay.providers.payu.posted_forms import PostedForm
from mockpay.store import journal
from mockpay.store.journal import RequestLine
from mockpay.store.unit_of_work import Runtime, Sandbox
from mockpay.wire.payu import requests

#: Values of a believed form that are stored; of any other field the name alone is, if clients are known to send it.
_VALUES = requests.SHOWN - {"var1"}
_NAMES = _VALUES | frozenset(
    "key hash salt var1 amount firstname lastname email phone surl furl curl address1 address2 city state country"
    " zipcode udf1 udf2 udf3 udf4 udf5 ccnum ccname ccvv ccexpmon ccexpyr vpa form user_credentials store_card".split()
)
_LONGEST_VALUE = 200


def add_payment(sandbox: Sandbox, order: Order, form: PostedForm, line: RequestLine) -> None:
    """A payment's form that opened an order or led to it."""
    _add(sandbox, "payment", "ok", None, (order.order_id,), form, line, None)


def add_command(
    sandbox: Sandbox, command: str, form: PostedForm, line: RequestLine, body: str, orders: tuple[str, ...]
) -> None:
    """A command that was carried out."""
    _add(sandbox, command, "ok", None, orders, form, line, body)


def add_refused_command(
    sandbox: Sandbox, command: str, error: MockpayError, form: PostedForm, line: RequestLine, body: str
) -> None:
    """A believed command that could not be carried out."""
    _add(sandbox, command, error.code, error.reason, (), form, line, body)


def _add(
    sandbox: Sandbox,
    kind: str,
    outcome: str,
    reason: str | None,
    orders: tuple[str, ...],
    form: PostedForm,
    line: RequestLine,
    answer: str | None,
) -> None:
    values = {name: redact(form.fields[name])[:_LONGEST_VALUE] for name in sorted(_VALUES & form.fields.keys())}
    journal.add(
        sandbox.connection,
        sandbox.seller_id,
        sandbox.now,
        sandbox.real_now,
        kind=f"{NAME}.{kind}",
        outcome=outcome,
        reason=reason,
        orders=orders,
        facts=values,
        line=line,
        status=302 if answer is None else 200,
        answer=answer,
    )


def add_refusal(
    runtime: Runtime,
    kind: str,
    error: MockpayError,
    form: PostedForm,
    sandbox: Sandbox | None,
    line: RequestLine,
    response: Response,
) -> None:
    """A form that was not believed, or opened nothing: the names of its fields and the reason, never a value."""
    known = sorted(_NAMES & form.fields.keys())
    facts: dict[str, Any] = {"fields": known, "others": len(form.fields) - len(known)}
    page = response.mimetype == "text/html"
    journal.add_refusal(
        runtime,
        sandbox,
        kind=f"{NAME}.{kind}",
        outcome=error.code,
        reason=error.reason,
        facts=facts,
        line=line,
        status=response.status_code,
        answer=None if page else response.get_data(as_text=True),
    )
