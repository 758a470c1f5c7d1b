"""A wallet's history as a CSV file, streamed; no cell of it is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from flask import Response, stream_with_context

from mockpay.kernel.clock import rfc3339
from mockpay.kernel.money import Money
from mockpay.store.reads.wallet_entries import Entry

MEDIA_TYPE = "text/csv"
#: An amount has no sign: whether it came or went is the direction.
COLUMNS = (
    "entry_id",
    "at",
    "type",
    "direction",
    "amount",
    "balance_after",
    "currency",
    "order_id",
    "seller_order_id",
    "attempt_id",
    "refund_id",
    "reverses",
    "note",
)
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_response(entries: Iterable[Entry], name: str) -> Response:
    """A file of this name, sent as it is read."""
    response = Response(stream_with_context(_lines(entries)), content_type=f"{MEDIA_TYPE}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _lines(entries: Iterable[Entry]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerow([harmless(cell) for cell in _cells(entry)])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _cells(entry: Entry) -> tuple[str, ...]:
    journal, order = entry.journal, entry.order
    return (
        str(journal.number),
        rfc3339(journal.posted_at),
        journal.type,
        journal.direction or "",
        Money(abs(journal.change_minor), journal.amount.currency).wire(),
        journal.balance_after.wire(),
        journal.amount.currency,
        order.order_id if order else "",
        order.seller_order_id if order else "",
        journal.attempt_id or "",
        journal.refund_id or "",
        str(journal.reverses or ""),
        journal.note or "",
    )


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
