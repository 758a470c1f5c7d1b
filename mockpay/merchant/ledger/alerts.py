"""What somebody should look at: news that contradict the books."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from mockpay.merchant.ledger.database import LedgerFile

#: A refund ended twice, and differently.
STATE_CONFLICT = "REFUND_STATE_CONFLICT"
#: News about a refund name another amount or another id than the books.
VALUE_CONFLICT = "REFUND_VALUE_CONFLICT"
#: Amazon tells of a refund that this shop did not ask for.
NOT_ASKED = "REFUND_NOT_ASKED"
#: A payment notification names another amount than was asked for.
AMOUNT_CONFLICT = "PAYMENT_AMOUNT_CONFLICT"


@dataclass(frozen=True, slots=True)
class Alert:
    """One contradiction, kept for good; the same one is kept once."""

    order_id: str
    code: str
    sentence: str
    at: int


class Alerts:
    """The alerts in the books."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def of_order(self, order_id: str) -> list[Alert]:
        """List an order's alerts, the newest first."""
        where = "WHERE order_id = ?"
        return self._list(where, (order_id,))

    def newest(self, limit: int = 50) -> list[Alert]:
        """List the latest alerts of all orders, the newest first."""
        return self._list("", (), limit)

    def enter(self, order_id: str, code: str, sentence: str, *, at: int) -> None:
        """Raise an alert."""
        with self._file.write() as connection:
            enter(connection, Alert(order_id, code, sentence, at))

    def _list(self, where: str, values: tuple[str, ...], limit: int = 50) -> list[Alert]:
        query = f"SELECT order_id, code, sentence, at FROM alerts {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        with self._file.read() as connection:
            return [Alert(*row) for row in connection.execute(query, (*values, limit))]


def enter(connection: sqlite3.Connection, alert: Alert) -> None:
    """Raise an alert in a transaction that is under way."""
    connection.execute(
        "INSERT INTO alerts (order_id, code, sentence, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (alert.order_id, alert.code, alert.sentence, alert.at),
    )
