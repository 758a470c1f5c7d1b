"""The refunds: which are under way, and how each ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, url_for

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.refunds import Refund, RefundState
from mockpay.kernel.clock import rfc3339
from mockpay.store import refunds
from mockpay.store.reads import lists
from mockpay.store.unit_of_work import Runtime, Sandbox, read
from mockpay.web.dashboard import list_page
from mockpay.web.dashboard.layout import render
from mockpay.web.dashboard.list_page import Listing
from mockpay.web.wording import refunds as refund_sentences
from mockpay.web.wording import sentences

_PAGE = 50
_TABS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "": ("All", tuple(RefundState)),
    "pending": ("Pending", (RefundState.PENDING,)),
    "completed": ("Completed", (RefundState.COMPLETED,)),
    "declined": ("Declined", (RefundState.DECLINED,)),
    "reversed": ("Reversed", (RefundState.REVERSED,)),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One refund in a list, in words."""

    url: str
    state: str
    what: str
    refund_id: str
    reference: str
    destination: str
    icon: str
    decided_by: str | None
    amount: str
    age: str
    requested: str


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the list and its news."""

    @pages.get("/sellers/<seller_id>/refunds", endpoint="refunds")
    def refund_list(seller_id: str) -> str:
        with read(runtime, seller_id) as sandbox:
            return _list(runtime, sandbox)

    @pages.get("/sellers/<seller_id>/refunds/news")
    def refunds_news(seller_id: str) -> Response:
        """Whether something happened since the list was shown."""
        with read(runtime, seller_id) as sandbox:
            return list_page.news(_version(sandbox))


def _version(sandbox: Sandbox) -> str:
    return lists.version(sandbox).partition("-")[0]


def _list(runtime: Runtime, sandbox: Sandbox) -> str:
    listing = Listing.asked("refunds", sandbox.seller_id, "show")
    show = listing.chosen["show"]
    states = _TABS[show][1] if show and show in _TABS else ()
    page = refunds.list_page(sandbox, states=states, cursor=list_page.cursor(), limit=_PAGE)
    counts = lists.refunds_by_state(sandbox)
    return render(
        runtime,
        sandbox,
        "refunds.html",
        current="refunds",
        tabs=listing.tabs(
            {name: words for name, (words, _) in _TABS.items()},
            {name: sum(counts.get(s, 0) for s in states) for name, (_, states) in _TABS.items()},
        ),
        lines=[line(sandbox, refund) for refund in page.items],
        **listing.head(page.next_cursor, _version(sandbox)),
    )


def line(sandbox: Sandbox, refund: Refund) -> Line:
    """A refund as a row of a list."""
    return Line(
        url=url_for("dashboard.refund", seller_id=sandbox.seller_id, refund_id=refund.refund_id),
        state=str(refund.state),
        what=refund_sentences.what_happened(refund, sandbox.now),
        refund_id=refund.refund_id,
        reference=refund.reference,
        destination=sentences.destination(refund.destination),
        icon=METHODS[refund.destination["method"]].icon,
        decided_by=refund_sentences.decided_by(refund),
        amount=refund.amount.display(),
        age=sentences.span(sandbox.now - refund.created_at),
        requested=rfc3339(refund.created_at),
    )
