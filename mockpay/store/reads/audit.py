"""The invariants of a world, each as a query that finds what breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, not_, or_, select

from mockpay.domain.notifications import DeliveryState
from mockpay.domain.orders import PAID
from mockpay.domain.payments.attempts import LIVE, AttemptState
from mockpay.store.attempts import attempts
from mockpay.store.notifications import notifications
from mockpay.store.orders import orders
from mockpay.store.reads import ledger_audit, refund_audit, reload_audit
from mockpay.store.reads.violations import SELLER, Check, Rule, Violation, check_of, seller_of
from mockpay.store.refunds import refunds
from mockpay.store.transitions import timeline
from mockpay.store.unit_of_work import Sandbox


def _count_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


_is_captured = attempts.c.state == str(AttemptState.CAPTURED)
_is_reversed = attempts.c.state == str(AttemptState.REVERSED)
_captured_money = or_(_is_captured, and_(_is_reversed, attempts.c.captured_minor > 0))

#: The capture of a part says what it released of the hold.
_released_rest = exists().where(
    timeline.c.order_pk == attempts.c.order_pk,
    timeline.c.subject == attempts.c.attempt_id,
    timeline.c.event == "capture",
    not_(timeline.c.facts.contains('"released":"0.00"', autoescape=True)),
)
_in_part = and_(_captured_money, _released_rest)

#: What the attempts of each of the seller's orders add up to.
_sums = (
    select(
        attempts.c.order_pk,
        _count_of(_is_captured).label("captured"),
        _count_of(_captured_money).label("took"),
        _count_of(attempts.c.state.in_(sorted(LIVE))).label("live"),
        func.coalesce(func.sum(attempts.c.captured_minor), 0).label("minor"),
        _count_of(_in_part).label("in_part"),
    )
    .where(attempts.c.seller_id == SELLER)
    .group_by(attempts.c.order_pk)
    .subquery()
)


def _sum(name: str) -> ColumnElement[int]:
    return func.coalesce(_sums.c[name], 0)


_is_paid = orders.c.state.in_(sorted(PAID))

#: (rule, what breaks it, in words) of orders.
_ORDER_RULES: tuple[Rule, ...] = (
    (
        "paid.one_capture",
        and_(_is_paid, _sum("took") != 1),
        "A paid order must have exactly one attempt that took the money.",
    ),
    (
        "paid.amount",
        and_(
            _is_paid,
            _sum("minor") != orders.c.amount_minor,
            not_(and_(_sum("in_part") == 1, _sum("minor").between(1, orders.c.amount_minor))),
        ),
        "What was captured must be the order's amount, or a part of it whose capture released the rest.",
    ),
    (
        "paid.reversed_unrefunded",
        and_(_is_paid, _sum("captured") == 0, _sum("took") > 0, orders.c.refunded_minor < _sum("minor")),
        "An order whose capture was reversed must be refunded in full.",
    ),
    ("order.captured_twice", _sum("captured") > 1, "An order can have one captured attempt at most."),
    (
        "unpaid.captured",
        and_(not_(_is_paid), or_(_sum("took") > 0, _sum("minor") != 0)),
        "An order that is not paid must not keep money.",
    ),
    ("refund.exceeds_capture", orders.c.refunded_minor > _sum("minor"), "No more can be refunded than was captured."),
    ("order.two_live_attempts", _sum("live") > 1, "Two attempts of an order run at once."),
    (
        "order.negative",
        or_(orders.c.amount_minor < 0, orders.c.refunded_minor < 0),
        "An order's amounts cannot be negative.",
    ),
)

#: The same of attempts.
_ATTEMPT_RULES: tuple[Rule, ...] = (
    (
        "attempt.captured_without_state",
        and_(attempts.c.captured_minor > 0, not_(or_(_is_captured, _is_reversed))),
        "Money was captured by an attempt whose state says that none was.",
    ),
    (
        "attempt.negative",
        or_(attempts.c.amount_minor < 0, attempts.c.captured_minor < 0, attempts.c.refund_reserved_minor < 0),
        "An attempt's amounts cannot be negative.",
    ),
)


_orders = check_of(
    select(orders.c.order_id)
    .select_from(orders.outerjoin(_sums, _sums.c.order_pk == orders.c.id))
    .where(orders.c.seller_id == SELLER)
    .order_by(orders.c.id),
    _ORDER_RULES,
)
_attempts = check_of(
    select(attempts.c.attempt_id)
    .where(attempts.c.seller_id == SELLER)
    .order_by(attempts.c.order_pk, attempts.c.number),
    _ATTEMPT_RULES,
)

_BEFORE_SENDING = (str(DeliveryState.QUEUED), str(DeliveryState.RETRY_WAIT))


def _disagree(last_line: ColumnElement[str], state: ColumnElement[str]) -> ColumnElement[bool]:
    """A sender that takes a notification tells nothing: it was waiting, and is being sent."""
    claimed = and_(state == str(DeliveryState.SENDING), last_line.in_(_BEFORE_SENDING))
    return and_(last_line != state, not_(claimed))


@cache
def _last_lines() -> list[Select[Any]]:
    """For each table of things with a state: name, state, and what the last line says."""
    queries = []
    for machine, table, order_pk, name in (
        ("order", orders, orders.c.id, orders.c.order_id),
        ("attempt", attempts, attempts.c.order_pk, attempts.c.attempt_id),
        ("refund", refunds, refunds.c.order_pk, refunds.c.refund_id),
        ("notification", notifications, notifications.c.order_pk, notifications.c.notification_id),
    ):
        # By the index of an order's lines: a join of all last lines is planned by row counts that
        # PostgreSQL does not have yet, and takes ten times as long when it guesses wrong.
        last = (
            select(timeline.c.after)
            .where(timeline.c.order_pk == order_pk, timeline.c.machine == machine)
            .where(timeline.c.subject == name)
            .order_by(timeline.c.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        last_state = func.coalesce(last, literal("nothing"))
        queries.append(
            select(name, table.c.state, last_state)
            .where(table.c.seller_id == SELLER)
            .where(_disagree(last_state, table.c.state))
        )
    return queries


def _timelines(sandbox: Sandbox) -> Iterator[Violation]:
    """The last line of everything that has a state must agree with its row."""
    for query in _last_lines():
        for subject, state, last_state in sandbox.connection.execute(query, seller_of(sandbox)):
            description = f"The row says {state}, the timeline's last line says {last_state}."
            yield Violation("timeline.last_line", subject, description)


CHECKS: tuple[Check, ...] = (
    _orders,
    _attempts,
    _timelines,
    *refund_audit.CHECKS,
    *ledger_audit.CHECKS,
    *reload_audit.CHECKS,
)


def audit(sandbox: Sandbox) -> list[Violation]:
    """Every broken invariant of the seller's world; an empty list for a sound one."""
    return [violation for check in CHECKS for violation in check(sandbox)]
