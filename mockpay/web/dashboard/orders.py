"""What happened? The list of orders, its filters, and the news about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import Blueprint, Response, request, url_for

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.orders import CLOSED_UNPAID, OPEN, Order, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState, Source
from mockpay.kernel.clock import rfc3339
from mockpay.store.reads import lists
from mockpay.store.reads.lists import OrderFilter, OrderRow
from mockpay.store.unit_of_work import Runtime, Sandbox, read
from mockpay.web.dashboard import charts, list_page
from mockpay.web.dashboard.layout import render
from mockpay.web.dashboard.list_page import Listing, Tab
from mockpay.web.wording import sentences

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
_METHODS = {"": "Any", **{code: method.title for code, method in METHODS.items()}}
_DECIDERS: Mapping[str, str] = {
    "": "Anything",
    Source.RULE: "Rule",
    Source.INSTRUMENT: "Instrument",
    Source.AMOUNT: "Amount",
    Source.DEFAULT: "Seller default",
    Source.SUCCESS: "Nothing",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list, in words."""

    url: str
    state: str
    what: str
    order_id: str
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
        with read(runtime, seller_id) as sandbox:
            return _list(runtime, sandbox)

    @pages.get("/sellers/<seller_id>/orders/news")
    def orders_news(seller_id: str) -> Response:
        """Whether the list has changed since it was shown, and by how many new rows."""
        with read(runtime, seller_id) as sandbox:
            newest = request.args.get("newest", 0, type=int)
            fresh = lists.orders_after(sandbox, _filter(_listing(seller_id)), newest)
            return list_page.news(_version(sandbox), fresh=fresh)


def _listing(seller_id: str) -> Listing:
    return Listing.asked("orders", seller_id, "show", "method", "by", "q")


def _version(sandbox: Sandbox) -> str:
    """The timeline's half of the seller's mark; the journal does not concern this list."""
    return lists.version(sandbox).partition("-")[0]


def _filter(listing: Listing) -> OrderFilter:
    """The filter that the address asks for; what makes no sense is left out."""
    show, method, by = (listing.chosen[name] for name in ("show", "method", "by"))
    return OrderFilter(
        states=tuple(str(s) for s in sorted(TABS[show][1])) if show and show in TABS else (),
        method=method if method and method in _METHODS else None,
        decided_by=by if by and by in _DECIDERS else None,
        text=listing.chosen["q"][:_LONGEST_SEARCH] or None,
    )


def _list(runtime: Runtime, sandbox: Sandbox) -> str:
    listing = _listing(sandbox.seller_id)
    chosen = _filter(listing)
    page = lists.orders_page(sandbox, chosen, list_page.cursor(), _PAGE)
    bars = lists.bars(sandbox, charts.first_minute(sandbox.now), charts.MINUTE)
    newest = page.items[0].order.order_pk if page.items else 0
    return render(
        runtime,
        sandbox,
        "orders.html",
        current="orders",
        tabs=_tabs(sandbox, listing, chosen),
        lines=[_line(sandbox, row) for row in page.items],
        chart=charts.orders_each_minute(bars, sandbox.now),
        bands={kind: words for kind, (words, _) in charts.BANDS.items()},
        choices={"method": _METHODS, "by": _DECIDERS},
        **listing.head(page.next_cursor, _version(sandbox), newest=newest),
    )


def _tabs(sandbox: Sandbox, listing: Listing, chosen: OrderFilter) -> list[Tab]:
    counts = lists.counts_by_state(sandbox, replace(chosen, states=()))
    return listing.tabs(
        {name: words for name, (words, _) in TABS.items()},
        {name: sum(counts.get(str(state), 0) for state in states) for name, (_, states) in TABS.items()},
    )


def shown_state(order: Order, last: Attempt | None) -> str:
    """The order's state; but that its outcome is unknown goes before that it is pending."""
    unknown = order.open and last is not None and last.state is AttemptState.UNKNOWN
    return str(AttemptState.UNKNOWN if unknown else order.state)


def _line(sandbox: Sandbox, row: OrderRow) -> Line:
    order, last = row.order, row.last
    return Line(
        url=url_for("dashboard.order", seller_id=sandbox.seller_id, order_id=order.order_id),
        state=shown_state(order, last),
        what=sentences.what_happened(order, last, sandbox.now, methods=sandbox.provider_of(order).methods),
        order_id=order.order_id,
        seller_order_id=order.seller_order_id,
        method=sentences.method_title(last),
        icon=sentences.method_icon(last),
        decided_by=sentences.decided_by(last),
        amount=order.amount.display(),
        age=sentences.span(sandbox.now - order.created_at),
        opened=rfc3339(order.created_at),
    )
