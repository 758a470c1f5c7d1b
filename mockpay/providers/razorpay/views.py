"""Razorpay's addresses below its mount: who calls, what they ask for, and the answer, written into the journal."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

import msgspec
from flask import Blueprint, Request, Response, request
from msgspec import Struct
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from mockpay.domain.methods.cards import redact
from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid, MockpayError, NotFound
from mockpay.providers.razorpay import (
    checkout,
    customers,
    methods,
    orders,
    parameters,
    payment_links,
    payments,
    refunds,
    server_payments,
    webhooks,
)
from mockpay.providers.razorpay.calls import Body, Call, Later, View
from mockpay.providers.razorpay.credentials import MOUNT, NAME, credentials
from mockpay.providers.razorpay.errors import status_and_error
from mockpay.services.sellers import accounts
from mockpay.store import journal
from mockpay.store.journal import RequestLine
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.threeds.rules import Browser
from mockpay.wire import forms
from mockpay.wire.forms import FormError
from mockpay.wire.razorpay import answers, requests, signatures

_JSON = "application/json; charset=utf-8"
_FORM = "application/x-www-form-urlencoded"
_LONGEST_VALUE = 200


class Route(Struct, frozen=True):
    """One address: who answers it, and whether a key id is enough to call it."""

    method: str
    path: str
    view: View
    public: bool = False

    @property
    def name(self) -> str:
        """What the journal calls it."""
        return f"{self.view.__module__.rpartition('.')[2]}.{self.view.__name__.strip('_')}"


def _webhook_routes(path: str) -> tuple[Route, ...]:
    """A seller's webhooks, which clients look for in two places."""
    return (
        Route("POST", path, webhooks.create),
        Route("GET", path, webhooks.list_),
        Route("GET", f"{path}/<name>", webhooks.fetch),
        Route("PUT", f"{path}/<name>", webhooks.edit),
        Route("PATCH", f"{path}/<name>", webhooks.edit),
        Route("DELETE", f"{path}/<name>", webhooks.delete),
    )


ROUTES = (
    Route("POST", "/v1/orders", orders.create),
    Route("GET", "/v1/orders", orders.list_),
    Route("GET", "/v1/orders/<name>", orders.fetch),
    Route("PATCH", "/v1/orders/<name>", orders.edit),
    Route("GET", "/v1/orders/<name>/payments", orders.list_payments),
    Route("GET", "/v1/payments", payments.list_),
    Route("GET", "/v1/payments/<name>", payments.fetch),
    Route("PATCH", "/v1/payments/<name>", payments.edit),
    Route("POST", "/v1/payments/<name>/capture", payments.capture),
    Route("GET", "/v1/payments/<name>/card", payments.fetch_card),
    Route("GET", "/v1/cards/<name>", payments.fetch_card_by_id),
    Route("POST", "/v1/payments/<name>/refund", refunds.create),
    Route("GET", "/v1/payments/<name>/refunds", refunds.list_of_payment),
    Route("GET", "/v1/payments/<name>/refunds/<refund>", refunds.fetch_of_payment),
    Route("POST", "/v1/refunds", refunds.create),
    Route("GET", "/v1/refunds", refunds.list_),
    Route("GET", "/v1/refunds/<name>", refunds.fetch),
    Route("PATCH", "/v1/refunds/<name>", refunds.edit),
    Route("POST", "/v1/payments/create/json", server_payments.create_json, public=True),
    Route("POST", "/v1/payments/create/upi", server_payments.create_upi, public=True),
    Route("POST", "/v1/payments/validate/vpa", server_payments.validate_vpa, public=True),
    Route("POST", "/v1/payments/<name>/otp_generate", server_payments.otp_generate, public=True),
    Route("POST", "/v1/payments/<name>/otp/submit", server_payments.otp_submit, public=True),
    Route("POST", "/v1/payments/<name>/otp/resend", server_payments.otp_resend, public=True),
    Route("GET", "/v1/payments/downtimes", methods.list_downtimes),
    Route("GET", "/v1/payments/downtimes/<name>", methods.fetch_downtime),
    Route("GET", "/methods", methods.fetch, public=True),
    Route("GET", "/v1/methods", methods.fetch, public=True),
    Route("POST", "/v1/customers", customers.create),
    Route("GET", "/v1/customers", customers.list_),
    Route("GET", "/v1/customers/<name>", customers.fetch),
    Route("PUT", "/v1/customers/<name>", customers.edit),
    Route("GET", "/v1/customers/<name>/tokens", customers.list_tokens),
    Route("GET", "/v1/customers/<name>/tokens/<token>", customers.fetch_token),
    Route("DELETE", "/v1/customers/<name>/tokens/<token>", customers.delete_token),
    Route("POST", "/v1/tokens", customers.create_token),
    Route("POST", "/v1/tokens/fetch", customers.fetch_named_token),
    Route("POST", "/v1/tokens/delete", customers.delete_named_token),
    Route("POST", "/v1/payment_links", payment_links.create),
    Route("GET", "/v1/payment_links", payment_links.list_),
    Route("GET", "/v1/payment_links/<name>", payment_links.fetch),
    Route("PATCH", "/v1/payment_links/<name>", payment_links.edit),
    Route("POST", "/v1/payment_links/<name>/cancel", payment_links.cancel),
    Route("POST", "/v1/payment_links/<name>/notify_by/<medium>", payment_links.notify_by),
    *_webhook_routes("/v1/webhooks"),
    *_webhook_routes("/v2/accounts/<account>/webhooks"),
)
CHECKOUT = "/v1/checkout/embedded"


def blueprint(runtime: Runtime) -> Blueprint:
    """All of Razorpay's addresses for one process."""
    front = Blueprint(NAME, __name__, url_prefix=MOUNT)
    for route in ROUTES:
        front.add_url_rule(
            route.path,
            f"{route.method}_{route.path.translate(str.maketrans('/<>', '___'))}",
            _answering(runtime, route),
            methods=[route.method],
            strict_slashes=False,
            provide_automatic_options=False,
        )

    @front.route(CHECKOUT, methods=["POST"], strict_slashes=False, provide_automatic_options=False)
    def open_checkout() -> Response:
        return _open_checkout(runtime, request)

    return front


def render_error(error: MockpayError) -> Response:
    """An error in Razorpay's format."""
    status, api_error = status_and_error(error)
    return _response(answers.error_body(api_error), status)


def _response(body: Body, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, content_type=_JSON)


def _answering(runtime: Runtime, route: Route) -> Any:
    def view(**names: str) -> Response:
        return _answer(runtime, route, request, list(names.values()))

    return view


# --- one call


def _answer(runtime: Runtime, route: Route, sent: Request, names: list[str]) -> Response:
    """One call: believed, carried out, and written into the journal in one transaction; a refusal changes nothing."""
    line, call = RequestLine(sent.method, sent.path, perf_counter()), None
    try:
        seller_id, secret = _caller(runtime, sent)
        body, is_form = _body_of(sent)
        with transaction(runtime, seller_id) as sandbox:
            _believe(sandbox, secret, public=route.public)
            call = _call(sandbox, sent, body, is_form=is_form)
            answered = _carry_out(call, route, line, names)
    except MockpayError as error:
        response = render_error(error)
        _add_refusal(runtime, route, error, call, line, response)
        return response
    if isinstance(answered, Response):
        runtime.deliver(runtime, seller_id, None)
        return answered
    runtime.deliver(runtime, seller_id, answered.outbox_id)
    with transaction(runtime, seller_id) as sandbox:
        call.sandbox = sandbox
        last = _carry_out(call, Route(route.method, route.path, answered.answer), line, [], route.name)
    assert isinstance(last, Response)
    return last


def _open_checkout(runtime: Runtime, sent: Request) -> Response:
    """The form of a shop's page: whoever has its key id may send a buyer to a page of ours."""
    line, route = RequestLine(sent.method, sent.path, perf_counter()), Route("POST", CHECKOUT, checkout.open_page)
    call = None
    try:
        body, _ = _body_of(sent)
        with transaction(runtime, _owner(runtime, str(body.get("key_id", "")))) as sandbox:
            call = _call(sandbox, sent, body, is_form=True)
            page = checkout.open_page(call)
            _add_line(call, route, line, "ok", None, 302, None)
    except MockpayError as error:
        response = checkout.refusal(error, sent) or render_error(error)
        _add_refusal(runtime, route, error, call, line, response)
        return response
    return Response(status=302, headers={"Location": page["page"]})


def _caller(runtime: Runtime, sent: Request) -> tuple[str, str]:
    """The seller whose key id a call has, and the secret beside it."""
    parsed = signatures.parse_authorization(sent.headers.get("Authorization", ""))
    key_id, secret = parsed or ("", "")
    return _owner(runtime, key_id), secret


def _owner(runtime: Runtime, key_id: str) -> str:
    """
    The id of the seller to whom a key id was issued.

    Raises:
        NotFound: code ``key.unknown``.
    """
    seller_id = accounts.seller_of_key(runtime, NAME, key_id) if key_id else None
    if seller_id is None:
        raise NotFound("The key id belongs to no seller of this sandbox.", code="key.unknown")
    return seller_id


def _believe(sandbox: Sandbox, secret: str, *, public: bool) -> None:
    if (public and not secret) or ids.same(secret, credentials(sandbox.seller)["key_secret"]):
        return
    raise NotFound("The secret is not the key's.", code="key.unknown")


def _body_of(sent: Request) -> tuple[Mapping[str, Any], bool]:
    """
    The body as an object, and whether it is a form's; an empty body is an empty object, whatever its type.

    Raises:
        Invalid: code ``json.malformed``, ``form.malformed``, ``parameter.invalid``, ``request.too_large`` or
            ``request.broken``.
    """
    try:
        body = sent.get_data()
        if sent.mimetype == "multipart/form-data":
            return dict(sent.form.to_dict()), True
    except RequestEntityTooLarge as error:
        raise Invalid("The request is too large.", code="request.too_large") from error
    except HTTPException as error:
        raise Invalid("The request ended too soon.", code="request.broken") from error
    if sent.mimetype == _FORM:
        return requests.decode_form(body), True
    return parameters.object_of(requests.decode_body(body)), False


def _call(sandbox: Sandbox, sent: Request, body: Mapping[str, Any], *, is_form: bool) -> Call:
    try:
        pairs = forms.decode_form(sent.query_string)
    except FormError as error:
        raise Invalid(error.message, code="form.malformed") from error
    browser = Browser(ip=sent.remote_addr or "127.0.0.1", user_agent=sent.headers.get("User-Agent", ""))
    return Call(
        sandbox=sandbox,
        body=body,
        form=is_form,
        query=dict(reversed(pairs)),
        expanded=requests.expansions(pairs),
        headers={name.lower(): value for name, value in sent.headers.items()},
        pages_url=sent.host_url.rstrip("/"),
        browser=browser,
    )


def _carry_out(call: Call, route: Route, line: RequestLine, names: list[str], name: str = "") -> Response | Later:
    """The answer, or what it waits for; what is refused changes nothing, and is in the journal all the same."""
    outcome, reason, status = "ok", None, 200
    try:
        with call.sandbox.connection.begin_nested():
            answered = route.view(call, *names)
        if isinstance(answered, Later):
            return answered
        response = _response(answered)
    except MockpayError as error:
        response = render_error(error)
        outcome, reason, status = error.code, error.reason, response.status_code
    _add_line(call, route, line, outcome, reason, status, response, name)
    return response


def _add_line(
    call: Call,
    route: Route,
    line: RequestLine,
    outcome: str,
    reason: str | None,
    status: int,
    response: Response | None,
    name: str = "",
) -> None:
    """A believed call, carried out or not."""
    journal.add(
        call.sandbox.connection,
        call.sandbox.seller_id,
        call.sandbox.now,
        call.sandbox.real_now,
        kind=f"{NAME}.{name or route.name}",
        outcome=outcome,
        reason=reason,
        orders=tuple(dict.fromkeys(call.orders)),
        facts=_shown(call.body),
        line=line,
        status=status,
        answer=None if response is None else response.get_data(as_text=True),
    )


def _shown(body: Mapping[str, Any]) -> dict[str, str]:
    """What the journal has of a believed call."""
    plain = {name: value for name, value in body.items() if name in requests.SHOWN and isinstance(value, str | int)}
    return {name: redact(str(value))[:_LONGEST_VALUE] for name, value in plain.items()}


def _add_refusal(
    runtime: Runtime, route: Route, error: MockpayError, call: Call | None, line: RequestLine, response: Response
) -> None:
    """A call that nobody believed, or that could not be read: why, and nothing of what it said."""
    journal.add_refusal(
        runtime,
        call.sandbox if call is not None else None,
        kind=f"{NAME}.{route.name}",
        outcome=error.code,
        reason=error.reason,
        line=line,
        status=response.status_code,
        answer=response.get_data(as_text=True),
    )
