"""What happened? The list of orders, its filters, and the news about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for

from mockpay.domain.attempts import Attempt, AttemptState
from mockpay.domain.orders import CLOSED_UNPAID, OPEN, Order, OrderState
from mockpay.domain.plans import Source
from mockpay.kernel.clock import rfc3339
from mockpay.store import queries
from mockpay.store.queries import OrderFilter, OrderRow
from mockpay.store.worlds import Runtime, Sandbox, look
from mockpay.web import sentences
from mockpay.web.dashboard import charts
from mockpay.web.dashboard.frame import render

_PAGE = 50
_LONGEST_SEARCH = 200

#: The tabs: name in the address, words, states.
TABS: Mapping[str, tuple[str, frozenset[OrderState]]] = {
    "": ("All", frozenset(OrderState)),
    "paid": ("Paid", frozenset({OrderState.PAID})),
    "waiting": ("Waiting", OPEN | {OrderState.AUTHORIZED}),
    "failed": ("Failed", CLOSED_UNPAID),
    "refunded": ("Refunded", frozenset({OrderState.PARTIALLY_REFUNDED, OrderState.REFUNDED})),
}
_METHODS = {"": "Any", "upi": "UPI"}
_DECIDERS: Mapping[str, str] = {
    "": "Anything",
    Source.RULE: "Rule",
    Source.INSTRUMENT: "Instrument",
    Source.AMOUNT: "Amount",
    Source.DEFAULT: "Seller default",
    Source.SUCCESS: "Nothing",
}


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab with how many orders fit it and the other filters."""

    words: str
    url: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list, in words."""

    url: str
    state: str
    what: str
    amazon_order_id: str
    seller_order_id: str
    method: str
    icon: str
    decided_by: str | None
    amount: str
    age: str
    opened: str


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the list and its news."""

    @pages.get("/sellers/<seller_id>/orders")
    def orders(seller_id: str) -> str:
        with look(runtime, seller_id) as sandbox:
            return _list(runtime, sandbox)

    @pages.get("/sellers/<seller_id>/orders/news")
    def orders_news(seller_id: str) -> Response:
        """Whether the list has changed since it was shown, and by how many new rows."""
        with look(runtime, seller_id) as sandbox:
            version = _version(sandbox)
            newest = request.args.get("newest", 0, type=int)
            fresh = queries.orders_after(sandbox, _wanted(), newest)
        answer = jsonify(version=version, state="changed", fresh=fresh)
        answer.set_etag(f"{version}-{fresh}")
        return answer.make_conditional(request)  # type: ignore[return-value]


def _version(sandbox: Sandbox) -> str:
    """The timeline's half of the seller's mark; the journal does not concern this list."""
    return queries.version(sandbox).partition("-")[0]


def _wanted() -> OrderFilter:
    """The filter that the address asks for; what makes no sense is left out."""
    show, method = request.args.get("show", ""), request.args.get("method", "")
    by, text = request.args.get("by", ""), request.args.get("q", "").strip()[:_LONGEST_SEARCH]
    return OrderFilter(
        states=tuple(str(s) for s in sorted(TABS[show][1])) if show and show in TABS else (),
        method=method if method and method in _METHODS else None,
        decided_by=by if by and by in _DECIDERS else None,
        text=text or None,
    )


def _address(seller_id: str, **changes: str | None) -> str:
    """This list with other filters; a change of None takes a filter away."""
    kept = {name: request.args.get(name) for name in ("show", "method", "by", "q")}
    given: dict[str, Any] = {name: value for name, value in {**kept, **changes}.items() if value}
    return url_for("dashboard.orders", seller_id=seller_id, **given)


def _list(runtime: Runtime, sandbox: Sandbox) -> str:
    wanted, cursor = _wanted(), request.args.get("cursor")
    page = queries.orders_page(sandbox, wanted, cursor, _PAGE)
    bars = queries.bars(sandbox, charts.first_minute(sandbox.now), charts.MINUTE)
    # Only the newest page is told of news: an older one does not change at its head.
    newest = page.items[0].order.order_id if page.items else 0
    shown: dict[str, Any] = {
        name: request.args.get(name) or None for name in ("show", "method", "by", "q")
    }
    poll = url_for("dashboard.orders_news", seller_id=sandbox.seller_id, newest=newest, **shown)
    older = _address(sandbox.seller_id, cursor=page.next_cursor) if page.next_cursor else None
    return render(
        runtime,
        sandbox,
        "orders.html",
        current="orders",
        tabs=_tabs(sandbox, wanted),
        lines=[_line(sandbox, row) for row in page.items],
        chart=charts.orders_each_minute(bars, sandbox.now),
        bands={kind: words for kind, (words, _) in charts.BANDS.items()},
        choices={"method": _METHODS, "by": _DECIDERS},
        chosen={name: value or "" for name, value in shown.items()},
        older=older,
        newest_url=_address(sandbox.seller_id),
        clear_url=url_for("dashboard.orders", seller_id=sandbox.seller_id),
        filtered=any(shown.values()),
        poll=None if cursor else poll,
        version=_version(sandbox),
    )


def _tabs(sandbox: Sandbox, wanted: OrderFilter) -> list[Tab]:
    counts = queries.counts_by_state(sandbox, replace(wanted, states=()))
    current = request.args.get("show", "")
    return [
        Tab(
            words=words,
            url=_address(sandbox.seller_id, show=name or None),
            count=sum(counts.get(str(state), 0) for state in states),
            current=name == (current if current in TABS else ""),
        )
        for name, (words, states) in TABS.items()
    ]


def shown_state(order: Order, last: Attempt | None) -> str:
    """The order's state; but that its outcome is unknown goes before that it is pending."""
    unknown = order.open and last is not None and last.state is AttemptState.UNKNOWN
    return str(AttemptState.UNKNOWN if unknown else order.state)


def _line(sandbox: Sandbox, row: OrderRow) -> Line:
    order, last = row.order, row.last
    return Line(
        url=url_for(
            "dashboard.order",
            seller_id=sandbox.seller_id,
            amazon_order_id=order.amazon_order_id,
        ),
        state=shown_state(order, last),
        what=sentences.what_happened(order, last, sandbox.now),
        amazon_order_id=order.amazon_order_id,
        seller_order_id=order.seller_order_id,
        method=sentences.method_title(last),
        icon=sentences.method_icon(last),
        decided_by=sentences.decided_by(last),
        amount=order.amount.display(),
        age=sentences.span(sandbox.now - order.created_at),
        opened=rfc3339(order.created_at),
    )
