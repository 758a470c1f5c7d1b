"""Amazon's addresses: parse, hand over, answer; any method and slash, for any Host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from time import perf_counter
from typing import Any

from flask import Blueprint, Request, Response, g, jsonify, request

from mockpay.domain.methods.cards import redact
from mockpay.kernel.errors import DatabaseUnavailable, MockpayError, NotFound
from mockpay.providers.amazonpay import charge_status, process_payment, throttling
from mockpay.providers.amazonpay.calls import Call, authenticate, read_call
from mockpay.providers.amazonpay.environments import check_region
from mockpay.providers.amazonpay.error_responses import XML, add_refusal, xml_error
from mockpay.providers.amazonpay.ids import NAME
from mockpay.providers.amazonpay.keys import NOTIFICATION_KEY, PAYMENT_KEY
from mockpay.providers.amazonpay.notifications import certificate_file
from mockpay.providers.amazonpay.operations import OPERATIONS
from mockpay.providers.amazonpay.parameters import quoted
from mockpay.providers.amazonpay.refunds import named_orders
from mockpay.providers.amazonpay.request_forms import CONTROL, NAMES, request_values
from mockpay.providers.amazonpay.signatures import explain_call, with_mistake
from mockpay.providers.amazonpay.xml_responses import Reply
from mockpay.services.sellers.accounts import CERTIFICATE_DOWNLOADS
from mockpay.store import counters, journal, notifications
from mockpay.store.db.engine import writing
from mockpay.store.journal import RequestLine
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.wire.keys import public_key_line

_METHODS = ["GET", "POST"]
#: Below these, errors are answered as Amazon's callers want them.
PREFIXES = ("/OffAmazonPayments", "/v2/payments", "/payments/v1/api")
_PATHS = (*PREFIXES, "/initiatePayment", "/processPayment", "/getDynamicConfig", "/publishMetrics")
#: What of an answer is kept: a certificate is a file of ours.
_SHOWN = frozenset({"application/json", XML})
#: The Node family names its operation by the path.
_NODE_PATHS = {
    "/v2/payments/orderReference": "ListOrderReference",
    "/v2/payments/refund": "RefundPayment",
    "/v2/payments/refund/details": "GetRefundDetails",
}
#: How long an answer waits for a notification that must come first, in ms; and between looks.
_FIRST_TRY_MS, _LOOK_AGAIN = 2_000, 0.01
#: How long a slow certificate takes.
_SLOW_SECONDS = 5
_MWS_PATHS = ("/OffAmazonPayments_Sandbox/2013-01-01", "/OffAmazonPayments/2013-01-01")


def blueprint(runtime: Runtime) -> Blueprint:
    """All of Amazon's addresses for one process."""
    front = Blueprint(NAME, __name__)

    def route(path: str, name: str, view: Callable[..., Response]) -> None:
        front.add_url_rule(path, name, view, methods=_METHODS, strict_slashes=False)

    for number, path in enumerate(("/initiatePayment", "/processPayment")):
        route(path, f"pay_{number}", lambda: _written(process_payment.process_payment(runtime, request)))
    for number, path in enumerate(("/v2/payments/chargeStatus", "/payments/v1/api/chargeStatus")):
        route(path, f"charge_{number}", lambda: _written(charge_status.charge_status(runtime, request)))
    for path, operation in _NODE_PATHS.items():
        route(path, operation, lambda operation=operation: _written(_operate(runtime, request, operation)))
    for number, path in enumerate(_MWS_PATHS):
        route(path, f"mws_{number}", lambda: _written(_operate(runtime, request, None)))
    route("/<file_name>.pem", "certificate", lambda file_name: _certificate(runtime, file_name))
    route("/getDynamicConfig", "getDynamicConfig", lambda: _dynamic_config(runtime))
    route("/publishMetrics", "publishMetrics", _metrics)
    route("/publishMetrics/<path:rest>", "publishMetrics", _metrics)
    front.before_app_request(_note_beginning)
    front.after_app_request(lambda response: _note_others(runtime, response))
    return front


def _note_beginning() -> None:
    g.began = perf_counter()


def _written(response: Response) -> Response:
    """An answer whose request is in the journal."""
    g.written = True
    return response


def _note_others(runtime: Runtime, response: Response) -> Response:
    """Write down what no operation has: a call for a key or certificate, of metrics, to no address, or that broke."""
    if "written" in g or not (request.blueprint == NAME or request.path.startswith(_PATHS)):
        return response
    name = (request.endpoint or "").removeprefix(f"{NAME}.") or "unknown"
    # The answer does not depend on it.
    with suppress(DatabaseUnavailable), writing(runtime.writer) as connection:
        real = runtime.real_clock.now()
        journal.add(
            connection,
            "",
            real,
            real,
            kind=f"{NAME}.{name}",
            outcome="ok" if response.status_code < 400 else f"http.{response.status_code}",
            line=RequestLine(request.method, redact(CONTROL.sub("\ufffd", request.path)), g.began),
            status=response.status_code,
            answer=response.get_data(as_text=True) if response.mimetype in _SHOWN else None,
        )
    return response


def _operate(runtime: Runtime, call_request: Request, operation: str | None) -> Response:
    """One signed operation: believed, done, and written into the journal in one transaction."""
    line = RequestLine(call_request.method, call_request.path, perf_counter())
    kind = f"amazonpay.{operation or 'mws'}"
    world: Sandbox | None = None
    named: Sequence[str] = ()
    try:
        call = read_call(call_request)
        if operation is None:
            operation = call.need("Action")
        elif "NextPageToken" in call.fields:
            operation = "ListOrderReferenceByNextToken"
        if operation in OPERATIONS:
            kind = f"amazonpay.{operation}"
        with transaction(runtime, access_key=call.access_key) as sandbox:
            world, named = sandbox, named_orders(call, sandbox)
            facts = authenticate(call, sandbox)
            check_region(call, sandbox)
            if operation not in OPERATIONS:
                raise NotFound(_unknown(operation), code="action.unknown")
            reply = _done(operation, call, sandbox)
            _add_to_journal(sandbox, kind, reply, named, facts | request_values(call.fields), line)
    except MockpayError as error:
        response = xml_error(error)
        if world is not None:
            error = with_mistake(error, NAMES, lambda: explain_call(world.seller, call.request))
        add_refusal(runtime, kind, error, call_request, world, line, response, named)
        return response
    if reply.notify_first is not None:
        _wait_for_first_try(runtime, world.seller_id, reply.notify_first)
    return Response(reply.document, reply.status, content_type=XML)


def _unknown(operation: str) -> str:
    """There is no such Action; the nearest that there is."""
    nearest = get_close_matches(operation[:64], OPERATIONS, 1)
    return f"There is no operation {quoted(operation)}{f'; did you mean {nearest[0]}?' if nearest else '.'}"


def _done(operation: str, call: Call, sandbox: Sandbox) -> Reply:
    """
    The operation's reply; what it refuses changes nothing, but it was a call that counts.

    A refusal is committed: it has taken a token of its bucket.
    """
    try:
        throttling.take(sandbox, operation)
        with sandbox.connection.begin_nested():
            return OPERATIONS[operation](call, sandbox)
    except MockpayError as error:
        return Reply.refusing(error)


def _wait_for_first_try(runtime: Runtime, seller_id: str, refund_id: str) -> None:
    """Let the notification of a refund have its first try before the answer goes out."""
    runtime.wake.set()
    deadline = runtime.real_clock.now() + _FIRST_TRY_MS
    while runtime.real_clock.now() < deadline:
        with read(runtime, seller_id) as sandbox:
            about_refund = notifications.list_page(sandbox, refund_id=refund_id).items
        if not about_refund or any(notification.tries for notification in about_refund):
            return
        if runtime.stopping.wait(_LOOK_AGAIN):
            return


def _add_to_journal(
    sandbox: Sandbox, kind: str, reply: Reply, named: Sequence[str], facts: Mapping[str, Any], line: RequestLine
) -> None:
    refused = reply.refused
    outcome, reason = (refused.code, CONTROL.sub("\ufffd", refused.reason)) if refused else ("ok", reply.reason)
    if reply.warnings:
        facts = {**facts, "warnings": {**facts.get("warnings", {}), **reply.warnings}}
    journal.add(
        sandbox.connection,
        sandbox.seller_id,
        sandbox.now,
        sandbox.real_now,
        kind=kind,
        outcome=outcome,
        reason=reason,
        orders=reply.orders or named,
        facts=facts,
        line=line,
        status=reply.status,
        answer=reply.document.decode(errors="replace"),
    )


def _dynamic_config(runtime: Runtime) -> Response:
    """What the PHP family writes into its config.ini."""
    return jsonify({"publicKey": public_key_line(runtime.keys.private[PAYMENT_KEY.private].public_key())})


def _certificate(runtime: Runtime, file_name: str) -> Response:
    """What notifications are verified with; their SigningCertURL leads here."""
    usual = certificate_file(runtime.keys).removesuffix(".pem")
    if file_name != usual:
        name, _, seller_id = file_name.rpartition("-")
        if name != usual:
            raise NotFound("There is nothing at this address.", code="path.not_found")
        if _fails(runtime, seller_id):
            return Response(
                "The setting certificate_fault has the first download fail.\n", 503, content_type="text/plain"
            )
    return Response(runtime.keys.public[NOTIFICATION_KEY.public], content_type="application/x-pem-file")


def _fails(runtime: Runtime, seller_id: str) -> bool:
    """
    Whether the download of a seller's own certificate file fails; a slow one takes its time here.

    Raises:
        NotFound: there is no such seller.
    """
    with transaction(runtime, seller_id) as sandbox:
        fault = sandbox.seller.settings.certificate_fault
        first = counters.bump(sandbox, CERTIFICATE_DOWNLOADS) == 1
    if fault == "slow":
        runtime.stopping.wait(_SLOW_SECONDS)
    return fault == "once" and first


def _metrics(rest: str = "") -> Response:
    """Clients post usage figures; they are taken and thrown away."""
    del rest
    return Response("", 200, content_type="text/plain")
