"""What a seller wishes to offer otherwise than by default; a setting, so a reset leaves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, bindparam, delete, select

from mockpay.store.db.mapping import dump, load
from mockpay.store.db.metadata import SETTINGS, metadata, text
from mockpay.store.db.prepared import Prepared, insert_new
from mockpay.store.unit_of_work import Sandbox

offers = Table("offers", metadata, text("seller_id", primary_key=True), text("patch"), info=SETTINGS)

_of_seller = Prepared(select(offers.c.patch).where(offers.c.seller_id == bindparam("seller")))


def find(sandbox: Sandbox) -> Mapping[str, Any]:
    """The seller's patch upon the default; empty where it has none."""
    values = {"seller": sandbox.seller_id}
    found: Mapping[str, Any] = load(_of_seller.scalar(sandbox.connection, values))
    return found


def save(sandbox: Sandbox, patch: Mapping[str, Any]) -> None:
    """Keep another patch instead; the world's lock is held, so nobody comes between."""
    remove(sandbox)
    if patch:
        row = {"seller_id": sandbox.seller_id, "patch": dump(patch)}
        insert_new(sandbox.connection, offers, row)


def remove(sandbox: Sandbox) -> None:
    """Back to the default."""
    sandbox.connection.execute(delete(offers).where(offers.c.seller_id == sandbox.seller_id))
