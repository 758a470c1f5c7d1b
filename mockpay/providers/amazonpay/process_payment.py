"""
`processPayment`: from the encrypted request to the payment page or a signed refusal, by Flask's view or before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from flask import Request, Response
from msgspec import Struct

from mockpay.domain.orders import Order
from mockpay.kernel.errors import DatabaseUnavailable, Invalid, MockpayError
from mockpay.providers.amazonpay import codec, reasons
from mockpay.providers.amazonpay.error_responses import add_refusal
from mockpay.providers.amazonpay.freshness import staleness
from mockpay.providers.amazonpay.ids import NAME
from mockpay.providers.amazonpay.keys import PAYMENT_KEY
from mockpay.providers.amazonpay.parameters import quoted
from mockpay.providers.amazonpay.refusal_page import refusal_page
from mockpay.providers.amazonpay.request_forms import CONTROL, sent_form
from mockpay.providers.amazonpay.return_url import encoding_of, refusal_url
from mockpay.providers.amazonpay.signatures import explain_envelope, with_mistake
from mockpay.providers.contract import UNAVAILABLE
from mockpay.services.payments import orders
from mockpay.store import journal
from mockpay.store import orders as order_rows
from mockpay.store.journal import RequestLine, order_ids
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.wire.amazonpay.opening import (
    EnvelopeParameters,
    OpenedEnvelope,
    open_envelope,
    read_parameters,
    result_encoding,
)
from mockpay.wire.forms import decode_form

_KIND = "amazonpay.processPayment"


#: Where a request's environment holds the refusal that was found before Flask.
REFUSAL = "mockpay.amazonpay.refusal"


class Refusal(Struct, frozen=True):
    """What is answered by a page, and whose request it was and about which order, where that is known."""

    error: MockpayError
    sandbox: Sandbox | None = None
    orders: Sequence[str] = ()


def process_payment(runtime: Runtime, request: Request) -> Response:
    """
    Open the envelope, verify, find or open the order, and send the buyer to its page.

    Until payload, signature and redirectUrl hold, a refusal is a page; afterwards it is a
    signed FAILURE (contract section 2, "Page or redirect").
    """
    line = RequestLine(request.method, request.path, perf_counter())
    try:
        result = request.environ.get(REFUSAL) or begin(runtime, sent_form(request), line)
    except MockpayError as error:
        result = Refusal(error)
    if isinstance(result, Refusal):
        response = refusal_page(result.error, request, result.sandbox)
        add_refusal(runtime, _KIND, result.error, request, result.sandbox, line, response, result.orders)
        return response
    return _redirect(result)


def begin(runtime: Runtime, form: bytes, line: RequestLine) -> str | Refusal:
    """Where the browser goes; a refusal leaves no trace of the request yet."""
    world: Sandbox | None = None
    named: Sequence[str] = ()
    try:
        opened, parameters = _open(runtime, form)
        with transaction(runtime, access_key=codec.access_key(opened)) as sandbox:
            world = sandbox
            try:
                return _begin(sandbox, opened, parameters, line)
            except MockpayError:
                named = _named_order(sandbox, opened)
                raise
    except MockpayError as error:
        if world is not None:
            error = with_mistake(error, codec.FIELDS, lambda: explain_envelope(world.seller, opened))
        return Refusal(error, world, named)


def _open(runtime: Runtime, form: bytes) -> tuple[OpenedEnvelope, EnvelopeParameters]:
    """What was sealed, and what it came in."""
    parameters = read_parameters(decode_form(form))
    return open_envelope(
        parameters.payload, parameters.key, parameters.iv, runtime.keys.private[PAYMENT_KEY.private]
    ), parameters


def _begin(sandbox: Sandbox, opened: OpenedEnvelope, parameters: EnvelopeParameters, line: RequestLine) -> str:
    """The payment page, or the seller's URL with a signed FAILURE."""
    allowed = codec.check_origin(opened, sandbox.seller, parameters.redirect_url)
    try:
        request = codec.payment_request(sandbox, opened, parameters.payload, allowed)
    except Invalid as error:
        return _refuse(sandbox, opened, allowed, line, error)
    begun = orders.open_order(sandbox, request)
    if begun.order is None or begun.refusal is not None:
        refused = Invalid(_sentence(sandbox, opened, begun.refusal), code=begun.refusal)
        return _refuse(sandbox, opened, allowed, line, refused, begun.order)
    outcome = "ok" if begun.new else "ok.again"
    facts = {"warnings": request.warnings} if request.warnings else None
    _add_to_journal(sandbox, outcome, None, order_ids(begun.order), line, facts)
    return f"/pay/{begun.order.page_token}/"


def _refuse(
    sandbox: Sandbox, opened: OpenedEnvelope, url: str, line: RequestLine, error: Invalid, order: Order | None = None
) -> str:
    """The signed FAILURE; the journal keeps the names of the payload's fields and the reason."""
    facts = {"fields": codec.known_names(opened)}
    named = order_ids(order) or _named_order(sandbox, opened)
    _add_to_journal(sandbox, error.code, CONTROL.sub("\ufffd", error.reason), named, line, facts)
    marks = {"marks": {"encoding": str(result_encoding(opened))}}
    encoding = encoding_of(sandbox.seller, marks)
    values = codec.echoed(opened, str(error.detail.get("name")))
    return refusal_url(sandbox.seller, url, reasons.failure(error.code, error.message), values, encoding)


def _named_order(sandbox: Sandbox, opened: OpenedEnvelope) -> tuple[str, ...]:
    """The id of the last order under the seller's id that a refused request names."""
    return order_ids(order_rows.newest(sandbox, codec.storable(opened.values.get("sellerOrderId", "")), NAME))


def _sentence(sandbox: Sandbox, opened: OpenedEnvelope, refusal: str | None) -> str:
    """Why the order that a request leads to cannot be paid by it."""
    stale = staleness(sandbox, "startTime", codec.start_time(opened.values)) if refusal == "request.stale" else None
    return stale or f"{reasons.failure(refusal).description}: {quoted(opened.values['sellerOrderId'])}"


def _add_to_journal(
    sandbox: Sandbox,
    outcome: str,
    reason: str | None,
    named: Sequence[str],
    line: RequestLine,
    facts: Mapping[str, object] | None = None,
) -> None:
    journal.add(
        sandbox.connection,
        sandbox.seller_id,
        sandbox.now,
        sandbox.real_now,
        kind=_KIND,
        outcome=outcome,
        reason=reason,
        orders=named,
        facts=facts,
        line=line,
        status=302,
    )


def _redirect(location: str) -> Response:
    """A bare 302: no body is built for a browser that follows at once."""
    headers = {"Location": location, "Cache-Control": "no-store"}
    return Response(status=302, headers=headers, content_type="text/html; charset=utf-8")


if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


# --- before Flask


_PATHS = frozenset(path + slash for path in ("/initiatePayment", "/processPayment") for slash in ("", "/"))


class Shortcut:
    """The application `ordinary`, with the shortcut before it."""

    def __init__(self, ordinary: WSGIApplication, runtime: Runtime) -> None:
        self._ordinary = ordinary
        self._runtime = runtime

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with a redirect, or hand over."""
        if environ["PATH_INFO"] not in _PATHS or environ["REQUEST_METHOD"] != "GET":
            return self._ordinary(environ, start_response)
        line = RequestLine("GET", environ["PATH_INFO"], perf_counter())
        try:
            result = begin(self._runtime, environ["QUERY_STRING"].encode("latin-1"), line)
        except DatabaseUnavailable as error:
            return self._ordinary({**environ, UNAVAILABLE: error}, start_response)
        if isinstance(result, Refusal):
            return self._ordinary({**environ, REFUSAL: result}, start_response)
        headers = [("Location", result), ("Cache-Control", "no-store"), ("Content-Length", "0")]
        start_response("302 Found", headers)
        return ()
