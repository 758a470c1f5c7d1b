"""`chargeStatus`: an envelope that asks for one transaction, answered by a signed JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from flask import Request, Response, jsonify

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.kernel.errors import MockpayError, NotFound
from mockpay.providers.amazonpay import codec
from mockpay.providers.amazonpay.environments import find_order
from mockpay.providers.amazonpay.error_responses import add_refusal, json_error
from mockpay.providers.amazonpay.freshness import check_fresh
from mockpay.providers.amazonpay.keys import PAYMENT_KEY
from mockpay.providers.amazonpay.parameters import quoted, wrong
from mockpay.providers.amazonpay.request_forms import sent_form
from mockpay.providers.amazonpay.return_url import encoding_of, outcome
from mockpay.providers.amazonpay.signatures import envelope_warnings, explain_envelope, with_mistake
from mockpay.store import attempts, journal
from mockpay.store.journal import RequestLine, order_ids
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.wire.amazonpay.opening import OpenedEnvelope, open_envelope, read_parameters
from mockpay.wire.amazonpay.signing import sign_result
from mockpay.wire.forms import decode_form

_KIND = "amazonpay.chargeStatus"
_ID_TYPE = "TRANSACTION_ID"


def charge_status(runtime: Runtime, request: Request) -> Response:
    """Answer with `response` and `signature`, errors as a JSON object too."""
    line = RequestLine(request.method, request.path, perf_counter())
    world: Sandbox | None = None
    named: Sequence[str] = ()
    try:
        wrapped = read_parameters(decode_form(sent_form(request)))
        opened = open_envelope(wrapped.payload, wrapped.key, wrapped.iv, runtime.keys.private[PAYMENT_KEY.private])
        with transaction(runtime, access_key=codec.access_key(opened)) as sandbox:
            world = sandbox
            order = find_order(sandbox, codec.storable(opened.values.get("transactionId", "")))
            named = order_ids(order)
            codec.check_caller(opened, sandbox.seller)
            return _answer(sandbox, opened, order, line)
    except MockpayError as error:
        response = json_error(error)
        if world is not None:
            error = with_mistake(error, codec.FIELDS, lambda: explain_envelope(world.seller, opened))
        add_refusal(runtime, _KIND, error, request, world, line, response, named)
        return response


def _answer(sandbox: Sandbox, opened: OpenedEnvelope, order: Order | None, line: RequestLine) -> Response:
    values = opened.values
    check_fresh(sandbox, "startTime", codec.start_time(values, "parameter.invalid"))
    id_type = values.get("transactionIdType", "")
    if id_type != _ID_TYPE:
        raise wrong("transactionIdType", id_type, f"only {_ID_TYPE}")
    if order is None:
        named = quoted(values.get("transactionId", ""))
        raise NotFound(f"transactionId {named} is not known.", code="transaction.not_found")
    fields = _fields(sandbox, order)
    seller, warnings = sandbox.seller, envelope_warnings(opened)
    encoding = encoding_of(seller, order.request)
    signature = sign_result(fields, seller.access_key, seller.secret_key, encoding)
    response = jsonify({"response": fields, "signature": signature})
    journal.add(
        sandbox.connection,
        sandbox.seller_id,
        sandbox.now,
        sandbox.real_now,
        kind=_KIND,
        outcome="ok",
        orders=order_ids(order),
        facts={"warnings": warnings} if warnings else None,
        line=line,
        status=200,
        answer=response.get_data(as_text=True),
    )
    return response


def _fields(sandbox: Sandbox, order: Order) -> dict[str, str]:
    last = attempts.last_of_order(sandbox, order.order_pk)
    _, reason = outcome(order, last)
    amount = last.captured if last is not None and order.state in PAID else order.amount
    pending = order.open or order.state is OrderState.AUTHORIZED
    fields = {
        "transactionStatusCode": "01" if pending else reason.code,
        "transactionStatusDescription": "Txn Pending" if pending else reason.description,
        "transactionId": order.order_id,
        "merchantTransactionId": order.seller_order_id,
        "transactionValue": amount.wire(),
        "transactionCurrencyCode": order.amount.currency,
        "transactionDate": str(order.updated_at),
    }
    if order.custom_information is not None:
        fields["merchantCustomData"] = order.custom_information
    return fields
