"""The log of gateway calls: a list by filters, one call with request and answer side by side, and a file of all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, url_for

from mockpay.domain.orders import Order
from mockpay.domain.payments.call_log import CallDirection
from mockpay.domain.payments.gateways import Operation
from mockpay.kernel.clock import SECOND, indian, rfc3339
from mockpay.kernel.errors import Invalid
from mockpay.kernel.fields import convert_fields
from mockpay.services.gateways import routing
from mockpay.store import gateway_calls
from mockpay.store.db.paging import Page
from mockpay.store.gateway_calls import GatewayCall
from mockpay.store.reads import gateway_log, lists
from mockpay.store.reads.gateway_log import CallFilter
from mockpay.store.unit_of_work import Runtime, Sandbox, read
from mockpay.web.control.gateway_calls import GatewayCallQuery, all_lines, find_call, read_filter
from mockpay.web.dashboard import gateway_tabs, list_page
from mockpay.web.dashboard.gateway_curl import curl
from mockpay.web.dashboard.layout import control_url, render
from mockpay.web.dashboard.list_page import Listing
from mockpay.web.wording.gateway_words import CHIPS, DIRECTIONS, ERRORS, OPERATIONS, OUTCOMES
from mockpay.web.wording.timelines import instant, moment

_PAGE = 50
_PICKED = ("gateway", "operation", "outcome", "error_class", "direction")
_TYPED = ("order_id", "attempt_id", "status", "latency", "since", "until")
#: What may be typed, where a wrong value would be refused in the words of a pattern.
#: Title of each text that a signature covers.
_SIGNED = {"String to sign": "string_to_sign", "String to sign of the answer": "answer_string_to_sign"}
_FORMS = {"status": "An HTTP status, or several: 500,503.", "latency": "A whole number of milliseconds."}


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the list, its news and file, and the page of a call."""
    list_page.register_list(
        pages, runtime, gateway_tabs.CALLS, _list, lambda sandbox: list_page.news(gateway_log.version(sandbox))
    )

    @pages.get("/sellers/<seller_id>/gateway-calls/export")
    def gateway_calls_export(seller_id: str) -> Response:
        with read(runtime, seller_id) as sandbox:
            chosen = _filter(sandbox, Listing.of_request(gateway_tabs.CALLS, seller_id, *_PICKED, *_TYPED).chosen)
        response = all_lines(runtime, seller_id, chosen)
        response.headers["Content-Disposition"] = 'attachment; filename="gateway-calls.jsonl"'
        return response

    @pages.get("/sellers/<seller_id>/gateway-calls/<call_id>")
    def gateway_call(seller_id: str, call_id: str) -> str:
        with read(runtime, seller_id) as sandbox:
            return _page(runtime, sandbox, find_call(sandbox, call_id))


def _filter(sandbox: Sandbox, typed: Mapping[str, str]) -> CallFilter:
    """
    What the page's form asks for.

    Raises:
        Invalid: with the field.
    """
    filters = {name: value for name, value in typed.items() if value}
    for name in ("since", "until"):
        if name in filters:
            filters[name] = list_page.indian_time(filters[name])
    query = convert_fields(filters, GatewayCallQuery, code="query.invalid", noun="field", strict=False)
    return read_filter(sandbox.runtime, query)


def _list(runtime: Runtime, sandbox: Sandbox) -> tuple[str, int]:
    listing = Listing.of_request(gateway_tabs.CALLS, sandbox.seller_id, *_PICKED, *_TYPED)
    errors: dict[str, str] = {}
    page: Page[GatewayCall] = Page([], None)
    try:
        page = gateway_log.calls_page(sandbox, _filter(sandbox, listing.chosen), list_page.cursor(), _PAGE)
    except Invalid as error:
        field = str(error.detail.get("field", ""))
        if field not in _TYPED:
            raise
        errors[field] = _FORMS.get(field, error.message)
    orders = lists.orders_by_id(sandbox, {call.order_id for call in page.items})
    export: dict[str, Any] = {name: value for name, value in listing.chosen.items() if value}
    page_text = render(
        runtime,
        sandbox,
        "gateway_calls.html",
        current=gateway_tabs.ENTRY,
        tabs=gateway_tabs.tabs(sandbox, gateway_tabs.CALLS),
        choices=_choices(sandbox),
        errors=errors,
        groups=[_group(sandbox, calls, orders) for calls in _by_operation(page.items)],
        export_url=url_for("dashboard.gateway_calls_export", seller_id=sandbox.seller_id, **export),
        **listing.head(page.next_cursor, gateway_log.version(sandbox)),
    )
    return page_text, 422 if errors else 200


def _choices(sandbox: Sandbox) -> dict[str, tuple[str, dict[str, str]]]:
    """Label and values of each list to choose from."""
    names = {name: name for name in routing.gateway_names(sandbox.runtime)}
    outcomes = {str(kind): words.capitalize() for kind, words in OUTCOMES.items() if kind is not None}
    lists_: dict[str, tuple[str, Mapping[str, str]]] = {
        "gateway": ("Gateway", names),
        "operation": ("Operation", {str(name): words for name, words in OPERATIONS.items()}),
        "outcome": ("Outcome", outcomes),
        "error_class": ("Error", {str(name): words for name, words in ERRORS.items()}),
        "direction": ("Way", {str(name): words for name, words in DIRECTIONS.items()}),
    }
    return {name: (label, {"": "Any", **values}) for name, (label, values) in lists_.items()}


def _by_operation(calls: Sequence[GatewayCall]) -> list[list[GatewayCall]]:
    """The calls of a page with the tries of one operation together, the newest first; a webhook stands alone."""
    groups: dict[object, list[GatewayCall]] = {}
    for call in calls:
        alone = call.direction is CallDirection.IN or call.operation is Operation.PREPARE
        groups.setdefault(call.number if alone else call.idempotency_key, []).append(call)
    return list(groups.values())


def _group(sandbox: Sandbox, calls: Sequence[GatewayCall], orders: Mapping[str, Order]) -> dict[str, Any]:
    """The newest try of an operation as a row, and the earlier ones below it."""
    newest = calls[0]
    order = orders.get(newest.order_id)
    return {
        **_line(sandbox, newest),
        "order": list_page.order_link(sandbox, order) if order is not None else None,
        "earlier": [_line(sandbox, call) for call in calls[1:]],
    }


def _line(sandbox: Sandbox, call: GatewayCall) -> dict[str, Any]:
    return {
        "number": call.number,
        "url": url_for("dashboard.gateway_call", seller_id=sandbox.seller_id, call_id=call.number),
        "chip": CHIPS[call.outcome],
        "title": _title(call),
        "error": ERRORS[call.error_class] if call.error_class is not None else "",
        "message": call.message or "",
        "try_no": call.try_no,
        "status": call.status or "",
        "took": "" if call.latency_ms is None else f"{call.latency_ms:,} ms",
        "day": f"{indian(call.at):%d %b}",
        "at": instant(call.at),
        "iso": rfc3339(call.at // SECOND * SECOND),
    }


def _title(call: GatewayCall) -> str:
    if call.direction is CallDirection.IN:
        return f"{call.gateway}: webhook"
    return f"{call.gateway}: {OPERATIONS[call.operation].lower()}"


def _page(runtime: Runtime, sandbox: Sandbox, call: GatewayCall) -> str:
    exchange = call.exchange or {}
    order = lists.orders_by_id(sandbox, {call.order_id}).get(call.order_id)
    tries = [
        other
        for other in gateway_calls.of_attempt(sandbox, call.attempt_id)
        if (other.idempotency_key, other.operation) == (call.idempotency_key, call.operation)
    ]
    here: dict[str, Any] = {"seller_id": sandbox.seller_id}
    return render(
        runtime,
        sandbox,
        "gateway_call.html",
        current=gateway_tabs.ENTRY,
        call=call,
        line=_line(sandbox, call),
        answer=f"{_title(call).capitalize()}, {OUTCOMES[call.outcome]}",
        when=moment(call.at),
        amount=call.amount.display(),
        request=_side(f"{exchange.get('method')} {exchange.get('url')}", exchange, "request") if exchange else None,
        reply=_side(f"HTTP {exchange['status']}", exchange, "answer") if exchange.get("status") else None,
        signed={title: exchange[name] for title, name in _SIGNED.items() if exchange.get(name) is not None},
        curl=curl(exchange) if exchange and call.direction is CallDirection.OUT else "",
        tries=[_line(sandbox, other) for other in tries] if len(tries) > 1 else [],
        order=list_page.order_link(sandbox, order) if order is not None else None,
        list_url=url_for(f"dashboard.{gateway_tabs.CALLS}", **here),
        all_url=url_for(f"dashboard.{gateway_tabs.CALLS}", **here, attempt_id=call.attempt_id),
        json_url=control_url(sandbox, f"/gateway-calls/{call.number}"),
    )


def _side(head: str, exchange: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Request or answer: its first line, headers and body."""
    body = exchange[name]
    return {
        "head": head,
        "headers": exchange[f"{name}_headers"],
        "body": body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False) if body else "",
    }
