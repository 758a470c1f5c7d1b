"""What the tests of balances share: buyers with money, and their accounts."""

from __future__ import annotations

from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.wallet.ledger import JournalType, Kind
from mockpay.services.wallet import loads
from mockpay.store import wallet

RICH, POOR = "rich@buyers.mockpay.test", "poor@buyers.mockpay.test"
ASHA = "asha@example.com"


def top_up(world, minor, owner=ASHA, key="top-up"):
    with world.transaction() as sandbox:
        return loads.load(sandbox, JournalType.TOPUP, owner, minor, key)


def balances(world, owner=ASHA):
    """(what can be spent, what is held) in paise."""
    with world.read() as sandbox:
        return tuple(wallet.balance(sandbox, owner, kind) or 0 for kind in (Kind.WALLET_MONEY, Kind.WALLET_HOLD))


def payable(world):
    """What buyers have paid, and what came from outside."""
    with world.read() as sandbox:
        return tuple(
            wallet.balance(sandbox, wallet.HOUSE, kind) or 0 for kind in (Kind.MERCHANT_PAYABLE, Kind.GATEWAY_CLEARING)
        )


def by_balance(world, order, owner=ASHA):
    return world.pay_with(order, Wallet(owner))
