"""
The refunds in the shop's books.

The sum that is given back never exceeds what was paid, however many ask at once.  A refund
reaches one end: answers, notifications and questions may race, be doubled or contradict each
other; the first end stays, the same one again is no news, another one raises an alert.
"""

from __future__ import annotations

import sqlite3

from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import database, refund_rows
from mockpay.merchant.ledger.database import Alert, LedgerFile, Messages
from mockpay.merchant.ledger.refund_rows import RefundEvent, RefundUpdate, ShopRefund
from mockpay.merchant.ledger.states import DEAD, OrderState, RefundStatus
from mockpay.merchant.refunds import REFERENCE_ID

#: A new refund without an answer for so long was left behind by a process that died.
_LEFT_BEHIND = 60 * SECOND

#: Of an order's refunds, what counts as gone.
_RESERVED = (
    "SELECT coalesce(sum(amount_minor), 0) FROM refunds WHERE order_id = ? AND (disputed OR status NOT IN (?, ?))"
)


class RefundLedger:
    """The refunds in the books; safe for any number of threads and processes."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def create(
        self,
        order_id: str,
        amount: Money | None = None,
        *,
        at: int,
        note: str = "",
        reference_id: str = "",
        cancels: bool = False,
    ) -> ShopRefund:
        """
        Enter a refund before Amazon is asked for it.

        The same reference id again gives the first refund, so a form that is sent twice asks
        for one; a second cancelling finds nothing left and gives the first one too.

        Args:
            amount: All that is left if None.
            reference_id: Of the shop's choice; the order's next one if empty.
            cancels: Whether the whole order is cancelled with it.

        Raises:
            Invalid: code ``amount.invalid`` or ``refund.reference_id``.
            Conflict: code ``refund.unpaid``, ``refund.nothing_left``,
                ``refund.exceeds_payment`` or ``refund.reference_taken``.
        """
        with self._file.write() as connection:
            existing = refund_rows.find(connection, reference_id)
            if existing is not None:
                return _same_refund(existing, order_id, amount)
            refundable = _refundable(connection, order_id)
            if cancels and refundable.minor == 0:
                return _cancelling_refund(connection, order_id)
            amount = _check_amount(amount or refundable, refundable)
            reference_id = reference_id or refund_rows.next_reference(connection, order_id, cancels=cancels)
            if not REFERENCE_ID.fullmatch(reference_id):
                message = "A reference id has 1 to 32 letters, digits, - or _."
                raise Invalid(message, code="refund.reference_id")
            _insert(connection, reference_id, order_id, amount, note, cancels=cancels, by="shop", at=at)
            return _existing(connection, reference_id)

    def enter_unrequested(
        self, order_id: str, reference_id: str, update: RefundUpdate, *, at: int, message_id: str = ""
    ) -> ShopRefund:
        """
        Enter a refund that Amazon tells of and the shop never asked for, and raise an alert.

        It counts against what may still be given back.  `update` must have the amount.
        """
        amount = update.amount
        assert amount is not None
        with self._file.write() as connection:
            existing = refund_rows.find(connection, reference_id)
            new = Messages.take(connection, message_id, at)
            if existing is None and new:
                _insert(connection, reference_id, order_id, amount, "", cancels=False, by=update.by, at=at)
                sentence = f"The shop did not ask for refund {reference_id}, {amount.wire()} INR."
                database.enter_alert(connection, Alert(order_id, database.NOT_ASKED, sentence, at))
            if new:
                refund_rows.apply_update(connection, _existing(connection, reference_id), update, at)
            return _existing(connection, reference_id)

    def update(self, reference_id: str, update: RefundUpdate, *, at: int, message_id: str = "") -> ShopRefund:
        """
        Let a refund follow what is told of it, by the table of states.py.

        Args:
            message_id: Of the notification that tells; the same one again changes nothing.
        """
        with self._file.write() as connection:
            if Messages.take(connection, message_id, at):
                refund_rows.apply_update(connection, _existing(connection, reference_id), update, at)
            return _existing(connection, reference_id)

    def record_check(self, reference_id: str, *, at: int, error: str = "") -> None:
        """Write down that a refund was asked about, and why there was no answer if so."""
        with self._file.write() as connection:
            connection.execute(
                "UPDATE refunds SET checked_at = ?, error = ? WHERE reference_id = ?", (at, error, reference_id)
            )

    def find(self, reference_id: str) -> ShopRefund | None:
        """Look a refund up by the shop's own id."""
        with self._file.read() as connection:
            return refund_rows.find(connection, reference_id)

    def of_order(self, order_id: str) -> list[ShopRefund]:
        """List an order's refunds, the newest first."""
        with self._file.read() as connection:
            rest = "WHERE order_id = ? ORDER BY number DESC"
            return refund_rows.select(connection, rest, (order_id,))

    def newest(self, limit: int = 100) -> list[ShopRefund]:
        """List the latest refunds of all orders, the newest first."""
        with self._file.read() as connection:
            return refund_rows.select(connection, "ORDER BY number DESC LIMIT ?", (limit,))

    def events(self, reference_id: str) -> list[RefundEvent]:
        """List a refund's steps, the oldest first."""
        query = "SELECT reference_id, status, source, reason, at FROM refund_events WHERE reference_id = ? ORDER BY id"
        with self._file.read() as connection:
            rows = connection.execute(query, (reference_id,)).fetchall()
        return [
            RefundEvent(reference, RefundStatus(status), source, reason, at)
            for reference, status, source, reason, at in rows
        ]

    def refundable(self, order_id: str) -> Money:
        """
        What may still be given back of an order.

        Raises:
            Conflict: code ``refund.unpaid``.
        """
        with self._file.read() as connection:
            return _refundable(connection, order_id)

    def next_reference(self, order_id: str) -> str:
        """The id for an order's next refund, for a form that must not count twice."""
        with self._file.read() as connection:
            return refund_rows.next_reference(connection, order_id, cancels=False)

    def due(self, *, at: int, order_id: str = "", limit: int = 100) -> list[ShopRefund]:
        """
        List what must be asked about, the longest unasked first.

        That is: on its way; without an answer; left behind by a process that died; declined
        by a notification only, until GetRefundDetails has said so too.
        """
        rest = (
            "WHERE (status IN (?, ?) OR (status = ? AND asked_at <= ?)"
            " OR (status = ? AND amazon_refund_id <> '' AND NOT confirmed))"
            " AND (? = '' OR order_id = ?) ORDER BY checked_at, number LIMIT ?"
        )
        values = (
            RefundStatus.INITIATED,
            RefundStatus.LOST,
            RefundStatus.NEW,
            at - _LEFT_BEHIND,
            RefundStatus.DECLINED,
            order_id,
            order_id,
            limit,
        )
        with self._file.read() as connection:
            return refund_rows.select(connection, rest, values)


def _existing(connection: sqlite3.Connection, reference_id: str) -> ShopRefund:
    refund = refund_rows.find(connection, reference_id)
    assert refund is not None, f"{reference_id} is not in the ledger"
    return refund


def _refundable(connection: sqlite3.Connection, order_id: str) -> Money:
    """
    What may still be given back of an order.

    Raises:
        Conflict: code ``refund.unpaid``.
    """
    query = (
        "SELECT coalesce(captures.amount_minor, orders.amount_minor) FROM orders LEFT JOIN captures USING (order_id)"
        " WHERE order_id = ? AND state = ? AND amazon_order_id <> ''"
    )
    paid = connection.execute(query, (order_id, OrderState.PAID)).fetchone()
    if paid is None:
        raise Conflict(f"Order {order_id} is not paid.", code="refund.unpaid")
    gone = connection.execute(_RESERVED, (order_id, *DEAD)).fetchone()[0]
    # Refunds that the shop did not ask for may go further.
    return Money(max(0, paid[0] - gone))


def _check_amount(amount: Money, refundable: Money) -> Money:
    """
    Hold an amount against what is left.

    Raises:
        Invalid: code ``amount.invalid``.
        Conflict: code ``refund.nothing_left`` or ``refund.exceeds_payment``.
    """
    if refundable.minor == 0:
        raise Conflict("Nothing is left to give back.", code="refund.nothing_left")
    if amount.minor <= 0 or amount.currency != refundable.currency:
        raise Invalid("The amount must be more than zero.", code="amount.invalid")
    if amount > refundable:
        message = f"At most {refundable.wire()} {refundable.currency} can be given back now."
        raise Conflict(message, code="refund.exceeds_payment")
    return amount


def _same_refund(refund: ShopRefund, order_id: str, amount: Money | None) -> ShopRefund:
    """
    The refund that has this reference id already, if it is the one that is asked for.

    Raises:
        Conflict: code ``refund.reference_taken``.
    """
    if refund.order_id != order_id or amount not in {None, refund.amount}:
        message = f"{refund.reference_id} gives {refund.amount.wire()} back already. Look again."
        raise Conflict(message, code="refund.reference_taken")
    return refund


def _cancelling_refund(connection: sqlite3.Connection, order_id: str) -> ShopRefund:
    """
    The refund that cancelled an order.

    Raises:
        Conflict: code ``refund.nothing_left``: none did.
    """
    rest = "WHERE order_id = ? AND cancels ORDER BY number DESC LIMIT 1"
    refunds = refund_rows.select(connection, rest, (order_id,))
    if not refunds:
        raise Conflict("Nothing is left to give back.", code="refund.nothing_left")
    return refunds[0]


def _insert(
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
        " cancels, status, asked_at, changed_at)"
        " SELECT ?, order_id, amazon_order_id, ?, ?, ?, ?, ?, ? FROM orders WHERE order_id = ?",
        (reference_id, amount.minor, note, cancels, RefundStatus.NEW, at, at, order_id),
    )
    refund_rows.insert_event(connection, RefundEvent(reference_id, RefundStatus.NEW, by, "", at))
