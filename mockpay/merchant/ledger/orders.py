"""
The shop's orders and the results it has verified, and the books as a whole.

Every change is one conditional UPDATE, so results that arrive twice, at once or in the wrong
order leave the same books behind.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mockpay.kernel.clock import indian
from mockpay.kernel.errors import Conflict, IllegalTransition
from mockpay.kernel.money import Money
from mockpay.merchant.ledger.database import Alerts, LedgerFile, Messages
from mockpay.merchant.ledger.refunds import RefundLedger
from mockpay.merchant.ledger.states import AFTER_RESULT, LEGAL, OrderState

_ORDERS = (
    "SELECT order_id, sku, orders.amount_minor, state, placed_at, changed_at, amazon_order_id, settled_by, conflict,"
    " coalesce(captures.amount_minor, orders.amount_minor) FROM orders LEFT JOIN captures USING (order_id)"
)


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """
    An order of the shop.

    Attributes:
        amazon_order_id: The order reference that brought the state, where one did.
        settled_by: What brought the state: "result", "notification" or "ListOrderReference".
        conflict: What contradicted what, ever; empty for nearly all orders.
        captured: What is taken where the order is paid: all of it, unless a notification names less.
    """

    order_id: str
    sku: str
    amount: Money
    state: OrderState
    placed_at: int
    changed_at: int
    amazon_order_id: str
    settled_by: str
    conflict: str
    captured: Money


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result whose signature held, with its parameters as they came."""

    fields: Mapping[str, str]
    verified_at: int


class Ledger:
    """
    The shop's books in one file; safe for any number of threads and processes.

    Attributes:
        refunds: What was given back, and what is on its way back.
        alerts: What somebody should look at.
        messages: Which notifications were taken already.

    Args:
        path: The file, made with its folder where absent.
        prefix: How the shop's order ids begin.
        first_number: The number of the first order in new books.
    """

    def __init__(self, path: Path, *, prefix: str = "NCW", first_number: int = 1) -> None:
        self._file = LedgerFile(path)
        self._prefix, self._first = prefix, first_number
        self.refunds = RefundLedger(self._file)
        self.alerts = Alerts(self._file)
        self.messages = Messages(self._file)

    def place(self, sku: str, amount: Money, *, at: int, order_id: str = "") -> ShopOrder:
        """
        Enter a new order; its id is like ``NCW-2026-000001`` unless one is given.

        Raises:
            Conflict: code ``order.exists``.
        """
        with self._file.write() as connection:
            last = connection.execute("SELECT max(number) FROM orders").fetchone()[0]
            number = self._first if last is None else last + 1
            order_id = order_id or f"{self._prefix}-{indian(at).year}-{number:06d}"
            try:
                connection.execute(
                    "INSERT INTO orders (number, order_id, sku, amount_minor, state, placed_at,"
                    " changed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (number, order_id, sku, amount.minor, OrderState.PLACED, at, at),
                )
            except sqlite3.IntegrityError as error:
                message = f"The shop has an order {order_id} already."
                raise Conflict(message, code="order.exists") from error
            return _existing(connection, order_id)

    def find(self, order_id: str) -> ShopOrder | None:
        """Look an order up."""
        with self._file.read() as connection:
            return _find(connection, order_id)

    def newest(self, limit: int = 50) -> list[ShopOrder]:
        """List the latest orders, the newest first."""
        query = f"{_ORDERS} ORDER BY number DESC LIMIT ?"
        with self._file.read() as connection:
            return [_order(row) for row in connection.execute(query, (limit,))]

    def results(self, order_id: str) -> list[StoredResult]:
        """List what came back for an order and was verified, the newest first."""
        query = "SELECT fields, verified_at FROM results WHERE order_id = ? ORDER BY id DESC"
        with self._file.read() as connection:
            rows = connection.execute(query, (order_id,)).fetchall()
        return [StoredResult(json.loads(fields), at) for fields, at in rows]

    def record_result(self, order_id: str, fields: Mapping[str, str], new_state: OrderState, *, at: int) -> ShopOrder:
        """
        Enter a verified result and follow it, once: the same one again changes nothing.

        Args:
            fields: The result's parameters, `signature` among them.
            new_state: What the result makes of the order: PAID, PENDING or FAILED.
        """
        with self._file.write() as connection:
            order = _existing(connection, order_id)
            new = connection.execute(
                "INSERT INTO results (order_id, signature, fields, verified_at)"
                " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (order_id, fields["signature"], json.dumps(dict(fields)), at),
            )
            target = AFTER_RESULT.get((order.state, new_state))
            if new.rowcount and target is not None:
                about = fields.get("amazonOrderId") or order.amazon_order_id
                conflict = f"{new_state} after {order.state}" if target is OrderState.UNKNOWN else None
                _move(connection, order, target, at, "result", about, conflict)
            return _existing(connection, order_id)

    def apply_notification(
        self, order_id: str, new_state: OrderState, *, amazon_order_id: str, message_id: str, at: int
    ) -> ShopOrder:
        """
        Follow a verified payment notification, once, by the same table as results.

        A failure of another order reference than the one the books follow, or of the one that
        failed before the buyer paid once more, is old news.

        Args:
            new_state: What the notification makes of the order: PAID or FAILED.
            message_id: Of the notification; empty if that does not matter.
        """
        with self._file.write() as connection:
            order = _existing(connection, order_id)
            new = self.messages.take(connection, message_id, at)
            target = AFTER_RESULT.get((order.state, new_state))
            if new and target is not None and not _outdated(order, new_state, amazon_order_id):
                conflict = f"{new_state} after {order.state}" if target is OrderState.UNKNOWN else None
                _move(connection, order, target, at, "notification", amazon_order_id, conflict)
            return _existing(connection, order_id)

    def record_capture(self, order_id: str, amount: Money) -> None:
        """Enter that less than the order's amount was taken; no more than that can be refunded."""
        with self._file.write() as connection:
            connection.execute(
                "INSERT INTO captures (order_id, amount_minor) VALUES (?, ?)"
                " ON CONFLICT (order_id) DO UPDATE SET amount_minor = excluded.amount_minor",
                (order_id, amount.minor),
            )

    def by_amazon_id(self, amazon_order_id: str) -> ShopOrder | None:
        """Look an order up by Amazon's id of the reference that paid it."""
        query = f"{_ORDERS} WHERE amazon_order_id = ? ORDER BY number DESC LIMIT 1"
        with self._file.read() as connection:
            row = connection.execute(query, (amazon_order_id,)).fetchone()
        return None if row is None or not amazon_order_id else _order(row)

    def move(self, order: ShopOrder, to: OrderState, *, at: int, by: str = "", amazon_order_id: str = "") -> bool:
        """
        Take one step of the table if the order still stands where it was seen.

        Returns:
            False when somebody else was faster.

        Raises:
            IllegalTransition: the table has no such step.
        """
        if to not in LEGAL[order.state]:
            raise IllegalTransition(f"The shop does not move {order.state} to {to}.")
        with self._file.write() as connection:
            return _move(connection, order, to, at, by, amazon_order_id or order.amazon_order_id)


def _move(
    connection: sqlite3.Connection,
    order: ShopOrder,
    to: OrderState,
    at: int,
    by: str,
    amazon_order_id: str,
    conflict: str | None = None,
) -> bool:
    result = connection.execute(
        "UPDATE orders SET state = ?, changed_at = ?, settled_by = ?, amazon_order_id = ?,"
        " conflict = coalesce(?, conflict) WHERE order_id = ? AND state = ? AND changed_at = ?",
        (to, at, by, amazon_order_id, conflict, order.order_id, order.state, order.changed_at),
    )
    return result.rowcount == 1


def _outdated(order: ShopOrder, new_state: OrderState, amazon_order_id: str) -> bool:
    if new_state is not OrderState.FAILED or not order.amazon_order_id:
        return False
    same = amazon_order_id == order.amazon_order_id
    return same if order.state is OrderState.PLACED else not same


def _find(connection: sqlite3.Connection, order_id: str) -> ShopOrder | None:
    row = connection.execute(f"{_ORDERS} WHERE order_id = ?", (order_id,)).fetchone()
    return None if row is None else _order(row)


def _existing(connection: sqlite3.Connection, order_id: str) -> ShopOrder:
    order = _find(connection, order_id)
    assert order is not None, f"{order_id} is not in the ledger"
    return order


def _order(row: Sequence[Any]) -> ShopOrder:
    order = ShopOrder(*row)
    return replace(order, amount=Money(row[2]), state=OrderState(order.state), captured=Money(row[9]))
