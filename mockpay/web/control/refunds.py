"""Refunds by control API: the list, one refund with its story, and how a tester ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace

from mockpay.domain.payments.attempts import Plan, Source, Stage
from mockpay.domain.refunds import DECLINE_REASONS, PROCESSING_FAILURE, Refund, RefundState
from mockpay.domain.timeline import TimelineEvent
from mockpay.kernel.errors import at_field
from mockpay.kernel.money import Money
from mockpay.services.payments import transitions
from mockpay.services.refunds import refund_settlement
from mockpay.services.refunds import refunds as verbs
from mockpay.services.refunds import transitions as refund_transitions
from mockpay.store import notifications, orders, refunds
from mockpay.store import transitions as timeline
from mockpay.store.db.paging import LONGEST_PAGE
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Sandbox
from mockpay.web.control.attempts import StageDecision, stage_decisions
from mockpay.web.control.endpoints import GET, POST, Request
from mockpay.web.control.idempotency import once
from mockpay.web.control.notifications import NotificationSummary, notification_summaries
from mockpay.web.control.responses import PageQuery, States, TimelineEntry, parse_states, timeline_entries, to_response


class RefundQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which refunds."""

    state: States | None = None
    order_id: str | None = None
    reference: str | None = None


class OrderRefund(Struct, forbid_unknown_fields=True, kw_only=True):
    """What goes back of an order, and what the refund is called."""

    amount: Annotated[str | None, Meta(description="At least 0.01; without it all that is left.")] = None
    reference: Annotated[
        str | None, Meta(description="Your own id of the refund, one of its own without it; the same again is one.")
    ] = None
    note: Annotated[str | None, Meta(description="May ask for an outcome, as the seller's own note may.")] = None


class RefundDecline(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a refund is declined."""

    reason: Annotated[str, Meta(description=f"`{'` or `'.join(DECLINE_REASONS)}`.")] = PROCESSING_FAILURE


class RefundSummary(Struct, kw_only=True):
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
    state: RefundState
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


class RefundDetail(RefundSummary, kw_only=True):
    """A refund with what decided it and the notifications about it."""

    why: list[StageDecision]
    notifications: list[NotificationSummary]
    urls: dict[str, str]


class RefundList(Struct, kw_only=True):
    """Refunds, the newest first."""

    items: list[RefundSummary]
    next_cursor: str | None


def list_refunds(request: Request[RefundQuery, None]) -> RefundList:
    """By state, order or the seller's own reference."""
    query = request.query
    with request.read() as sandbox:
        page = refunds.list_page(
            sandbox,
            states=parse_states(query.state, RefundState),
            order_id=query.order_id,
            reference=query.reference,
            cursor=query.cursor,
            limit=query.limit,
        )
        order_pks = {refund.order_pk for refund in page.items}
        events = {order_pk: timeline.of_order(sandbox, order_pk) for order_pk in order_pks}
    items = [refund_summary(refund, events[refund.order_pk]) for refund in page.items]
    return RefundList(items=items, next_cursor=page.next_cursor)


def get_refund(request: Request[None, None]) -> RefundDetail:
    """
    `due_at` is when it settles by itself, `held` that it waits for its release, `polls_left` that it settles by
    being asked about.
    """
    with request.read() as sandbox:
        return _detail(sandbox, _refund(sandbox, request), request)


def refund_order(request: Request[None, OrderRefund]) -> RefundDetail:
    """
    As if the seller had asked for it: a notification tells how it ended. An order that filled a wallet is refunded to
    what paid it, of which no seller is told; the balance pays that at once, in money. A balance that lacks it is 409
    `wallet.insufficient` with what is `left`, money that was reversed or never added 409 `refund.credit_reversed` or
    `refund.not_credited`, more than is left of the order 409 `refund.exceeds_capture`.
    """
    body = request.body
    with request.transaction() as sandbox:
        order = require(orders.by_id(sandbox, request.path["order_id"]), "order")
        with at_field("amount"):
            amount = None if body.amount is None else Money.parse(body.amount, order.amount.currency)

        def refund() -> RefundDetail:
            made = verbs.request_by_tester(sandbox, order, amount, body.reference, body.note)
            return _detail(sandbox, refund_transitions.get_refund(sandbox, made.refund_id), request)

        return once(sandbox, request, RefundDetail, refund)


def complete_refund(request: Request[None, None]) -> RefundDetail:
    """
    Whatever it waited for. A gateway that took the money is asked at once, and its answer ends the refund, which is
    PENDING until then. One that has ended is 409.
    """
    return _settle(request, refund_settlement.complete_by_hand)


def decline_refund(request: Request[None, RefundDecline]) -> RefundDetail:
    """
    The seller is notified as of any declined refund. One that has ended is 409; so is one that a gateway was asked for
    (`refund.at_gateway`): money may be back already.
    """
    reason = request.body.reason
    return _settle(request, lambda sandbox, refund: refund_settlement.decline_by_hand(sandbox, refund, reason))


def hold_refund(request: Request[None, None]) -> RefundDetail:
    """It stays pending however far the clock moves. One that has ended is 409."""
    return _settle(request, verbs.hold)


def release_refund(request: Request[None, None]) -> RefundDetail:
    """One that is not held, or has ended, is 409."""
    return _settle(request, verbs.release)


def _settle(request: Request[Any, Any], verb: Callable[[Sandbox, Refund], Refund]) -> RefundDetail:
    with request.transaction() as sandbox:
        return _detail(sandbox, verb(sandbox, _refund(sandbox, request)), request)


def _refund(sandbox: Sandbox, request: Request[Any, Any]) -> Refund:
    return refund_transitions.get_refund(sandbox, request.path["refund_id"])


def _detail(sandbox: Sandbox, refund: Refund, request: Request[Any, Any]) -> RefundDetail:
    page = notifications.list_page(sandbox, refund_id=refund.refund_id, limit=LONGEST_PAGE)
    return to_response(
        RefundDetail,
        refund,
        timeline=_timeline(refund, timeline.of_order(sandbox, refund.order_pk)),
        why=_why(sandbox, refund),
        notifications=notification_summaries(sandbox, page.items),
        urls={"order": f"{request.seller_url}/orders/{refund.order_id}"},
    )


def _why(sandbox: Sandbox, refund: Refund) -> list[StageDecision]:
    """What decided the refund's own stages; success where nothing did."""
    if refund.plan.decisions:
        attempt = transitions.get_attempt(sandbox, refund.attempt_id)
        return stage_decisions(replace(attempt, plan=Plan(), decisions=refund.plan))
    normal = StageDecision(
        attempt_id=refund.attempt_id,
        stage=Stage.REFUND,
        outcome="success",
        source=Source.SUCCESS,
        scenario=None,
        value=None,
        description="no rule, note, magic value or default spoke, so everything is normal",
    )
    return [normal]


def refund_summary(refund: Refund, order_events: Iterable[TimelineEvent]) -> RefundSummary:
    """A refund with its own events out of its order's."""
    return to_response(RefundSummary, refund, timeline=_timeline(refund, order_events))


def _timeline(refund: Refund, order_events: Iterable[TimelineEvent]) -> list[TimelineEntry]:
    return timeline_entries((e for e in order_events if e.machine == "refund"), {refund.refund_id})


_PATH = "/v1/sellers/{seller_id}/refunds"
_REFUND = f"{_PATH}/{{refund_id}}"
ENDPOINTS = (
    GET(_PATH, list_refunds, "A seller's refunds, the newest first."),
    POST(
        "/v1/sellers/{seller_id}/orders/{order_id}/refunds",
        refund_order,
        "Refund an order, in part or all that is left of it.",
        errors=(409,),
        idempotent=True,
        example='{"amount": "100.00", "reference": "RMA-17"}',
    ),
    GET(_REFUND, get_refund, "One refund: timeline, notifications, and why it goes as it does."),
    POST(f"{_REFUND}/complete", complete_refund, "Settle a pending refund now: the money is back.", errors=(409,)),
    POST(
        f"{_REFUND}/decline",
        decline_refund,
        "Refuse a pending refund now; what it had reserved can be refunded again.",
        errors=(409,),
        example=f'{{"reason": "{PROCESSING_FAILURE}"}}',
    ),
    POST(
        f"{_REFUND}/hold",
        hold_refund,
        "Keep a refund pending until it is released, completed or declined.",
        errors=(409,),
    ),
    POST(
        f"{_REFUND}/release",
        release_refund,
        "Let a held refund go on: it settles when it was due, at once if that has passed.",
        errors=(409,),
    ),
)
