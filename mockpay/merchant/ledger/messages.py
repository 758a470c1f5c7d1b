"""Which notifications were taken, so that one that comes again changes nothing."""

from __future__ import annotations

import sqlite3

from mockpay.kernel.clock import DAY
from mockpay.merchant.ledger.database import LedgerFile

#: Amazon sends again for 14 days.
_RETENTION = 30 * DAY


class Messages:
    """The MessageIds in the books."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def seen(self, message_id: str) -> bool:
        """Whether this notification was taken before."""
        query = "SELECT 1 FROM messages WHERE message_id = ?"
        with self._file.read() as connection:
            return connection.execute(query, (message_id,)).fetchone() is not None

    def enter(self, message_id: str, *, at: int) -> bool:
        """Remember a notification that changes nothing; False if it was taken before."""
        with self._file.write() as connection:
            return self.take(connection, message_id, at)

    @staticmethod
    def take(connection: sqlite3.Connection, message_id: str, at: int) -> bool:
        """
        Remember a notification in the transaction of what it changes.

        Returns:
            False if it was taken before; an empty id is always new.
        """
        if not message_id:
            return True
        connection.execute("DELETE FROM messages WHERE taken_at < ?", (at - _RETENTION,))
        new = connection.execute(
            "INSERT INTO messages (message_id, taken_at) VALUES (?, ?) ON CONFLICT DO NOTHING", (message_id, at)
        )
        return new.rowcount == 1
