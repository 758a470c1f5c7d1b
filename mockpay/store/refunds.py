"""Refunds: their rows, the money that they reserve, and the one way their state changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, Column, Index, Table, UniqueConstraint, insert, select, update

from mockpay.domain.payments.attempts import Attempt, AttemptState
from mockpay.domain.payments.plans import Plan
from mockpay.domain.refunds import REFUND, Refund, RefundState
from mockpay.kernel.errors import IllegalTransition
from mockpay.kernel.money import Money
from mockpay.store.attempts import attempts
from mockpay.store.db.metadata import big, dump, load, metadata, row_id, text
from mockpay.store.db.paging import PAGE, Page, number_of, page_of
from mockpay.store.db.prepared import PreparedStep
from mockpay.store.unit_of_work import Sandbox

refunds = Table(
    "refunds",
    metadata,
    row_id(),
    text("refund_id"),
    text("seller_id"),
    big("order_pk"),
    text("order_id"),
    text("attempt_id"),
    text("reference"),
    text("kind"),
    text("state"),
    big("amount_minor"),
    text("currency"),
    text("digest"),
    text("note", null=True),
    text("soft_descriptor", null=True),
    text("destination"),
    text("plan"),
    text("scenario", null=True),
    text("reason_code", null=True),
    text("decline", null=True),
    Column("held", Boolean, nullable=False),
    big("polls_left", null=True),
    text("bank_reference_kind", null=True),
    text("bank_reference", null=True),
    big("due_at", null=True),
    big("created_at"),
    big("updated_at"),
    big("completed_at", null=True),
    UniqueConstraint("seller_id", "reference"),
    UniqueConstraint("seller_id", "refund_id"),
    Index("refunds_of_order", "order_pk", "id"),
    Index("refunds_of_seller", "seller_id", "id"),
)

_step = PreparedStep(refunds, refunds.c.id)


def add(sandbox: Sandbox, refund: Refund) -> Refund:
    """Store a new refund, whose `number` is given here."""
    row = {
        "refund_id": refund.refund_id,
        "seller_id": refund.seller_id,
        "order_pk": refund.order_pk,
        "order_id": refund.order_id,
        "attempt_id": refund.attempt_id,
        "reference": refund.reference,
        "kind": refund.kind,
        "state": str(refund.state),
        "amount_minor": refund.amount.minor,
        "currency": refund.amount.currency,
        "digest": refund.digest,
        "note": refund.note,
        "soft_descriptor": refund.soft_descriptor,
        "destination": dump(refund.destination),
        "plan": dump(refund.plan.dump()),
        "scenario": refund.scenario,
        "decline": refund.decline,
        "held": refund.held,
        "polls_left": refund.polls_left,
        "due_at": refund.due_at,
        "created_at": refund.created_at,
        "updated_at": refund.updated_at,
    }
    sandbox.connection.execute(insert(refunds), row)
    stored = by_reference(sandbox, refund.reference)
    assert stored is not None
    return stored


def reserve(sandbox: Sandbox, attempt: Attempt, minor: int) -> bool:
    """Set captured money aside for a refund; False where that much is not left."""
    taken = attempts.c.refund_reserved_minor + minor
    done = sandbox.connection.execute(
        update(attempts)
        .where(
            attempts.c.attempt_id == attempt.attempt_id,
            attempts.c.state == str(AttemptState.CAPTURED),
            taken <= attempts.c.captured_minor,
        )
        .values(refund_reserved_minor=taken)
    )
    return done.rowcount == 1


def release(sandbox: Sandbox, attempt_id: str, minor: int) -> None:
    """Give back what a refund had set aside and did not take."""
    sandbox.connection.execute(
        update(attempts)
        .where(attempts.c.attempt_id == attempt_id, attempts.c.refund_reserved_minor >= minor)
        .values(refund_reserved_minor=attempts.c.refund_reserved_minor - minor)
    )


def transition(sandbox: Sandbox, refund: Refund, event: str, **changes: Any) -> Refund:
    """
    Take one step of the refund's machine as one conditional UPDATE.

    Raises:
        IllegalTransition: no such step from the state that the row has.
    """
    target = REFUND.target(refund.state, event)
    row = _step.take(
        sandbox.connection,
        refund.number,
        str(refund.state),
        state=str(target),
        updated_at=sandbox.now,
        **changes,
    )
    if row is None:
        message = "The refund moved on meanwhile."
        raise IllegalTransition(message, machine="refund", event=event)
    return _refund(row)


def count_poll(sandbox: Sandbox, refund: Refund) -> int:
    """One poll less until the refund settles; how many are left."""
    left = refunds.c.polls_left - 1
    statement = update(refunds).where(refunds.c.id == refund.number).values(polls_left=left)
    return int(sandbox.connection.execute(statement.returning(refunds.c.polls_left)).scalar_one())


def by_reference(sandbox: Sandbox, reference: str) -> Refund | None:
    """The refund that the seller named so."""
    return _first(sandbox, refunds.c.reference == reference)


def by_id(sandbox: Sandbox, refund_id: str) -> Refund | None:
    """The refund of this id."""
    return _first(sandbox, refunds.c.refund_id == refund_id)


def _first(sandbox: Sandbox, condition: Any) -> Refund | None:
    query = select(refunds).where(refunds.c.seller_id == sandbox.seller_id, condition)
    row = sandbox.connection.execute(query).mappings().first()
    return _refund(row) if row is not None else None


def of_order(sandbox: Sandbox, order_pk: int) -> list[Refund]:
    """An order's refunds, the oldest first."""
    query = select(refunds).where(refunds.c.order_pk == order_pk).order_by(refunds.c.id)
    return [_refund(row) for row in sandbox.connection.execute(query).mappings()]


def listed(
    sandbox: Sandbox,
    *,
    states: tuple[str, ...] = (),
    order_id: str | None = None,
    reference: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Refund]:
    """The seller's refunds, the newest first."""
    query = select(refunds).where(refunds.c.seller_id == sandbox.seller_id)
    if states:
        query = query.where(refunds.c.state.in_(states))
    if order_id:
        query = query.where(refunds.c.order_id == order_id)
    if reference:
        query = query.where(refunds.c.reference == reference)
    if cursor:
        query = query.where(refunds.c.id < number_of("refund", cursor))
    rows = sandbox.connection.execute(query.order_by(refunds.c.id.desc()).limit(limit + 1))
    found = [_refund(row) for row in rows.mappings()]
    return page_of("refund", found, limit, lambda refund: refund.number)


def _refund(row: Mapping[Any, Any]) -> Refund:
    return Refund(
        number=row["id"],
        refund_id=row["refund_id"],
        seller_id=row["seller_id"],
        order_pk=row["order_pk"],
        order_id=row["order_id"],
        attempt_id=row["attempt_id"],
        reference=row["reference"],
        kind=row["kind"],
        state=RefundState(row["state"]),
        amount=Money(row["amount_minor"], row["currency"]),
        digest=row["digest"],
        note=row["note"],
        soft_descriptor=row["soft_descriptor"],
        destination=load(row["destination"]),
        plan=Plan.load(load(row["plan"])),
        scenario=row["scenario"],
        reason_code=row["reason_code"],
        decline=row["decline"],
        held=bool(row["held"]),
        polls_left=row["polls_left"],
        bank_reference_kind=row["bank_reference_kind"],
        bank_reference=row["bank_reference"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        completed_at=row["completed_at"],
    )
