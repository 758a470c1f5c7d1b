"""Orders by control API: the list, one order with all that happened, and its two verbs."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.domain.orders import Order, OrderState
from mockpay.kernel.clock import rfc3339
from mockpay.services.payments import cancellation, captures
from mockpay.services.payments.transitions import found
from mockpay.store import attempts, orders, refunds, timeline
from mockpay.store.reads.lists import OrderFilter, orders_page
from mockpay.store.unit_of_work import Sandbox, read, transaction
from mockpay.web.control.attempts import AttemptEntry, WhyEntry, attempt_entry, why_entries
from mockpay.web.control.common import PageQuery, States, TimelineEntry, states_of, timeline_entry
from mockpay.web.control.endpoints import Ask, Endpoint
from mockpay.web.control.refunds import RefundLine, refund_line


class OrderQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which orders."""

    seller_order_id: str | None = None
    state: States | None = None
    method: str | None = None
    decided_by: Annotated[
        str | None,
        Meta(description="rule, simulation, instrument, amount, default, success, or a scenario's name."),
    ] = None
    text: Annotated[str | None, Meta(description="Part of an id, note or customInformation.")] = None


class OrderLine(Struct, kw_only=True):
    """An order; `attempt` is its newest try."""

    order_id: str
    seller_order_id: str
    state: str
    amount: str
    currency: str
    custom_information: str | None
    seller_note: str | None
    store_name: str | None
    reason: str | None
    release_environment: str
    refunded_amount: str
    attempt_count: int
    created_at: str
    updated_at: str
    expires_at: str


class OrderInList(OrderLine, kw_only=True):
    """An order of a list, with its newest attempt."""

    attempt: AttemptEntry | None


class OrderDetail(OrderLine, kw_only=True):
    """An order with its attempts and refunds, oldest first, all that happened, and why."""

    attempts: list[AttemptEntry]
    refunds: list[RefundLine]
    timeline: list[TimelineEntry]
    why: list[WhyEntry]
    redirect_url: str
    request: dict[str, Any]
    urls: dict[str, str]


class OrderList(Struct, kw_only=True):
    """Orders, the newest first."""

    items: list[OrderInList]
    next_cursor: str | None


def listed(ask: Ask[OrderQuery, None]) -> OrderList:
    query = ask.query
    wanted = OrderFilter(
        states=states_of(query.state, OrderState),
        method=query.method,
        decided_by=query.decided_by,
        seller_order_id=query.seller_order_id,
        text=query.text,
    )
    with read(ask.runtime, ask.seller_id) as sandbox:
        page = orders_page(sandbox, wanted, query.cursor, query.limit)
    items = [
        OrderInList(attempt=attempt_entry(row.last) if row.last else None, **_fields(row.order))
        for row in page.items
    ]
    return OrderList(items=items, next_cursor=page.next_cursor)


def show(ask: Ask[None, None]) -> OrderDetail:
    with read(ask.runtime, ask.seller_id) as sandbox:
        return _detail(sandbox, _order(sandbox, ask), ask.base)


def cancel(ask: Ask[None, None]) -> OrderDetail:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        return _detail(sandbox, cancellation.cancel(sandbox, _order(sandbox, ask)), ask.base)


def capture(ask: Ask[None, None]) -> OrderDetail:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        return _detail(sandbox, captures.capture(sandbox, _order(sandbox, ask)), ask.base)


def _order(sandbox: Sandbox, ask: Ask[None, None]) -> Order:
    return found(orders.by_id(sandbox, ask.path["order_id"]), "order")


def _detail(sandbox: Sandbox, order: Order, base: str) -> OrderDetail:
    tries = attempts.of_order(sandbox, order.order_pk)
    events = timeline.of_order(sandbox, order.order_pk)
    page = f"_mockpay/ui/sellers/{order.seller_id}/orders/{order.order_id}"
    return OrderDetail(
        attempts=[attempt_entry(attempt) for attempt in tries],
        refunds=[refund_line(one, events) for one in refunds.of_order(sandbox, order.order_pk)],
        timeline=[timeline_entry(event) for event in events],
        why=[entry for attempt in tries for entry in why_entries(attempt)],
        redirect_url=order.redirect_url,
        request=dict(order.request),
        urls={"pay": f"{base}/pay/{order.page_token}/", "dashboard": f"{base}/{page}"},
        **_fields(order),
    )


def _fields(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "seller_order_id": order.seller_order_id,
        "state": order.state.value,
        "amount": order.amount.wire(),
        "currency": order.amount.currency,
        "custom_information": order.custom_information,
        "seller_note": order.seller_note,
        "store_name": order.store_name,
        "reason": order.reason,
        "release_environment": order.release_environment,
        "refunded_amount": type(order.amount)(order.refunded_minor).wire(),
        "attempt_count": order.attempt_count,
        "created_at": rfc3339(order.created_at),
        "updated_at": rfc3339(order.updated_at),
        "expires_at": rfc3339(order.expires_at),
    }


_PATH = "/v1/sellers/{seller_id}/orders"
_ONE = f"{_PATH}/{{order_id}}"
ENDPOINTS = (
    Endpoint(
        "GET",
        _PATH,
        listed,
        "A seller's orders, the newest first.",
        query=OrderQuery,
        gives=OrderList,
        fails=(400, 404),
    ),
    Endpoint(
        "GET",
        _ONE,
        show,
        "One order: attempts, timeline, and why it went as it did.",
        gives=OrderDetail,
        fails=(404,),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/cancel",
        cancel,
        "Cancel an order: an open one ends, a hold is released, captured money is refunded.",
        gives=OrderDetail,
        fails=(404, 409),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/capture",
        capture,
        "Take the money that an order has authorised.",
        gives=OrderDetail,
        fails=(404, 409),
    ),
)
