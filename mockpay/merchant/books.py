"""
The shop's own books: its orders and the results it has verified.

Standard library sqlite3 in a file of the shop's own: a shop shares no database with whoever
takes its payments.  Every change is one conditional UPDATE, so results that arrive twice, at
once or in the wrong order leave the same books behind.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from mockpay.kernel.clock import indian
from mockpay.kernel.errors import Conflict, IllegalTransition
from mockpay.kernel.money import Money


class OrderState(StrEnum):
    """How the shop sees an order's payment."""

    #: The buyer was sent to pay and has not come back.
    PLACED = "PLACED"
    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"
    #: Two verified results contradict each other: to be asked for, never guessed.
    UNKNOWN = "UNKNOWN"


_PLACED, _PENDING, _PAID, _FAILED, _UNKNOWN = OrderState

#: The steps that the shop may take by itself.
LEGAL: Mapping[OrderState, frozenset[OrderState]] = MappingProxyType(
    {
        _PLACED: frozenset({_PENDING, _PAID, _FAILED}),
        _PENDING: frozenset({_PAID, _FAILED}),
        _PAID: frozenset({_UNKNOWN}),
        _FAILED: frozenset({_PLACED, _UNKNOWN}),
        _UNKNOWN: frozenset({_PAID, _FAILED}),
    }
)

#: What a verified result changes: (state, what the result says) -> state; nothing otherwise.
#: PENDING after an end is an old page; SUCCESS after a failure, or the reverse, is a riddle.
AFTER_RESULT: Mapping[tuple[OrderState, OrderState], OrderState] = MappingProxyType(
    {
        (_PLACED, _PENDING): _PENDING,
        (_PLACED, _PAID): _PAID,
        (_PLACED, _FAILED): _FAILED,
        (_PENDING, _PAID): _PAID,
        (_PENDING, _FAILED): _FAILED,
        (_PAID, _FAILED): _UNKNOWN,
        (_FAILED, _PAID): _UNKNOWN,
    }
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    sku TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    state TEXT NOT NULL,
    placed_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    amazon_order_id TEXT NOT NULL DEFAULT '',
    settled_by TEXT NOT NULL DEFAULT '',
    conflict TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS results (
    id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    signature TEXT NOT NULL,
    fields TEXT NOT NULL,
    verified_at INTEGER NOT NULL,
    UNIQUE (order_id, signature)
);
"""
_ORDERS = (
    "SELECT order_id, sku, amount_minor, state, placed_at, changed_at, amazon_order_id,"
    " settled_by, conflict FROM orders"
)


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """
    One thing that somebody wants.

    Attributes:
        amazon_order_id: The order reference that brought the state, where one did.
        settled_by: What brought the state: "result" or "ListOrderReference".
        conflict: What contradicted what, ever; empty for nearly all orders.
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


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result whose signature held, with its parameters as they came."""

    fields: Mapping[str, str]
    verified_at: int


class Books:
    """
    The shop's books in one file; safe for any number of threads and processes.

    Args:
        path: The file, made with its folder where absent.
        prefix: How the shop's order ids begin.
        first_number: The number of the first order in new books.
    """

    def __init__(self, path: Path, *, prefix: str = "NCW", first_number: int = 1) -> None:
        self._path, self._prefix, self._first = path, prefix, first_number
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)

    def place(self, sku: str, amount: Money, *, at: int, order_id: str = "") -> ShopOrder:
        """
        Enter a new order; its id is like ``NCW-2026-000001`` unless one is given.

        Raises:
            Conflict: code ``order.exists``.
        """
        with self._write() as connection:
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
        with self._open() as connection:
            return _find(connection, order_id)

    def newest(self, limit: int = 50) -> list[ShopOrder]:
        """List the latest orders, the newest first."""
        query = f"{_ORDERS} ORDER BY number DESC LIMIT ?"
        with self._open() as connection:
            return [_order(row) for row in connection.execute(query, (limit,))]

    def results(self, order_id: str) -> list[StoredResult]:
        """List what came back for an order and was verified, the newest first."""
        query = "SELECT fields, verified_at FROM results WHERE order_id = ? ORDER BY id DESC"
        with self._open() as connection:
            rows = connection.execute(query, (order_id,)).fetchall()
        return [StoredResult(json.loads(fields), at) for fields, at in rows]

    def record(
        self, order_id: str, fields: Mapping[str, str], says: OrderState, *, at: int
    ) -> ShopOrder:
        """
        Enter a verified result and follow it, once: the same one again changes nothing.

        Args:
            fields: The result's parameters, `signature` among them.
            says: What the result makes of the order: PAID, PENDING or FAILED.
        """
        with self._write() as connection:
            order = _existing(connection, order_id)
            new = connection.execute(
                "INSERT INTO results (order_id, signature, fields, verified_at)"
                " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (order_id, fields["signature"], json.dumps(dict(fields)), at),
            )
            then = AFTER_RESULT.get((order.state, says))
            if new.rowcount and then is not None:
                about = fields.get("amazonOrderId") or order.amazon_order_id
                conflict = f"{says} after {order.state}" if then is OrderState.UNKNOWN else None
                _move(connection, order, then, at, "result", about, conflict)
            return _existing(connection, order_id)

    def move(
        self, order: ShopOrder, to: OrderState, *, at: int, by: str = "", amazon_order_id: str = ""
    ) -> bool:
        """
        Take one step of the table if the order still stands where it was seen.

        Returns:
            False when somebody else was faster.

        Raises:
            IllegalTransition: the table has no such step.
        """
        if to not in LEGAL[order.state]:
            raise IllegalTransition(f"The shop does not move {order.state} to {to}.")
        with self._write() as connection:
            return _move(connection, order, to, at, by, amazon_order_id or order.amazon_order_id)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            # Anything that raises leaves the transaction open; closing rolls it back.
            yield connection
            connection.execute("COMMIT")


def _move(
    connection: sqlite3.Connection,
    order: ShopOrder,
    to: OrderState,
    at: int,
    by: str,
    amazon_order_id: str,
    conflict: str | None = None,
) -> bool:
    moved = connection.execute(
        "UPDATE orders SET state = ?, changed_at = ?, settled_by = ?, amazon_order_id = ?,"
        " conflict = coalesce(?, conflict) WHERE order_id = ? AND state = ? AND changed_at = ?",
        (to, at, by, amazon_order_id, conflict, order.order_id, order.state, order.changed_at),
    )
    return moved.rowcount == 1


def _find(connection: sqlite3.Connection, order_id: str) -> ShopOrder | None:
    row = connection.execute(f"{_ORDERS} WHERE order_id = ?", (order_id,)).fetchone()
    return None if row is None else _order(row)


def _existing(connection: sqlite3.Connection, order_id: str) -> ShopOrder:
    found = _find(connection, order_id)
    assert found is not None, f"{order_id} is not in the books"
    return found


def _order(row: tuple[str, str, int, str, int, int, str, str, str]) -> ShopOrder:
    order_id, sku, minor, state, placed_at, changed_at, reference, settled_by, conflict = row
    return ShopOrder(
        order_id, sku, Money(minor), OrderState(state), placed_at, changed_at, reference,
        settled_by, conflict,
    )  # fmt: skip
