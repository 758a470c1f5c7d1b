"""
The outbox: what must leave the process, sent outside any transaction.

A row is claimed under a lease in real time, sent, and recorded in a new transaction.
Whoever finds a lapsed lease sends again: nothing is lost, a call may happen twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    Index,
    Table,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from mockpay.kernel.clock import SECOND
from mockpay.settings import Settings
from mockpay.store.db.mapping import Mapper, Prepared, dump, insert_row
from mockpay.store.db.metadata import big, metadata, partial_index, row_id, text
from mockpay.store.unit_of_work import Runtime, Sandbox

outbox = Table(
    "outbox",
    metadata,
    row_id(),
    text("seller_id"),
    text("kind"),
    text("subject"),
    text("state"),
    big("due_at"),
    big("leased_until", default=0),
    big("tries", default=0),
    text("facts"),
    text("reason", null=True),
    #: Rows of one sequence go one after the other, in the order in which they were queued.
    text("sequence_key", null=True),
    #: Real time before which nobody takes it.
    big("not_before", default=0),
    Index("outbox_of_seller", "seller_id", "state", "id"),
    # A number must never come again: somebody may still be sending what a reset has deleted.
    sqlite_autoincrement=True,
)

QUEUED, SENT, DEAD = "QUEUED", "SENT", "DEAD"
#: How long a claim lasts, in real ms, where MOCKPAY_LEASE_SECONDS says nothing else.
LEASE_MS = Settings().lease_seconds * SECOND
#: Rows of one seller that may be on their way at once, over all processes.
MAX_IN_FLIGHT = 4

#: Written out, not a parameter: only so do databases see that the partial indexes will do.
_IS_QUEUED: ColumnElement[str] = literal_column(f"'{QUEUED}'")
_queued = outbox.c.state == _IS_QUEUED
partial_index(outbox, "outbox_waiting", "leased_until, id", where=f"state = '{QUEUED}'")
partial_index(outbox, "outbox_delayed", "not_before", where=f"state = '{QUEUED}' AND not_before > 0")
partial_index(outbox, "outbox_sequence", "sequence_key, id", where=f"state = '{QUEUED}'")
_sellers_sending = Prepared(select(outbox.c.seller_id).where(_queued, outbox.c.leased_until > bindparam("real_now")))


#: Sellers as one parameter, however many they are: a text with a comma before and after each;
#: so the statement needs no building at each claim, which would take longer than the rest of it.
_excluded: ColumnElement[str] = bindparam("excluded")
_comma: ColumnElement[str] = literal_column("','")
_nothing: ColumnElement[str] = literal_column("''")


def _claim_statement(*, of_seller: bool) -> Prepared:
    waiting, older = outbox.alias("waiting"), outbox.alias("older")
    first_of_sequence = ~exists().where(
        older.c.state == _IS_QUEUED, older.c.sequence_key == waiting.c.sequence_key, older.c.id < waiting.c.id
    )
    free = (
        select(waiting.c.id)
        .where(waiting.c.state == _IS_QUEUED, waiting.c.leased_until <= bindparam("real_now"))
        .where(waiting.c.not_before <= bindparam("real_now"))
        .where(func.replace(_excluded, _comma + waiting.c.seller_id + _comma, _nothing) == _excluded)
        .where(or_(waiting.c.sequence_key.is_(None), first_of_sequence))
        .order_by(waiting.c.leased_until, waiting.c.id)
        .limit(literal_column("1"))
        .offset(literal_column("0"))  # SQLite's has one in any case, as a parameter of no name
        .with_for_update(skip_locked=True)
    )
    if of_seller:
        free = free.where(waiting.c.seller_id == bindparam("seller"))
    return Prepared(
        update(outbox)
        .where(outbox.c.id == free.scalar_subquery())
        .values(leased_until=bindparam("until"), tries=outbox.c.tries + literal_column("1"))
        .returning(*outbox.c)
    )


_claim, _claim_of_seller = _claim_statement(of_seller=False), _claim_statement(of_seller=True)
_is_waiting = Prepared(
    select(outbox.c.id)
    .where(_queued, outbox.c.leased_until <= bindparam("real_now"), outbox.c.not_before <= bindparam("real_now"))
    .limit(literal_column("1"))
    .offset(literal_column("0"))  # SQLite's has one in any case, as a parameter of no name
)
_by_id = Prepared(
    select(outbox).where(outbox.c.id == bindparam("outbox_id"), outbox.c.seller_id == bindparam("seller_id"), _queued)
)
_record = Prepared(
    update(outbox)
    .where(outbox.c.id == bindparam("outbox_id"), _queued)
    .where(outbox.c.seller_id == bindparam("seller_id"))
    .values(state=bindparam("to"), reason=bindparam("why"))
)


class OutboxRow(Struct, frozen=True):
    """One thing to send: `kind` names who sends it, `subject` what it is about."""

    outbox_id: int
    seller_id: str
    kind: str
    subject: str
    tries: int
    facts: Mapping[str, Any]


mapper = Mapper(OutboxRow, outbox, id="outbox_id")


def add(
    sandbox: Sandbox,
    kind: str,
    subject: str,
    *,
    leased: bool,
    sequence_key: str | None = None,
    delay_ms: int = 0,
    **facts: object,
) -> int:
    """
    Queue something to send now; its number.

    What has a `sequence_key` is sent after all that was queued with it before. `leased` leases it to the caller at
    once, who then sends it itself; the worker takes it only where that caller died. `delay_ms` is in real time,
    whatever the seller's clock does.
    """
    row = {
        "seller_id": sandbox.seller_id,
        "kind": kind,
        "subject": subject,
        "state": QUEUED,
        "due_at": sandbox.now,
        "leased_until": sandbox.real_now + lease_ms(sandbox.runtime) if leased else 0,
        "tries": 0,
        "facts": dump(facts),
        "reason": None,
        "sequence_key": sequence_key,
        "not_before": sandbox.real_now + delay_ms if delay_ms else 0,
    }
    number = insert_row(sandbox.connection, outbox, row)
    if not leased:
        sandbox.rescheduled.append(sandbox.now)
        sandbox.queued.append(kind)
    return number


def lease_ms(runtime: Runtime) -> int:
    """How long a claim of this process lasts, in real ms."""
    return runtime.settings.lease_seconds * SECOND


def claim(
    connection: Connection,
    real_now: int,
    lease: int = LEASE_MS,
    seller_id: str | None = None,
    excluded: Collection[str] = (),
) -> OutboxRow | None:
    """
    Lease the next row that nobody is sending, of one seller or of all but the excluded.

    No seller has more than `MAX_IN_FLIGHT` on the way, over all processes, and no sequence more
    than its oldest.  Rows that nobody has claimed yet go before those whose lease is over.

    Args:
        lease: How long nobody else takes it, in real ms.
    """
    if connection.dialect.name == "postgresql":
        # Claimers of several processes go one by one; SQLite has one writer anyway.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(841_000_843)")
    sending = Counter(row[0] for row in _sellers_sending.run(connection, {"real_now": real_now}).fetchall())
    full = {seller for seller, count in sending.items() if count >= MAX_IN_FLIGHT}
    excluded_text = "".join(f",{seller}," for seller in full.union(excluded))
    values = {"real_now": real_now, "until": real_now + lease, "excluded": excluded_text, "seller": seller_id}
    statement = _claim if seller_id is None else _claim_of_seller
    return mapper.load_first(statement.row(connection, values))


def by_id(sandbox: Sandbox, outbox_id: int) -> OutboxRow | None:
    """A queued row of this seller."""
    values = {"outbox_id": outbox_id, "seller_id": sandbox.seller_id}
    return mapper.load_first(_by_id.row(sandbox.connection, values))


def record(sandbox: Sandbox, outbox_id: int, state: str, reason: str | None = None) -> bool:
    """Write down how sending ended; False where somebody else already did."""
    values = {"outbox_id": outbox_id, "seller_id": sandbox.seller_id, "to": state, "why": reason}
    return _record.run(sandbox.connection, values).rowcount == 1


def change_facts(sandbox: Sandbox, row: OutboxRow, **facts: object) -> bool:
    """Change what a claimed row says; False where it is not this claim's any more: its lease was over."""
    same = (outbox.c.id == row.outbox_id, _queued, outbox.c.tries == row.tries)
    changed = update(outbox).where(outbox.c.seller_id == sandbox.seller_id, *same)
    return sandbox.connection.execute(changed.values(facts=dump({**row.facts, **facts}))).rowcount == 1


def is_queued(sandbox: Sandbox, kind: str, subject: str) -> bool:
    """Whether a row of this subject waits or is on its way."""
    query = select(outbox.c.id).where(
        outbox.c.seller_id == sandbox.seller_id, _queued, outbox.c.kind == kind, outbox.c.subject == subject
    )
    return sandbox.connection.execute(query.limit(1)).first() is not None


def count_waiting(sandbox: Sandbox) -> int:
    """How much of this seller is still to be sent."""
    query = select(func.count()).where(outbox.c.seller_id == sandbox.seller_id, _queued)
    return int(sandbox.connection.execute(query).scalar() or 0)


def is_waiting(connection: Connection, real_now: int, seller_id: str | None = None) -> bool:
    """Whether a row waits that nobody is sending."""
    if seller_id is None:
        return _is_waiting.row(connection, {"real_now": real_now}) is not None
    query = select(outbox.c.id).where(_queued, outbox.c.leased_until <= real_now, outbox.c.not_before <= real_now)
    query = query.where(outbox.c.seller_id == seller_id)
    return connection.execute(query.limit(1)).first() is not None


def next_delayed(connection: Connection, real_now: int) -> int | None:
    """The real time at which the first row comes that waits for one; None where none does."""
    # The first condition is spelt out as in the index, else databases would not see that it will do.
    waiting = (_queued, outbox.c.not_before > literal_column("0"), outbox.c.not_before > real_now)
    return connection.execute(select(func.min(outbox.c.not_before)).where(*waiting)).scalar()
