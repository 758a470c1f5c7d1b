"""What happened? The list of orders, its filters, and the news about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from flask import Blueprint, url_for
from msgspec import Struct

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.orders import CLOSED_UNPAID, OPEN, Order, OrderState
from mockpay.domain.payments.attempts import UNPAID_ENDS, Attempt, AttemptState, Source
from mockpay.kernel.clock import SECOND, indian, rfc3339
from mockpay.kernel.money import Money
from mockpay.store.reads import lists
from mockpay.store.reads.lists import Bar, OrderFilter, OrderRow
from mockpay.store.unit_of_work import Runtime, Sandbox
from mockpay.web.dashboard import list_page
from mockpay.web.dashboard.layout import render
from mockpay.web.dashboard.list_page import Listing, StateTabs
from mockpay.web.wording import sentences

MINUTE = 60 * SECOND
MINUTES = 60
#: The drawing is 60 slots of 10 wide and 40 high; one order is never taller than this.
_SLOT, _BAR, _HEIGHT, _TALLEST_ORDER = 10, 8, 39, 8
_GAP = 1.0

#: A failed try is shown as one at once, though the buyer may try again.
_FAILED = CLOSED_UNPAID | UNPAID_ENDS
#: Colour and words of each band, from below.
BANDS: Mapping[str, tuple[str, frozenset[StrEnum]]] = {
    "ok": ("paid", frozenset({OrderState.PAID})),
    "back": ("refunded", frozenset({OrderState.PARTIALLY_REFUNDED, OrderState.REFUNDED})),
    "wait": ("waiting", OPEN | {OrderState.AUTHORIZED}),
    "bad": ("failed or stopped", _FAILED),
}


class Block(Struct, frozen=True):
    """One rectangle; `kind` is the colour's class."""

    kind: str
    x: int
    y: float
    width: int
    height: float


class Chart(Struct, frozen=True):
    """Rectangles, labels below the axis, and one sentence that gives the numbers."""

    blocks: tuple[Block, ...]
    labels: tuple[str, ...]
    sentence: str


def first_minute(now: int) -> int:
    """Where the hour that ends with this minute begins."""
    return now // MINUTE * MINUTE - (MINUTES - 1) * MINUTE


def orders_each_minute(bars: Iterable[Bar], now: int) -> Chart:
    """The chart of the hour that ends now."""
    start = first_minute(now)
    stacks = {(bar.at - start) // MINUTE: _by_band(bar.counts) for bar in bars}
    tallest = max((sum(stack.values()) for stack in stacks.values()), default=1)
    unit = min(_HEIGHT / max(tallest, 1), _TALLEST_ORDER)
    blocks = [block for slot, stack in sorted(stacks.items()) for block in _stack(slot, stack, unit)]
    labels = tuple(f"{indian(start + m * MINUTE):%H:%M}" for m in (0, 15, 30, 45, MINUTES))
    return Chart(tuple(blocks), labels, _sentence(stacks.values(), labels))


def _by_band(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: sum(counts.get(str(state), 0) for state in states) for kind, (_, states) in BANDS.items()}


def _stack(slot: int, stack: Mapping[str, int], unit: float) -> Iterable[Block]:
    top = float(_HEIGHT)
    for kind, count in stack.items():
        if count:
            height = count * unit
            top -= height
            yield Block(kind, slot * _SLOT + 1, round(top, 2), _BAR, round(max(height - _GAP, 0.5), 2))


def _sentence(stacks: Iterable[Mapping[str, int]], labels: tuple[str, ...]) -> str:
    total = dict.fromkeys(BANDS, 0)
    for stack in stacks:
        for kind, count in stack.items():
            total[kind] += count
    counts = ", ".join(f"{total[kind]} {words}" for kind, (words, _) in BANDS.items())
    return f"Orders each minute from {labels[0]} to {labels[-1]}: {counts}."


_PAGE = 50
_LONGEST_SEARCH = 200

#: The tabs: name in the address, words, states.
_TABS: StateTabs = {
    "": ("All", frozenset(OrderState)),
    "paid": ("Paid", frozenset({OrderState.PAID})),
    "waiting": ("Waiting", OPEN | {OrderState.AUTHORIZED}),
    "failed": ("Failed", _FAILED),
    "refunded": ("Refunded", frozenset({OrderState.PARTIALLY_REFUNDED, OrderState.REFUNDED})),
}
_METHODS = {"": "Any", **{code: method.title for code, method in METHODS.items()}}
_DECIDERS: Mapping[str, str] = {
    "": "Anything",
    **{str(source): source.replace("_", " ").capitalize() for source in Source},
    Source.DEFAULT: "Seller default",
    Source.SUCCESS: "Nothing",
}
_REFUNDS = {"": "Any", "possible": "Refundable", "pending": "Refund pending"}
_TRIES = {"": "Any", **{str(state): state.replace("_", " ").capitalize() for state in AttemptState}}


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the list and its news."""
    list_page.register_list(pages, runtime, "orders", _list, list_page.timeline_news)


def _filter(listing: Listing) -> OrderFilter:
    """The filter that the address asks for."""
    parameters = listing.chosen
    return OrderFilter(
        shown_states=listing.states(_TABS),
        attempt_states=(parameters["last"],) if parameters["last"] else (),
        method=parameters["method"] or None,
        decided_by=parameters["by"] or None,
        refunds=parameters["refunds"] or None,
        text=parameters["q"][:_LONGEST_SEARCH] or None,
    )


def _list(runtime: Runtime, sandbox: Sandbox) -> str:
    listing = Listing.of_request(
        "orders", sandbox.seller_id, "q", show=_TABS, method=_METHODS, last=_TRIES, by=_DECIDERS, refunds=_REFUNDS
    )
    order_filter = _filter(listing)
    page = lists.orders_page(sandbox, order_filter, list_page.cursor(), _PAGE)
    # Who decided is read of each row, so nobody has counted.
    counts = {} if listing.chosen["by"] else lists.counts_by_state(sandbox, order_filter)
    bars = lists.bars(sandbox, first_minute(sandbox.now), MINUTE)
    return render(
        runtime,
        sandbox,
        "orders.html",
        current="orders",
        tabs=listing.state_tabs(_TABS, counts),
        lines=[_line(sandbox, row) for row in page.items],
        chart=orders_each_minute(bars, sandbox.now),
        bands={kind: words for kind, (words, _) in BANDS.items()},
        choices={
            "method": ("Method", _METHODS),
            "last": ("Last try", _TRIES),
            "by": ("Decided by", _DECIDERS),
            "refunds": ("Refunds", _REFUNDS),
        },
        **listing.head(page.next_cursor, list_page.timeline_version(sandbox)),
    )


def shown_state(order: Order, last: Attempt | None) -> str:
    """The order's state; but that a try of an open one failed, or is unknown, goes before that it is pending."""
    if order.open and last is not None and last.state in {AttemptState.UNKNOWN, *UNPAID_ENDS}:
        return str(last.state)
    return str(order.state)


def _refunds(order: Order, last: Attempt | None) -> list[str]:
    """What of an amount is on its way back, and what can still go back; empty where that is all or nothing."""
    if last is None or last.state is not AttemptState.CAPTURED:
        return []
    pending = Money(last.refund_reserved_minor - order.refunded_minor, order.amount.currency)
    parts = [f"{pending.display()} being refunded"] if pending.minor > 0 else []
    if 0 < last.refundable.minor < last.captured_minor:
        parts.append(f"{last.refundable.display()} refundable")
    return parts


def _line(sandbox: Sandbox, row: OrderRow) -> dict[str, Any]:
    """One row of the list, in words."""
    order, last = row.order, row.last
    return {
        "url": url_for("dashboard.order", seller_id=sandbox.seller_id, order_id=order.order_id),
        "state": shown_state(order, last),
        "what": sentences.what_happened(order, last, sandbox.now, methods=sandbox.provider_of(order).methods),
        "order_id": order.order_id,
        "seller_order_id": order.seller_order_id,
        "company": sandbox.provider_of(order).title,
        "method": sentences.method_title(last),
        "icon": sentences.method_icon(last),
        "decided_by": sentences.decided_by(last, order),
        "amount": order.amount.display(),
        "captured": last.captured.display() if last and 0 < last.captured_minor < last.amount.minor else "",
        "refunds": _refunds(order, last),
        "age": sentences.span(sandbox.now - order.created_at),
        "opened": rfc3339(order.created_at),
    }
