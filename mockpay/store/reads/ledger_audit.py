"""The invariants of balances, each as a query that finds what breaks it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, String, and_, case, cast, exists, func, literal, not_, or_, select

from mockpay.domain.payments.attempts import LIVE, AttemptState
from mockpay.domain.wallet.ledger import LOADED, LOADS, MAY_BE_NEGATIVE, METHOD, SPENDABLE, JournalType, Kind
from mockpay.store.attempts import attempts
from mockpay.store.gifts import grants, uses
from mockpay.store.orders import orders
from mockpay.store.reads.violations import SELLER, Check, Violation, check_of
from mockpay.store.schedule import WAITING
from mockpay.store.schedule import events as scheduled
from mockpay.store.unit_of_work import Sandbox
from mockpay.store.wallet import accounts, journals, postings
from mockpay.store.wallet_profiles import months


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
    .where(attempts.c.seller_id == SELLER, attempts.c.method == METHOD)
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


#: The event that sends back what a wallet could not take.
_on_its_way_back = exists().where(
    scheduled.c.seller_id == attempts.c.seller_id,
    scheduled.c.subject == attempts.c.attempt_id,
    scheduled.c.kind == "attempt.reverse",
    scheduled.c.state == WAITING,
)
_of_load = and_(
    journals.c.seller_id == attempts.c.seller_id,
    journals.c.attempt_id == attempts.c.attempt_id,
    journals.c.type.in_(sorted(LOADS)),
)
_credited = exists().where(
    _of_load, journals.c.owner == orders.c.wallet_owner, journals.c.amount_minor == attempts.c.captured_minor
)
_reversal = journals.alias("reversal")
#: Money that was paid into a wallet is in its ledger, or was sent back.
_loads = check_of(
    select(attempts.c.attempt_id)
    .join_from(attempts, orders, orders.c.id == attempts.c.order_pk)
    .where(attempts.c.seller_id == SELLER, orders.c.wallet_owner.is_not(None))
    .order_by(attempts.c.order_pk, attempts.c.number),
    (
        (
            "wallet.load",
            and_(attempts.c.state == str(AttemptState.CAPTURED), not_(_credited), not_(_on_its_way_back)),
            "What was captured for a wallet must be credited or go back.",
        ),
        (
            "wallet.load",
            and_(attempts.c.state != str(AttemptState.CAPTURED), _credited),
            "A wallet is credited with nothing but captured money.",
        ),
        (
            "wallet.load",
            and_(attempts.c.refund_reserved_minor > 0, exists().where(_of_load, _reversal.c.reverses == journals.c.id)),
            "What was added is either reversed or refunded.",
        ),
    ),
)


def _account(owner: str, kind: str) -> str:
    return f"{kind} of {owner}" if owner else kind


def _orphans(sandbox: Sandbox) -> Iterator[Violation]:
    """Every posting has a journal and an account of the same seller."""
    query = (
        select(postings.c.id)
        .select_from(
            postings.outerjoin(journals, journals.c.id == postings.c.journal_id).outerjoin(
                accounts, accounts.c.id == postings.c.account_id
            )
        )
        .where(postings.c.seller_id == sandbox.seller_id)
        .where(
            or_(
                func.coalesce(journals.c.seller_id, "") != sandbox.seller_id,
                func.coalesce(accounts.c.seller_id, "") != sandbox.seller_id,
            )
        )
        .order_by(postings.c.id)
    )
    for number in sandbox.connection.execute(query).scalars():
        yield Violation("ledger.posting", f"posting {number}", "A posting must have its journal and its account.")


def _entries(sandbox: Sandbox) -> Iterator[Violation]:
    """What a history shows as a journal's change is what its postings did to money and gifts."""
    spendable = case((accounts.c.kind.in_(sorted(SPENDABLE)), postings.c.amount_minor), else_=0)
    query = (
        select(journals.c.key)
        .join_from(journals, postings, postings.c.journal_id == journals.c.id)
        .join(accounts, accounts.c.id == postings.c.account_id)
        .where(journals.c.seller_id == sandbox.seller_id)
        .group_by(journals.c.id, journals.c.key, journals.c.change_minor)
        .having(func.sum(spendable) != journals.c.change_minor)
        .order_by(journals.c.id)
    )
    for key in sandbox.connection.execute(query).scalars():
        yield Violation("ledger.entry", key, "An entry's change must be that of its postings on money and gifts.")


_used = select(func.coalesce(func.sum(uses.c.amount_minor), 0)).where(uses.c.grant_id == grants.c.id).scalar_subquery()
_gifts = check_of(
    select(cast(literal("grant "), String) + cast(grants.c.id, String)).where(grants.c.seller_id == SELLER),
    (
        (
            "gift.exceeds_grant",
            or_(grants.c.remaining_minor < 0, grants.c.remaining_minor > grants.c.amount_minor),
            "What is left of a gift lies between nought and what was granted.",
        ),
        ("gift.uses", grants.c.remaining_minor != _used, "What is left of a gift must be what its journals left."),
    ),
)


def _gift_balances(sandbox: Sandbox) -> Iterator[Violation]:
    """A buyer's gifts are what is left of the grants."""
    remaining = (
        select(func.coalesce(func.sum(grants.c.remaining_minor), 0))
        .where(grants.c.seller_id == accounts.c.seller_id, grants.c.owner == accounts.c.owner)
        .correlate(accounts)
        .scalar_subquery()
    )
    query = (
        select(accounts.c.owner, accounts.c.balance_minor, remaining)
        .where(accounts.c.seller_id == sandbox.seller_id, accounts.c.kind == str(Kind.WALLET_GIFT))
        .where(accounts.c.balance_minor != remaining)
        .order_by(accounts.c.id)
    )
    for owner, balance, expected in sandbox.connection.execute(query):
        description = f"The gifts are {balance} paise, of the grants {expected} are left."
        yield Violation("gift.balance", owner, description)


_first = journals.alias("first")


def _reversals(sandbox: Sandbox) -> Iterator[Violation]:
    """A reversal names the journal that it takes back, of the same buyer and amount."""
    same = and_(_first.c.id == journals.c.reverses, _first.c.owner == journals.c.owner)
    query = (
        select(journals.c.key)
        .select_from(journals.outerjoin(_first, same))
        .where(journals.c.seller_id == sandbox.seller_id)
        .where(
            or_(
                (journals.c.type == str(JournalType.REVERSAL)) != journals.c.reverses.is_not(None),
                and_(
                    journals.c.reverses.is_not(None),
                    func.coalesce(_first.c.change_minor, 0) != -journals.c.change_minor,
                ),
            )
        )
        .order_by(journals.c.id)
    )
    for key in sandbox.connection.execute(query).scalars():
        yield Violation("ledger.reversal", key, "A reversal must take back one journal, all of it.")


def _months(sandbox: Sandbox) -> Iterator[Violation]:
    """What counts as loaded and spent in all months is what the journals loaded and spent."""
    effect = func.coalesce(_first.c.type, journals.c.type)
    opening = cast(literal("opening:"), String) + journals.c.owner
    is_opening = func.coalesce(_first.c.key, journals.c.key) == opening
    loaded = case((and_(effect.in_(sorted(LOADED)), not_(is_opening)), postings.c.amount_minor), else_=0)
    spent = case((effect.in_([str(JournalType.HOLD), str(JournalType.RELEASE)]), -postings.c.amount_minor), else_=0)
    moved = (
        select(journals.c.owner, func.sum(loaded).label("loaded"), func.sum(spent).label("spent"))
        .select_from(
            journals.join(postings, postings.c.journal_id == journals.c.id)
            .join(accounts, accounts.c.id == postings.c.account_id)
            .outerjoin(_first, _first.c.id == journals.c.reverses)
        )
        .where(journals.c.seller_id == sandbox.seller_id, accounts.c.kind == str(Kind.WALLET_MONEY))
        .group_by(journals.c.owner)
        .subquery()
    )
    counted = (
        select(months.c.owner, func.sum(months.c.loaded_minor), func.sum(months.c.spent_minor))
        .where(months.c.seller_id == sandbox.seller_id)
        .group_by(months.c.owner)
    )
    by_owner = {owner: (loaded, spent) for owner, loaded, spent in sandbox.connection.execute(counted)}
    for owner, *sums in sandbox.connection.execute(select(moved).order_by(moved.c.owner)):
        if tuple(sums) != by_owner.get(owner, (0, 0)):
            yield Violation("wallet.months", owner, "What counts under the limits must be what the journals moved.")


CHECKS: tuple[Check, ...] = (
    _journals,
    _balances,
    _overdrawn,
    _orphans,
    _entries,
    _reversals,
    _holds,
    _captures,
    _loads,
    _gifts,
    _gift_balances,
    _months,
)
