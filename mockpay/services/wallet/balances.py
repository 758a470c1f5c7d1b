"""What a buyer's wallet has, how it begins, and what its limits say."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from mockpay.domain.buyers import normal_email, opening_minor
from mockpay.domain.wallet import ledger, limits
from mockpay.domain.wallet.ledger import Journal, JournalType, Kind
from mockpay.domain.wallet.limits import Profile, Refusal, Usage
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import Conflict
from mockpay.kernel.money import Money
from mockpay.services.wallet import reload_buyers
from mockpay.store import gifts, wallet, wallet_profiles
from mockpay.store.unit_of_work import Sandbox

CURRENCY = "INR"
#: A rule of `limits`: whether an amount in paise is refused now.
Rule = Callable[[Profile, Usage, int, int], Refusal | None]


class Figures(Struct, frozen=True):
    """What a wallet has: `money` and `gifts` can be spent, `on_hold` waits for captures."""

    money: Money
    gifts: Money
    on_hold: Money

    @property
    def balance(self) -> Money:
        """What can be spent."""
        return self.money + self.gifts


def figures(sandbox: Sandbox, owner: str) -> Figures:
    """What a wallet has; one that was never used has the opening balance."""
    stored = wallet.balances(sandbox, owner)
    money = stored.get(Kind.WALLET_MONEY)
    return Figures(
        Money(opening_minor(owner) if money is None else money, CURRENCY),
        Money(stored.get(Kind.WALLET_GIFT, 0), CURRENCY),
        Money(stored.get(Kind.WALLET_HOLD, 0), CURRENCY),
    )


def balance(sandbox: Sandbox, owner: str) -> Money:
    """What a buyer can spend."""
    return figures(sandbox, owner).balance


def open_balance(sandbox: Sandbox, owner: str, opening: Money) -> None:
    """
    Begin a buyer's balance with another amount than by default.

    Raises:
        Conflict: code ``wallet.opened``: it has begun already.
    """
    if not _open(sandbox, normal_email(owner), opening.minor):
        raise Conflict("This balance has been opened already.", code="wallet.opened", field="balance")


def ensure_open(sandbox: Sandbox, owner: str) -> None:
    """Post the opening balance of a sandbox buyer before the first other journal."""
    opening = opening_minor(owner)
    if opening:
        _open(sandbox, owner, opening)


def _open(sandbox: Sandbox, owner: str, minor: int) -> bool:
    changes = ledger.moves(JournalType.TOPUP, minor)
    key = ledger.opening_key(owner)
    journal = wallet.post(sandbox, JournalType.TOPUP, owner=owner, changes=changes, currency=CURRENCY, key=key)
    if journal is not None:
        reload_buyers.set_up(sandbox, owner)
    return journal is not None


def usage(sandbox: Sandbox, owner: str, has: Figures) -> Usage:
    """What counts against a wallet's limits now; what is on hold may come back and counts as held."""
    return wallet_profiles.usage(sandbox, owner, (has.money + has.on_hold).minor, sandbox.now)


def refusal_of(sandbox: Sandbox, owner: str, rule: Rule, amount_minor: int) -> Refusal | None:
    """Hold an amount in paise against one of the rules of `limits`."""
    profile, used = wallet_profiles.find(sandbox, owner), usage(sandbox, owner, figures(sandbox, owner))
    return rule(profile, used, amount_minor, sandbox.now)


def check(sandbox: Sandbox, owner: str, rule: Rule, amount_minor: int) -> None:
    """
    The same as an error.

    Raises:
        Conflict: the refusal's reason as code; with `limit`, what is `left` and `from` when, where a limit refuses.
    """
    refusal = refusal_of(sandbox, owner, rule, amount_minor)
    if refusal is None:
        return
    detail: dict[str, str] = {}
    if (allowance := refusal.allowance) is not None:
        detail = {"limit": allowance.limit, "left": allowance.amount.wire()}
        if allowance.until is not None:
            detail["from"] = rfc3339(allowance.until)
    raise Conflict(refusal.message, code=refusal.reason, reason=None, **{"field": "amount"} | detail)


def is_over_cap(sandbox: Sandbox, owner: str, money_minor: int) -> bool:
    """Whether a credit of money lifts the balance above its cap."""
    used = usage(sandbox, owner, figures(sandbox, owner))
    return limits.over_cap(wallet_profiles.find(sandbox, owner), used, money_minor)


def inverse(sandbox: Sandbox, journal: Journal) -> tuple[dict[Kind, int], dict[int, int]]:
    """What takes a journal back: the change of each account and of each gift, in paise."""
    changes = {kind: -change for kind, change in wallet.changes_of(sandbox, journal.number).items()}
    grants = {grant_id: -change for grant_id, change in gifts.used_by(sandbox, journal.number).items()}
    return changes, grants
