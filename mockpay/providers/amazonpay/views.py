"""Amazon's addresses: parse, hand over, answer; any method and slash, for any Host."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Request, Response, jsonify, request

from mockpay.kernel.errors import MockpayError, NotFound
from mockpay.providers.amazonpay import charges, entry
from mockpay.providers.amazonpay.calls import authenticate, read_call
from mockpay.providers.amazonpay.operations import OPERATIONS
from mockpay.providers.amazonpay.pages import XML, note_refusal, xml_error
from mockpay.store import journal
from mockpay.store.worlds import Runtime, Sandbox, work
from mockpay.wire.keys import public_key_line

_METHODS = ["GET", "POST"]
#: The Node family names its operation by the path.
_NODE_PATHS = {
    "/v2/payments/orderReference": "ListOrderReference",
    "/v2/payments/refund": "RefundPayment",
    "/v2/payments/refund/details": "GetRefundDetails",
}
_MWS_PATHS = ("/OffAmazonPayments_Sandbox/2013-01-01", "/OffAmazonPayments/2013-01-01")


def blueprint(runtime: Runtime) -> Blueprint:
    """All of Amazon's addresses for one process."""
    front = Blueprint("amazonpay", __name__)

    def route(path: str, name: str, view: Callable[..., Response]) -> None:
        front.add_url_rule(path, name, view, methods=_METHODS, strict_slashes=False)
        front.add_url_rule(path + "/", name, view, methods=_METHODS, strict_slashes=False)

    for number, path in enumerate(("/initiatePayment", "/processPayment")):
        route(path, f"pay_{number}", lambda: entry.process_payment(runtime, request))
    for number, path in enumerate(("/v2/payments/chargeStatus", "/payments/v1/api/chargeStatus")):
        route(path, f"charge_{number}", lambda: charges.charge_status(runtime, request))
    for path, operation in _NODE_PATHS.items():
        route(path, operation, lambda operation=operation: _operate(runtime, request, operation))
    for number, path in enumerate(_MWS_PATHS):
        route(path, f"mws_{number}", lambda: _operate(runtime, request, None))
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
        with work(runtime, access_key=call.access_key) as sandbox:
            world = sandbox
            flavour = authenticate(call, sandbox)
            if operation not in OPERATIONS:
                message = "There is no such operation."
                raise NotFound(message, code="action.unknown")
            document = OPERATIONS[operation](call, sandbox)
            _note(sandbox, kind, flavour)
    except MockpayError as error:
        note_refusal(runtime, kind, error, call_request, world)
        return xml_error(error)
    return Response(document, content_type=XML)


def _note(sandbox: Sandbox, kind: str, flavour: str) -> None:
    journal.add(
        sandbox.connection, sandbox.seller_id, sandbox.now, sandbox.real_now,
        kind=kind, outcome="ok", facts={"flavour": flavour},
    )  # fmt: skip


def _dynamic_config(runtime: Runtime) -> Response:
    """What the PHP family writes into its config.ini."""
    return jsonify({"publicKey": public_key_line(runtime.keys.amazonpay.public_key())})


def _metrics(rest: str = "") -> Response:
    """Clients post usage figures; they are taken and thrown away."""
    del rest
    return Response("", 200, content_type="text/plain")
