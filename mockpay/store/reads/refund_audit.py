"""The invariants of refunds, each as a query that finds what breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, String, and_, cast, exists, func, literal, not_, or_, select

from mockpay.domain.payments.attempts import AttemptState
from mockpay.domain.refunds import RefundState
from mockpay.domain.wallet.ledger import METHOD as BALANCE
from mockpay.domain.wallet.ledger import JournalType, load_refund_key
from mockpay.store.attempts import attempts
from mockpay.store.orders import orders
from mockpay.store.reads.violations import SELLER, Check, Rule, Violation, check_of, seller_of
from mockpay.store.refunds import refunds
from mockpay.store.unit_of_work import Sandbox
from mockpay.store.wallet import journals

#: Refunds that hold a part of what was captured, for now or for good.
_RESERVING = (str(RefundState.PENDING), str(RefundState.COMPLETED))
#: Refunds whose money reached the buyer, whatever came of it later.
_ARRIVED = (str(RefundState.COMPLETED), str(RefundState.REVERSED))


def _sum(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    total = select(func.coalesce(func.sum(refunds.c.amount_minor), 0)).where(*conditions)
    return total.correlate(orders, attempts).scalar_subquery()


@cache
def _wrong_sums() -> Select[Any]:
    """Orders whose refunded sum is not that of their completed refunds."""
    completed = refunds.c.state == str(RefundState.COMPLETED)
    summed = _sum(refunds.c.order_pk == orders.c.id, completed)
    # Money that was sent back because the seller was told FAILURE has no refund of its own.
    reversed_ = exists().where(
        attempts.c.order_pk == orders.c.id,
        attempts.c.state == str(AttemptState.REVERSED),
        attempts.c.captured_minor > 0,
    )
    return (
        select(orders.c.order_id, orders.c.refunded_minor, summed)
        .where(orders.c.seller_id == SELLER, ~reversed_)
        .where(orders.c.refunded_minor != summed)
        .order_by(orders.c.id)
    )


def _orders(sandbox: Sandbox) -> Iterator[Violation]:
    """What an order says was refunded is what its completed refunds add up to."""
    rows = sandbox.connection.execute(_wrong_sums(), seller_of(sandbox))
    for subject, refunded, expected in rows:
        description = f"{refunded} paise are told as refunded, completed refunds add up to {expected}."
        yield Violation("refund.sum", subject, description)


@cache
def _wrong_reserves() -> Select[Any]:
    """Attempts that reserve something else than their refunds hold, or more than they took."""
    of_attempt = refunds.c.attempt_id == attempts.c.attempt_id
    summed = _sum(of_attempt, refunds.c.state.in_(_RESERVING))
    return (
        select(attempts.c.attempt_id, attempts.c.refund_reserved_minor, attempts.c.captured_minor, summed.label("held"))
        .where(attempts.c.seller_id == SELLER)
        .where(
            or_(
                attempts.c.refund_reserved_minor != summed, attempts.c.refund_reserved_minor > attempts.c.captured_minor
            )
        )
        .order_by(attempts.c.order_pk, attempts.c.number)
    )


def _attempts(sandbox: Sandbox) -> Iterator[Violation]:
    """What an attempt has reserved is what its refunds hold, and no more than it captured."""
    for row in sandbox.connection.execute(_wrong_reserves(), seller_of(sandbox)):
        reserved, captured = row.refund_reserved_minor, row.captured_minor
        if reserved != row.held:
            description = f"{reserved} paise are reserved, refunds hold {row.held}."
            yield Violation("refund.reserved", row.attempt_id, description)
        if reserved > captured:
            description = f"{reserved} paise are reserved, {captured} were captured."
            yield Violation("refund.over_reserved", row.attempt_id, description)


def _arrived() -> ColumnElement[bool]:
    return refunds.c.state.in_(_ARRIVED)


def _journal(kind: JournalType, prefix: str = "", *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the balance was moved by this refund's own journal, by its amount."""
    return exists().where(
        journals.c.seller_id == refunds.c.seller_id,
        journals.c.key == cast(literal(prefix or f"{kind.lower()}:"), String) + refunds.c.refund_id,
        journals.c.type == str(kind),
        journals.c.amount_minor == refunds.c.amount_minor,
        *conditions,
    )


_back = journals.alias("back")
_of_load = exists().where(orders.c.id == refunds.c.order_pk, orders.c.wallet_owner.is_not(None))
_owners = exists().where(orders.c.id == refunds.c.order_pk, orders.c.wallet_owner == journals.c.owner)
_returned = exists().where(_back.c.reverses == journals.c.id)
_debit = JournalType.TOPUP_REFUND, load_refund_key("")


_by_balance = exists().where(attempts.c.attempt_id == refunds.c.attempt_id, attempts.c.method == BALANCE)
_reversed = refunds.c.state == str(RefundState.REVERSED)
_undone = refunds.c.state.in_([str(RefundState.DECLINED), str(RefundState.REVERSED)])

#: (rule, what breaks it, in words) of refunds.
_REFUND_RULES: tuple[Rule, ...] = (
    ("refund.amount", refunds.c.amount_minor <= 0, "A refund must be of some money."),
    (
        "refund.completed_at",
        _arrived() != refunds.c.completed_at.is_not(None),
        "When it was completed and whether it was contradict each other.",
    ),
    (
        "refund.reason",
        (refunds.c.state == str(RefundState.DECLINED)) != refunds.c.reason_code.is_not(None),
        "A declined refund has a reason, and no other one has.",
    ),
    (
        "refund.credit",
        and_(_by_balance, _arrived() != _journal(JournalType.REFUND)),
        "A refund to a balance and its journal must go together.",
    ),
    (
        "refund.chargeback",
        and_(_by_balance, _reversed != _journal(JournalType.CHARGEBACK)),
        "A refund that was taken back from a balance and its journal must go together.",
    ),
    (
        "refund.debit",
        _of_load != _journal(*_debit, _owners),
        "A refund of added money and the journal that takes it from the balance must go together.",
    ),
    (
        "refund.return",
        and_(_of_load, _undone != _journal(*_debit, _returned)),
        "Added money that was not refunded after all and the journal that gives it back must go together.",
    ),
)


_refunds = check_of(
    select(refunds.c.refund_id).where(refunds.c.seller_id == SELLER).order_by(refunds.c.id), _REFUND_RULES
)

_debits = check_of(
    select(journals.c.key)
    .where(journals.c.seller_id == SELLER, journals.c.type == str(JournalType.TOPUP_REFUND))
    .order_by(journals.c.id),
    (
        (
            "refund.debit",
            not_(exists().where(refunds.c.refund_id == journals.c.refund_id)),
            "Added money leaves a balance for a refund only.",
        ),
    ),
)

CHECKS: tuple[Check, ...] = (_orders, _attempts, _refunds, _debits)
