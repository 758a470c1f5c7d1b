"""The journal: what came in, how it was answered, and why it was refused."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for

from mockpay.kernel.clock import SECOND, indian, rfc3339
from mockpay.store.db.paging import Page
from mockpay.store.reads import lists
from mockpay.store.reads.lists import JournalFilter, JournalRow
from mockpay.store.unit_of_work import Runtime, Sandbox
from mockpay.web.dashboard import list_page
from mockpay.web.dashboard.layout import render
from mockpay.web.dashboard.list_page import Listing
from mockpay.web.wording.timelines import instant

_PAGE = 100
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
    page = _rows(sandbox, listing.chosen["show"], listing.chosen["order"], list_page.cursor())
    return render(
        runtime,
        sandbox,
        "journal.html",
        current="journal",
        tabs=listing.tabs(_TABS),
        lines=[_line(sandbox, row) for row in page.items],
        **listing.head(page.next_cursor, _version(sandbox)),
    )


def _rows(sandbox: Sandbox, show: str, order_id: str, cursor: str | None) -> Page[JournalRow]:
    if show == _OWNERLESS:
        return lists.ownerless_journal(sandbox.connection, cursor, _PAGE)
    outcome = show if show in _TABS and show else None
    chosen = JournalFilter(outcome=outcome, order_id=order_id or None)
    return lists.journal_page(sandbox, chosen, cursor, _PAGE)


def _line(sandbox: Sandbox, row: JournalRow) -> dict[str, Any]:
    """One request as it is shown; `facts` are names and values in the order they were noted."""
    link = row.order_id and url_for("dashboard.order", seller_id=sandbox.seller_id, order_id=row.order_id)
    return {
        "kind": row.kind,
        "ok": row.outcome == _OK,
        "outcome": row.outcome,
        "reason": row.reason or "",
        "order_id": row.order_id or "",
        "order_url": link or "",
        "facts": {str(name): _text(value) for name, value in row.facts.items()},
        "day": f"{indian(row.at):%d %b}",
        "at": instant(row.at),
        "iso": rfc3339(row.at // SECOND * SECOND),
    }


def _text(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
