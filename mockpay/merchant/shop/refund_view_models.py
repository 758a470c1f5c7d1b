"""What the shop's pages show of refunds and alerts."""

from __future__ import annotations

from hashlib import sha256

from mockpay.kernel.clock import rfc3339
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import Alert, Ledger, OrderState, RefundEvent, RefundStatus, ShopOrder, ShopRefund
from mockpay.merchant.ledger.states import OPEN
from mockpay.merchant.shop.view_models import ViewModel, moment

#: How a refund's status looks: words, kind of chip, icon.
_CHIPS = {
    RefundStatus.NEW: ("Refund asked for", "wait", "clock"),
    RefundStatus.INITIATED: ("Refund on its way", "wait", "clock"),
    RefundStatus.LOST: ("Refund unanswered", "odd", "question"),
    RefundStatus.PROCESSED: ("Refunded", "back", "back"),
    RefundStatus.REFUSED: ("Refund refused", "bad", "cross"),
    RefundStatus.DECLINED: ("Refund declined", "bad", "cross"),
}

#: One step of a refund's timeline: title, kind of dot, icon.
_STEPS = {
    RefundStatus.NEW: ("Refund asked for", "ok", "tick"),
    RefundStatus.INITIATED: ("Accepted by Amazon", "ok", "tick"),
    RefundStatus.LOST: ("No answer", "odd", "question"),
    RefundStatus.PROCESSED: ("Money back in your account", "ok", "tick"),
    RefundStatus.REFUSED: ("Refused by Amazon", "bad", "cross"),
    RefundStatus.DECLINED: ("Declined", "bad", "cross"),
}

_SOURCES = {
    "RefundPayment": "by Amazon’s answer",
    "GetRefundDetails": "by GetRefundDetails",
    "notification": "by a notification",
}


def order_page(order: ShopOrder, ledger: Ledger) -> ViewModel:
    """What the page of one order tells beyond its payment."""
    refunds = ledger.refunds.of_order(order.order_id)
    alerts = ledger.alerts.of_order(order.order_id)
    paid = order.state is OrderState.PAID and bool(order.amazon_order_id)
    left = ledger.refunds.refundable(order.order_id) if paid else Money(0)
    unsettled = any(refund.status in OPEN for refund in refunds)
    open_order = order.state in {OrderState.PENDING, OrderState.UNKNOWN}
    return {
        "refunds": [_panel(refund, ledger.refunds.events(refund.reference_id)) for refund in refunds],
        "sums": _sums(order, refunds),
        "alerts": alert_lines(alerts),
        "left": left.display() if left.minor else "",
        "next_reference": ledger.refunds.next_reference(order.order_id) if left.minor else "",
        "live": unsettled or open_order,
        "unsettled": unsettled,
        "version": version(order, refunds, alerts),
    }


def chip_of_order(order_id: str, refunds: list[ShopRefund]) -> ViewModel:
    """The state of an order's newest refund, for a list; `refunds` are the newest first."""
    of_order = [refund for refund in refunds if refund.order_id == order_id]
    return {"refund": _chip(of_order[0]) if of_order else None}


def alert_lines(alerts: list[Alert]) -> list[ViewModel]:
    """Alerts as sentences."""
    return [
        {"code": alert.code, "sentence": alert.sentence, "order_id": alert.order_id, "at": moment(alert.at)}
        for alert in alerts
    ]


def version(order: ShopOrder, refunds: list[ShopRefund], alerts: list[Alert]) -> str:
    """Another text as soon as the page of the order would look different."""
    parts = [order.state, order.changed_at, len(alerts)]
    for refund in refunds:
        parts += [refund.status, refund.changed_at, refund.amazon_refund_id, refund.trouble]
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _panel(refund: ShopRefund, events: list[RefundEvent]) -> ViewModel:
    is_open = refund.status in OPEN
    steps = [_step(event, refund) for event in events]
    if is_open:
        steps.append({"title": _STEPS[RefundStatus.PROCESSED][0], "to_come": True})
    else:
        steps[-1]["decided"] = True
    return {
        "reference_id": refund.reference_id,
        "amazon_refund_id": refund.amazon_refund_id,
        "amount": refund.amount.display(),
        "title": "Order cancelled, refund" if refund.cancels else "Refund",
        "state": refund.state,
        "chip": _chip(refund),
        "steps": steps,
        "note": refund.note,
        "trouble": refund.trouble,
        "open": is_open,
    }


def _chip(refund: ShopRefund) -> ViewModel:
    words, kind, icon = _CHIPS[refund.status]
    return {"words": words, "kind": kind, "icon": icon}


def _step(event: RefundEvent, refund: ShopRefund) -> ViewModel:
    title, kind, icon = _STEPS[event.status]
    source = _SOURCES.get(event.source, "")
    facts = {
        RefundStatus.NEW: source,
        RefundStatus.INITIATED: f"Refund {refund.amazon_refund_id}",
        RefundStatus.PROCESSED: source,
        RefundStatus.LOST: f"{event.reason} It is asked for again with the same reference.",
        RefundStatus.REFUSED: event.reason,
        RefundStatus.DECLINED: ", ".join(filter(None, (event.reason, source))),
    }
    return {
        "title": title,
        "kind": kind,
        "icon": icon,
        "at": moment(event.at, year=False),
        "iso": rfc3339(event.at),
        "fact": _begun(facts[event.status]),
        "decided": False,
    }


def _begun(sentence: str) -> str:
    """With a capital; the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def _sums(order: ShopOrder, refunds: list[ShopRefund]) -> list[ViewModel]:
    """The lines below the price: what is back, what is on its way, what remains."""
    back = _total(refunds, RefundStatus.PROCESSED)
    coming = _total(refunds, *OPEN)
    if not back.minor and not coming.minor:
        return []
    rows = [("Refunded", back, "− "), ("Refund, on its way", coming, "− ")]
    lines = [(label, sum_, sign) for label, sum_, sign in rows if sum_.minor]
    lines.append(("You pay in the end", order.amount - back - coming, ""))
    return [{"label": label, "value": sign + sum_.display()} for label, sum_, sign in lines]


def _total(refunds: list[ShopRefund], *statuses: RefundStatus) -> Money:
    return Money(sum(refund.amount.minor for refund in refunds if refund.status in statuses))
