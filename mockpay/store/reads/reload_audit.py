"""The invariants of auto-reload: a run charges once, and what it credited is in the ledger."""

from __future__ import annotations

from sqlalchemy import String, and_, cast, exists, literal, not_, or_, select

from mockpay.domain.orders import OrderKind
from mockpay.domain.payments.attempts import AttemptState
from mockpay.domain.wallet.auto_reload import IN_FLIGHT, UNFINISHED, RunState
from mockpay.domain.wallet.ledger import JournalType
from mockpay.store.attempts import attempts
from mockpay.store.auto_reloads import reloads, runs, waiting
from mockpay.store.orders import orders
from mockpay.store.reads.violations import SELLER, Check, check_of
from mockpay.store.wallet import journals

_credited = exists().where(
    journals.c.id == runs.c.journal,
    journals.c.seller_id == runs.c.seller_id,
    journals.c.owner == runs.c.owner,
    journals.c.type == str(JournalType.AUTO_RELOAD),
    journals.c.amount_minor == runs.c.amount_minor,
)
_succeeded = runs.c.state == str(RunState.SUCCEEDED)
_charging = runs.c.state == str(RunState.CHARGING)
_runs = check_of(
    select(cast(literal("run "), String) + cast(runs.c.id, String))
    .where(runs.c.seller_id == SELLER)
    .order_by(runs.c.id),
    (
        (
            "reload.credit",
            or_(and_(_succeeded, not_(_credited)), and_(not_(_succeeded), runs.c.journal.is_not(None))),
            "A reload that succeeded, and no other, must have its entry of the same amount.",
        ),
        (
            "reload.charge",
            and_(or_(_succeeded, _charging), runs.c.order_id.is_(None)),
            "A reload that charges must have its order.",
        ),
    ),
)

_run_of_order = exists().where(runs.c.seller_id == orders.c.seller_id, runs.c.order_id == orders.c.order_id)
_orders = check_of(
    select(orders.c.order_id)
    .where(orders.c.seller_id == SELLER, orders.c.kind == str(OrderKind.RELOAD))
    .order_by(orders.c.id),
    (
        ("reload.order", not_(_run_of_order), "An order of auto-reload must have its run."),
        ("reload.once", orders.c.attempt_count > 1, "A reload is charged once."),
    ),
)

_unfinished = exists().where(
    runs.c.seller_id == reloads.c.seller_id, runs.c.owner == reloads.c.owner, runs.c.state.in_(sorted(UNFINISHED))
)
_states = check_of(
    select(reloads.c.owner).where(reloads.c.seller_id == SELLER).order_by(reloads.c.id),
    (
        (
            "reload.state",
            and_(reloads.c.state.in_(sorted(IN_FLIGHT)), not_(_unfinished)),
            "An auto-reload under way must have a run that has not ended.",
        ),
    ),
)

_awaited = exists().where(
    runs.c.seller_id == waiting.c.seller_id, runs.c.owner == waiting.c.owner, runs.c.state.in_(sorted(UNFINISHED))
)
_pending = exists().where(
    attempts.c.seller_id == waiting.c.seller_id,
    attempts.c.attempt_id == waiting.c.attempt_id,
    attempts.c.state == str(AttemptState.PENDING),
)
_waiting = check_of(
    select(waiting.c.attempt_id).where(waiting.c.seller_id == SELLER).order_by(waiting.c.attempt_id),
    (
        (
            "reload.waiting",
            or_(not_(_awaited), not_(_pending)),
            "A payment that waits must be pending, and a reload must be under way.",
        ),
    ),
)

CHECKS: tuple[Check, ...] = (_runs, _orders, _states, _waiting)
