"""
Accounts, journals and postings: double entry, by conditional updates.

The database itself refuses to change a posting, and to delete one whose journal is there (decision 0018).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from msgspec.structs import replace
from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Table,
    UniqueConstraint,
    bindparam,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.event import listen

from mockpay.domain.wallet.ledger import (
    MAY_BE_NEGATIVE,
    OF_BUYER,
    SPENDABLE,
    Direction,
    Journal,
    JournalFacts,
    JournalType,
    Kind,
)
from mockpay.kernel.errors import Conflict
from mockpay.kernel.money import Money
from mockpay.store.db.mapping import Mapper, Prepared, insert_new, insert_row
from mockpay.store.db.metadata import big, metadata, partial_index, row_id, text
from mockpay.store.unit_of_work import Sandbox

accounts = Table(
    "accounts",
    metadata,
    row_id(),
    text("seller_id"),
    text("owner"),
    text("kind"),
    text("currency"),
    big("balance_minor", default=0),
    Column("may_be_negative", Boolean, nullable=False),
    UniqueConstraint("seller_id", "owner", "kind"),
    CheckConstraint("may_be_negative OR balance_minor >= 0", name="accounts_never_below_nought"),
)

#: Each filter of a history has its index, so that a page costs the same however long the history is.
journals = Table(
    "journals",
    metadata,
    row_id(),
    text("seller_id"),
    text("type"),
    text("key"),
    text("owner"),
    big("amount_minor"),
    text("currency"),
    big("change_minor", default=0),
    text("direction", null=True),
    big("balance_after_minor", default=0),
    text("attempt_id", null=True),
    text("refund_id", null=True),
    big("reverses", null=True),
    text("note", null=True),
    Column("over_cap", Boolean, nullable=False, default=False),
    big("posted_at"),
    UniqueConstraint("seller_id", "key"),
    Index("journals_by_both", "seller_id", "owner", "type", "direction", "posted_at", "id"),
    Index("journals_by_type", "seller_id", "owner", "type", "posted_at", "id"),
    Index("journals_of_owner", "seller_id", "owner", "posted_at", "id"),
    Index("journals_of_attempt", "attempt_id"),
)
# Of two indexes that seem equal SQLite takes the one that was made first, and partial ones are made last: a type and a
# direction must be found by their common one.
_by_direction = "seller_id, owner, direction, posted_at, id"
partial_index(journals, "journals_by_direction", _by_direction, where="direction IS NOT NULL")
#: A journal is reversed once.
partial_index(journals, "journals_reversed", "reverses", where="reverses IS NOT NULL", unique=True)

mapper = Mapper(Journal, journals, id="number")

postings = Table(
    "postings",
    metadata,
    row_id(),
    text("seller_id"),
    big("journal_id"),
    big("account_id"),
    big("amount_minor"),
    big("balance_after_minor"),
    Index("postings_of_account", "account_id", "id"),
    Index("postings_of_journal", "journal_id"),
    Index("postings_of_seller", "seller_id"),
)

#: When a trigger refuses: a changed posting, and a deleted one whose journal is there.
_REFUSED = {"UPDATE": "true", "DELETE": "EXISTS (SELECT 1 FROM journals WHERE id = OLD.journal_id)"}


def _refuse(event: str, condition: str) -> dict[str, list[str]]:
    """The statements of each kind of database that refuse an event of a posting."""
    name, message = f"postings_refuse_{event.lower()}", "a posting is never changed, nor deleted before its journal"
    head = f"CREATE TRIGGER {name} BEFORE {event} ON postings"
    raised = f"IF {condition} THEN RAISE EXCEPTION '{message}'; END IF; RETURN OLD;"
    return {
        "sqlite": [f"{head} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"],
        "postgresql": [
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {raised} END $$",
            f"{head} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ],
    }


for _event, _condition in _REFUSED.items():
    for _dialect, _statements in _refuse(_event, _condition).items():
        for _statement in _statements:
            listen(postings, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]

#: Whose the accounts are that belong to no buyer.
HOUSE = ""

_by_key = Prepared(
    select(journals).where(journals.c.seller_id == bindparam("seller_id"), journals.c.key == bindparam("key"))
)
_of_owner = Prepared(
    select(accounts.c.kind, accounts.c.balance_minor).where(
        accounts.c.seller_id == bindparam("seller_id"), accounts.c.owner == bindparam("owner")
    )
)
_balances = Prepared(
    select(accounts.c.kind, accounts.c.id, accounts.c.balance_minor).where(
        accounts.c.seller_id == bindparam("seller_id"), accounts.c.owner.in_([bindparam("owner"), bindparam("house")])
    )
)


def balance(sandbox: Sandbox, owner: str, kind: Kind) -> int | None:
    """An account's balance in paise; None where there is no such account yet."""
    query = select(accounts.c.balance_minor).where(
        accounts.c.seller_id == sandbox.seller_id, accounts.c.owner == owner, accounts.c.kind == str(kind)
    )
    return sandbox.connection.execute(query).scalar()


def balances(sandbox: Sandbox, owner: str) -> dict[Kind, int]:
    """The balances of all accounts of a buyer, in paise; empty before the first journal."""
    rows = _of_owner.run(sandbox.connection, {"seller_id": sandbox.seller_id, "owner": owner}).fetchall()
    return {Kind(kind): minor for kind, minor in rows}


def find(sandbox: Sandbox, key: str) -> Journal | None:
    """The journal of a key."""
    return mapper.load_first(_by_key.row(sandbox.connection, {"seller_id": sandbox.seller_id, "key": key}))


def by_number(sandbox: Sandbox, owner: str, number: int) -> Journal | None:
    """A buyer's journal by its number."""
    of_buyer = (journals.c.seller_id == sandbox.seller_id, journals.c.owner == owner)
    return mapper.first(sandbox.connection, *of_buyer, journals.c.id == number)


def reversal_of(sandbox: Sandbox, number: int) -> Journal | None:
    """The journal that reverses another one."""
    of_seller = journals.c.seller_id == sandbox.seller_id
    return mapper.first(sandbox.connection, of_seller, journals.c.reverses == number)


def changes_of(sandbox: Sandbox, number: int) -> dict[Kind, int]:
    """By how much a journal changed each account, in paise."""
    query = (
        select(accounts.c.kind, postings.c.amount_minor)
        .join_from(postings, accounts, accounts.c.id == postings.c.account_id)
        .where(postings.c.seller_id == sandbox.seller_id, postings.c.journal_id == number)
    )
    return {Kind(kind): minor for kind, minor in sandbox.connection.execute(query)}


def post(
    sandbox: Sandbox,
    kind: JournalType,
    *,
    owner: str,
    changes: Mapping[Kind, int],
    currency: str,
    key: str,
    **facts: Unpack[JournalFacts],
) -> Journal | None:
    """
    Move money between accounts; None where a journal of this key is there already.

    Args:
        changes: Of each account in paise, which sum to nought.

    Raises:
        Conflict: code ``wallet.insufficient``: an account has less than that; then nothing
            of the journal is kept.
    """
    if find(sandbox, key) is not None:
        return None
    assert sum(changes.values()) == 0, changes
    stored = _accounts(sandbox, owner)
    # Whoever writes holds the seller's lock, so no balance changes between here and its update.
    if any(stored.get(kind, (0, 0))[1] + minor < 0 for kind, minor in changes.items() if kind not in MAY_BE_NEGATIVE):
        raise Conflict("There is not enough balance.", code="wallet.insufficient")
    change = sum(minor for account, minor in changes.items() if account in SPENDABLE)
    journal = Journal(
        number=0,
        type=kind,
        key=key,
        owner=owner,
        amount=Money(sum(minor for minor in changes.values() if minor > 0), currency),
        change_minor=change,
        direction=(Direction.CREDIT if change > 0 else Direction.DEBIT) if change else None,
        balance_after_minor=0,
        posted_at=sandbox.now,
        **facts,
    )
    return _post(sandbox, journal, changes, stored)


def _post(
    sandbox: Sandbox, journal: Journal, changes: Mapping[Kind, int], stored: dict[Kind, tuple[int, int]]
) -> Journal:
    for kind in changes.keys() - stored.keys():
        stored[kind] = (_open(sandbox, journal, kind), 0)
    after = {kind: balance for kind, (_, balance) in stored.items()}
    # Accounts are always taken in the same order, so that two journals never wait in a ring.
    for kind in sorted(changes, key=lambda kind: stored[kind][0]):
        after[kind] = _change(sandbox, stored[kind][0], changes[kind])
    spendable = sum(after.get(kind, 0) for kind in SPENDABLE)
    posted = mapper.insert(
        sandbox.connection, replace(journal, balance_after_minor=spendable), seller_id=sandbox.seller_id
    )
    for kind, change in changes.items():
        row = {
            "seller_id": sandbox.seller_id,
            "journal_id": posted.number,
            "account_id": stored[kind][0],
            "amount_minor": change,
            "balance_after_minor": after[kind],
        }
        insert_row(sandbox.connection, postings, row)
    return posted


def _accounts(sandbox: Sandbox, owner: str) -> dict[Kind, tuple[int, int]]:
    """The numbers and balances of the accounts that a buyer's journals touch."""
    values = {"seller_id": sandbox.seller_id, "owner": owner, "house": HOUSE}
    rows = _balances.run(sandbox.connection, values).fetchall()
    return {Kind(kind): (number, balance) for kind, number, balance in rows}


def _open(sandbox: Sandbox, journal: Journal, kind: Kind) -> int:
    """The number of a new account, or of one that another transaction has just made."""
    owner = journal.owner if kind in OF_BUYER else HOUSE
    row = {
        "seller_id": sandbox.seller_id,
        "owner": owner,
        "kind": str(kind),
        "currency": journal.amount.currency,
        "balance_minor": 0,
        "may_be_negative": kind in MAY_BE_NEGATIVE,
    }
    insert_new(sandbox.connection, accounts, row)
    query = select(accounts.c.id).where(
        accounts.c.seller_id == sandbox.seller_id, accounts.c.owner == owner, accounts.c.kind == str(kind)
    )
    return int(sandbox.connection.execute(query).scalar_one())


_after = accounts.c.balance_minor + bindparam("change", type_=BigInteger)
_changed = Prepared(
    update(accounts)
    .where(accounts.c.id == bindparam("account"), or_(accounts.c.may_be_negative, _after >= literal_column("0")))
    .values(balance_minor=_after)
    .returning(accounts.c.balance_minor)
)


def _change(sandbox: Sandbox, account_id: int, change: int) -> int:
    balance = _changed.scalar(sandbox.connection, {"account": account_id, "change": change})
    # No Conflict: whoever catches that would keep the half of a journal that is written by now.
    assert balance is not None, "somebody without the seller's lock changed a balance"
    return int(balance)
