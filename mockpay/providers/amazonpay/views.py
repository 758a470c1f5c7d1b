"""Amazon's addresses: parse, hand over, answer; any method and slash, for any Host."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Request, Response, jsonify, request

from mockpay.kernel.errors import MockpayError, NotFound
from mockpay.providers.amazonpay import charge_status, process_payment, throttling
from mockpay.providers.amazonpay.calls import Call, authenticate, read_call
from mockpay.providers.amazonpay.error_responses import XML, note_refusal, xml_error
from mockpay.providers.amazonpay.keys import NOTIFICATION_KEY, PAYMENT_KEY
from mockpay.providers.amazonpay.notifications import certificate_file
from mockpay.providers.amazonpay.operations import OPERATIONS
from mockpay.providers.amazonpay.xml_responses import Reply
from mockpay.store import journal, notifications
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.wire.keys import public_key_line

_METHODS = ["GET", "POST"]
#: The Node family names its operation by the path.
_NODE_PATHS = {
    "/v2/payments/orderReference": "ListOrderReference",
    "/v2/payments/refund": "RefundPayment",
    "/v2/payments/refund/details": "GetRefundDetails",
}
#: How long an answer waits for a notification that must come first, in ms; and between looks.
_FIRST_TRY_MS, _LOOK_AGAIN = 2_000, 0.01
_MWS_PATHS = ("/OffAmazonPayments_Sandbox/2013-01-01", "/OffAmazonPayments/2013-01-01")


def blueprint(runtime: Runtime) -> Blueprint:
    """All of Amazon's addresses for one process."""
    front = Blueprint("amazonpay", __name__)

    def route(path: str, name: str, view: Callable[..., Response]) -> None:
        front.add_url_rule(path, name, view, methods=_METHODS, strict_slashes=False)
        front.add_url_rule(path + "/", name, view, methods=_METHODS, strict_slashes=False)

    for number, path in enumerate(("/initiatePayment", "/processPayment")):
        route(path, f"pay_{number}", lambda: process_payment.process_payment(runtime, request))
    for number, path in enumerate(("/v2/payments/chargeStatus", "/payments/v1/api/chargeStatus")):
        route(path, f"charge_{number}", lambda: charge_status.charge_status(runtime, request))
    for path, operation in _NODE_PATHS.items():
        route(path, operation, lambda operation=operation: _operate(runtime, request, operation))
    for number, path in enumerate(_MWS_PATHS):
        route(path, f"mws_{number}", lambda: _operate(runtime, request, None))
    route("/<file_name>.pem", "certificate", lambda file_name: _certificate(runtime, file_name))
    route("/getDynamicConfig", "config", lambda: _dynamic_config(runtime))
    route("/publishMetrics", "metrics_root", _metrics)
    route("/publishMetrics/<path:rest>", "metrics", _metrics)
    return front


def _operate(runtime: Runtime, call_request: Request, operation: str | None) -> Response:
    """One signed operation: believed, done, and written into the journal in one transaction."""
    kind, world = f"amazonpay.{operation or 'mws'}", None
    try:
        call = read_call(call_request)
        if operation is None:
            operation = call.need("Action")
        elif "NextPageToken" in call.fields:
            operation = "ListOrderReferenceByNextToken"
        if operation in OPERATIONS:
            kind = f"amazonpay.{operation}"
        with transaction(runtime, access_key=call.access_key) as sandbox:
            world = sandbox
            flavour = authenticate(call, sandbox)
            if operation not in OPERATIONS:
                message = "There is no such operation."
                raise NotFound(message, code="action.unknown")
            throttling.take(sandbox, operation)
            reply = _done(operation, call, sandbox)
            _note(sandbox, kind, reply.refused, flavour)
    except MockpayError as error:
        note_refusal(runtime, kind, error, call_request, world)
        return xml_error(error)
    if reply.notify_first is not None:
        _wait_for_first_try(runtime, world.seller_id, reply.notify_first)
    return Response(reply.document, reply.status, content_type=XML)


def _done(operation: str, call: Call, sandbox: Sandbox) -> Reply:
    """
    The operation's reply; what it refuses changes nothing, but it was a call that counts.

    A refusal is committed: it has taken a token of its bucket.
    """
    try:
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
            told = notifications.list_page(sandbox, refund_id=refund_id).items
        if not told or any(one.tries for one in told):
            return
        if runtime.stopping.wait(_LOOK_AGAIN):
            return


def _note(sandbox: Sandbox, kind: str, refused: MockpayError | None, flavour: str) -> None:
    outcome, reason = (refused.code, refused.reason) if refused else ("ok", None)
    journal.add(
        sandbox.connection,
        sandbox.seller_id,
        sandbox.now,
        sandbox.real_now,
        kind=kind,
        outcome=outcome,
        reason=reason,
        facts={"flavour": flavour},
    )


def _dynamic_config(runtime: Runtime) -> Response:
    """What the PHP family writes into its config.ini."""
    return jsonify({"publicKey": public_key_line(runtime.keys.private[PAYMENT_KEY.private].public_key())})


def _certificate(runtime: Runtime, file_name: str) -> Response:
    """What notifications are verified with; their SigningCertURL leads here."""
    if f"{file_name}.pem" != certificate_file(runtime.keys):
        raise NotFound("There is nothing at this address.", code="path.not_found")
    return Response(runtime.keys.public[NOTIFICATION_KEY.public], content_type="application/x-pem-file")


def _metrics(rest: str = "") -> Response:
    """Clients post usage figures; they are taken and thrown away."""
    del rest
    return Response("", 200, content_type="text/plain")
