"""Refunds as rows of the ledger: read them, number them, and apply what a source reports."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from mockpay.kernel.money import Money
from mockpay.merchant.ledger import database
from mockpay.merchant.ledger.database import Alert
from mockpay.merchant.ledger.states import AFTER_UPDATE, CONFLICTS, RefundStatus
from mockpay.merchant.refunds import REFERENCE_ID

#: The sources of a refund's status.
ANSWER, QUESTION, NOTIFICATION = "RefundPayment", "GetRefundDetails", "notification"

_LONGEST = 32
_COLUMNS = (
    "reference_id, order_id, amazon_order_id, amount_minor, note, cancels, status, asked_at,"
    " changed_at, amazon_refund_id, reason, settled_by, error, disputed"
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
        settled_by: What brought the status: RefundPayment, GetRefundDetails, notification.
        error: Why the last question about it stayed without an answer; mostly empty.
        disputed: Whether a later, different end was told; the money then counts as gone.
    """

    reference_id: str
    order_id: str
    amazon_order_id: str
    amount: Money
    note: str
    cancels: bool
    status: RefundStatus
    asked_at: int
    changed_at: int
    amazon_refund_id: str
    reason: str
    settled_by: str
    error: str
    disputed: bool

    @property
    def state(self) -> str:
        """NEW, INITIATED, PROCESSED or FAILED."""
        return self.status.state


@dataclass(frozen=True, slots=True)
class RefundEvent:
    """One step of a refund: what it became, when, and what brought it."""

    reference_id: str
    status: RefundStatus
    source: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class RefundUpdate:
    """
    What an answer or a notification reports of a refund.

    Attributes:
        status: The reported status; never NEW.
        by: RefundPayment, GetRefundDetails or notification.
        amount: The reported amount; None if there is none.
    """

    status: RefundStatus
    by: str
    amazon_refund_id: str = ""
    reason: str = ""
    amount: Money | None = None


def select(connection: sqlite3.Connection, rest: str, values: tuple[object, ...]) -> list[ShopRefund]:
    """Read refunds; `rest` is our own SQL from WHERE on."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM refunds {rest}", values)  # noqa: S608
    return [_refund(row) for row in rows]


def find(connection: sqlite3.Connection, reference_id: str) -> ShopRefund | None:
    """Look a refund up by the shop's own id."""
    refunds = select(connection, "WHERE reference_id = ?", (reference_id,))
    return refunds[0] if refunds else None


def move(connection: sqlite3.Connection, refund: ShopRefund, to: RefundStatus, by: str, reason: str, at: int) -> bool:
    """Change the status if it is still the one that was read, and add the event."""
    result = connection.execute(
        "UPDATE refunds SET status = ?, settled_by = ?, reason = ?, changed_at = ?,"
        " error = '' WHERE reference_id = ? AND status = ?",
        (to, by, reason, at, refund.reference_id, refund.status),
    )
    if result.rowcount == 1:
        insert_event(connection, RefundEvent(refund.reference_id, to, by, reason, at))
    return result.rowcount == 1


def insert_event(connection: sqlite3.Connection, event: RefundEvent) -> None:
    """Add a step to a refund's timeline."""
    connection.execute(
        "INSERT INTO refund_events (reference_id, status, source, reason, at) VALUES (?, ?, ?, ?, ?)",
        (event.reference_id, event.status, event.source, event.reason, event.at),
    )


def next_reference(connection: sqlite3.Connection, order_id: str, *, cancels: bool) -> str:
    """The id that an order's next refund will have: ``NCW-2026-000001-R1``, C for cancelling."""
    query = "SELECT count(*) FROM refunds WHERE order_id = ?"
    number = connection.execute(query, (order_id,)).fetchone()[0] + 1
    while find(connection, reference := reference_of(order_id, "C" if cancels else "R", number)):
        number += 1
    return reference


def reference_of(order_id: str, kind: str, number: int) -> str:
    """
    The reference id of an order's refund, at most 32 characters of Amazon's alphabet.

    An order id that is too long or has other characters is cut and told apart by a digest.
    """
    plain = f"{order_id}-{kind}{number}"
    if REFERENCE_ID.fullmatch(plain):
        return plain
    ending = f"-{sha256(order_id.encode(errors='replace')).hexdigest()[:12]}-{kind}{number}"
    return re.sub(r"[^A-Za-z0-9_-]", "", order_id)[: _LONGEST - len(ending)] + ending


def apply_update(connection: sqlite3.Connection, refund: ShopRefund, update: RefundUpdate, at: int) -> None:
    """Let a refund follow its news, in a transaction that is under way."""
    wrong = _difference(refund, update)
    if wrong:
        database.enter_alert(connection, Alert(refund.order_id, database.VALUE_CONFLICT, wrong, at))
        return
    connection.execute(
        "UPDATE refunds SET amazon_refund_id = coalesce(nullif(?, ''), amazon_refund_id),"
        " confirmed = max(confirmed, ?) WHERE reference_id = ?",
        (update.amazon_refund_id, _is_confirmed(update), refund.reference_id),
    )
    target = AFTER_UPDATE.get((refund.status, update.status))
    if target is not None:
        move(connection, refund, target, update.by, update.reason, at)
    elif (refund.status, update.status) in CONFLICTS:
        _dispute(connection, refund, update, at)


def _is_confirmed(update: RefundUpdate) -> bool:
    return update.by == QUESTION and update.status in {RefundStatus.PROCESSED, RefundStatus.DECLINED}


def _dispute(connection: sqlite3.Connection, refund: ShopRefund, update: RefundUpdate, at: int) -> None:
    connection.execute("UPDATE refunds SET disputed = 1 WHERE reference_id = ?", (refund.reference_id,))
    sentence = (
        f"Refund {refund.reference_id} is {refund.status} by {refund.settled_by};"
        f" later {update.by} said {update.status}."
    )
    database.enter_alert(connection, Alert(refund.order_id, database.STATE_CONFLICT, sentence, at))


def _difference(refund: ShopRefund, update: RefundUpdate) -> str:
    """What news tell of another refund than the one in the books; empty if nothing."""
    named = f"Refund {refund.reference_id}: {update.by} names"
    if update.amount is not None and update.amount != refund.amount:
        reported = f"{update.amount.wire()} {update.amount.currency}"
        return f"{named} {reported}, the books say {refund.amount.wire()} INR."
    if refund.amazon_refund_id and update.amazon_refund_id not in {"", refund.amazon_refund_id}:
        return f"{named} {update.amazon_refund_id}, the books say {refund.amazon_refund_id}."
    return ""


def _refund(row: Sequence[Any]) -> ShopRefund:
    refund = ShopRefund(*row)
    return replace(
        refund,
        amount=Money(row[3]),
        cancels=bool(refund.cancels),
        status=RefundStatus(refund.status),
        disputed=bool(refund.disputed),
    )
