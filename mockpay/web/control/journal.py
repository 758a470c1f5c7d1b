"""The journal and the audit by control API."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.store.db.engine import reading
from mockpay.store.reads.audit import audit
from mockpay.store.reads.lists import SEARCHED, JournalFilter, journal_page, newest_journal_cursor, ownerless_journal
from mockpay.web.control.endpoints import GET, Request
from mockpay.web.control.responses import PageQuery, to_response


class JournalQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which entries."""

    kind: str | None = None
    outcome: Annotated[str | None, Meta(description="`ok` (a repeat too), `refused` (else) or an error's code.")] = None
    order_id: Annotated[str | None, Meta(description="Every request that was about this order.")] = None
    q: Annotated[
        str | None,
        Meta(
            description="Part of path, kind, outcome, reason, facts, answer or an order's id, in any case; or a status."
            f" A page looks at {SEARCHED:,} entries: go on by `next_cursor`, even where it has no items."
        ),
    ] = None


class JournalEntry(Struct, kw_only=True):
    """
    One request and its answer; `at` is the seller's time, `real_at` the machine's.

    `orders` are the ids of all orders that it was about, `order_id` is there where that is one. `duration_ms` ends when
    the entry is written. `answer` is the beginning of the body with card numbers masked, null where it is a page, a
    file or empty. What HTTP tells is null where no HTTP told it.
    """

    number: int
    at: str
    real_at: str
    kind: str
    outcome: str
    reason: str | None
    order_id: str | None
    orders: list[str]
    method: str | None
    path: str | None
    status: int | None
    duration_ms: float | None
    answer: str | None
    facts: dict[str, Any]


class JournalEntryList(Struct, kw_only=True):
    """Entries, the newest first; from `cursor` on, a wait for `journal` finds what comes after all that there are."""

    items: list[JournalEntry]
    next_cursor: str | None
    cursor: str | None


class AuditViolation(Struct, kw_only=True):
    """A broken invariant: which rule, of which order or attempt, in words."""

    rule: str
    subject: str
    description: str


class AuditReport(Struct, kw_only=True):
    """Whether the world's money and states agree."""

    ok: bool
    violations: list[AuditViolation]


def list_journal(request: Request[JournalQuery, None]) -> JournalEntryList:
    """
    Calls of the seller's software, with the reason of each refusal. A refused form leaves the names of its fields,
    never its values.
    """
    query = request.query
    journal_filter = JournalFilter(query.kind, query.outcome, query.order_id, query.q)
    with request.read() as sandbox:
        page = journal_page(sandbox, journal_filter, query.cursor, query.limit)
        return to_response(JournalEntryList, page, cursor=newest_journal_cursor(sandbox))


def list_unattributed_journal(request: Request[JournalQuery, None]) -> JournalEntryList:
    """Such as payloads that cannot be opened, and calls with an access key that nobody has."""
    query = request.query
    journal_filter = JournalFilter(query.kind, query.outcome, query.order_id, query.q)
    with reading(request.runtime.engine) as connection:
        page = ownerless_journal(connection, journal_filter, query.cursor, query.limit)
    return to_response(JournalEntryList, page, cursor=None)


def get_audit(request: Request[None, None]) -> tuple[AuditReport, int]:
    """Every amount captured, refunded, held and in balances is added up anew."""
    with request.read() as sandbox:
        broken = audit(sandbox)
    violations = [to_response(AuditViolation, violation) for violation in broken]
    return AuditReport(ok=not broken, violations=violations), 409 if broken else 200


_SELLER = "/v1/sellers/{seller_id}"
ENDPOINTS = (
    GET(
        f"{_SELLER}/journal",
        list_journal,
        "Every request, how it was answered and why; the newest 50,000 entries are kept.",
    ),
    GET("/v1/journal", list_unattributed_journal, "The same of requests that no seller could be found for."),
    GET(f"{_SELLER}/audit", get_audit, "Whether money and states agree; 409 where they do not.", other_statuses=(409,)),
)
