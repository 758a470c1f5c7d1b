"""
Risk: what each attempt brought, counted by windows; what was decided; what a tester forces.

One query answers all counts of an attempt.  No count goes beyond what a rule could ask for,
so that it costs the same however much was paid before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Index,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from mockpay.kernel.clock import DAY
from mockpay.risk.rules import HOUR, MINUTE, TEN_MINUTES, Assessment, Counts, Facts, Hit, Verdict
from mockpay.store.db.mapping import Prepared, dump, load
from mockpay.store.db.metadata import big, metadata, partial_index, row_id, text
from mockpay.store.unit_of_work import Sandbox

risk_inputs = Table(
    "risk_inputs",
    metadata,
    text("attempt_id", primary_key=True),
    text("seller_id"),
    big("at"),
    text("fingerprint", null=True),
    text("vpa", null=True),
    text("ip", null=True),
    text("device", null=True),
    text("email", null=True),
    text("buyer", null=True),
    big("amount_minor"),
    # Nothing until the attempt's end is known, then 0 or 1.
    big("declined", null=True),
)
#: An attempt stands only in the indexes of what it brought.
for _name, _columns, _where in (
    ("card", "fingerprint, at", "fingerprint IS NOT NULL"),
    ("vpa", "vpa, at", "vpa IS NOT NULL"),
    ("ip", "ip, at", "ip IS NOT NULL"),
    ("declines", "ip, at", "declined = 1"),
    ("device", "device, at", "device IS NOT NULL"),
    ("buyer", "buyer, at", "buyer IS NOT NULL"),
):
    partial_index(risk_inputs, f"risk_inputs_by_{_name}", f"seller_id, {_columns}", where=_where)

risk_assessments = Table(
    "risk_assessments",
    metadata,
    text("attempt_id", primary_key=True),
    text("seller_id"),
    text("decision"),
    big("score"),
    text("hits"),
    big("at"),
    Index("risk_assessments_of_seller", "seller_id", "at"),
)

risk_overrides = Table(
    "risk_overrides",
    metadata,
    row_id(),
    text("seller_id"),
    text("match"),
    text("decision"),
    text("reason"),
    big("created_at"),
    Index("risk_overrides_of_seller", "seller_id", "id"),
)

_t = risk_inputs.c
_NONE: ColumnElement[int] = literal_column("0")
_ONE: ColumnElement[int] = literal_column("1")
#: How many attempts of a day are looked at, the newest ones: for a device's other cards, and
#: for what a buyer tried to pay.
_DEVICE_ROWS, _BUYER_ROWS = 200, 500
_hits = msgspec.json.Decoder(tuple[Hit, ...])


def _of_seller(*also: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(_t.seller_id == bindparam("seller_id"), *also)


def _since(start: str) -> ColumnElement[bool]:
    """After a window's start, and not in a future from which the clock was set back."""
    return and_(_t.at > bindparam(start), _t.at <= bindparam("now"))


def _number(*where: ColumnElement[bool], most: Any = None) -> Any:
    """How many rows there are, no further than `most`."""
    limit = bindparam("most") if most is None else most
    rows = _first(limit, select(_ONE.label("one")).where(_of_seller(*where)))
    return select(func.count()).select_from(rows).scalar_subquery()


def _first(limit: Any, query: Select[Any]) -> Any:
    """Not more rows than that; said with an offset, lest one be added as a parameter."""
    return query.limit(limit).offset(_NONE).subquery()


def _other_cards() -> Any:
    newest = (
        select(_t.fingerprint).where(_of_seller(_t.device == bindparam("device"), _since("day"))).order_by(_t.at.desc())
    )
    rows = _first(literal_column(str(_DEVICE_ROWS)), newest)
    other = rows.c.fingerprint != bindparam("fingerprint")
    return select(func.count(rows.c.fingerprint.distinct())).where(other).scalar_subquery()


def _buyers_sum() -> Any:
    not_declined = or_(_t.declined.is_(None), _t.declined == _NONE)
    newest = (
        select(_t.amount_minor)
        .where(_of_seller(_t.buyer == bindparam("buyer"), _since("day"), not_declined))
        .order_by(_t.at.desc())
    )
    rows = _first(literal_column(str(_BUYER_ROWS)), newest)
    total = cast(func.coalesce(func.sum(rows.c.amount_minor), _NONE), BigInteger)
    return select(total).scalar_subquery()


_card, _by_vpa = _t.fingerprint == bindparam("fingerprint"), _t.vpa == bindparam("vpa")
_by_ip, _by_device = _t.ip == bindparam("ip"), _t.device == bindparam("device")
_paid = and_(_t.buyer == bindparam("first"), _t.declined == _NONE)
_forced = select(_ONE.label("one")).where(risk_overrides.c.seller_id == bindparam("seller_id"))
_COUNT = Prepared(
    select(
        _number(_card, _since("minute")).label("card_minute"),
        _number(_card, _since("hour")).label("card_hour"),
        _number(_by_vpa, _since("minute")).label("vpa_minute"),
        _number(_by_ip, _since("minute")).label("ip_minute"),
        _number(_by_ip, _t.declined == _ONE, _since("ten_minutes")).label("ip_declines"),
        _number(_by_device, most=_ONE).label("device_seen"),
        _other_cards().label("device_cards"),
        _buyers_sum().label("buyer_minor"),
        _number(_paid, most=_ONE).label("buyer_paid"),
        select(func.count()).select_from(_first(_ONE, _forced)).scalar_subquery(),
    )
)
_ADD, _JUDGE = Prepared(insert(risk_inputs)), Prepared(insert(risk_assessments))
_NOTE = Prepared(
    update(risk_inputs)
    .where(_t.attempt_id == bindparam("attempt"), _t.seller_id == bindparam("seller"))
    .values(declined=bindparam("outcome"))
)


def count(sandbox: Sandbox, facts: Facts, *, most: int, first_above: int | None) -> tuple[Counts, bool]:
    """
    What happened before an attempt, and whether a tester's force is waiting.

    Args:
        most: No number needs to go further.
        first_above: From which amount on it matters whether the buyer ever paid.
    """
    now = sandbox.now
    matters = first_above is not None and facts.amount.minor > first_above
    row = _COUNT.run(
        sandbox.connection,
        {
            "seller_id": sandbox.seller_id,
            "now": now,
            "minute": now - MINUTE,
            "ten_minutes": now - TEN_MINUTES,
            "hour": now - HOUR,
            "day": now - DAY,
            "fingerprint": facts.fingerprint,
            "vpa": facts.vpa,
            "ip": facts.ip,
            "device": facts.device,
            "buyer": facts.buyer,
            "first": facts.buyer_id if matters else None,
            "most": most,
        },
    ).fetchone()
    *numbers, forced = row or (0,) * 10
    return Counts(*numbers), bool(forced)


def add(sandbox: Sandbox, attempt_id: str, facts: Facts) -> None:
    """Keep what an attempt brought, for the counts of those after it."""
    row = {
        "attempt_id": attempt_id,
        "seller_id": sandbox.seller_id,
        "at": sandbox.now,
        "fingerprint": facts.fingerprint,
        "vpa": facts.vpa,
        "ip": facts.ip,
        "device": facts.device,
        "email": facts.email,
        "buyer": facts.buyer,
        "amount_minor": facts.amount.minor,
        "declined": None,
    }
    _ADD.run(sandbox.connection, row)


def add_assessment(sandbox: Sandbox, attempt_id: str, assessment: Assessment) -> None:
    """Keep a decision for which there was a reason; an attempt without one was simply allowed."""
    row = {
        "attempt_id": attempt_id,
        "seller_id": sandbox.seller_id,
        "decision": str(assessment.decision),
        "score": assessment.score,
        "hits": dump(assessment.hits),
        "at": sandbox.now,
    }
    _JUDGE.run(sandbox.connection, row)


def record_outcome(sandbox: Sandbox, attempt_id: str, *, declined: bool) -> None:
    """Write down how an attempt ended."""
    row = {"attempt": attempt_id, "seller": sandbox.seller_id, "outcome": int(declined)}
    _NOTE.run(sandbox.connection, row)


def of_attempt(sandbox: Sandbox, attempt_id: str) -> Assessment | None:
    """What was decided on an attempt; None where it was never looked at."""
    table = risk_assessments
    query = (
        select(_t.attempt_id, table.c.decision, table.c.score, table.c.hits)
        .outerjoin_from(risk_inputs, table, table.c.attempt_id == _t.attempt_id)
        .where(_t.attempt_id == attempt_id, _t.seller_id == sandbox.seller_id)
    )
    row = sandbox.connection.execute(query).first()
    if row is None:
        return None
    if row.decision is None:
        return Assessment()
    return Assessment(Verdict(row.decision), row.score, _hits.decode(row.hits))


class Override(Struct, frozen=True):
    """A decision that a tester wants for the next attempt that fits."""

    override_id: int
    match: Mapping[str, str]
    decision: Verdict
    reason: str


def add_override(sandbox: Sandbox, match: Mapping[str, str], decision: Verdict, reason: str) -> Override:
    """Store a new one, the last in its seller's queue."""
    row = {
        "seller_id": sandbox.seller_id,
        "match": dump(match),
        "decision": str(decision),
        "reason": reason,
        "created_at": sandbox.now,
    }
    key = sandbox.connection.execute(insert(risk_overrides), row).inserted_primary_key
    return Override(int(key[0]) if key else 0, match, decision, reason)


def overrides(sandbox: Sandbox) -> list[Override]:
    """Those that wait, in the order in which they were made."""
    table = risk_overrides
    query = select(table).where(table.c.seller_id == sandbox.seller_id).order_by(table.c.id)
    return [
        Override(row.id, load(row.match), Verdict(row.decision), row.reason)
        for row in sandbox.connection.execute(query)
    ]


def use_override(sandbox: Sandbox, override: Override) -> None:
    """Take it out of the queue."""
    sandbox.connection.execute(delete(risk_overrides).where(risk_overrides.c.id == override.override_id))
