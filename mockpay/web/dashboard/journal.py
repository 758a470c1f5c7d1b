"""The journal: every request, how it was answered, how long that took, and why it was refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint

from mockpay.domain.orders import Order
from mockpay.kernel.clock import SECOND, indian, rfc3339
from mockpay.store.db.paging import Page
from mockpay.store.reads import lists
from mockpay.store.reads.lists import JournalFilter, JournalRow
from mockpay.store.unit_of_work import Runtime, Sandbox
from mockpay.web.dashboard import list_page
from mockpay.web.dashboard.deliveries import layers
from mockpay.web.dashboard.layout import render
from mockpay.web.dashboard.list_page import Listing
from mockpay.web.wording.timelines import instant

_PAGE = 100
_LONGEST_SEARCH = 200
_OK = "ok"
#: Requests that no seller could be found for: an unknown access key, an unreadable payload.
_OWNERLESS = "ownerless"
_TABS = {"": "All", "refused": "Refused", _OK: "Accepted", _OWNERLESS: "No seller found"}


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the page and its news."""
    list_page.register_list(pages, runtime, "journal", _page, lambda sandbox: list_page.news(_version(sandbox)))


def _version(sandbox: Sandbox) -> str:
    """The journal's half of the seller's mark; the timeline does not concern this page."""
    return lists.version(sandbox).partition("-")[2]


def _page(runtime: Runtime, sandbox: Sandbox) -> str:
    listing = Listing.of_request("journal", sandbox.seller_id, "order", "q", show=_TABS)
    page = _rows(sandbox, listing.chosen, list_page.cursor())
    orders = lists.orders_by_id(sandbox, {order_id for row in page.items for order_id in row.orders})
    return render(
        runtime,
        sandbox,
        "journal.html",
        current="journal",
        tabs=listing.tabs(_TABS),
        lines=[_line(sandbox, row, orders) for row in page.items],
        # A search that found fewer than a page has not looked at the older lines yet.
        unsearched=f"{lists.SEARCHED:,}" if page.next_cursor and len(page.items) < _PAGE else "",
        **listing.head(page.next_cursor, _version(sandbox)),
    )


def _rows(sandbox: Sandbox, parameters: Mapping[str, str], cursor: str | None) -> Page[JournalRow]:
    show, order_id, text = parameters["show"], parameters["order"] or None, parameters["q"][:_LONGEST_SEARCH] or None
    if show == _OWNERLESS:
        journal_filter = JournalFilter(order_id=order_id, text=text)
        return lists.ownerless_journal(sandbox.connection, journal_filter, cursor, _PAGE)
    return lists.journal_page(sandbox, JournalFilter(None, show or None, order_id, text), cursor, _PAGE)


def _line(sandbox: Sandbox, row: JournalRow, orders: Mapping[str, Order]) -> dict[str, Any]:
    """One request as it is shown; `facts` are names and values in the order they were noted."""
    return {
        "number": row.number,
        "kind": row.kind,
        "request": f"{row.method} {row.path}" if row.method else row.kind,
        "ok": row.outcome.partition(".")[0] == _OK,
        "status": row.status or "",
        "outcome": row.outcome,
        "reason": row.reason or "",
        "orders": [list_page.order_link(sandbox, orders[name]) for name in row.orders if name in orders],
        "facts": {str(name): _text(value) for name, value in row.facts.items() if name != "warnings"},
        "warnings": list(row.facts.get("warnings", {}).values()),
        "answer": layers(row.answer) if row.answer else [],
        "took": "" if row.duration_ms is None else f"{row.duration_ms:.1f} ms",
        "day": f"{indian(row.at):%d %b}",
        "at": instant(row.at),
        "iso": rfc3339(row.at // SECOND * SECOND),
    }


def _text(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
