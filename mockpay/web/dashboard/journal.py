"""The journal: what came in, how it was answered, and why it was refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for

from mockpay.kernel.clock import SECOND, indian, rfc3339
from mockpay.store import queries
from mockpay.store.paging import Page
from mockpay.store.queries import JournalFilter, JournalRow
from mockpay.store.worlds import Runtime, Sandbox, look
from mockpay.web.dashboard.frame import render
from mockpay.web.timelines import instant

_PAGE = 100
_OK = "ok"
#: Requests that no seller could be found for: an unknown access key, an unreadable payload.
_OWNERLESS = "ownerless"
_TABS = {"": "All", "refused": "Refused", _OK: "Accepted", _OWNERLESS: "No seller found"}


@dataclass(frozen=True, slots=True)
class Line:
    """One request as it is shown; `facts` are names and values in the order they were noted."""

    number: int
    kind: str
    ok: bool
    outcome: str
    reason: str
    amazon_order_id: str
    order_url: str
    facts: Mapping[str, str]
    day: str
    at: str
    iso: str


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the page and its news."""

    @pages.get("/sellers/<seller_id>/journal")
    def journal(seller_id: str) -> str:
        with look(runtime, seller_id) as sandbox:
            return _page(runtime, sandbox)

    @pages.get("/sellers/<seller_id>/journal/news")
    def journal_news(seller_id: str) -> Response:
        """Whether something was written since the page was shown."""
        with look(runtime, seller_id) as sandbox:
            version = _version(sandbox)
        answer = jsonify(version=version, state="changed")
        answer.set_etag(version)
        return answer.make_conditional(request)  # type: ignore[return-value]


def _version(sandbox: Sandbox) -> str:
    """The journal's half of the seller's mark; the timeline does not concern this page."""
    return queries.version(sandbox).partition("-")[2]


def _page(runtime: Runtime, sandbox: Sandbox) -> str:
    show = request.args.get("show", "")
    order_id, cursor = request.args.get("order"), request.args.get("cursor")
    found = _rows(sandbox, show, order_id, cursor)
    here: dict[str, Any] = {"seller_id": sandbox.seller_id, "order": order_id}
    return render(
        runtime,
        sandbox,
        "journal.html",
        current="journal",
        tabs=[
            (words, url_for("dashboard.journal", show=name or None, **here), name == show)
            for name, words in _TABS.items()
        ],
        lines=[_line(sandbox, row) for row in found.items],
        order_id=order_id,
        all_url=url_for("dashboard.journal", seller_id=sandbox.seller_id),
        older=_older(found, show, here),
        poll=None if cursor else url_for("dashboard.journal_news", seller_id=sandbox.seller_id),
        version=_version(sandbox),
    )


def _older(found: Page[JournalRow], show: str, here: Mapping[str, Any]) -> str | None:
    if found.next_cursor is None:
        return None
    return url_for("dashboard.journal", show=show or None, cursor=found.next_cursor, **here)


def _rows(
    sandbox: Sandbox, show: str, order_id: str | None, cursor: str | None
) -> Page[JournalRow]:
    if show == _OWNERLESS:
        return queries.ownerless_journal(sandbox.connection, cursor, _PAGE)
    outcome = show if show in _TABS and show else None
    wanted = JournalFilter(outcome=outcome, amazon_order_id=order_id)
    return queries.journal_page(sandbox, wanted, cursor, _PAGE)


def _line(sandbox: Sandbox, row: JournalRow) -> Line:
    link = row.amazon_order_id and url_for(
        "dashboard.order", seller_id=sandbox.seller_id, amazon_order_id=row.amazon_order_id
    )
    return Line(
        number=row.number,
        kind=row.kind,
        ok=row.outcome == _OK,
        outcome=row.outcome,
        reason=row.reason or "",
        amazon_order_id=row.amazon_order_id or "",
        order_url=link or "",
        facts={str(name): _told(value) for name, value in row.facts.items()},
        day=f"{indian(row.at):%d %b}",
        at=instant(row.at),
        iso=rfc3339(row.at // SECOND * SECOND),
    )


def _told(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
