"""The refunds: which are under way, and how each ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, request, url_for

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.refunds import DECLINE_REASONS, REFUND, Refund, RefundState
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.money import Money
from mockpay.services.payments.transitions import get_attempt, get_order
from mockpay.services.refunds import refund_settlement
from mockpay.services.refunds import refunds as refund_services
from mockpay.services.refunds.transitions import get_refund
from mockpay.store import notifications, refunds, schedule, transitions
from mockpay.store.reads import lists
from mockpay.store.unit_of_work import Runtime, Sandbox
from mockpay.web.dashboard import deliveries, list_page
from mockpay.web.dashboard.layout import control_url, render
from mockpay.web.dashboard.list_page import Listing, StateTabs
from mockpay.web.wording import refunds as refund_sentences
from mockpay.web.wording import sentences
from mockpay.web.wording.sentences import destination
from mockpay.web.wording.timelines import expected_lines, moment, timeline_lines

_PAGE = 50
_TABS: StateTabs = {
    "": ("All", tuple(RefundState)),
    "pending": ("Pending", (RefundState.PENDING,)),
    "completed": ("Completed", (RefundState.COMPLETED,)),
    "declined": ("Declined", (RefundState.DECLINED,)),
    "reversed": ("Reversed", (RefundState.REVERSED,)),
}


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the list, the page of a refund, and their news."""
    list_page.register_list(pages, runtime, "refunds", _list, list_page.timeline_news)
    list_page.register_detail(pages, runtime, "refund", get_refund, _page, list_page.order_version, _ACTS)


def _list(runtime: Runtime, sandbox: Sandbox) -> str:
    listing = Listing.of_request("refunds", sandbox.seller_id, show=_TABS)
    page = refunds.list_page(sandbox, states=listing.states(_TABS), cursor=list_page.cursor(), limit=_PAGE)
    return render(
        runtime,
        sandbox,
        "refunds.html",
        current="refunds",
        tabs=listing.state_tabs(_TABS, lists.refunds_by_state(sandbox)),
        lines=[line(sandbox, refund) for refund in page.items],
        **listing.head(page.next_cursor, list_page.timeline_version(sandbox)),
    )


def line(sandbox: Sandbox, refund: Refund) -> dict[str, Any]:
    """A refund as a row of a list, in words."""
    return {
        "url": url_for("dashboard.refund", seller_id=sandbox.seller_id, refund_id=refund.refund_id),
        "state": str(refund.state),
        "what": refund_sentences.what_happened(refund, sandbox.now),
        "refund_id": refund.refund_id,
        "reference": refund.reference,
        "destination": sentences.destination(refund.destination),
        "icon": METHODS[refund.destination["method"]].icon,
        "decided_by": refund_sentences.decided_by(refund),
        "amount": refund.amount.display(),
        "age": sentences.span(sandbox.now - refund.created_at),
        "requested": rfc3339(refund.created_at),
    }


def _decline(sandbox: Sandbox, refund: Refund) -> object:
    return refund_settlement.decline_by_hand(sandbox, refund, request.form.get("reason", ""))


_ACTS: Mapping[str, Callable[[Sandbox, Refund], object]] = {
    "complete": refund_settlement.complete_by_hand,
    "decline": _decline,
    "hold": refund_services.hold,
    "release": refund_services.release,
}


def _page(runtime: Runtime, sandbox: Sandbox, refund: Refund, refusal: Mapping[str, str]) -> str:
    order = get_order(sandbox, refund.order_pk)
    return render(
        runtime,
        sandbox,
        "refund.html",
        current="refunds",
        refund=refund,
        order=order,
        captured=get_attempt(sandbox, refund.attempt_id).captured.display(),
        refunded=Money(order.refunded_minor, order.amount.currency).display(),
        answer=refund_sentences.what_happened(refund, sandbox.now),
        company=sandbox.provider_of(order).title,
        origin=refund_sentences.why_requested(refund),
        decisions=refund_sentences.decisions(refund),
        destination=destination(refund.destination),
        times=_times(refund),
        acts=_legal(refund),
        reasons=DECLINE_REASONS,
        **refusal,
        urls=_urls(sandbox, refund),
        **_summary(sandbox, refund),
    )


def _summary(sandbox: Sandbox, refund: Refund) -> dict[str, Any]:
    """What happened to the refund and to the notifications about it."""
    about_refund = notifications.list_page(sandbox, refund_id=refund.refund_id).items
    subjects = [refund.refund_id, *(notification.notification_id for notification in about_refund)]
    all_events = transitions.of_order(sandbox, refund.order_pk)
    events = [event for event in all_events if event.subject in subjects]
    waiting = [event for subject in subjects for event in schedule.waiting_of(sandbox, subject)]
    return {
        "lines": [*timeline_lines(events), *expected_lines(waiting, sandbox.now)],
        "version": str(len(all_events)),
        "whose": refund_sentences.who_decides(refund, events),
        "notifications": [deliveries.line(sandbox, notification) for notification in reversed(about_refund)],
    }


def _times(refund: Refund) -> dict[str, str]:
    """When what happened or will happen, in words."""
    times = {
        "Requested": refund.created_at,
        "Due": refund.due_at if REFUND.allows(refund.state, "completed") else None,
        "Completed": refund.completed_at,
    }
    return {name: moment(at) for name, at in times.items() if at is not None}


def _legal(refund: Refund) -> list[str]:
    """The buttons that mean something now."""
    if not REFUND.allows(refund.state, "completed"):
        return []
    return ["complete", "decline", "release" if refund.held else "hold"]


def _urls(sandbox: Sandbox, refund: Refund) -> dict[str, Any]:
    here: dict[str, Any] = {"seller_id": sandbox.seller_id}
    ids = {**here, "refund_id": refund.refund_id}
    return {
        "list": url_for("dashboard.refunds", **here),
        "news": url_for("dashboard.refund_news", **ids),
        "order": url_for("dashboard.order", **here, order_id=refund.order_id),
        "scenarios": url_for("dashboard.scenarios", **here),
        "json": control_url(sandbox, f"/refunds/{refund.refund_id}"),
        "acts": {act: url_for("dashboard.act_on_refund", **ids, act=act) for act in _ACTS},
    }
