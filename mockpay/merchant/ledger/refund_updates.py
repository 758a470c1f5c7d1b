"""What is told of a refund, and what the books make of it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from mockpay.kernel.money import Money
from mockpay.merchant.ledger import alerts, refund_rows
from mockpay.merchant.ledger.alerts import Alert
from mockpay.merchant.ledger.refund_rows import ShopRefund
from mockpay.merchant.ledger.states import AFTER_NEWS, CONFLICTS, Standing

#: What may bring news of a refund.
ANSWER, QUESTION, NOTIFICATION = "RefundPayment", "GetRefundDetails", "notification"


@dataclass(frozen=True, slots=True)
class RefundNews:
    """
    What somebody tells of a refund.

    Attributes:
        says: Where it stands according to them; never NEW.
        by: RefundPayment, GetRefundDetails or notification.
        amount: What they say is given back; None if they do not say.
    """

    says: Standing
    by: str
    amazon_refund_id: str = ""
    reason: str = ""
    amount: Money | None = None


def follow(connection: sqlite3.Connection, refund: ShopRefund, news: RefundNews, at: int) -> None:
    """Let a refund follow its news, in a transaction that is under way."""
    wrong = _difference(refund, news)
    if wrong:
        alerts.enter(connection, Alert(refund.order_id, alerts.VALUE_CONFLICT, wrong, at))
        return
    connection.execute(
        "UPDATE refunds SET amazon_refund_id = coalesce(nullif(?, ''), amazon_refund_id),"
        " confirmed = max(confirmed, ?) WHERE reference_id = ?",
        (news.amazon_refund_id, _is_confirmed(news), refund.reference_id),
    )
    then = AFTER_NEWS.get((refund.standing, news.says))
    if then is not None:
        refund_rows.move(connection, refund, then, news.by, news.reason, at)
    elif (refund.standing, news.says) in CONFLICTS:
        _dispute(connection, refund, news, at)


def _is_confirmed(news: RefundNews) -> bool:
    return news.by == QUESTION and news.says in {Standing.PROCESSED, Standing.DECLINED}


def _dispute(connection: sqlite3.Connection, refund: ShopRefund, news: RefundNews, at: int) -> None:
    connection.execute("UPDATE refunds SET disputed = 1 WHERE reference_id = ?", (refund.reference_id,))
    sentence = (
        f"Refund {refund.reference_id} is {refund.standing} by {refund.settled_by};"
        f" later {news.by} said {news.says}."
    )
    alerts.enter(connection, Alert(refund.order_id, alerts.STATE_CONFLICT, sentence, at))


def _difference(refund: ShopRefund, news: RefundNews) -> str:
    """What news tell of another refund than the one in the books; empty if nothing."""
    named = f"Refund {refund.reference_id}: {news.by} names"
    if news.amount is not None and news.amount != refund.amount:
        told = f"{news.amount.wire()} {news.amount.currency}"
        return f"{named} {told}, the books say {refund.amount.wire()} INR."
    if refund.amazon_refund_id and news.amazon_refund_id not in {"", refund.amazon_refund_id}:
        return f"{named} {news.amazon_refund_id}, the books say {refund.amazon_refund_id}."
    return ""
