"""
`processPayment`: from the encrypted request to the payment page or a signed refusal, by Flask's view or before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from flask import Request, Response

from mockpay.domain.orders import Order
from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.providers.amazonpay import codec, reasons
from mockpay.providers.amazonpay.error_responses import note_refusal
from mockpay.providers.amazonpay.keys import PAYMENT_KEY
from mockpay.providers.amazonpay.refusal_page import refusal_page
from mockpay.providers.amazonpay.request_forms import sent_form
from mockpay.providers.amazonpay.return_url import encoding_of, refusal_url
from mockpay.services.payments import orders
from mockpay.store import journal
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


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is answered by a page, and whose request it was, where that is known."""

    error: MockpayError
    sandbox: Sandbox | None = None


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
        note_refusal(runtime, _KIND, result.error, request, result.sandbox, line, response)
        return response
    return _redirect(result)


def begin(runtime: Runtime, form: bytes, line: RequestLine) -> str | Refusal:
    """Where the browser goes; a refusal leaves no trace of the request yet."""
    world = None
    try:
        opened, sent = _open(runtime, form)
        with transaction(runtime, access_key=codec.access_key(opened)) as sandbox:
            world = sandbox
            return _begin(sandbox, opened, sent, line)
    except MockpayError as error:
        return Refusal(error, world)


def _open(runtime: Runtime, form: bytes) -> tuple[OpenedEnvelope, EnvelopeParameters]:
    """What was sealed, and what it came in."""
    sent = read_parameters(decode_form(form))
    return open_envelope(sent.payload, sent.key, sent.iv, runtime.keys.private[PAYMENT_KEY.private]), sent


def _begin(sandbox: Sandbox, opened: OpenedEnvelope, sent: EnvelopeParameters, line: RequestLine) -> str:
    """The payment page, or the seller's URL with a signed FAILURE."""
    allowed = codec.check_origin(opened, sandbox.seller, sent.redirect_url)
    try:
        wanted = codec.payment_request(opened, sent.payload, sandbox.seller, allowed, sandbox.now, sandbox.real_now)
    except Invalid as error:
        return _refuse(sandbox, opened, allowed, line, error.code, error.reason)
    begun = orders.open_order(sandbox, wanted)
    if begun.order is None or begun.refusal is not None:
        return _refuse(sandbox, opened, allowed, line, begun.refusal, order=begun.order)
    outcome = "ok" if begun.new else "ok.again"
    _add_to_journal(sandbox, outcome, None, begun.order, line)
    return f"/pay/{begun.order.page_token}/"


def _refuse(
    sandbox: Sandbox,
    opened: OpenedEnvelope,
    url: str,
    line: RequestLine,
    code: str | None,
    reason: str | None = None,
    order: Order | None = None,
) -> str:
    """The signed FAILURE; the journal keeps the names of the payload's fields and the reason."""
    facts = {"fields": codec.known_names(opened)}
    _add_to_journal(sandbox, code or "refused", reason or reasons.failure(code).description, order, line, facts)
    marks = {"marks": {"encoding": str(result_encoding(opened))}}
    encoding = encoding_of(sandbox.seller, marks)
    return refusal_url(sandbox.seller, url, code, codec.echoed(opened), encoding)


def _add_to_journal(
    sandbox: Sandbox,
    outcome: str,
    reason: str | None,
    order: Order | None,
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
        orders=order_ids(order),
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
        result = begin(self._runtime, environ["QUERY_STRING"].encode("latin-1"), line)
        if isinstance(result, Refusal):
            return self._ordinary({**environ, REFUSAL: result}, start_response)
        headers = [("Location", result), ("Cache-Control", "no-store"), ("Content-Length", "0")]
        start_response("302 Found", headers)
        return ()
