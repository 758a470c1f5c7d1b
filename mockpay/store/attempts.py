"""Attempts: their rows, one live attempt per order, and compare-and-set transitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Boolean, Column, Index, Table, UniqueConstraint, bindparam, select, update

from mockpay.domain.payments.attempts import ATTEMPT, LIVE, Attempt, AttemptState, Auth, Failure
from mockpay.domain.payments.plans import Plan
from mockpay.kernel.errors import IllegalTransition
from mockpay.kernel.money import Money
from mockpay.store.db.dialects import insert_new
from mockpay.store.db.metadata import big, dump, load, metadata, partial_index, text
from mockpay.store.db.prepared import Prepared, PreparedStep
from mockpay.store.unit_of_work import Sandbox

attempts = Table(
    "attempts",
    metadata,
    text("attempt_id", primary_key=True),
    big("order_pk"),
    text("seller_id"),
    big("number"),
    text("method"),
    text("state"),
    Column("unfinished", Boolean, nullable=False),
    big("amount_minor"),
    text("currency"),
    big("captured_minor", default=0),
    big("refund_reserved_minor", default=0),
    text("instrument"),
    text("plan"),
    text("scenario", null=True),
    text("gateway"),
    text("reference", null=True),
    text("failure", null=True),
    text("eci", null=True),
    text("liability", null=True),
    text("auth", null=True),
    text("buyer_id", null=True),
    text("consent", null=True),
    big("created_at"),
    big("updated_at"),
    big("answer_by", null=True),
    UniqueConstraint("order_pk", "number"),
    Index("attempts_by_seller", "seller_id", "created_at"),
)
# Two tries of one order never run at once.
partial_index(attempts, "attempts_one_live", "order_pk", where="unfinished", unique=True)

_of_id = Prepared(
    select(attempts).where(
        attempts.c.attempt_id == bindparam("attempt_id"), attempts.c.seller_id == bindparam("seller_id")
    )
)
_step = PreparedStep(attempts, attempts.c.attempt_id)


def add(sandbox: Sandbox, attempt: Attempt) -> bool:
    """Store a new attempt; False where the order has a live one already."""
    row = {
        "attempt_id": attempt.attempt_id,
        "order_pk": attempt.order_pk,
        "seller_id": attempt.seller_id,
        "number": attempt.number,
        "method": attempt.method,
        "state": str(attempt.state),
        "unfinished": attempt.live,
        "amount_minor": attempt.amount.minor,
        "currency": attempt.amount.currency,
        "captured_minor": attempt.captured_minor,
        "refund_reserved_minor": attempt.refund_reserved_minor,
        "instrument": dump(attempt.instrument),
        "plan": dump(attempt.plan.dump()),
        "scenario": attempt.scenario,
        "gateway": attempt.gateway,
        "buyer_id": attempt.buyer_id,
        "consent": dump(attempt.consent) if attempt.consent else None,
        "created_at": attempt.created_at,
        "updated_at": attempt.updated_at,
        "answer_by": attempt.answer_by,
    }
    return insert_new(sandbox.connection, attempts, row)


def _attempt(row: Mapping[Any, Any]) -> Attempt:
    failure = load(row["failure"])
    return Attempt(
        attempt_id=row["attempt_id"],
        order_pk=row["order_pk"],
        seller_id=row["seller_id"],
        number=row["number"],
        method=row["method"],
        state=AttemptState(row["state"]),
        amount=Money(row["amount_minor"], row["currency"]),
        captured_minor=row["captured_minor"],
        refund_reserved_minor=row["refund_reserved_minor"],
        instrument=load(row["instrument"]),
        plan=Plan.load(load(row["plan"])),
        scenario=row["scenario"],
        gateway=row["gateway"],
        reference=row["reference"],
        failure=Failure(**failure) if failure else None,
        eci=row["eci"],
        liability=row["liability"],
        auth=Auth(row["auth"]) if row["auth"] else None,
        buyer_id=row["buyer_id"],
        consent=load(row["consent"]) or None,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        answer_by=row["answer_by"],
    )


def by_id(sandbox: Sandbox, attempt_id: str) -> Attempt | None:
    """An attempt of this seller."""
    values = {"attempt_id": attempt_id, "seller_id": sandbox.seller_id}
    row = _of_id.first(sandbox.connection, values)
    return _attempt(row) if row is not None else None


def of_order(sandbox: Sandbox, order_pk: int) -> list[Attempt]:
    """An order's attempts, the oldest first."""
    query = select(attempts).where(attempts.c.order_pk == order_pk).order_by(attempts.c.number)
    return [_attempt(row) for row in sandbox.connection.execute(query).mappings()]


def of_orders(sandbox: Sandbox, numbers: list[int]) -> dict[int, list[Attempt]]:
    """The attempts of several orders in one query, by order."""
    query = select(attempts).where(attempts.c.order_pk.in_(numbers)).order_by(attempts.c.number)
    found: dict[int, list[Attempt]] = {}
    for row in sandbox.connection.execute(query).mappings():
        found.setdefault(row["order_pk"], []).append(_attempt(row))
    return found


def last_of_order(sandbox: Sandbox, order_pk: int) -> Attempt | None:
    """The order's newest attempt."""
    query = select(attempts).where(attempts.c.order_pk == order_pk)
    row = sandbox.connection.execute(query.order_by(attempts.c.number.desc()).limit(1))
    found = row.mappings().first()
    return _attempt(found) if found is not None else None


def note(sandbox: Sandbox, attempt: Attempt, **changes: Any) -> Attempt:
    """Change columns of an attempt that stays where it is."""
    row = sandbox.connection.execute(
        update(attempts)
        .where(attempts.c.attempt_id == attempt.attempt_id)
        .values(updated_at=sandbox.now, **changes)
        .returning(*attempts.c)
    )
    return _attempt(row.mappings().one())


def transition(
    sandbox: Sandbox, attempt: Attempt, event: str, *, failure: Failure | None = None, **changes: Any
) -> Attempt:
    """
    Take one step of the attempt's machine as one conditional UPDATE.

    Raises:
        IllegalTransition: no such step from the state that the row has.
    """
    target = ATTEMPT.target(attempt.state, event)
    values = {"state": str(target), "unfinished": target in LIVE, "updated_at": sandbox.now}
    if failure is not None:
        values["failure"] = dump(asdict(failure))
    row = _step.take(sandbox.connection, attempt.attempt_id, str(attempt.state), **values, **changes)
    if row is None:
        message = "The attempt moved on meanwhile."
        raise IllegalTransition(message, machine="attempt", event=event)
    return _attempt(row)
