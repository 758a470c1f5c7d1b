"""What the shop's pages show: ledger, results, refunds and answers turned into words."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from mockpay.kernel.clock import indian, rfc3339
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import (
    Alert,
    Ledger,
    OrderState,
    RefundEvent,
    RefundStatus,
    ShopOrder,
    ShopRefund,
    StoredResult,
)
from mockpay.merchant.ledger.states import OPEN
from mockpay.merchant.responses import OrderReference
from mockpay.merchant.shop.checkout import Answer, same_amount
from mockpay.merchant.shop.config import CATALOGUE, find_product

ViewModel = dict[str, object]

#: Shown of a refused result: enough to see what is wrong, whatever was sent.
_MOST_PARAMETERS, _LONGEST_VALUE = 16, 120

_WORDS = {
    OrderState.PLACED: "Not paid yet",
    OrderState.PENDING: "Payment pending",
    OrderState.PAID: "Paid",
    OrderState.FAILED: "Payment failed",
    OrderState.UNKNOWN: "Being clarified",
}

_SOURCES = {"result": "a verified result", "notification": "a verified notification"}


def catalogue() -> list[ViewModel]:
    """The products."""
    return [
        {
            "sku": product.sku,
            "title": product.title,
            "about": product.about,
            "picture": product.picture,
            "price": product.price.display(),
        }
        for product in CATALOGUE
    ]


def order_line(order: ShopOrder) -> ViewModel:
    """An order as one line of a list."""
    product = find_product(order.sku)
    return {
        "order_id": order.order_id,
        "title": product.title if product else order.sku,
        "about": product.about if product else "",
        "picture": product.picture if product else "bell",
        "state": order.state.value,
        "words": _WORDS[order.state],
        "amount": order.amount.display(),
        "placed": moment(order.placed_at),
    }


def order_page(order: ShopOrder, results: list[StoredResult], answer: Answer) -> ViewModel:
    """Everything that the page of one order tells."""
    product = find_product(order.sku)
    source = _SOURCES.get(order.settled_by, order.settled_by)
    settled = f", from {source}, {moment(order.changed_at)}" if source else ""
    paid = answer.reference is not None and answer.reference.paid
    return order_line(order) | {
        "for_testing": product is not None and product.price != order.amount,
        "payable": order.state in {OrderState.PLACED, OrderState.FAILED} and not paid,
        "open": order.state in {OrderState.PENDING, OrderState.UNKNOWN},
        "settled": settled,
        "conflict": order.conflict,
        "difference": difference(order, answer.reference),
        "result": _result(results[0], order) if results else None,
        "earlier": [_earlier(result) for result in results[1:]],
        "reference": _reference(answer.reference) if answer.reference else None,
        "unanswered": answer.unanswered,
    }


def difference(order: ShopOrder, reference: OrderReference | None) -> str:
    """How the books and ListOrderReference disagree, in one sentence; empty if they do not."""
    if reference is None:
        return ""
    if not same_amount(reference.amount, reference.currency, order):
        expected, actual = order.amount.wire(), reference.amount or "no amount"
        return f"The shop asked for {expected}, ListOrderReference names {actual}."
    if order.state is OrderState.PAID and not reference.paid:
        return f"The books say PAID, ListOrderReference says {_state_text(reference)}."
    if order.state is OrderState.FAILED and reference.paid:
        return f"The books say FAILED, ListOrderReference says {_state_text(reference)}."
    same = order.amazon_order_id in {"", reference.amazon_order_reference_id}
    if order.state is OrderState.PAID and not same:
        return (
            f"The result named {order.amazon_order_id}, ListOrderReference names {reference.amazon_order_reference_id}."
        )
    return ""


def refused_parameters(parameters: Iterable[tuple[str, str]], order: ShopOrder | None) -> list[ViewModel]:
    """What came with a refused result, beside what the books say."""
    expected = {} if order is None else {"orderTotalAmount": order.amount.wire()}
    rows: list[ViewModel] = []
    for name, value in list(parameters)[:_MOST_PARAMETERS]:
        expected_value = expected.get(name, value)
        rows.append(
            {
                "name": name[:_LONGEST_VALUE],
                "value": value[:_LONGEST_VALUE] + ("…" if len(value) > _LONGEST_VALUE else ""),
                "expected": expected_value if expected_value != value else "",
            }
        )
    return rows


def moment(at: int, *, year: bool = True) -> str:
    """An instant for buyers: ``21 Nov 2026, 3:38 pm``."""
    local = indian(at)
    half = "am" if local.hour < 12 else "pm"
    day = f"{local.day} {local:%b %Y}" if year else f"{local.day} {local:%b}"
    return f"{day}, {local.hour % 12 or 12}:{local:%M} {half}"


def _result(result: StoredResult, order: ShopOrder) -> ViewModel:
    fields = result.fields
    date = fields.get("transactionDate", "")
    pairs = [
        ("reasonCode", fields.get("reasonCode", "")),
        ("description", fields.get("description", "")),
        ("amazonOrderId", fields.get("amazonOrderId", "")),
        ("orderTotalAmount", _amount(fields.get("orderTotalAmount", ""), order)),
        ("transactionDate", moment(int(date)) if _is_milliseconds(date) else date),
        ("customInformation", fields.get("customInformation", "")),
    ]
    return {
        "status": fields["status"],
        "came": moment(result.verified_at),
        "rows": [{"label": label, "value": value} for label, value in pairs if value],
    }


def _earlier(result: StoredResult) -> ViewModel:
    fields = result.fields
    return {
        "status": fields["status"],
        "came": moment(result.verified_at),
        "why": f"{fields.get('reasonCode', '')} {fields.get('description', '')}",
    }


def _reference(reference: OrderReference) -> ViewModel:
    pairs = [
        ("ReasonCode", reference.reason_code),
        ("ReasonDescription", reference.reason_description),
        ("AmazonOrderReferenceId", reference.amazon_order_reference_id),
        ("OrderTotal", f"{reference.amount} {reference.currency}".strip()),
        ("CreationTimestamp", moment(reference.created_at) if reference.created_at else ""),
        ("LastUpdateTimestamp", moment(reference.updated_at) if reference.updated_at else ""),
        ("ReleaseEnvironment", reference.release_environment),
    ]
    return {
        "state": reference.state,
        "paid": reference.paid,
        "rows": [{"label": label, "value": value} for label, value in pairs if value],
    }


def _state_text(reference: OrderReference) -> str:
    return " ".join(filter(None, (reference.state, reference.reason_code)))


def _amount(text: str, order: ShopOrder) -> str:
    try:
        return Money.parse(text, order.amount.currency).display() if text else ""
    except Invalid:
        return text


def _is_milliseconds(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 14


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

_REFUND_SOURCES = {
    "RefundPayment": "by Amazon’s answer",
    "GetRefundDetails": "by GetRefundDetails",
    "notification": "by a notification",
}


def order_refunds(order: ShopOrder, ledger: Ledger) -> ViewModel:
    """What the page of one order tells beyond its payment."""
    refunds = ledger.refunds.of_order(order.order_id)
    alerts = ledger.alerts.of_order(order.order_id)
    paid = order.state is OrderState.PAID and bool(order.amazon_order_id)
    refundable = ledger.refunds.refundable(order.order_id) if paid else Money(0)
    unsettled = any(refund.status in OPEN for refund in refunds)
    open_order = order.state in {OrderState.PENDING, OrderState.UNKNOWN}
    return {
        "refunds": [_panel(refund, ledger.refunds.events(refund.reference_id)) for refund in refunds],
        "sums": _sums(order, refunds),
        "alerts": alert_lines(alerts),
        "left": refundable.display() if refundable.minor else "",
        "next_reference": ledger.refunds.next_reference(order.order_id) if refundable.minor else "",
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
        parts += [refund.status, refund.changed_at, refund.amazon_refund_id, refund.error]
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _panel(refund: ShopRefund, events: list[RefundEvent]) -> ViewModel:
    is_open = refund.status in OPEN
    steps = [_step(event, refund) for event in events]
    if is_open:
        steps.append({"title": _STEPS[RefundStatus.PROCESSED][0], "expected": True})
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
        "error": refund.error,
        "open": is_open,
    }


def _chip(refund: ShopRefund) -> ViewModel:
    words, kind, icon = _CHIPS[refund.status]
    return {"words": words, "kind": kind, "icon": icon}


def _step(event: RefundEvent, refund: ShopRefund) -> ViewModel:
    title, kind, icon = _STEPS[event.status]
    source = _REFUND_SOURCES.get(event.source, "")
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
    untaken = order.amount - order.captured
    if not back.minor and not coming.minor and not untaken.minor:
        return []
    rows = [("Not taken", untaken, "− "), ("Refunded", back, "− "), ("Refund, on its way", coming, "− ")]
    lines = [(label, sum_, sign) for label, sum_, sign in rows if sum_.minor]
    lines.append(("You pay in the end", order.captured - back - coming, ""))
    return [{"label": label, "value": sign + sum_.display()} for label, sum_, sign in lines]


def _total(refunds: list[ShopRefund], *statuses: RefundStatus) -> Money:
    return Money(sum(refund.amount.minor for refund in refunds if refund.status in statuses))
