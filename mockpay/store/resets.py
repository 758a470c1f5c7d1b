"""Emptying a seller's world: every table that has a seller, but for the seller itself."""

from __future__ import annotations

from sqlalchemy import delete, update

from mockpay.kernel.clock import Clock, Mode
from mockpay.store.db.metadata import SETTINGS, metadata
from mockpay.store.sellers import sellers, set_clock
from mockpay.store.unit_of_work import Sandbox


def empty(sandbox: Sandbox) -> None:
    """
    Delete all that happened and set the clock to running at real time.

    Walks the metadata, so a noun that is added later is emptied without a line here.
    Credentials, settings and addresses stay.
    """
    connection, seller_id = sandbox.connection, sandbox.seller_id
    for table in metadata.sorted_tables:
        settings = table is sellers or table.info == SETTINGS
        if "seller_id" in table.c and not settings:
            connection.execute(delete(table).where(table.c.seller_id == seller_id))
    set_clock(connection, seller_id, Clock(Mode.RUNNING, sandbox.real_now, sandbox.real_now))
    connection.execute(
        update(sellers).where(sellers.c.seller_id == seller_id).values(next_due=None, fired=0, delivered=0)
    )
