"""The invariants of balances, each as a query that finds what breaks it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, String, and_, case, cast, exists, func, literal, or_, select

from mockpay.domain import wallet as rules
from mockpay.domain.payments.attempts import LIVE, AttemptState
from mockpay.domain.wallet import MAY_BE_NEGATIVE, JournalType, Kind
from mockpay.store.attempts import attempts
from mockpay.store.reads.violations import SELLER, Check, Violation, check_of
from mockpay.store.unit_of_work import Sandbox
from mockpay.store.wallet import accounts, journals, postings


def _journals(sandbox: Sandbox) -> Iterator[Violation]:
    """Every journal takes as much as it gives."""
    total = func.coalesce(func.sum(postings.c.amount_minor), 0)
    credited = func.coalesce(func.sum(case((postings.c.amount_minor > 0, postings.c.amount_minor))), 0)
    query = (
        select(journals.c.key)
        .select_from(journals.outerjoin(postings, postings.c.journal_id == journals.c.id))
        .where(journals.c.seller_id == sandbox.seller_id)
        .group_by(journals.c.id, journals.c.key, journals.c.amount_minor)
        .having(or_(total != 0, credited != journals.c.amount_minor))
        .order_by(journals.c.id)
    )
    for key in sandbox.connection.execute(query).scalars():
        description = "A journal's postings must sum to nought and move its amount."
        yield Violation("ledger.journal", key, description)


def _balances(sandbox: Sandbox) -> Iterator[Violation]:
    """Every balance is what its postings add up to."""
    total = func.coalesce(func.sum(postings.c.amount_minor), 0)
    query = (
        select(accounts.c.owner, accounts.c.kind, accounts.c.balance_minor, total)
        .select_from(accounts.outerjoin(postings, postings.c.account_id == accounts.c.id))
        .where(accounts.c.seller_id == sandbox.seller_id)
        .group_by(accounts.c.id, accounts.c.owner, accounts.c.kind, accounts.c.balance_minor)
        .having(accounts.c.balance_minor != total)
        .order_by(accounts.c.id)
    )
    for owner, kind, balance, summed in sandbox.connection.execute(query):
        description = f"The balance is {balance} paise, its postings add up to {summed}."
        yield Violation("ledger.balance", _account(owner, kind), description)


def _overdrawn(sandbox: Sandbox) -> Iterator[Violation]:
    """Only the outside world may owe; the row's own mark is not asked."""
    query = (
        select(accounts.c.owner, accounts.c.kind)
        .where(accounts.c.seller_id == sandbox.seller_id, accounts.c.balance_minor < 0)
        .where(accounts.c.kind.not_in(sorted(MAY_BE_NEGATIVE)))
        .order_by(accounts.c.id)
    )
    for owner, kind in sandbox.connection.execute(query):
        yield Violation("ledger.overdrawn", _account(owner, kind), "The account is below nought.")


def _holds(sandbox: Sandbox) -> Iterator[Violation]:
    """What is held of a buyer's balance is what unfinished attempts hold."""
    held = (
        select(func.coalesce(func.sum(journals.c.amount_minor), 0))
        .select_from(journals.join(attempts, attempts.c.attempt_id == journals.c.attempt_id))
        .where(
            journals.c.seller_id == sandbox.seller_id,
            journals.c.owner == accounts.c.owner,
            journals.c.type == str(JournalType.HOLD),
            attempts.c.state.in_(sorted(LIVE)),
        )
        .correlate(accounts)
        .scalar_subquery()
    )
    query = (
        select(accounts.c.owner, accounts.c.balance_minor, held)
        .where(accounts.c.seller_id == sandbox.seller_id)
        .where(accounts.c.kind == str(Kind.WALLET_HOLD), accounts.c.balance_minor != held)
        .order_by(accounts.c.id)
    )
    for owner, balance, expected in sandbox.connection.execute(query):
        description = f"{balance} paise are held, unfinished attempts hold {expected}."
        yield Violation("wallet.hold", owner, description)


def _posted(kind: JournalType) -> ColumnElement[bool]:
    """Whether the attempt has a journal of this kind over what it captured."""
    nothing_captured = attempts.c.captured_minor == 0
    conditions = [
        journals.c.seller_id == attempts.c.seller_id,
        journals.c.attempt_id == attempts.c.attempt_id,
        journals.c.type == str(kind),
        or_(nothing_captured, journals.c.amount_minor == attempts.c.captured_minor),
    ]
    if kind is JournalType.REFUND:
        # Its refunds have journals as well, under names of their own (see refund_audit).
        own = cast(literal("refund:"), String) + attempts.c.attempt_id
        conditions.append(journals.c.key == own)
    return exists().where(*conditions)


_captured = attempts.c.captured_minor > 0
_back = and_(_captured, attempts.c.state == str(AttemptState.REVERSED))
#: An attempt by balance took money if and only if a journal did; likewise the way back.
_captures = check_of(
    select(attempts.c.attempt_id)
    .where(attempts.c.seller_id == SELLER, attempts.c.method == rules.METHOD)
    .order_by(attempts.c.order_pk, attempts.c.number),
    (
        ("wallet.capture", _captured != _posted(JournalType.CAPTURE), "A capture and its journal must go together."),
        (
            "wallet.refund",
            _back != _posted(JournalType.REFUND),
            "A captured balance that was sent back and its journal must go together.",
        ),
    ),
)


def _account(owner: str, kind: str) -> str:
    return f"{kind} of {owner}" if owner else kind


CHECKS: tuple[Check, ...] = (_journals, _balances, _overdrawn, _holds, _captures)
