"""Tinypay's addresses: JSON in, JSON out; one transaction a call, which ends with its line of the journal."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from mockpay.domain.orders import Order, PaymentRequest
from mockpay.domain.refunds import Refund, RefundRequest, RefundState
from mockpay.domain.return_urls import return_url_allowed
from mockpay.domain.scenarios.requested import HEADER, dump_outcomes, parse_outcomes
from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid, MockpayError, NotFound
from mockpay.kernel.money import MINIMUM_MINOR, Money
from mockpay.services.payments import orders
from mockpay.services.refunds import refunds
from mockpay.services.sellers import accounts
from mockpay.store import journal
from mockpay.store import orders as order_rows
from mockpay.store.journal import RequestLine
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from tinypay.credentials import MOUNT, NAME
from tinypay.errors import status_and_code
from tinypay.returns import status_of

_REFUND = {RefundState.PENDING: "pending", RefundState.COMPLETED: "done"}
_LONGEST = 64

#: An answer's status, its body, and the order that it is about.
_Answer = tuple[int, dict[str, Any], Order]


def blueprint(runtime: Runtime) -> Blueprint:
    """All addresses for one process."""
    front = Blueprint(NAME, __name__, url_prefix=MOUNT)

    @front.post("/payments")
    def create() -> Response:
        return _handle(runtime, "create", _create)

    @front.get("/payments/<payment_id>")
    def retrieve(payment_id: str) -> Response:
        return _handle(runtime, "retrieve", lambda sandbox: _retrieve(sandbox, payment_id))

    @front.post("/payments/<payment_id>/refunds")
    def refund(payment_id: str) -> Response:
        return _handle(runtime, "refund", lambda sandbox: _refund(sandbox, payment_id))

    return front


def render_error(error: MockpayError) -> Response:
    """An error in Tinypay's format; what is an internal one keeps its text to itself."""
    status, code = status_and_code(error.code)
    message = error.message if status < 500 else "Something went wrong."
    return _json(status, {"error": {"code": code, "message": message}})


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), status, content_type="application/json")


def _handle(runtime: Runtime, kind: str, view: Callable[[Sandbox], _Answer]) -> Response:
    line = RequestLine(request.method, request.path, perf_counter())
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    seller_id = accounts.seller_of_key(runtime, NAME, key.strip()) if scheme.lower() == "bearer" else None
    if seller_id is None:
        raise NotFound("This key is nobody's.", code="key.unknown")
    with transaction(runtime, seller_id) as sandbox:
        try:
            with sandbox.connection.begin_nested():
                status, body, order = view(sandbox)
        except MockpayError as error:
            refusal = render_error(error)
            _add_line(sandbox, kind, error.code, line, refusal, reason=error.reason)
            return refusal
        answer = _json(status, body)
        _add_line(sandbox, kind, "ok", line, answer, orders=(order.order_id,))
    runtime.deliver(runtime, seller_id, None)
    return answer


def _add_line(sandbox: Sandbox, kind: str, outcome: str, line: RequestLine, answer: Response, **more: Any) -> None:
    journal.add(
        sandbox.connection,
        sandbox.seller_id,
        sandbox.now,
        sandbox.real_now,
        kind=f"{NAME}.{kind}",
        outcome=outcome,
        line=line,
        status=answer.status_code,
        answer=answer.get_data(as_text=True),
        **more,
    )


def _body() -> dict[str, str]:
    """The fields of a call, each a text of one line."""
    try:
        return msgspec.json.decode(request.get_data() or b"{}", type=dict[str, str])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid("The body is no JSON object of texts.", code="body.malformed") from error


def _field(body: dict[str, str], name: str) -> str:
    value = body.get(name, "")
    if not value or not value.isprintable():
        raise Invalid(f"'{name}' is missing.", code="body.field", field=name)
    return value


def _amount(body: dict[str, str], least: int) -> Money:
    amount = Money.parse(_field(body, "amount"))
    if amount.minor < least:
        raise Invalid("The amount is too small.", code="amount.too_small", field="amount")
    return amount


def _create(sandbox: Sandbox) -> _Answer:
    body = _body()
    amount, reference, url = _amount(body, MINIMUM_MINOR), _field(body, "reference"), _field(body, "return_url")
    if len(reference) > _LONGEST:
        raise Invalid(f"'reference' has at most {_LONGEST} characters.", code="body.field", field="reference")
    if not return_url_allowed(url, sandbox.seller.return_urls):
        raise Invalid("'return_url' is none of the seller's.", code="return_url.not_allowed", field="return_url")
    outcomes = parse_outcomes(body.get("outcome", "") or request.headers.get(HEADER, ""))
    digest = ids.fingerprint(repr(sorted(body.items())).encode())
    wanted = PaymentRequest(NAME, reference, amount, url, digest, outcomes=dump_outcomes(outcomes))
    opened = orders.open_order(sandbox, wanted)
    if opened.order is None or opened.refusal is not None:
        raise Invalid("This reference was used before.", code=opened.refusal or "order.already_paid")
    page = f"{request.host_url}pay/{opened.order.page_token}/"
    return 201, {**_payment(opened.order), "pay_url": page}, opened.order


def _retrieve(sandbox: Sandbox, payment_id: str) -> _Answer:
    order = _find(sandbox, payment_id)
    return 200, _payment(order), order


def _refund(sandbox: Sandbox, payment_id: str) -> _Answer:
    body, order = _body(), _find(sandbox, payment_id)
    wanted = RefundRequest(_field(body, "reference"), _amount(body, 1))
    refund = refunds.request(sandbox, order, wanted).refund
    if refund is None:
        raise Invalid("Too many calls.", code="body.throttled")
    return 201, _refund_body(refund), order


def _find(sandbox: Sandbox, payment_id: str) -> Order:
    order = order_rows.by_id(sandbox, payment_id)
    if order is None or order.provider != NAME:
        raise NotFound("There is no such payment.", code="order.not_found")
    return order


def _payment(order: Order) -> dict[str, Any]:
    return {
        "id": order.order_id,
        "reference": order.seller_order_id,
        "amount": order.amount.wire(),
        "status": status_of(order),
        "refunded": Money(order.refunded_minor).wire(),
    }


def _refund_body(refund: Refund) -> dict[str, Any]:
    status = _REFUND.get(refund.state, "refused")
    return {"id": refund.refund_id, "amount": refund.amount.wire(), "status": status}
