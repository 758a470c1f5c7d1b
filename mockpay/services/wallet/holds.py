"""How an attempt's steps and its refunds move a balance: gifts first, by oldest expiry, and back as gifts."""

from __future__ import annotations

from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.wallet import gifts as gift_rules
from mockpay.domain.wallet import ledger, limits
from mockpay.domain.wallet.ledger import JournalType
from mockpay.services.wallet import balances
from mockpay.services.wallet.posting import post
from mockpay.store import gifts, wallet, wallet_profiles
from mockpay.store.unit_of_work import Sandbox


def hold(sandbox: Sandbox, attempt: Attempt) -> None:
    """
    Set the attempt's amount aside.

    Raises:
        Conflict: code ``wallet.insufficient``, ``wallet_frozen``, ``wallet_closed`` or ``wallet_monthly_spend_cap``.
    """
    owner, amount = _owner(attempt), attempt.amount.minor
    balances.ensure_open(sandbox, owner)
    grants = gift_rules.spend(gifts.listed(sandbox, owner), amount, sandbox.now)
    money = amount - sum(grants.values())
    balances.check(sandbox, owner, limits.spend_refusal, money)
    changes = ledger.moves(JournalType.HOLD, money, amount - money)
    taken = {grant_id: -minor for grant_id, minor in grants.items()}
    key = _key(JournalType.HOLD, attempt)
    if post(sandbox, JournalType.HOLD, owner, key, changes, taken, attempt_id=attempt.attempt_id):
        wallet_profiles.count(sandbox, owner, sandbox.now, spent_minor=money)


def capture_hold(sandbox: Sandbox, attempt: Attempt) -> None:
    """Take what was captured from the attempt's hold and release the rest; nothing without a hold."""
    if _holds(sandbox, attempt):
        key, changes = _key(JournalType.CAPTURE, attempt), ledger.moves(JournalType.CAPTURE, attempt.captured_minor)
        post(sandbox, JournalType.CAPTURE, _owner(attempt), key, changes, attempt_id=attempt.attempt_id)
        if rest := attempt.amount.minor - attempt.captured_minor:
            _release(sandbox, attempt, rest)


def release_hold(sandbox: Sandbox, attempt: Attempt) -> None:
    """Give back what the attempt held; nothing without a hold."""
    if _holds(sandbox, attempt):
        _release(sandbox, attempt, attempt.amount.minor)


def _release(sandbox: Sandbox, attempt: Attempt, minor: int) -> None:
    held = wallet.find(sandbox, _key(JournalType.HOLD, attempt))
    assert held is not None
    owner = _owner(attempt)
    grants = gift_rules.release(gifts.spent_by(sandbox, attempt.attempt_id), held.amount.minor, minor)
    gift = sum(grants.values())
    key, changes = _key(JournalType.RELEASE, attempt), ledger.moves(JournalType.RELEASE, minor - gift, gift)
    if post(sandbox, JournalType.RELEASE, owner, key, changes, grants, attempt_id=attempt.attempt_id):
        # What was not spent after all counts no more in the month in which it was held.
        wallet_profiles.count(sandbox, owner, held.posted_at, spent_minor=gift - minor)


def return_capture(sandbox: Sandbox, attempt: Attempt) -> None:
    """Give back all that was captured of the attempt's hold; nothing without a hold."""
    if _holds(sandbox, attempt):
        _refund(sandbox, attempt, attempt.captured_minor, _key(JournalType.REFUND, attempt))


def refund(sandbox: Sandbox, attempt: Attempt, refund_id: str, minor: int) -> None:
    """Credit the balance that paid, once for each refund; above the cap too, which is flagged."""
    _refund(sandbox, attempt, minor, f"refund:{refund_id}", refund_id)


def _refund(sandbox: Sandbox, attempt: Attempt, minor: int, key: str, refund_id: str | None = None) -> None:
    owner = _owner(attempt)
    grants = gift_rules.refund(gifts.spent_by(sandbox, attempt.attempt_id), minor)
    gift = sum(grants.values())
    post(
        sandbox,
        JournalType.REFUND,
        owner,
        key,
        ledger.moves(JournalType.REFUND, minor - gift, gift),
        grants,
        attempt_id=attempt.attempt_id,
        refund_id=refund_id,
        over_cap=balances.is_over_cap(sandbox, owner, minor - gift),
    )


def charge_back(sandbox: Sandbox, attempt: Attempt, refund_id: str) -> None:
    """
    Undo such a credit, money and gifts as it gave them.

    Raises:
        Conflict: code ``wallet.insufficient``: it has been spent meanwhile.
    """
    credit = wallet.find(sandbox, f"refund:{refund_id}")
    if credit is None:
        return
    changes, grants = balances.inverse(sandbox, credit)
    post(
        sandbox,
        JournalType.CHARGEBACK,
        _owner(attempt),
        f"chargeback:{refund_id}",
        changes,
        grants,
        attempt_id=attempt.attempt_id,
        refund_id=refund_id,
    )


def _owner(attempt: Attempt) -> str:
    return attempt.instrument["email"]


def _key(kind: JournalType, attempt: Attempt) -> str:
    return f"{kind.lower()}:{attempt.attempt_id}"


def _holds(sandbox: Sandbox, attempt: Attempt) -> bool:
    return wallet.find(sandbox, _key(JournalType.HOLD, attempt)) is not None
