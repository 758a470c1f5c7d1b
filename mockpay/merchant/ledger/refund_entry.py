"""Enter a refund only if what was paid still allows it."""

from __future__ import annotations

import sqlite3

from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import refund_rows
from mockpay.merchant.ledger.refund_rows import RefundEvent, ShopRefund
from mockpay.merchant.ledger.states import DEAD, OrderState, Standing

#: Of an order's refunds, what counts as gone.
_RESERVED = (
    "SELECT coalesce(sum(amount_minor), 0) FROM refunds WHERE order_id = ?"
    " AND (disputed OR standing NOT IN (?, ?))"
)


def left(connection: sqlite3.Connection, order_id: str) -> Money:
    """
    What may still be given back of an order.

    Raises:
        Conflict: code ``refund.unpaid``.
    """
    query = "SELECT amount_minor FROM orders WHERE order_id = ? AND state = ? AND amazon_order_id <> ''"
    paid = connection.execute(query, (order_id, OrderState.PAID)).fetchone()
    if paid is None:
        raise Conflict(f"Order {order_id} is not paid.", code="refund.unpaid")
    gone = connection.execute(_RESERVED, (order_id, *DEAD)).fetchone()[0]
    # Refunds that the shop did not ask for may go further.
    return Money(max(0, paid[0] - gone))


def checked(amount: Money, still: Money) -> Money:
    """
    Hold an amount against what is left.

    Raises:
        Invalid: code ``amount.invalid``.
        Conflict: code ``refund.nothing_left`` or ``refund.exceeds_payment``.
    """
    if still.minor == 0:
        raise Conflict("Nothing is left to give back.", code="refund.nothing_left")
    if amount.minor <= 0 or amount.currency != still.currency:
        raise Invalid("The amount must be more than zero.", code="amount.invalid")
    if amount > still:
        message = f"At most {still.wire()} {still.currency} can be given back now."
        raise Conflict(message, code="refund.exceeds_payment")
    return amount


def same(known: ShopRefund, order_id: str, amount: Money | None) -> ShopRefund:
    """
    The refund that has this reference id already, if it is the one that is asked for.

    Raises:
        Conflict: code ``refund.reference_taken``.
    """
    if known.order_id != order_id or amount not in {None, known.amount}:
        message = f"{known.reference_id} gives {known.amount.wire()} back already. Look again."
        raise Conflict(message, code="refund.reference_taken")
    return known


def cancelled_before(connection: sqlite3.Connection, order_id: str) -> ShopRefund:
    """
    The refund that cancelled an order.

    Raises:
        Conflict: code ``refund.nothing_left``: none did.
    """
    rest = "WHERE order_id = ? AND cancels ORDER BY number DESC LIMIT 1"
    found = refund_rows.select(connection, rest, (order_id,))
    if not found:
        raise Conflict("Nothing is left to give back.", code="refund.nothing_left")
    return found[0]


def insert(
    connection: sqlite3.Connection,
    reference_id: str,
    order_id: str,
    amount: Money,
    note: str,
    *,
    cancels: bool,
    by: str,
    at: int,
) -> None:
    """Enter a new refund of a known order, with its first step."""
    connection.execute(
        "INSERT INTO refunds (reference_id, order_id, amazon_order_id, amount_minor, note,"
        " cancels, standing, asked_at, changed_at)"
        " SELECT ?, order_id, amazon_order_id, ?, ?, ?, ?, ?, ? FROM orders WHERE order_id = ?",
        (reference_id, amount.minor, note, cancels, Standing.NEW, at, at, order_id),
    )
    refund_rows.write_down(connection, RefundEvent(reference_id, Standing.NEW, by, "", at))
