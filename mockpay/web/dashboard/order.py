"""Why? One order: what decided it, its timeline, its payload, and how to do it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Blueprint, request, url_for
from msgspec import Struct

from mockpay.domain.notifications import DeliveryState, Notification, failing_tries
from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import HOLDS_ORDER, Attempt, AttemptState
from mockpay.domain.refunds import Refund
from mockpay.domain.timeline import Actor, TimelineEvent
from mockpay.domain.wallet.ledger import METHOD as BALANCE
from mockpay.kernel.money import Money
from mockpay.otp.rules import mask_destination
from mockpay.services import buyers
from mockpay.services.payments import cancellation, captures, payments
from mockpay.services.payments.transitions import CAPTURE, REVIEW
from mockpay.services.refunds import refunds as refund_verbs
from mockpay.store import attempts, notifications, orders, refunds, schedule, transitions
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Runtime, Sandbox
from mockpay.web.dashboard import deliveries, list_page, payload
from mockpay.web.dashboard import refunds as refund_lines
from mockpay.web.dashboard.decision_trace import Reproduction, decision_traces, reproduction_of
from mockpay.web.dashboard.gateway_lines import routed_tries
from mockpay.web.dashboard.layout import base_url, control_url, render
from mockpay.web.dashboard.orders import shown_state
from mockpay.web.dashboard.seller_messages import Call, browser_return, last_calls, warning_lines
from mockpay.web.wording import sentences
from mockpay.web.wording.timelines import expected_lines, moment, offset, timeline_by_try


def _refund(sandbox: Sandbox, order: Order) -> Refund:
    amount = Money.parse(request.form.get("amount", "").strip(), order.amount.currency)
    return refund_verbs.request_by_tester(sandbox, order, amount)


#: What each button does.
ACTS: Mapping[str, Callable[[Sandbox, Order], object]] = {
    "capture": captures.capture,
    "cancel": cancellation.cancel,
    "refund": _refund,
    "approve": lambda sandbox, order: _decide_review(sandbox, order, approved=True),
    "reject": lambda sandbox, order: _decide_review(sandbox, order, approved=False),
}


def _decide_review(sandbox: Sandbox, order: Order, *, approved: bool) -> Attempt:
    """A tester looked at the try that the risk check put aside."""
    last = require(attempts.last_of_order(sandbox, order.order_pk), "attempt")
    return payments.decide_review(sandbox, last.attempt_id, approved=approved, actor=Actor.TESTER)


class Act(Struct, frozen=True):
    """One button that means something now; its words say what will happen."""

    name: str
    words: str


def legal(sandbox: Sandbox, order: Order, tries: Sequence[Attempt]) -> list[Act]:
    """The buttons that an order has as it now stands."""
    last = tries[-1] if tries else None
    if order.state is OrderState.AUTHORIZED and last is not None:
        return _of_hold(sandbox, last)
    if order.state in PAID:
        if last is None or not last.refundable.minor:
            return []
        return [Act("cancel", f"Cancel and refund {last.refundable.display()}"), Act("refund", "Refund")]
    busy = last is not None and last.state in HOLDS_ORDER
    review = last is not None and last.state is AttemptState.RISK_REVIEW
    decide = [Act("approve", "Approve the payment"), Act("reject", "Reject the payment")] if review else []
    return [*decide, Act("cancel", "Cancel order")] if order.open and not busy else []


def _of_hold(sandbox: Sandbox, attempt: Attempt) -> list[Act]:
    release = Act("cancel", "Cancel and release the hold")
    if schedule.waits(sandbox, attempt.attempt_id, CAPTURE):
        return [release]
    return [Act("capture", f"Capture {attempt.amount.display()}"), release]


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the page, its news and its buttons."""
    list_page.register_detail(pages, runtime, "order", _get_order, _page, list_page.order_version, ACTS)


def _get_order(sandbox: Sandbox, order_id: str) -> Order:
    return require(orders.by_id(sandbox, order_id), "order")


def _page(runtime: Runtime, sandbox: Sandbox, order: Order, refusal: Mapping[str, str]) -> str:
    tries = attempts.of_order(sandbox, order.order_pk)
    last = tries[-1] if tries else None
    events = transitions.of_order(sandbox, order.order_pk)
    sent = notifications.of_order(sandbox, order.order_pk)
    calls = last_calls(sandbox, order)
    return render(
        runtime,
        sandbox,
        "order.html",
        current="orders",
        order=order,
        state=shown_state(order, last),
        answer=sentences.what_happened(order, last, full=True, methods=sandbox.provider_of(order).methods),
        whose=_whose(order, last, _troubles(order, sent, calls)),
        tries=[_try(attempt) for attempt in tries],
        routed=routed_tries(sandbox, tries),
        urls=_urls(sandbox, order),
        acts=legal(sandbox, order, tries),
        review=_review(sandbox, last),
        refundable=last.refundable.wire() if last else "",
        buyer=_buyer(sandbox, order, tries),
        typed=request.form,
        **refusal,
        traces=decision_traces(last, magic_amounts=sandbox.seller.settings.magic_amounts) if last else [],
        **_summary(sandbox, order, tries, events),
        **_request(sandbox, order),
        browser=browser_return(events, sandbox.provider_of(order)),
        no_notification=_no_notification(sandbox, order, tries),
        no_ipn_url=not sandbox.provider_of(order).listens(sandbox),
        calls=[(call, deliveries.layers(call.answer) if call.answer else []) for call in calls],
        money=_money(order, tries),
        refunds=[refund_lines.line(sandbox, refund) for refund in refunds.of_order(sandbox, order.order_pk)],
        notifications=[deliveries.line(sandbox, row) for row in sent],
        objects=_objects(sandbox, order),
        company=sandbox.provider_of(order).title,
        reproduction=None if order.fills_wallet else _reproduction(runtime, sandbox, last),
    )


def _objects(sandbox: Sandbox, order: Order) -> list[dict[str, str]]:
    """The order and its parts as its company's API answers them, each with the call that asks for it."""
    objects = sandbox.provider_of(order).order_objects(sandbox, order)
    return [{"call": each.call, "text": deliveries.layers(each.text)[0].text} for each in objects]


def _whose(order: Order, last: Attempt | None, troubles: Sequence[str]) -> str:
    """Whether something is wrong on the seller's side, and whose doing the end is."""
    return f"{sentences.about_integration(order, last, troubles)} {sentences.whose_doing(order, last)}".lstrip()


#: From here on a status tells of the sandbox's own trouble, such as a scenario's, and not of the caller's.
_OWN_TROUBLE = 500


def _troubles(order: Order, sent: Sequence[Notification], calls: Sequence[Call]) -> list[str]:
    """What of the seller's own part failed: notifications, calls, and what the real service would refuse."""
    lost = [each for each in sent if each.state in _UNDELIVERED and each.tries > failing_tries(each.outcome)]
    accepted = [*warning_lines(order.request), *(warning for call in calls for warning in call.warnings)]
    return [
        *dict.fromkeys(accepted),
        *_lost(lost),
        *(f"{call.kind} was refused: {call.outcome}" for call in calls if _is_refusal(call)),
    ]


def _lost(lost: Sequence[Notification]) -> Iterator[str]:
    """Notifications that did not arrive, those of one reason together."""
    by_reason: dict[str, list[Notification]] = {}
    for each in lost:
        by_reason.setdefault(each.reason or "", []).append(each)
    for reason, those in by_reason.items():
        name = (
            f"notification “{deliveries.what_was_told(those[0])}”" if len(those) == 1 else f"{len(those)} notifications"
        )
        yield f"{name}: {reason}".rstrip(".")


def _is_refusal(call: Call) -> bool:
    """Whether a call was refused for what the caller did; a declined payment is an answer."""
    status = call.status or 0
    return 400 <= status < _OWN_TROUBLE and status != HTTPStatus.PAYMENT_REQUIRED


_UNDELIVERED = frozenset({DeliveryState.RETRY_WAIT, DeliveryState.DEAD})


def _no_notification(sandbox: Sandbox, order: Order, tries: Sequence[Attempt]) -> str:
    """Why no notification tells of the order as it stands."""
    provider = sandbox.provider_of(order)
    if not provider.listens(sandbox):
        return "None: the seller has no address for notifications."
    if not tries:
        return "None yet." if order.open else "None: nothing was tried, so there is no payment to tell of."
    if provider.observe is not None:
        return "None yet: nothing has happened that an address of the seller’s wants to know."
    return "None yet: one is sent when the payment has ended."


def _review(sandbox: Sandbox, last: Attempt | None) -> str:
    """When a review ends by itself; empty where there is none."""
    if last is None or last.state is not AttemptState.RISK_REVIEW:
        return ""
    due = [event.due_at for event in schedule.waiting_of(sandbox, last.attempt_id) if event.kind == REVIEW]
    return moment(min(due)) if due else ""


def _buyer(sandbox: Sandbox, order: Order, tries: Sequence[Attempt]) -> dict[str, str]:
    """Who paid or tried to, masked, with the ways to their messages and to their orders."""
    here: dict[str, Any] = {"seller_id": sandbox.seller_id}
    signed_in = next((attempt.buyer_id for attempt in reversed(tries) if attempt.buyer_id), None)
    email = next((attempt.instrument["email"] for attempt in reversed(tries) if "email" in attempt.instrument), "")
    owner = next((attempt.instrument["email"] for attempt in reversed(tries) if attempt.method == BALANCE), "")
    owner = order.wallet_owner or owner
    if signed_in is not None:
        email = buyers.find(sandbox, signed_in).email
    return {
        "name": mask_destination(email) if email else "A guest",
        "owner": mask_destination(order.wallet_owner or ""),
        "inbox": url_for("dashboard.inbox", **here, to=order.order_id),
        "orders": url_for("dashboard.orders", **here, q=signed_in or email) if email else "",
        "wallet": url_for("dashboard.find_wallet", **here, buyer=owner) if owner else "",
    }


def _money(order: Order, tries: Sequence[Attempt]) -> dict[str, str]:
    """Amounts and liability as they stand, in words; empty where no money moved."""
    last = tries[-1] if tries else None
    facts = {}
    if order.state in PAID and last is not None:
        facts["Captured"] = last.captured.display()
        if last.captured < last.amount:
            facts["Released"] = (last.amount - last.captured).display()
        facts["Refundable"] = last.refundable.display()
    if last is not None and last.saved_token:
        facts["Saved method"] = last.saved_token
    if last is not None and last.eci and (order.state in PAID or order.state is OrderState.AUTHORIZED):
        bearer = "the card’s issuer" if last.liability == "ISSUER" else "the seller"
        facts["Liability"] = f"ECI {last.eci}: {bearer} bears the loss of a fraud chargeback"
    return facts


def _try(attempt: Attempt) -> dict[str, str]:
    """One try as a line of a list."""
    return {
        "title": sentences.method_title(attempt),
        "icon": sentences.method_icon(attempt),
        "state": str(attempt.state),
        "fact": _fact(attempt),
        "decided_by": sentences.decided_by(attempt) or "",
        "reference": attempt.reference or "",
        "reference_label": sentences.reference_label(attempt),
    }


def _fact(attempt: Attempt) -> str:
    if attempt.failure:
        return sentences.failure_sentence(attempt.failure, attempt.method)
    return sentences.captured_part(attempt) if 0 < attempt.captured_minor < attempt.amount.minor else ""


def _summary(
    sandbox: Sandbox, order: Order, tries: Sequence[Attempt], events: Sequence[TimelineEvent]
) -> dict[str, Any]:
    # The schedule knows an order by its number; all else by what the timeline calls it.
    others = dict.fromkeys(event.subject for event in events if event.machine != "order")
    subjects = [str(order.order_pk), *others]
    waiting = [event for subject in subjects for event in schedule.waiting_of(sandbox, subject)]
    duration = offset(events[-1].at - events[0].at).lstrip("+") if events else "0 s"
    *earlier, newest = timeline_by_try(events, sandbox.provider_of(order))
    return {
        "lines": [*newest, *expected_lines(waiting, sandbox.now)],
        "earlier": [
            {"title": f"Try {attempt.number}: {sentences.method_title(attempt)}", "lines": lines}
            for attempt, lines in zip(tries, earlier, strict=False)
        ],
        "story": f"{sum(map(len, earlier)) + len(newest)} events in {duration}",
        "version": str(len(events)),
    }


def _request(sandbox: Sandbox, order: Order) -> dict[str, Any]:
    stored = order.request.get("marks")
    marks: Mapping[str, object] = stored if isinstance(stored, Mapping) else {}
    limit = sandbox.seller.settings.freshness_seconds
    return {
        "payload": payload.payload(order, marks, limit),
        "sealed": payload.how_sealed(marks),
        "checks": payload.signature_steps(order, marks, limit),
        "warning": payload.signature_warning(order.request),
        "signature": marks.get("signature"),
        "string_to_sign": marks.get("string_to_sign"),
        "matches": marks.get("signature_matches", True),
    }


def _urls(sandbox: Sandbox, order: Order) -> dict[str, Any]:
    seller_id, order_id = sandbox.seller_id, order.order_id
    ids: dict[str, Any] = {"seller_id": seller_id, "order_id": order_id}
    return {
        "acts": {act: url_for("dashboard.act_on_order", **ids, act=act) for act in ACTS},
        "list": url_for("dashboard.orders", seller_id=seller_id),
        "json": control_url(sandbox, f"/orders/{order_id}"),
        "news": url_for("dashboard.order_news", **ids),
        "journal": url_for("dashboard.journal", seller_id=seller_id, order=order_id),
        "scenarios": url_for("dashboard.scenarios", seller_id=seller_id),
        "pay": f"/pay/{order.page_token}/" if order.open else "",
    }


def _reproduction(runtime: Runtime, sandbox: Sandbox, last: Attempt | None) -> Reproduction | None:
    url = f"{base_url(runtime)}/_mockpay/v1/sellers/{sandbox.seller_id}/scenarios"
    return reproduction_of(last, url, token=runtime.settings.admin_token is not None)
