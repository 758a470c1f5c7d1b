"""What the shop's pages show of refunds and alerts."""

from __future__ import annotations

from hashlib import sha256

from mockpay.kernel.clock import rfc3339
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import Alert, Books, OrderState, RefundEvent, ShopOrder, ShopRefund, Standing
from mockpay.merchant.ledger.states import OPEN
from mockpay.merchant.shop.view_models import Shown, moment

#: How a refund's standing looks: words, kind of chip, icon.
_CHIPS = {
    Standing.NEW: ("Refund asked for", "wait", "clock"),
    Standing.INITIATED: ("Refund on its way", "wait", "clock"),
    Standing.LOST: ("Refund unanswered", "odd", "question"),
    Standing.PROCESSED: ("Refunded", "back", "back"),
    Standing.REFUSED: ("Refund refused", "bad", "cross"),
    Standing.DECLINED: ("Refund declined", "bad", "cross"),
}

#: One step of a refund's timeline: title, kind of dot, icon.
_STEPS = {
    Standing.NEW: ("Refund asked for", "ok", "tick"),
    Standing.INITIATED: ("Accepted by Amazon", "ok", "tick"),
    Standing.LOST: ("No answer", "odd", "question"),
    Standing.PROCESSED: ("Money back in your account", "ok", "tick"),
    Standing.REFUSED: ("Refused by Amazon", "bad", "cross"),
    Standing.DECLINED: ("Declined", "bad", "cross"),
}

_TOLD_BY = {
    "RefundPayment": "by Amazon’s answer",
    "GetRefundDetails": "by GetRefundDetails",
    "notification": "by a notification",
}


def order_page(order: ShopOrder, books: Books) -> Shown:
    """What the page of one order tells beyond its payment."""
    refunds = books.refunds.of_order(order.order_id)
    alerts = books.alerts.of_order(order.order_id)
    paid = order.state is OrderState.PAID and bool(order.amazon_order_id)
    left = books.refunds.left(order.order_id) if paid else Money(0)
    unsettled = any(refund.standing in OPEN for refund in refunds)
    open_order = order.state in {OrderState.PENDING, OrderState.UNKNOWN}
    return {
        "refunds": [_panel(refund, books.refunds.events(refund.reference_id)) for refund in refunds],
        "sums": _sums(order, refunds),
        "alerts": alert_lines(alerts),
        "left": left.display() if left.minor else "",
        "next_reference": books.refunds.next_reference(order.order_id) if left.minor else "",
        "live": unsettled or open_order,
        "unsettled": unsettled,
        "version": version(order, refunds, alerts),
    }


def chip_of_order(order_id: str, refunds: list[ShopRefund]) -> Shown:
    """The state of an order's newest refund, for a list; `refunds` are the newest first."""
    mine = [refund for refund in refunds if refund.order_id == order_id]
    return {"refund": _chip(mine[0]) if mine else None}


def alert_lines(alerts: list[Alert]) -> list[Shown]:
    """Alerts as sentences."""
    return [
        {"code": alert.code, "sentence": alert.sentence, "order_id": alert.order_id, "at": moment(alert.at)}
        for alert in alerts
    ]


def version(order: ShopOrder, refunds: list[ShopRefund], alerts: list[Alert]) -> str:
    """Another text as soon as the page of the order would look different."""
    parts = [order.state, order.changed_at, len(alerts)]
    for refund in refunds:
        parts += [refund.standing, refund.changed_at, refund.amazon_refund_id, refund.trouble]
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _panel(refund: ShopRefund, events: list[RefundEvent]) -> Shown:
    is_open = refund.standing in OPEN
    steps = [_step(event, refund) for event in events]
    if is_open:
        steps.append({"title": _STEPS[Standing.PROCESSED][0], "to_come": True})
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


def _chip(refund: ShopRefund) -> Shown:
    words, kind, icon = _CHIPS[refund.standing]
    return {"words": words, "kind": kind, "icon": icon}


def _step(event: RefundEvent, refund: ShopRefund) -> Shown:
    title, kind, icon = _STEPS[event.standing]
    told_by = _TOLD_BY.get(event.brought_by, "")
    facts = {
        Standing.NEW: told_by,
        Standing.INITIATED: f"Refund {refund.amazon_refund_id}",
        Standing.PROCESSED: told_by,
        Standing.LOST: f"{event.reason} It is asked for again with the same reference.",
        Standing.REFUSED: event.reason,
        Standing.DECLINED: ", ".join(filter(None, (event.reason, told_by))),
    }
    return {
        "title": title,
        "kind": kind,
        "icon": icon,
        "at": moment(event.at, year=False),
        "iso": rfc3339(event.at),
        "fact": _begun(facts[event.standing]),
        "decided": False,
    }


def _begun(sentence: str) -> str:
    """With a capital; the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def _sums(order: ShopOrder, refunds: list[ShopRefund]) -> list[Shown]:
    """The lines below the price: what is back, what is on its way, what remains."""
    back = _total(refunds, Standing.PROCESSED)
    coming = _total(refunds, *OPEN)
    if not back.minor and not coming.minor:
        return []
    rows = [("Refunded", back, "− "), ("Refund, on its way", coming, "− ")]
    lines = [(label, sum_, sign) for label, sum_, sign in rows if sum_.minor]
    lines.append(("You pay in the end", order.amount - back - coming, ""))
    return [{"label": label, "value": sign + sum_.display()} for label, sum_, sign in lines]


def _total(refunds: list[ShopRefund], *standings: Standing) -> Money:
    return Money(sum(each.amount.minor for each in refunds if each.standing in standings))
