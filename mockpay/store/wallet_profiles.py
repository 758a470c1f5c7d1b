"""Profiles of wallets, and what was loaded and spent in each Indian month."""

from __future__ import annotations

from sqlalchemy import BigInteger, Table, bindparam, select, update

from mockpay.domain.buyers import BY_EMAIL, Kyc
from mockpay.domain.wallet.limits import Limits, Profile, Status, Usage, month_of, months_of_year
from mockpay.store.db.mapping import Prepared, insert_new, insert_row
from mockpay.store.db.metadata import big, metadata, text
from mockpay.store.unit_of_work import Sandbox

profiles = Table(
    "wallet_profiles",
    metadata,
    text("seller_id", primary_key=True),
    text("owner", primary_key=True),
    text("profile"),
    text("status"),
    big("balance_cap", null=True),
    big("monthly_load_cap", null=True),
    big("yearly_load_cap", null=True),
    big("monthly_spend_cap", null=True),
)

months = Table(
    "wallet_months",
    metadata,
    text("seller_id", primary_key=True),
    text("owner", primary_key=True),
    text("month", primary_key=True),
    big("loaded_minor", default=0),
    big("spent_minor", default=0),
)


_profile = Prepared(
    select(
        profiles.c.profile,
        profiles.c.status,
        profiles.c.balance_cap,
        profiles.c.monthly_load_cap,
        profiles.c.yearly_load_cap,
        profiles.c.monthly_spend_cap,
    ).where(profiles.c.seller_id == bindparam("seller_id"), profiles.c.owner == bindparam("owner"))
)
_counted = Prepared(
    update(months)
    .where(months.c.seller_id == bindparam("seller"), months.c.owner == bindparam("who"))
    .where(months.c.month == bindparam("when"))
    .values(
        loaded_minor=months.c.loaded_minor + bindparam("loaded", type_=BigInteger),
        spent_minor=months.c.spent_minor + bindparam("spent", type_=BigInteger),
    )
)
_months = Prepared(
    select(months.c.month, months.c.loaded_minor, months.c.spent_minor).where(
        months.c.seller_id == bindparam("seller_id"),
        months.c.owner == bindparam("owner"),
        months.c.month.between(bindparam("first"), bindparam("last")),
    )
)


def find(sandbox: Sandbox, owner: str) -> Profile:
    """A wallet's profile: what was set, else that of a sandbox buyer, else full KYC."""
    row = _profile.row(sandbox.connection, {"seller_id": sandbox.seller_id, "owner": owner})
    if row is not None:
        kyc, status, *limits = row
        return Profile(Kyc(kyc), Status(status), Limits(*limits))
    buyer = BY_EMAIL.get(owner)
    if buyer is None:
        return Profile()
    return Profile(buyer.kyc, Status.FROZEN if buyer.frozen else Status.ACTIVE)


def store(sandbox: Sandbox, owner: str, profile: Profile) -> None:
    """Set a wallet's profile."""
    named = {"seller_id": sandbox.seller_id, "owner": owner}
    row = {
        "profile": str(profile.profile),
        "status": str(profile.status),
        "balance_cap": profile.own.balance_cap,
        "monthly_load_cap": profile.own.monthly_load_cap,
        "yearly_load_cap": profile.own.yearly_load_cap,
        "monthly_spend_cap": profile.own.monthly_spend_cap,
    }
    if not insert_new(sandbox.connection, profiles, named | row):
        of_seller = profiles.c.seller_id == sandbox.seller_id
        sandbox.connection.execute(update(profiles).where(of_seller, profiles.c.owner == owner).values(row))


def count(sandbox: Sandbox, owner: str, at: int, *, loaded_minor: int = 0, spent_minor: int = 0) -> None:
    """Count what was loaded or spent, below nought for what was taken back, in the month of an instant."""
    row = {
        "seller_id": sandbox.seller_id,
        "owner": owner,
        "month": month_of(at),
        "loaded_minor": loaded_minor,
        "spent_minor": spent_minor,
    }
    values = {"seller": sandbox.seller_id, "who": owner, "when": row["month"]}
    counted = _counted.run(sandbox.connection, values | {"loaded": loaded_minor, "spent": spent_minor})
    if not counted.rowcount:
        insert_row(sandbox.connection, months, row)


def usage(sandbox: Sandbox, owner: str, held_and_money_minor: int, now: int) -> Usage:
    """What counts against the limits at an instant."""
    first, last = months_of_year(now)
    values = {"seller_id": sandbox.seller_id, "owner": owner, "first": first, "last": last}
    rows = _months.run(sandbox.connection, values).fetchall()
    by_month = {month: (loaded, spent) for month, loaded, spent in rows}
    loaded, spent = by_month.get(month_of(now), (0, 0))
    year = sum(loaded_then for loaded_then, _ in by_month.values())
    return Usage(held_and_money_minor, loaded, year, spent)
