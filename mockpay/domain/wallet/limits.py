"""
What a wallet may hold, be loaded with and spend: pure functions from figures and time to a refusal.

Figures of the Reserve Bank for small prepaid instruments (minimum KYC) and full KYC; months and financial years
(April to March) are Indian.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import MAXYEAR, datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from mockpay.domain.buyers import Kyc
from mockpay.kernel.clock import LAST, indian, indian_midnight
from mockpay.kernel.money import Money


class Status(StrEnum):
    """Whether a wallet pays and can be loaded; a refund is credited whatever it is."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    CLOSED = "CLOSED"


class Limits(Struct, frozen=True):
    """Limits in paise; None for none."""

    balance_cap: int | None = None
    monthly_load_cap: int | None = None
    yearly_load_cap: int | None = None
    monthly_spend_cap: int | None = None


NAMES = Limits.__struct_fields__

#: By profile.
LIMITS: Mapping[Kyc, Limits] = {
    Kyc.MIN: Limits(1_000_000, 1_000_000, 12_000_000, 1_000_000),
    Kyc.FULL: Limits(balance_cap=20_000_000),
}


class Profile(Struct, frozen=True):
    """
    How well a wallet knows its buyer, and what a tester set.

    Args:
        own: Limits in the place of the profile's; None where the profile's counts.
    """

    profile: Kyc = Kyc.FULL
    status: Status = Status.ACTIVE
    own: Limits = Limits()

    @property
    def limits(self) -> Limits:
        """What counts: what was set, else the profile's."""
        own = {name: value for name in NAMES if (value := getattr(self.own, name)) is not None}
        return replace(LIMITS[self.profile], **own)


class Usage(Struct, frozen=True):
    """
    What counts against the limits, in paise.

    `balance_cap` is money, on hold too; the others are what was loaded or spent in the month or year of now.
    """

    balance_cap: int
    monthly_load_cap: int = 0
    yearly_load_cap: int = 0
    monthly_spend_cap: int = 0


class Allowance(Struct, frozen=True):
    """What is left under one limit: all of it again from `until`, None where no time helps."""

    limit: str
    amount: Money
    until: int | None


class Refusal(Struct, frozen=True):
    """Why a wallet cannot do something; `allowance` where a limit says so."""

    reason: str
    message: str
    allowance: Allowance | None = None


def allowances(limits: Limits, usage: Usage, now: int) -> dict[str, Allowance]:
    """What is left under each limit that there is."""
    until = {
        "balance_cap": None,
        "monthly_load_cap": next_month(now),
        "yearly_load_cap": next_year(now),
        "monthly_spend_cap": next_month(now),
    }
    result = {}
    for name in NAMES:
        limit = getattr(limits, name)
        if limit is not None:
            rest = max(limit - getattr(usage, name), 0)
            result[name] = Allowance(name, Money(rest), until[name])
    return result


_LOAD = ("balance_cap", "monthly_load_cap", "yearly_load_cap")
_WORDS = {
    "balance_cap": "This balance may not hold more than {limit}; {left} can be added.",
    "monthly_load_cap": "No more than {limit} can be added a month; {left} is left.",
    "yearly_load_cap": "No more than {limit} can be added a financial year; {left} is left.",
    "monthly_spend_cap": "No more than {limit} can be spent a month; {left} is left.",
}
_STATUS = {Status.FROZEN: "This balance is frozen.", Status.CLOSED: "This balance is closed."}


def load_refusal(profile: Profile, usage: Usage, amount_minor: int, now: int) -> Refusal | None:
    """Why an amount cannot be added; None where it can."""
    return _status(profile.status) or _beyond(_LOAD, profile, usage, amount_minor, now)


def spend_refusal(profile: Profile, usage: Usage, amount_minor: int, now: int) -> Refusal | None:
    """Why an amount of money cannot be spent, whatever there is; None where it can."""
    return _status(profile.status) or _beyond(("monthly_spend_cap",), profile, usage, amount_minor, now)


def adjust_refusal(profile: Profile, usage: Usage, amount_minor: int, now: int) -> Refusal | None:
    """Why a tester cannot change the money by an amount: a correction is no load, but the cap holds."""
    if profile.status is Status.CLOSED:
        return _status(profile.status)
    return _beyond(("balance_cap",), profile, usage, amount_minor, now) if amount_minor > 0 else None


def over_cap(profile: Profile, usage: Usage, amount_minor: int) -> bool:
    """Whether a refund lifts the balance above its cap; it is credited all the same."""
    cap = profile.limits.balance_cap
    return cap is not None and usage.balance_cap + amount_minor > cap


def may_add(profile: Profile, usage: Usage, now: int) -> Money | None:
    """The most that can be added now; None where there is no limit."""
    if profile.status is not Status.ACTIVE:
        return Money(0)
    rest = allowances(profile.limits, usage, now)
    return min((rest[name].amount for name in _LOAD if name in rest), default=None)


def may_spend(profile: Profile, usage: Usage, money: Money, gifts: Money, now: int) -> Money:
    """The most that can be spent now."""
    if profile.status is not Status.ACTIVE:
        return Money(0)
    rest = allowances(profile.limits, usage, now).get("monthly_spend_cap")
    return gifts + (min(money, rest.amount) if rest else money)


def _status(status: Status) -> Refusal | None:
    message = _STATUS.get(status)
    return Refusal(f"wallet_{status.lower()}", message) if message else None


def _beyond(names: tuple[str, ...], profile: Profile, usage: Usage, amount_minor: int, now: int) -> Refusal | None:
    rest = allowances(profile.limits, usage, now)
    for name in names:
        if name in rest and amount_minor > rest[name].amount.minor:
            limit = Money(getattr(profile.limits, name))
            message = _WORDS[name].format(limit=limit.display(), left=rest[name].amount.display())
            return Refusal(f"wallet_{name}", message, rest[name])
    return None


# --- months and years of India


def month_of(now: int) -> str:
    """The Indian month of an instant, ``2026-11``."""
    return f"{indian(now):%Y-%m}"


def months_of_year(now: int) -> tuple[str, str]:
    """The first and the last month of an instant's financial year, April to March."""
    start = _year_start(indian(now))
    return f"{start}-04", f"{start + 1}-03"


def next_month(now: int) -> int:
    """The instant at which the next Indian month begins."""
    day = indian(now)
    return _instant(day.year + day.month // 12, day.month % 12 + 1)


def next_year(now: int) -> int:
    """The instant at which the next financial year begins."""
    return _instant(_year_start(indian(now)) + 1, 4)


def _year_start(day: datetime) -> int:
    return day.year if day.month >= 4 else day.year - 1


def _instant(year: int, month: int) -> int:
    if year > MAXYEAR:
        return LAST
    return indian_midnight(year, month)
