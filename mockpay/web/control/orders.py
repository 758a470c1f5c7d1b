"""Orders by control API: the list, one order with all that happened, and its two verbs."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.orders import Order, OrderKind, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState, Source
from mockpay.kernel.money import Money
from mockpay.kernel.words import parse_word
from mockpay.services.payments import cancellation, captures
from mockpay.store import attempts, orders, refunds, transitions
from mockpay.store.reads.lists import OrderFilter, OrderRow, orders_page
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Sandbox
from mockpay.web.control.attempts import AttemptSummary, StageDecision, attempt_summary, stage_decisions
from mockpay.web.control.endpoints import GET, POST, Request
from mockpay.web.control.refunds import RefundSummary, refund_summary
from mockpay.web.control.responses import PageQuery, States, TimelineEntry, parse_states, timeline_entries, to_response


class OrderQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which orders."""

    seller_order_id: str | None = None
    token: Annotated[str | None, Meta(description="Of the payment's pages, which lie below /pay/{token}/.")] = None
    state: States | None = None
    attempt_state: Annotated[str | None, Meta(description="State of the newest try; or several with commas.")] = None
    method: str | None = None
    decided_by: Annotated[
        str | None, Meta(description=f"{', '.join(Source)}, or a scenario's or a risk rule's name.")
    ] = None
    text: Annotated[
        str | None,
        Meta(
            description="Of any try, part of an id, note, customInformation, reason, instrument as it is shown (of a "
            "card the last four digits, never its number), UPI ID, bank, buyer's e-mail, bank reference or refund; or "
            "a method's name, a response code, an amount. Looks at the rows of this seller only."
        ),
    ] = None


class OrderFields(Struct, kw_only=True):
    """An order; `attempt` is its newest try."""

    order_id: str
    provider: str | None
    kind: OrderKind
    seller_order_id: str
    state: OrderState
    amount: str
    currency: str
    custom_information: str | None
    seller_note: str | None
    store_name: str | None
    reason: str | None
    live: bool
    captured_amount: str
    refunded_amount: str
    refundable_amount: str
    attempt_count: int
    created_at: str
    updated_at: str
    expires_at: str


class OrderSummary(OrderFields, kw_only=True):
    """An order of a list, with its newest attempt."""

    attempt: AttemptSummary | None


class OrderDetail(OrderFields, kw_only=True):
    """An order with its attempts and refunds, oldest first, all that happened, and why."""

    attempts: list[AttemptSummary]
    refunds: list[RefundSummary]
    timeline: list[TimelineEntry]
    why: list[StageDecision]
    redirect_url: str
    request: dict[str, Any]
    urls: dict[str, str]


class OrderList(Struct, kw_only=True):
    """Orders, the newest first."""

    items: list[OrderSummary]
    next_cursor: str | None


def list_orders(request: Request[OrderQuery, None]) -> OrderList:
    """
    An order is there as soon as somebody opened its payment address. `seller_order_id` finds those of one number of
    the seller's: several where earlier ones failed.
    """
    query = request.query
    order_filter = OrderFilter(
        states=parse_states(query.state, OrderState),
        attempt_states=parse_states(query.attempt_state, AttemptState, "attempt_state"),
        method=query.method and parse_word("method", query.method, METHODS, code="query.invalid", field="method"),
        decided_by=query.decided_by,
        seller_order_id=query.seller_order_id,
        page_token=query.token,
        text=query.text,
    )
    with request.read() as sandbox:
        page = orders_page(sandbox, order_filter, query.cursor, query.limit)
    items = [_summary(row) for row in page.items]
    return OrderList(items=items, next_cursor=page.next_cursor)


def _summary(row: OrderRow) -> OrderSummary:
    attempt = attempt_summary(row.last) if row.last else None
    return to_response(OrderSummary, row.order, attempt=attempt, **_derived(row.order, row.last))


def get_order(request: Request[None, None]) -> OrderDetail:
    """
    `why` names for each stage of each attempt what decided it: a rule, a magic value, a person, or nothing but
    ordinary behaviour.
    """
    with request.read() as sandbox:
        return order_detail(sandbox, request.path["order_id"], request.base)


def order_detail(sandbox: Sandbox, order_id: str, base: str) -> OrderDetail:
    """
    An order as it stands.

    Raises:
        NotFound: code ``order.not_found``.
    """
    return _detail(sandbox, require(orders.by_id(sandbox, order_id), "order"), base)


def cancel_order(request: Request[None, None]) -> OrderDetail:
    """As the seller would. One that has ended unpaid is 409."""
    with request.transaction() as sandbox:
        return _detail(sandbox, cancellation.cancel(sandbox, _order(sandbox, request)), request.base)


class CaptureRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """How much; without it all that is authorised."""

    amount: Annotated[str | None, Meta(description="At least 0.01; what is authorised beyond it is released.")] = None


def capture_order(request: Request[None, CaptureRequest]) -> OrderDetail:
    """
    For sellers whose `capture` is manual. Less than what is authorised takes that and releases the rest; an order
    that has nothing authorised is 409.
    """
    with request.transaction() as sandbox:
        order, amount = _order(sandbox, request), request.body.amount
        to_capture = None if amount is None else Money.parse(amount, order.amount.currency)
        captured = captures.capture(sandbox, order, amount=to_capture)
        if captured.state is not OrderState.AUTHORIZED:
            return _detail(sandbox, captured, request.base)
    # The gateway that holds the money is asked now.
    send_waiting(request.runtime, request.seller_id)
    with request.read() as sandbox:
        return _detail(sandbox, _order(sandbox, request), request.base)


def _order(sandbox: Sandbox, request: Request[None, Any]) -> Order:
    return require(orders.by_id(sandbox, request.path["order_id"]), "order")


def _detail(sandbox: Sandbox, order: Order, base: str) -> OrderDetail:
    order_attempts = attempts.of_order(sandbox, order.order_pk)
    events = transitions.of_order(sandbox, order.order_pk)
    dashboard = f"{base}/_mockpay/ui/sellers/{order.seller_id}/orders/{order.order_id}"
    return to_response(
        OrderDetail,
        order,
        attempts=[attempt_summary(attempt) for attempt in order_attempts],
        refunds=[refund_summary(refund, events) for refund in refunds.of_order(sandbox, order.order_pk)],
        timeline=timeline_entries(events),
        why=[decision for attempt in order_attempts for decision in stage_decisions(attempt)],
        urls={"pay": f"{base}/pay/{order.page_token}/", "dashboard": dashboard},
        **_derived(order, order_attempts[-1] if order_attempts else None),
    )


def _derived(order: Order, last: Attempt | None) -> dict[str, str | None]:
    """What was captured is its newest attempt's: no attempt follows a paid one."""
    nothing = Money(0, order.amount.currency)
    return {
        "provider": order.provider or None,
        "captured_amount": (last.captured if last else nothing).wire(),
        "refunded_amount": Money(order.refunded_minor, order.amount.currency).wire(),
        "refundable_amount": (last.refundable if last else nothing).wire(),
    }


_PATH = "/v1/sellers/{seller_id}/orders"
_ORDER = f"{_PATH}/{{order_id}}"
ENDPOINTS = (
    GET(_PATH, list_orders, "A seller's orders, the newest first."),
    GET(_ORDER, get_order, "One order: attempts, timeline, and why it went as it did."),
    POST(
        f"{_ORDER}/cancel",
        cancel_order,
        "Cancel an order: an open one ends, a hold is released, captured money is refunded.",
        errors=(409,),
    ),
    POST(
        f"{_ORDER}/capture",
        capture_order,
        "Take the money that an order has authorised, or a part of it; the rest is released.",
        errors=(409,),
        example='{"amount": "4.00"}',
    ),
)
