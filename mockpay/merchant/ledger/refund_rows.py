"""Refunds as rows of the books: read them, number them, move one."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from hashlib import sha256

from mockpay.kernel.money import Money
from mockpay.merchant.ledger.states import Standing
from mockpay.merchant.refunds import REFERENCE_ID

_LONGEST = 32
_COLUMNS = (
    "reference_id, order_id, amazon_order_id, amount_minor, note, cancels, standing, asked_at,"
    " changed_at, amazon_refund_id, reason, settled_by, trouble, disputed"
)


@dataclass(frozen=True, slots=True)
class ShopRefund:
    """
    Money that the shop gives back.

    Attributes:
        amazon_order_id: The order reference that was paid.
        cancels: Whether the whole order was cancelled with it.
        amazon_refund_id: Empty until an answer or a notification brought it.
        reason: Why it failed, if it did.
        settled_by: What brought the standing: RefundPayment, GetRefundDetails, notification.
        trouble: Why the last question about it stayed without an answer; mostly empty.
        disputed: Whether a later, different end was told; the money then counts as gone.
    """

    reference_id: str
    order_id: str
    amazon_order_id: str
    amount: Money
    note: str
    cancels: bool
    standing: Standing
    asked_at: int
    changed_at: int
    amazon_refund_id: str
    reason: str
    settled_by: str
    trouble: str
    disputed: bool

    @property
    def state(self) -> str:
        """NEW, INITIATED, PROCESSED or FAILED."""
        return self.standing.state


@dataclass(frozen=True, slots=True)
class RefundEvent:
    """One step of a refund: what it became, when, and what brought it."""

    reference_id: str
    standing: Standing
    brought_by: str
    reason: str
    at: int


def select(connection: sqlite3.Connection, rest: str, values: tuple[object, ...]) -> list[ShopRefund]:
    """Read refunds; `rest` is our own SQL from WHERE on."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM refunds {rest}", values)  # noqa: S608
    return [_refund(row) for row in rows]


def find(connection: sqlite3.Connection, reference_id: str) -> ShopRefund | None:
    """Look a refund up by the shop's own id."""
    found = select(connection, "WHERE reference_id = ?", (reference_id,))
    return found[0] if found else None


def move(
    connection: sqlite3.Connection, refund: ShopRefund, to: Standing, by: str, reason: str, at: int
) -> bool:
    """Take one step if the refund still stands where it was seen, and write it down."""
    moved = connection.execute(
        "UPDATE refunds SET standing = ?, settled_by = ?, reason = ?, changed_at = ?,"
        " trouble = '' WHERE reference_id = ? AND standing = ?",
        (to, by, reason, at, refund.reference_id, refund.standing),
    )
    if moved.rowcount == 1:
        write_down(connection, RefundEvent(refund.reference_id, to, by, reason, at))
    return moved.rowcount == 1


def write_down(connection: sqlite3.Connection, event: RefundEvent) -> None:
    """Add a step to a refund's timeline."""
    connection.execute(
        "INSERT INTO refund_events (reference_id, standing, brought_by, reason, at) VALUES (?, ?, ?, ?, ?)",
        (event.reference_id, event.standing, event.brought_by, event.reason, event.at),
    )


def next_reference(connection: sqlite3.Connection, order_id: str, *, cancels: bool) -> str:
    """The id that an order's next refund will have: ``NCW-2026-000001-R1``, C for cancelling."""
    query = "SELECT count(*) FROM refunds WHERE order_id = ?"
    number = connection.execute(query, (order_id,)).fetchone()[0] + 1
    while find(connection, reference := reference_of(order_id, "C" if cancels else "R", number)):
        number += 1
    return reference


def reference_of(order_id: str, letter: str, number: int) -> str:
    """
    The reference id of an order's refund, at most 32 characters of Amazon's alphabet.

    An order id that is too long or has other characters is cut and told apart by a digest.
    """
    plain = f"{order_id}-{letter}{number}"
    if REFERENCE_ID.fullmatch(plain):
        return plain
    ending = f"-{sha256(order_id.encode(errors='replace')).hexdigest()[:12]}-{letter}{number}"
    return re.sub(r"[^A-Za-z0-9_-]", "", order_id)[: _LONGEST - len(ending)] + ending


def _refund(row: tuple[object, ...]) -> ShopRefund:
    reference_id, order_id, amazon_order_id, minor, note, cancels, standing, *rest = row
    asked_at, changed_at, amazon_refund_id, reason, settled_by, trouble, disputed = rest
    return ShopRefund(
        str(reference_id),
        str(order_id),
        str(amazon_order_id),
        Money(_whole(minor)),
        str(note),
        bool(cancels),
        Standing(str(standing)),
        _whole(asked_at),
        _whole(changed_at),
        str(amazon_refund_id),
        str(reason),
        str(settled_by),
        str(trouble),
        bool(disputed),
    )


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value
