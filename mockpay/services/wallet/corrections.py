"""What a tester does to a wallet: adjust, reverse, set the profile; and gifts that expire."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec.structs import replace

from mockpay.domain.buyers import Kyc
from mockpay.domain.wallet import gifts as gift_rules
from mockpay.domain.wallet import ledger, limits
from mockpay.domain.wallet.ledger import Journal, JournalType, Kind
from mockpay.domain.wallet.limits import Profile, Status
from mockpay.kernel import ids
from mockpay.kernel.errors import Conflict, Invalid, NotFound
from mockpay.services.wallet import balances
from mockpay.services.wallet.posting import expire_at, post
from mockpay.store import attempts, gifts, wallet, wallet_profiles
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Sandbox


class Part(StrEnum):
    """What of a balance is adjusted."""

    MONEY = "money"
    GIFT = "gift"


def adjust(
    sandbox: Sandbox, owner: str, part: Part, minor: int, note: str | None = None, expires_at: int | None = None
) -> Journal:
    """
    Add to a wallet, or take from it where `minor` is below nought.

    Args:
        expires_at: Of a gift; None for one that does not expire.

    Raises:
        Invalid: code ``amount.invalid`` for nought, ``expiry.invalid`` for one that is past or of no new gift.
        Conflict: code ``wallet_closed``, ``wallet_balance_cap`` or ``wallet.insufficient``.
    """
    if not minor:
        raise Invalid("The amount cannot be nought.", code="amount.invalid", field="amount")
    if expires_at is not None and (part is not Part.GIFT or minor < 0):
        raise Invalid("Only a new gift has an expiry.", code="expiry.invalid", field="expires_at")
    if expires_at is not None and expires_at <= sandbox.now:
        message = "A gift's expiry must lie after the seller's now."
        raise Invalid(message, code="expiry.invalid", field="expires_at")
    balances.ensure_open(sandbox, owner)
    money = minor if part is Part.MONEY else 0
    balances.check(sandbox, owner, limits.adjust_refusal, money)
    changes = ledger.moves(JournalType.ADJUST, money, minor - money)
    grants = _adjusted_grants(sandbox, owner, minor, expires_at) if part is Part.GIFT else {}
    key = f"adjust:{ids.entropy(12).hex()}"
    journal = post(sandbox, JournalType.ADJUST, owner, key, changes, grants, note=note)
    return require(journal, "entry")


def _adjusted_grants(sandbox: Sandbox, owner: str, minor: int, expires_at: int | None) -> dict[int, int]:
    if minor > 0:
        grant_id = gifts.add(sandbox, owner, minor)
        if expires_at is not None:
            expire_at(sandbox, grant_id, expires_at)
        return {grant_id: minor}
    taken = gift_rules.spend(gifts.listed(sandbox, owner), -minor, sandbox.now)
    if sum(taken.values()) < -minor:
        raise Conflict("There are not enough gifts.", code="wallet.insufficient", field="amount")
    return {grant_id: -share for grant_id, share in taken.items()}


def reverse(sandbox: Sandbox, owner: str, number: int, note: str | None = None) -> Journal:
    """
    Take a journal back by a second one that names it.

    Raises:
        NotFound: code ``entry.not_found``.
        Conflict: code ``entry.reversed`` where that was done before, ``entry.not_reversible`` for a journal that ends
            with its attempt or refund, ``entry.refunded`` for a load of which a part is refunded to what paid it;
            ``wallet.insufficient`` where it was spent, ``wallet_balance_cap``.
    """
    journal = wallet.by_number(sandbox, owner, number)
    if journal is None:
        raise NotFound("There is no such entry.", code="entry.not_found")
    if journal.type not in ledger.REVERSIBLE:
        message = f"A {journal.type} cannot be reversed; it ends with its attempt or refund."
        raise Conflict(message, code="entry.not_reversible")
    if wallet.reversal_of(sandbox, number) is not None:
        raise Conflict("This entry has been reversed already.", code="entry.reversed")
    paid = attempts.by_id(sandbox, journal.attempt_id) if journal.attempt_id else None
    if paid is not None and paid.refund_reserved_minor:
        message = "A part of this money is refunded to what paid it: refund the rest in the same way."
        raise Conflict(message, code="entry.refunded")
    changes, grants = balances.inverse(sandbox, journal)
    money = changes.get(Kind.WALLET_MONEY, 0)
    balances.check(sandbox, owner, limits.adjust_refusal, money)
    key = f"reversal:{number}"
    reversal = post(sandbox, JournalType.REVERSAL, owner, key, changes, grants, reverses=number, note=note)
    if journal.type in ledger.LOADS and journal.key != ledger.opening_key(owner):
        wallet_profiles.count(sandbox, owner, journal.posted_at, loaded_minor=money)
    return require(reversal, "entry")


def expire_gift(sandbox: Sandbox, grant_id: int) -> None:
    """Take what is left of a gift whose time has come; what is on hold then comes back for a while longer."""
    grant = gifts.find(sandbox, grant_id)
    if grant is None or not grant.remaining_minor or grant.expires_at is None or grant.expires_at > sandbox.now:
        return
    changes = ledger.moves(JournalType.ADJUST, 0, -grant.remaining_minor)
    key = f"gift-expiry:{grant_id}:{grant.expires_at}"
    taken = {grant_id: -grant.remaining_minor}
    post(sandbox, JournalType.ADJUST, gifts.owner_of(sandbox, grant_id), key, changes, taken, note="A gift expired.")


def change_profile(
    sandbox: Sandbox,
    owner: str,
    *,
    profile: Kyc | None = None,
    status: Status | None = None,
    own: Mapping[str, int | None] | None = None,
) -> Profile:
    """
    Set what is named of a wallet's profile.

    Args:
        own: Limits in paise by name; None brings the profile's own back.
    """
    before = wallet_profiles.find(sandbox, owner)
    after = Profile(profile or before.profile, status or before.status, replace(before.own, **(own or {})))
    wallet_profiles.store(sandbox, owner, after)
    return after
