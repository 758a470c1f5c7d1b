"""Accounts, journals and postings: double entry, by conditional updates."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Table, UniqueConstraint, insert, or_, select, update

from mockpay.domain.wallet import MAY_BE_NEGATIVE, TEMPLATES, JournalType, Kind
from mockpay.kernel.errors import Conflict
from mockpay.store.db.mapping import insert_new
from mockpay.store.db.metadata import big, metadata, row_id, text
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
    text("attempt_id", null=True),
    big("posted_at"),
    UniqueConstraint("seller_id", "key"),
    Index("journals_of_owner", "seller_id", "owner", "id"),
)

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

#: Whose the accounts are that belong to no buyer.
HOUSE = ""


def balance(sandbox: Sandbox, owner: str, kind: Kind) -> int | None:
    """An account's balance in paise; None where there is no such account yet."""
    query = select(accounts.c.balance_minor).where(
        accounts.c.seller_id == sandbox.seller_id, accounts.c.owner == owner, accounts.c.kind == str(kind)
    )
    return sandbox.connection.execute(query).scalar()


def post(
    sandbox: Sandbox,
    kind: JournalType,
    *,
    owner: str,
    amount_minor: int,
    currency: str,
    key: str,
    attempt_id: str | None = None,
) -> bool:
    """
    Move money by one template; False where a journal of this key is there already.

    Raises:
        Conflict: code ``wallet.insufficient``: the account has less than that; then nothing
            of the journal is kept.
    """
    with sandbox.connection.begin_nested():
        return _post(sandbox, kind, owner, amount_minor, currency, key, attempt_id)


def _post(
    sandbox: Sandbox, kind: JournalType, owner: str, amount_minor: int, currency: str, key: str, attempt_id: str | None
) -> bool:
    row = {
        "seller_id": sandbox.seller_id,
        "type": str(kind),
        "key": key,
        "owner": owner,
        "amount_minor": amount_minor,
        "currency": currency,
        "attempt_id": attempt_id,
        "posted_at": sandbox.now,
    }
    if not insert_new(sandbox.connection, journals, row):
        return False
    query = select(journals.c.id).where(journals.c.seller_id == sandbox.seller_id, journals.c.key == key)
    journal_id = int(sandbox.connection.execute(query).scalar_one())
    source, target = TEMPLATES[kind]
    moves = [
        (_account(sandbox, owner, source, currency), -amount_minor),
        (_account(sandbox, owner, target, currency), amount_minor),
    ]
    # Accounts are always taken in the same order, so that two journals never wait in a ring.
    for account_id, change in sorted(moves):
        _move(sandbox, journal_id, account_id, change)
    return True


def has_journal(sandbox: Sandbox, key: str) -> bool:
    """Whether a journal of this key was posted."""
    query = select(journals.c.id).where(journals.c.seller_id == sandbox.seller_id, journals.c.key == key)
    return sandbox.connection.execute(query).scalar() is not None


def _account(sandbox: Sandbox, owner: str, kind: Kind, currency: str) -> int:
    """The account's number; made with nought where it is missing."""
    account_owner = HOUSE if kind in {Kind.GATEWAY_CLEARING, Kind.MERCHANT_PAYABLE} else owner
    query = select(accounts.c.id).where(
        accounts.c.seller_id == sandbox.seller_id, accounts.c.owner == account_owner, accounts.c.kind == str(kind)
    )
    account_id = sandbox.connection.execute(query).scalar()
    if account_id is not None:
        return int(account_id)
    row = {
        "seller_id": sandbox.seller_id,
        "owner": account_owner,
        "kind": str(kind),
        "currency": currency,
        "balance_minor": 0,
        "may_be_negative": kind in MAY_BE_NEGATIVE,
    }
    insert_new(sandbox.connection, accounts, row)
    return int(sandbox.connection.execute(query).scalar_one())


def _move(sandbox: Sandbox, journal_id: int, account_id: int, change: int) -> None:
    after = accounts.c.balance_minor + change
    result = sandbox.connection.execute(
        update(accounts)
        .where(accounts.c.id == account_id, or_(accounts.c.may_be_negative, after >= 0))
        .values(balance_minor=after)
        .returning(accounts.c.balance_minor)
    ).scalar()
    if result is None:
        raise Conflict("There is not enough balance.", code="wallet.insufficient")
    row = {
        "seller_id": sandbox.seller_id,
        "journal_id": journal_id,
        "account_id": account_id,
        "amount_minor": change,
        "balance_after_minor": result,
    }
    sandbox.connection.execute(insert(postings), row)
