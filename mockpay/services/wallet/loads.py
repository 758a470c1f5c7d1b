"""Money that comes into a wallet from outside, under its limits."""

from __future__ import annotations

from mockpay.domain.wallet import ledger, limits
from mockpay.domain.wallet.ledger import Journal, JournalType
from mockpay.services.wallet import balances
from mockpay.services.wallet.balances import post, refuse
from mockpay.store import wallet, wallet_profiles
from mockpay.store.unit_of_work import Sandbox


def load(
    sandbox: Sandbox, kind: JournalType, owner: str, minor: int, key: str, attempt_id: str | None = None
) -> Journal | None:
    """
    Credit a TOPUP or an AUTO_RELOAD; None where one of this key was credited before.

    Raises:
        Conflict: the reason of a status or limit that refuses it, such as ``wallet_monthly_load_cap``.
    """
    balances.ensure_open(sandbox, owner)
    if wallet.find(sandbox, key) is not None:
        return None
    profile = wallet_profiles.find(sandbox, owner)
    refuse(limits.load_refusal(profile, balances.usage(sandbox, owner), minor, sandbox.now))
    journal = post(sandbox, kind, owner, key, ledger.moves(kind, minor), attempt_id=attempt_id)
    wallet_profiles.count(sandbox, owner, sandbox.now, loaded_minor=minor)
    return journal
