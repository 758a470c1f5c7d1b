"""The journal and the audit by control API."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response
from msgspec import Meta, Struct

from mockpay.kernel.clock import rfc3339
from mockpay.services.audit import audit
from mockpay.store.db.engine import reading
from mockpay.store.db.paging import Page
from mockpay.store.reads.lists import JournalFilter, JournalRow, journal_page, ownerless_journal
from mockpay.store.unit_of_work import read
from mockpay.web.control.common import PageQuery
from mockpay.web.control.endpoints import Ask, Endpoint, answer


class JournalQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which entries."""

    kind: str | None = None
    outcome: Annotated[
        str | None, Meta(description="`ok`, `refused` (anything else) or an error's code.")
    ] = None
    order_id: str | None = None


class JournalEntry(Struct, kw_only=True):
    """One request and its answer; `at` is the seller's time, `real_at` the machine's."""

    number: int
    at: str
    real_at: str
    kind: str
    outcome: str
    reason: str | None
    order_id: str | None
    facts: dict[str, Any]


class JournalList(Struct, kw_only=True):
    """Entries, the newest first."""

    items: list[JournalEntry]
    next_cursor: str | None


class Violation(Struct, kw_only=True):
    """A broken invariant: which rule, of which order or attempt, in words."""

    rule: str
    subject: str
    says: str


class Audit(Struct, kw_only=True):
    """Whether the world's money and states agree."""

    ok: bool
    violations: list[Violation]


def listed(ask: Ask[JournalQuery, None]) -> JournalList:
    query = ask.query
    wanted = JournalFilter(query.kind, query.outcome, query.order_id)
    with read(ask.runtime, ask.seller_id) as sandbox:
        return _list(journal_page(sandbox, wanted, query.cursor, query.limit))


def ownerless(ask: Ask[PageQuery, None]) -> JournalList:
    with reading(ask.runtime.engine) as connection:
        return _list(ownerless_journal(connection, ask.query.cursor, ask.query.limit))


def _list(page: Page[JournalRow]) -> JournalList:
    return JournalList(items=[_entry(row) for row in page.items], next_cursor=page.next_cursor)


def _entry(row: JournalRow) -> JournalEntry:
    return JournalEntry(
        number=row.number,
        at=rfc3339(row.at),
        real_at=rfc3339(row.real_at),
        kind=row.kind,
        outcome=row.outcome,
        reason=row.reason,
        order_id=row.order_id,
        facts=dict(row.facts),
    )


def check(ask: Ask[None, None]) -> Response:
    with read(ask.runtime, ask.seller_id) as sandbox:
        broken = audit(sandbox)
    violations = [Violation(rule=v.rule, subject=v.subject, says=v.says) for v in broken]
    return answer(Audit(ok=not broken, violations=violations), 409 if broken else 200)


_SELLER = "/v1/sellers/{seller_id}"
ENDPOINTS = (
    Endpoint(
        "GET",
        f"{_SELLER}/journal",
        listed,
        "What came in, how it was answered and why; the newest 50,000 entries are kept.",
        query=JournalQuery,
        gives=JournalList,
        fails=(400, 404),
    ),
    Endpoint(
        "GET",
        "/v1/journal",
        ownerless,
        "The same of requests that no seller could be found for.",
        query=PageQuery,
        gives=JournalList,
        fails=(400,),
    ),
    Endpoint(
        "GET",
        f"{_SELLER}/audit",
        check,
        "Whether money and states agree; 409 where they do not.",
        gives=Audit,
        fails=(404,),
        alike=(409,),
    ),
)
