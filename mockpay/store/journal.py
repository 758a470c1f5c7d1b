"""The journal: a log of requests and how they were answered; the newest 50,000 rows a seller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Index, Select, Table, or_, select, union_all

from mockpay.domain.methods.cards import redact
from mockpay.domain.orders import Order
from mockpay.kernel.errors import DatabaseUnavailable
from mockpay.kernel.terminal import current_call, masked
from mockpay.store.db.engine import writing
from mockpay.store.db.mapping import dump, insert_row, keep_newest, without_nul
from mockpay.store.db.metadata import big, metadata, partial_index, row_id, text
from mockpay.store.unit_of_work import Runtime, Sandbox

journal = Table(
    "journal",
    metadata,
    row_id(),
    text("seller_id"),
    big("at"),
    big("real_at"),
    text("kind"),
    text("outcome"),
    text("reason", null=True),
    text("order_id", null=True),
    text("facts"),
    text("method", null=True),
    text("path", null=True),
    big("status", null=True),
    big("duration_us", null=True),
    text("order_ids", null=True),
    text("answer", null=True),
    Index("journal_of_seller", "seller_id", "id"),
    Index("journal_of_order", "seller_id", "order_id"),
)
partial_index(journal, "journal_of_orders", "seller_id, id", where="order_ids IS NOT NULL")

#: What is kept of an answer, in characters.
_LONGEST_ANSWER = 6_000


class RequestLine(Struct, frozen=True):
    """The method and path of a request, and when it came, by `time.perf_counter`."""

    method: str
    path: str
    began: float

    def columns(self, status: int) -> dict[str, object]:
        """What the journal holds of the exchange; the duration ends here."""
        microseconds = int((perf_counter() - self.began) * 1_000_000)
        return {"method": self.method, "path": without_nul(self.path), "status": status, "duration_us": microseconds}


def order_ids(*orders: Order | None) -> tuple[str, ...]:
    """The ids of those orders that are there."""
    return tuple(order.order_id for order in orders if order is not None)


def about(order_id: str) -> ColumnElement[bool]:
    """Entries about an order, alone or with others."""
    return or_(journal.c.order_id == order_id, _is_among(order_id))


def _is_among(order_id: str) -> ColumnElement[bool]:
    return journal.c.order_ids.contains(f" {order_id} ", autoescape=True)


def numbers_about(seller_id: str, order_id: str) -> Select[Any]:
    """The row numbers of a seller's entries about an order, each of the two ways by an index of its own."""
    of_seller = select(journal.c.id).where(journal.c.seller_id == seller_id)
    # That it is no null is what the partial index asks for.
    with_others = of_seller.where(journal.c.order_ids.is_not(None), _is_among(order_id))
    both = union_all(of_seller.where(journal.c.order_id == order_id), with_others).subquery()
    return select(both.c.id)


def add(
    connection: Connection,
    seller_id: str,
    at: int,
    real_at: int,
    *,
    kind: str,
    outcome: str,
    reason: str | None = None,
    orders: Sequence[str] = (),
    facts: Mapping[str, object] | None = None,
    line: RequestLine | None = None,
    status: int = 0,
    answer: str | None = None,
) -> None:
    """
    Write down one request and its answer, in the transaction of what it changed.

    A request that no seller could be found for belongs to the seller ``""``.

    Args:
        outcome: ``ok`` or an error's code.
        orders: Ids of the orders that it was about.
        facts: Never a refused form's values.
        answer: The body as it was sent; its beginning is kept, without card numbers.
    """
    row = {
        "seller_id": seller_id,
        "at": at,
        "real_at": real_at,
        "kind": kind,
        "outcome": outcome,
        "reason": without_nul(reason) if reason is not None else None,
        "order_id": orders[0] if len(orders) == 1 else None,
        "facts": dump(facts or {}),
    }
    if line is not None:
        row |= line.columns(status)
    if len(orders) > 1:
        row["order_ids"] = f" {' '.join(orders)} "
    if answer is not None:
        row["answer"] = redact(_beginning(answer))
    if (call := current_call()) is not None:
        call.operation, call.orders = kind.partition(".")[2], " ".join(orders)
        if call.verbose:
            call.bodies += [masked(body) for body in (reason, facts and dump(facts), answer) if body]
    keep_newest(connection, journal, seller_id, insert_row(connection, journal, row))


def add_refusal(
    runtime: Runtime,
    sandbox: Sandbox | None,
    *,
    kind: str,
    outcome: str,
    reason: str,
    line: RequestLine,
    status: int,
    orders: Sequence[str] = (),
    facts: Mapping[str, object] | None = None,
    answer: str | None = None,
) -> None:
    """
    Write down a request that changed nothing, in a transaction of its own; none while the database does not answer.

    Args:
        sandbox: Of the seller whose request it was, also after its transaction; None where it is nobody's.
    """
    # The answer does not depend on it.
    with suppress(DatabaseUnavailable), writing(runtime.writer) as connection:
        real = runtime.real_clock.now()
        add(
            connection,
            sandbox.seller_id if sandbox is not None else "",
            sandbox.seller.clock.now(real) if sandbox is not None else real,
            real,
            kind=kind,
            outcome=outcome,
            reason=reason,
            orders=orders,
            facts=facts,
            line=line,
            status=status,
            answer=answer,
        )


def _beginning(answer: str) -> str:
    excess = len(answer) - _LONGEST_ANSWER
    return f"{answer[:_LONGEST_ANSWER]} ... {excess} characters more" if excess > 0 else answer
