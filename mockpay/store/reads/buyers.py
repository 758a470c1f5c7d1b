"""Buyers who came by, as a list."""

from __future__ import annotations

from sqlalchemy import select

from mockpay.domain.buyers import Buyer
from mockpay.store.buyers import buyers, mapper
from mockpay.store.db.paging import PAGE, Page, mark_of, page_of
from mockpay.store.unit_of_work import Sandbox


def buyers_page(sandbox: Sandbox, *, after: str | None = None, limit: int = PAGE) -> Page[Buyer]:
    """
    Buyers who came by, by their e-mail.

    Raises:
        Invalid: code ``cursor.invalid``.
    """
    query = select(buyers).where(buyers.c.seller_id == sandbox.seller_id).order_by(buyers.c.email)
    if after:
        query = query.where(buyers.c.email > mark_of("buyer", after))
    rows = mapper.all(sandbox.connection, query.limit(limit + 1))
    return page_of("buyer", rows, limit, lambda buyer: buyer.email)
