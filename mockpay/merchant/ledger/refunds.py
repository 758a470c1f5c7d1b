"""
The refunds in the shop's books.

The sum that is given back never exceeds what was paid, however many ask at once.  A refund
reaches one end: answers, notifications and questions may race, be doubled or contradict each
other; the first end stays, the same one again is no news, another one raises an alert.
"""

from __future__ import annotations

import sqlite3

from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import alerts, refund_entry, refund_rows
from mockpay.merchant.ledger.alerts import Alert
from mockpay.merchant.ledger.database import BookFile
from mockpay.merchant.ledger.messages import Messages
from mockpay.merchant.ledger.refund_rows import RefundEvent, ShopRefund
from mockpay.merchant.ledger.refund_updates import RefundNews, follow
from mockpay.merchant.ledger.states import Standing
from mockpay.merchant.refunds import REFERENCE_ID

#: A new refund without an answer for so long was left behind by a process that died.
_LEFT_BEHIND = 60 * SECOND


class RefundBook:
    """The refunds in the books; safe for any number of threads and processes."""

    def __init__(self, file: BookFile) -> None:
        self._file = file

    def book(
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
            known = refund_rows.find(connection, reference_id)
            if known is not None:
                return refund_entry.same(known, order_id, amount)
            left = refund_entry.left(connection, order_id)
            if cancels and left.minor == 0:
                return refund_entry.cancelled_before(connection, order_id)
            amount = refund_entry.checked(amount or left, left)
            reference_id = reference_id or refund_rows.next_reference(connection, order_id, cancels=cancels)
            if not REFERENCE_ID.fullmatch(reference_id):
                message = "A reference id has 1 to 32 letters, digits, - or _."
                raise Invalid(message, code="refund.reference_id")
            refund_entry.insert(
                connection, reference_id, order_id, amount, note, cancels=cancels, by="shop", at=at
            )
            return _existing(connection, reference_id)

    def adopt(
        self, order_id: str, reference_id: str, news: RefundNews, *, at: int, message_id: str = ""
    ) -> ShopRefund:
        """
        Enter a refund that Amazon tells of and the shop never asked for, and raise an alert.

        It counts against what may still be given back.  `news` must name the amount.
        """
        amount = news.amount
        assert amount is not None
        with self._file.write() as connection:
            known = refund_rows.find(connection, reference_id)
            new = Messages.take(connection, message_id, at)
            if known is None and new:
                refund_entry.insert(
                    connection, reference_id, order_id, amount, "", cancels=False, by=news.by, at=at
                )
                sentence = f"The shop did not ask for refund {reference_id}, {amount.wire()} INR."
                alerts.enter(connection, Alert(order_id, alerts.NOT_ASKED, sentence, at))
            if new:
                follow(connection, _existing(connection, reference_id), news, at)
            return _existing(connection, reference_id)

    def follow(self, reference_id: str, news: RefundNews, *, at: int, message_id: str = "") -> ShopRefund:
        """
        Let a refund follow what is told of it, by the table of states.py.

        Args:
            message_id: Of the notification that tells; the same one again changes nothing.
        """
        with self._file.write() as connection:
            if Messages.take(connection, message_id, at):
                follow(connection, _existing(connection, reference_id), news, at)
            return _existing(connection, reference_id)

    def checked(self, reference_id: str, *, at: int, trouble: str = "") -> None:
        """Write down that a refund was asked about, and why there was no answer if so."""
        with self._file.write() as connection:
            connection.execute(
                "UPDATE refunds SET checked_at = ?, trouble = ? WHERE reference_id = ?",
                (at, trouble, reference_id),
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
        query = (
            "SELECT reference_id, standing, brought_by, reason, at FROM refund_events"
            " WHERE reference_id = ? ORDER BY id"
        )
        with self._file.read() as connection:
            rows = connection.execute(query, (reference_id,)).fetchall()
        return [RefundEvent(one, Standing(said), by, why, at) for one, said, by, why, at in rows]

    def left(self, order_id: str) -> Money:
        """
        What may still be given back of an order.

        Raises:
            Conflict: code ``refund.unpaid``.
        """
        with self._file.read() as connection:
            return refund_entry.left(connection, order_id)

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
            "WHERE (standing IN (?, ?) OR (standing = ? AND asked_at <= ?)"
            " OR (standing = ? AND amazon_refund_id <> '' AND NOT confirmed))"
            " AND (? = '' OR order_id = ?) ORDER BY checked_at, number LIMIT ?"
        )
        values = (
            Standing.INITIATED,
            Standing.LOST,
            Standing.NEW,
            at - _LEFT_BEHIND,
            Standing.DECLINED,
            order_id,
            order_id,
            limit,
        )
        with self._file.read() as connection:
            return refund_rows.select(connection, rest, values)


def _existing(connection: sqlite3.Connection, reference_id: str) -> ShopRefund:
    found = refund_rows.find(connection, reference_id)
    assert found is not None, f"{reference_id} is not in the books"
    return found
