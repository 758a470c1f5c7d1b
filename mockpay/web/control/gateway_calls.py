"""The log of calls to gateways by control API: filtered page by page, or all of it as one object a line."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from flask import Response
from flask import request as http_request
from msgspec import Meta, Struct

from mockpay.domain.payments.call_log import CallDirection, ErrorClass
from mockpay.domain.payments.gateways import Operation, ResultKind
from mockpay.kernel.clock import parse_time
from mockpay.kernel.errors import Invalid, NotFound, parse_at
from mockpay.kernel.words import parse_word
from mockpay.services.gateways import routing
from mockpay.store import gateway_calls
from mockpay.store.gateway_calls import GatewayCall
from mockpay.store.reads import gateway_log
from mockpay.store.reads.gateway_log import CallFilter
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Runtime, Sandbox
from mockpay.web.control.endpoints import GET, Request
from mockpay.web.control.responses import PageQuery, parse_states, to_response

#: A log as one object a line.
NDJSON = "application/x-ndjson"
_MOST_DIGITS = 18


def _words(words: type[StrEnum]) -> Meta:
    return Meta(description=f"{', '.join(words)}; or several with commas.")


class GatewayCallQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which calls."""

    gateway: Annotated[str | None, Meta(description="Only to or from this one.")] = None
    operation: Annotated[str | None, _words(Operation)] = None
    outcome: Annotated[str | None, _words(ResultKind)] = None
    error_class: Annotated[str | None, _words(ErrorClass)] = None
    order_id: str | None = None
    attempt_id: str | None = None
    status: Annotated[
        Annotated[str, Meta(pattern=r"^[1-5][0-9]{2}(,[1-5][0-9]{2}){0,19}(?!\n)$")] | None,
        Meta(description="An HTTP status, or several with commas."),
    ] = None
    latency: Annotated[
        Annotated[int, Meta(ge=0, le=10**9)] | None,
        Meta(description="Only calls whose answer took so many milliseconds or more, the slowest first."),
    ] = None
    direction: Annotated[str | None, _words(CallDirection)] = None
    since: Annotated[str | None, Meta(description="At this time or later, by the seller's clock.")] = None
    until: Annotated[str | None, Meta(description="Before this time.")] = None


class GatewayCallLine(Struct, kw_only=True):
    """
    One call, written down before it was sent.

    `outcome` is null while it is on its way; `exchange` has request and answer, of which only what a list allows.
    """

    call_id: Annotated[str, Meta(description="The call.")]
    at: str
    direction: Annotated[CallDirection, Meta(description="`out`: the gateway was called; `in`: it sent a webhook.")]
    gateway: str
    operation: Operation
    try_no: Annotated[int, Meta(description="How often this operation was tried at this gateway, from 1.")]
    idempotency_key: Annotated[str, Meta(description="The same for every try of an operation at one gateway.")]
    order_id: str
    attempt_id: str
    refund_id: str | None
    method: str
    amount: str
    currency: str
    outcome: ResultKind | None
    error_class: Annotated[ErrorClass | None, Meta(description="Why it did not do what was asked; null where it did.")]
    code: str | None
    raw_code: Annotated[str | None, Meta(description="The gateway's own word for it.")]
    message: Annotated[str | None, Meta(description="The gateway's own sentence.")]
    reference: str | None
    status: int | None
    latency_ms: int | None
    exchange: Annotated[dict[str, Any] | None, Meta(description="Request and answer, redacted.")]


class GatewayCallList(Struct, kw_only=True):
    """Calls, the newest first."""

    items: list[GatewayCallLine]
    next_cursor: str | None


def list_gateway_calls(request: Request[GatewayCallQuery, None]) -> GatewayCallList | Response:
    """
    One line a call, repetitions and look-ups included. With `Accept: application/x-ndjson` all that fits comes as
    one JSON object a line, without pages.
    """
    query = request.query
    chosen = read_filter(request.runtime, query)
    if http_request.accept_mimetypes.best_match(["application/json", NDJSON]) == NDJSON:
        return all_lines(request.runtime, request.seller_id, chosen)
    with request.read() as sandbox:
        page = gateway_log.calls_page(sandbox, chosen, query.cursor, query.limit)
    return GatewayCallList(items=[_line(call) for call in page.items], next_cursor=page.next_cursor)


def get_gateway_call(request: Request[None, None]) -> GatewayCallLine:
    """Secrets, card numbers and codes are never in it: what no list allows is `[hidden]`."""
    with request.read() as sandbox:
        return _line(find_call(sandbox, request.path["call_id"]))


def find_call(sandbox: Sandbox, call_id: str) -> GatewayCall:
    """
    A call by its id in an address.

    Raises:
        NotFound: code ``gateway_call.not_found``.
    """
    if not (call_id.isascii() and call_id.isdigit() and len(call_id) <= _MOST_DIGITS):
        raise NotFound("There is no such gateway call.", code="gateway_call.not_found")
    return require(gateway_calls.by_number(sandbox, int(call_id)), "gateway_call")


def read_filter(runtime: Runtime, query: GatewayCallQuery) -> CallFilter:
    """
    What a query asks for.

    Raises:
        Invalid: code ``query.invalid`` or ``time.invalid``, with the field.
    """
    since, until = parse_at("since", parse_time, query.since), parse_at("until", parse_time, query.until)
    if since is not None and until is not None and until < since:
        raise Invalid("'until' lies before 'since'.", code="query.invalid", field="until")
    gateway = query.gateway
    if gateway is not None:
        names = routing.gateway_names(runtime)
        gateway = parse_word("gateway", gateway, names, code="query.invalid", field="gateway")
    return CallFilter(
        gateway=gateway,
        operations=parse_states(query.operation, Operation, "operation", "operation"),
        outcomes=parse_states(query.outcome, ResultKind, "outcome", "outcome"),
        error_classes=parse_states(query.error_class, ErrorClass, "error_class", "error class"),
        statuses=tuple(int(status) for status in query.status.split(",")) if query.status else (),
        directions=parse_states(query.direction, CallDirection, "direction", "direction"),
        order_id=query.order_id,
        attempt_id=query.attempt_id,
        latency_ms=query.latency,
        since=since,
        until=until,
    )


def all_lines(runtime: Runtime, seller_id: str, chosen: CallFilter) -> Response:
    """All calls that fit, one JSON object a line, sent as they are read."""

    def lines() -> Iterator[bytes]:
        for calls in gateway_log.all_calls(runtime, seller_id, chosen):
            yield b"".join(msgspec.json.encode(_line(call)) + b"\n" for call in calls)

    return Response(lines(), content_type=NDJSON)


def _line(call: GatewayCall) -> GatewayCallLine:
    return to_response(GatewayCallLine, call, call_id=str(call.number))


_SELLER = "/v1/sellers/{seller_id}"
ENDPOINTS = (
    GET(
        f"{_SELLER}/gateway-calls",
        list_gateway_calls,
        "Every call to a gateway, the newest first; the newest 50,000 are kept.",
        media_type=NDJSON,
    ),
    GET(f"{_SELLER}/gateway-calls/{{call_id}}", get_gateway_call, "One call to a gateway, with request and answer."),
)
