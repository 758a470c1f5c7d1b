"""Refunds, and the money that they reserve."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table, UniqueConstraint, select, update

from mockpay.domain.payments.attempts import Attempt, AttemptState
from mockpay.domain.refunds import REFUND, Refund
from mockpay.store.attempts import attempts
from mockpay.store.db.mapping import Mapper
from mockpay.store.db.metadata import big, metadata, row_id, text
from mockpay.store.db.paging import PAGE, Page, number_of, page_of
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
    text("facts"),
    UniqueConstraint("seller_id", "reference"),
    UniqueConstraint("seller_id", "refund_id"),
    Index("refunds_of_order", "order_pk", "id"),
    Index("refunds_of_seller", "seller_id", "id"),
)

mapper = Mapper(Refund, refunds, machine=REFUND, id="number")


def add(sandbox: Sandbox, refund: Refund) -> Refund:
    """Store a new refund; the refund with its row number."""
    return mapper.insert(sandbox.connection, refund)


def reserve(sandbox: Sandbox, attempt: Attempt, minor: int) -> bool:
    """Set so many captured paise aside for a refund; False where that much is not left."""
    reserved = attempts.c.refund_reserved_minor + minor
    result = sandbox.connection.execute(
        update(attempts)
        .where(
            attempts.c.attempt_id == attempt.attempt_id,
            attempts.c.state == str(AttemptState.CAPTURED),
            reserved <= attempts.c.captured_minor,
        )
        .values(refund_reserved_minor=reserved)
    )
    return result.rowcount == 1


def release(sandbox: Sandbox, attempt_id: str, minor: int) -> None:
    """Give back the paise that a refund had set aside and did not take."""
    sandbox.connection.execute(
        update(attempts)
        .where(attempts.c.attempt_id == attempt_id, attempts.c.refund_reserved_minor >= minor)
        .values(refund_reserved_minor=attempts.c.refund_reserved_minor - minor)
    )


def count_poll(sandbox: Sandbox, refund: Refund) -> int:
    """One poll less until the refund settles; how many are left."""
    remaining = refunds.c.polls_left - 1
    statement = update(refunds).where(refunds.c.id == refund.number).values(polls_left=remaining)
    return int(sandbox.connection.execute(statement.returning(refunds.c.polls_left)).scalar_one())


def by_reference(sandbox: Sandbox, reference: str) -> Refund | None:
    """The refund with the seller's own id."""
    of_seller = refunds.c.seller_id == sandbox.seller_id
    return mapper.first(sandbox.connection, of_seller, refunds.c.reference == reference)


def by_id(sandbox: Sandbox, refund_id: str) -> Refund | None:
    """The refund with the provider's id."""
    of_seller = refunds.c.seller_id == sandbox.seller_id
    return mapper.first(sandbox.connection, of_seller, refunds.c.refund_id == refund_id)


def of_order(sandbox: Sandbox, order_pk: int) -> list[Refund]:
    """An order's refunds, the oldest first."""
    query = select(refunds).where(refunds.c.order_pk == order_pk).order_by(refunds.c.id)
    return mapper.all(sandbox.connection, query)


def list_page(
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
    rows = mapper.all(sandbox.connection, query.order_by(refunds.c.id.desc()).limit(limit + 1))
    return page_of("refund", rows, limit, lambda refund: refund.number)
