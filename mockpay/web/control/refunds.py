"""Refunds by control API: the list, one refund with its story, and how a tester ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.domain.payments.plans import Source, Stage
from mockpay.domain.refunds import DECLINE_REASONS, PROCESSING_FAILURE, Refund, RefundState
from mockpay.domain.timeline import TimelineEvent
from mockpay.kernel.clock import rfc3339
from mockpay.services.payments.transitions import the_attempt, the_refund
from mockpay.services.refunds import refund_settlement
from mockpay.services.refunds import refunds as verbs
from mockpay.store import notifications, refunds, timeline
from mockpay.store.db.paging import LONGEST_PAGE
from mockpay.store.unit_of_work import Sandbox, read, transaction
from mockpay.web.control.attempts import WhyEntry, why_entries
from mockpay.web.control.common import PageQuery, States, TimelineEntry, maybe_time, states_of, timeline_entry
from mockpay.web.control.endpoints import Ask, Endpoint
from mockpay.web.control.notifications import NotificationLine, notification_lines


class RefundQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which refunds."""

    state: States | None = None
    order_id: str | None = None
    reference: str | None = None


class DeclineWish(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a refund is declined."""

    reason: Annotated[str, Meta(description=f"`{'` or `'.join(DECLINE_REASONS)}`.")] = PROCESSING_FAILURE


class RefundLine(Struct, kw_only=True):
    """
    A refund; `destination` is the instrument that was charged, masked.

    `due_at` is when it settles, null where polls or a tester settle it; `bank_reference` is the
    network's number of kind `bank_reference_kind` (ARN, RRN or UTR) once the money is there.
    """

    refund_id: str
    reference: str
    order_id: str
    attempt_id: str
    kind: str
    state: str
    reason_code: str | None
    amount: str
    currency: str
    destination: dict[str, str]
    bank_reference_kind: str | None
    bank_reference: str | None
    scenario: str | None
    held: bool
    polls_left: int | None
    due_at: str | None
    note: str | None
    soft_descriptor: str | None
    created_at: str
    updated_at: str
    completed_at: str | None
    timeline: list[TimelineEntry]


class RefundDetail(RefundLine, kw_only=True):
    """A refund with why it goes as it does, and what the seller was told of it."""

    why: list[WhyEntry]
    notifications: list[NotificationLine]
    urls: dict[str, str]


class RefundList(Struct, kw_only=True):
    """Refunds, the newest first."""

    items: list[RefundLine]
    next_cursor: str | None


def listed(ask: Ask[RefundQuery, None]) -> RefundList:
    query = ask.query
    with read(ask.runtime, ask.seller_id) as sandbox:
        page = refunds.listed(
            sandbox,
            states=states_of(query.state, RefundState),
            order_id=query.order_id,
            reference=query.reference,
            cursor=query.cursor,
            limit=query.limit,
        )
        orders = {refund.order_pk for refund in page.items}
        events = {order: timeline.of_order(sandbox, order) for order in orders}
    items = [refund_line(refund, events[refund.order_pk]) for refund in page.items]
    return RefundList(items=items, next_cursor=page.next_cursor)


def show(ask: Ask[None, None]) -> RefundDetail:
    with read(ask.runtime, ask.seller_id) as sandbox:
        return _detail(sandbox, _refund(sandbox, ask), ask.base)


def complete(ask: Ask[None, None]) -> RefundDetail:
    return _moved(ask, refund_settlement.complete)


def decline(ask: Ask[None, DeclineWish]) -> RefundDetail:
    reason = ask.body.reason
    return _moved(ask, lambda sandbox, refund: refund_settlement.decline(sandbox, refund, reason))


def hold(ask: Ask[None, None]) -> RefundDetail:
    return _moved(ask, verbs.hold)


def release(ask: Ask[None, None]) -> RefundDetail:
    return _moved(ask, verbs.release)


def _moved(ask: Ask[Any, Any], verb: Callable[[Sandbox, Refund], Refund]) -> RefundDetail:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        return _detail(sandbox, verb(sandbox, _refund(sandbox, ask)), ask.base)


def _refund(sandbox: Sandbox, ask: Ask[Any, Any]) -> Refund:
    return the_refund(sandbox, ask.path["refund_id"])


def _detail(sandbox: Sandbox, refund: Refund, base: str) -> RefundDetail:
    told = notifications.listed(sandbox, refund_id=refund.refund_id, limit=LONGEST_PAGE)
    world = f"{base}/_mockpay/v1/sellers/{refund.seller_id}"
    return RefundDetail(
        why=_why(sandbox, refund),
        notifications=notification_lines(sandbox, told.items),
        urls={"order": f"{world}/orders/{refund.order_id}"},
        **_fields(refund, timeline.of_order(sandbox, refund.order_pk)),
    )


def _why(sandbox: Sandbox, refund: Refund) -> list[WhyEntry]:
    """What decided the refund's own stages; one normal line where nobody did."""
    if refund.plan.decisions:
        return why_entries(replace(the_attempt(sandbox, refund.attempt_id), plan=refund.plan))
    normal = WhyEntry(
        attempt_id=refund.attempt_id,
        stage=Stage.REFUND,
        outcome="success",
        source=Source.SUCCESS,
        scenario=None,
        seen=None,
        says="no rule, note, magic value or default spoke, so everything is normal",
    )
    return [normal]


def refund_line(refund: Refund, events: Iterable[TimelineEvent]) -> RefundLine:
    """A refund as it is told; `events` are its order's, the refund's own are picked out."""
    return RefundLine(**_fields(refund, events))


def _fields(refund: Refund, events: Iterable[TimelineEvent]) -> dict[str, Any]:
    return {
        "refund_id": refund.refund_id,
        "reference": refund.reference,
        "order_id": refund.order_id,
        "attempt_id": refund.attempt_id,
        "kind": refund.kind,
        "state": refund.state.value,
        "reason_code": refund.reason_code,
        "amount": refund.amount.wire(),
        "currency": refund.amount.currency,
        "destination": dict(refund.destination),
        "bank_reference_kind": refund.bank_reference_kind,
        "bank_reference": refund.bank_reference,
        "scenario": refund.scenario,
        "held": refund.held,
        "polls_left": refund.polls_left,
        "due_at": maybe_time(refund.due_at),
        "note": refund.note,
        "soft_descriptor": refund.soft_descriptor,
        "created_at": rfc3339(refund.created_at),
        "updated_at": rfc3339(refund.updated_at),
        "completed_at": maybe_time(refund.completed_at),
        "timeline": [
            timeline_entry(event)
            for event in events
            if event.machine == "refund" and event.subject == refund.refund_id
        ],
    }


_PATH = "/v1/sellers/{seller_id}/refunds"
_ONE = f"{_PATH}/{{refund_id}}"
ENDPOINTS = (
    Endpoint(
        "GET",
        _PATH,
        listed,
        "A seller's refunds, the newest first.",
        query=RefundQuery,
        gives=RefundList,
        fails=(400, 404),
    ),
    Endpoint(
        "GET",
        _ONE,
        show,
        "One refund: timeline, notifications, and why it goes as it does.",
        gives=RefundDetail,
        fails=(404,),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/complete",
        complete,
        "Settle a pending refund now: the money is back.",
        gives=RefundDetail,
        fails=(404, 409),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/decline",
        decline,
        "Refuse a pending refund now; what it had reserved can be refunded again.",
        body=DeclineWish,
        gives=RefundDetail,
        fails=(404, 409),
        example=f'{{"reason": "{PROCESSING_FAILURE}"}}',
    ),
    Endpoint(
        "POST",
        f"{_ONE}/hold",
        hold,
        "Keep a refund pending until it is released, completed or declined.",
        gives=RefundDetail,
        fails=(404, 409),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/release",
        release,
        "Let a held refund go on: it settles when it was due, at once if that has passed.",
        gives=RefundDetail,
        fails=(404, 409),
    ),
)
