"""`_payment`: from the posted form to the payment's page, or to JSON where a server posts it."""

from __future__ import annotations

import base64
from html import escape
from time import perf_counter
from typing import Any

from flask import Request, Response, jsonify, render_template

from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import AttemptState
from mockpay.domain.scenarios.requested import HEADER
from mockpay.kernel.errors import Conflict, Invalid, MockpayError
from mockpay.providers.payu import codec, journal_lines, saved_cards
from mockpay.providers.payu.calls import PAYMENT
from mockpay.providers.payu.credentials import NAME, credentials
from mockpay.providers.payu.errors import payu_error
from mockpay.providers.payu.posted_forms import PostedForm, check_payment_hash, read_form, seller_of
from mockpay.providers.payu.refusal_page import refusal_page
from mockpay.providers.payu.transactions import transaction_of
from mockpay.services.payments import orders, payments
from mockpay.services.payments.authentication import CheckoutContext, Payer
from mockpay.store import api_objects, attempts
from mockpay.store import orders as order_rows
from mockpay.store.journal import RequestLine
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.threeds.rules import Browser
from mockpay.wire.payu import answers


def post_payment(runtime: Runtime, request: Request) -> Response:
    """Open the order that a form asks for, and send the buyer to its page; a refusal is a page, or JSON to a server."""
    line, form, world = RequestLine(request.method, request.path, perf_counter()), PostedForm({}), None
    try:
        form = read_form(request)
        with transaction(runtime, seller_of(runtime, form)) as sandbox:
            world = sandbox
            order, outbox_id, pays = _open(sandbox, form, request)
            journal_lines.add_payment(sandbox, order, form, line)
        runtime.deliver(runtime, order.seller_id, outbox_id)
    except MockpayError as error:
        answer = _refuse(error, request, form, world)
        journal_lines.add_refusal(runtime, PAYMENT, error, form, world, line, answer)
        return answer
    if _is_from_server(form):
        return _answer_server(runtime, order, request)
    # What was paid already needs no page of ours.
    return Response(status=302, headers={"Location": f"/pay/{order.page_token}/{'return' if pays else ''}"})


def _is_from_server(form: PostedForm) -> bool:
    return bool(form.fields.get("txn_s2s_flow"))


def _open(sandbox: Sandbox, form: PostedForm, request: Request) -> tuple[Order, int | None, bool]:
    """The order, the gateway's call where the form pays already, and whether it does."""
    check_payment_hash(sandbox.seller, form)
    wanted = codec.payment_request(sandbox, form, request.headers.get(HEADER, ""))
    other = order_rows.by_id(sandbox, wanted.seller_order_id)
    if other is not None and other.provider != NAME:
        raise Conflict("Another order of this seller has that id.", code="txnid.duplicate")
    opened = orders.open_order(sandbox, wanted)
    order = opened.order
    if order is None or opened.refusal is not None or not order.open:
        raise Conflict("The txnid was used before.", code=opened.refusal or "txnid.duplicate")
    if opened.new:
        first = payments.attempt_id_of(sandbox, order, 1)
        api_objects.add(sandbox, NAME, PAYMENT, first, {}, parent=order.order_id)
    instrument = _instrument(sandbox, order, form)
    if instrument is None:
        return order, None, False
    page_url = f"{request.host_url}pay/{order.page_token}"
    browser = Browser(ip=request.remote_addr or "127.0.0.1", user_agent=request.headers.get("User-Agent", ""))
    checkout = CheckoutContext(page_url, browser, order.payee(sandbox.seller.name))
    buyer_id, agreed = saved_cards.posted_user(sandbox, form, browser.ip)
    payer = Payer(checkout=checkout, buyer_id=buyer_id, consent=agreed)
    result = payments.ask_issuer_at_once(sandbox, payments.pay(sandbox, order, instrument, payer), browser)
    return order, result.outbox_id, True


def _instrument(sandbox: Sandbox, order: Order, form: PostedForm) -> Instrument | None:
    """What a form pays with: a saved card, or what it has in it; None where the buyer chooses on our page."""
    saved = saved_cards.posted_card(sandbox, form)
    posted = None if saved is not None else codec.instrument(form)
    if posted is None:
        return saved
    try:
        return METHODS[posted.method].read(posted.parts, sandbox.now, order.amount)
    except Invalid as error:
        raise Invalid(error.message, code="parameter.invalid") from error


# --- a server's own post


def _answer_server(runtime: Runtime, before: Order, request: Request) -> Response:
    """The result as JSON; where the buyer must act, the page that leads them there."""
    with transaction(runtime, before.seller_id) as sandbox:
        order = order_rows.by_number(sandbox, before.order_pk)
        assert order is not None
        attempt = attempts.last_of_order(sandbox, order.order_pk)
        told = transaction_of(sandbox.seller, order, attempt)
        if attempt is not None and attempt.state is not AttemptState.AUTH_PENDING:
            return jsonify(answers.payment_fields(told, **credentials(sandbox.seller)))
    url = f"{request.host_url}pay/{order.page_token}/"
    page = f'<form action="{escape(url)}" method="get" id="acs"></form><script>document.forms.acs.submit()</script>'
    about = {"message": None, "referenceId": told.mihpayid, "statusCode": None, "txnId": order.seller_order_id}
    body: dict[str, Any] = {
        "metaData": {**about, "txnStatus": "Enrolled", "unmappedStatus": told.unmapped_status},
        "result": {"acsTemplate": base64.b64encode(page.encode()).decode(), "acsUrl": url},
    }
    return jsonify(body)


# --- refusals


def _refuse(error: MockpayError, request: Request, form: PostedForm, world: Sandbox | None) -> Response:
    row = payu_error(error.code)
    words = row.words or error.message
    if _is_from_server(form):
        return jsonify(answers.refused_payment(form.fields.get("txnid", ""), words))
    return Response(render_template("error.html", page=refusal_page(error, words, request, form, world)), row.status)
