"""A wallet as a whole: what it has, its profile, and what may be added and spent under its limits."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mockpay.domain.wallet import limits
from mockpay.domain.wallet.limits import Allowance, Profile
from mockpay.kernel.money import Money
from mockpay.services.wallet import balances
from mockpay.services.wallet.balances import Figures
from mockpay.store import wallet_profiles
from mockpay.store.unit_of_work import Sandbox


class Overview(Struct, frozen=True):
    """A wallet now; `may_add` is None where no limit says how much, `allowances` is by limit."""

    figures: Figures
    profile: Profile
    allowances: Mapping[str, Allowance]
    may_add: Money | None
    may_spend: Money


def overview(sandbox: Sandbox, owner: str) -> Overview:
    """The wallet of a buyer, who need not have used it yet."""
    figures, profile = balances.figures(sandbox, owner), wallet_profiles.find(sandbox, owner)
    usage, now = balances.usage(sandbox, owner, figures), sandbox.now
    return Overview(
        figures,
        profile,
        limits.allowances(profile.limits, usage, now),
        limits.may_add(profile, usage, now),
        limits.may_spend(profile, usage, figures.money, figures.gifts, now),
    )
