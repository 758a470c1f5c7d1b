"""Money that comes into a wallet from outside, under its limits."""

from __future__ import annotations

from mockpay.domain.orders import Order, OrderKind
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.wallet import ledger, limits
from mockpay.domain.wallet.ledger import Journal, JournalType
from mockpay.services.wallet import balances
from mockpay.services.wallet.balances import post
from mockpay.store import wallet, wallet_profiles
from mockpay.store.unit_of_work import Sandbox


def credit(sandbox: Sandbox, order: Order, attempt: Attempt) -> None:
    """
    Credit what was captured for an order that fills a wallet, once.

    Raises:
        Conflict: as `load`.
    """
    kind = JournalType.AUTO_RELOAD if order.kind is OrderKind.RELOAD else JournalType.TOPUP
    owner, key = str(order.wallet_owner), ledger.load_key(order.order_id)
    load(sandbox, kind, owner, attempt.captured_minor, key, attempt.attempt_id)


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
    balances.check(sandbox, owner, limits.load_refusal, minor)
    journal = post(sandbox, kind, owner, key, ledger.moves(kind, minor), attempt_id=attempt_id)
    wallet_profiles.count(sandbox, owner, sandbox.now, loaded_minor=minor)
    return journal
