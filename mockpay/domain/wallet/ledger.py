"""
Wallet balances: accounts and double-entry journals, whose postings always sum to nought.

Only templates move money; a correction is another journal, never a changed posting.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypedDict

from msgspec import Struct

from mockpay.kernel.money import Money

#: The method of payment that it is.
METHOD = "wallet"


class Kind(StrEnum):
    """What an account holds."""

    WALLET_MONEY = "WALLET_MONEY"
    WALLET_GIFT = "WALLET_GIFT"
    WALLET_HOLD = "WALLET_HOLD"
    GATEWAY_CLEARING = "GATEWAY_CLEARING"
    MERCHANT_PAYABLE = "MERCHANT_PAYABLE"
    ADJUSTMENT = "ADJUSTMENT"


#: Accounts of the outside world may go below nought; a buyer's never.
MAY_BE_NEGATIVE = frozenset({Kind.GATEWAY_CLEARING, Kind.ADJUSTMENT})
#: Accounts of a buyer; any other is the seller's or the outside world's.
OF_BUYER = frozenset({Kind.WALLET_MONEY, Kind.WALLET_GIFT, Kind.WALLET_HOLD})
#: What a buyer can spend.
SPENDABLE = frozenset({Kind.WALLET_MONEY, Kind.WALLET_GIFT})


class JournalType(StrEnum):
    """Why money moved."""

    TOPUP = "TOPUP"
    AUTO_RELOAD = "AUTO_RELOAD"
    HOLD = "HOLD"
    CAPTURE = "CAPTURE"
    RELEASE = "RELEASE"
    REFUND = "REFUND"
    CHARGEBACK = "CHARGEBACK"
    TOPUP_REFUND = "TOPUP_REFUND"
    ADJUST = "ADJUST"
    REVERSAL = "REVERSAL"


class Direction(StrEnum):
    """Whether a journal adds to what the buyer can spend, or takes from it."""

    CREDIT = "CREDIT"
    DEBIT = "DEBIT"


#: From which account to which, in each journal; a gift's part has WALLET_GIFT in the place of WALLET_MONEY.
TEMPLATES: Mapping[JournalType, tuple[Kind, Kind]] = {
    JournalType.TOPUP: (Kind.GATEWAY_CLEARING, Kind.WALLET_MONEY),
    JournalType.AUTO_RELOAD: (Kind.GATEWAY_CLEARING, Kind.WALLET_MONEY),
    JournalType.HOLD: (Kind.WALLET_MONEY, Kind.WALLET_HOLD),
    JournalType.CAPTURE: (Kind.WALLET_HOLD, Kind.MERCHANT_PAYABLE),
    JournalType.RELEASE: (Kind.WALLET_HOLD, Kind.WALLET_MONEY),
    JournalType.REFUND: (Kind.MERCHANT_PAYABLE, Kind.WALLET_MONEY),
    JournalType.CHARGEBACK: (Kind.WALLET_MONEY, Kind.MERCHANT_PAYABLE),
    JournalType.TOPUP_REFUND: (Kind.WALLET_MONEY, Kind.GATEWAY_CLEARING),
    JournalType.ADJUST: (Kind.ADJUSTMENT, Kind.WALLET_MONEY),
}

#: What a tester may reverse by a second journal; the others end with their attempt or refund.
REVERSIBLE = frozenset({JournalType.TOPUP, JournalType.AUTO_RELOAD, JournalType.ADJUST})
#: What counts as money loaded under the limits.
LOADS = frozenset({JournalType.TOPUP, JournalType.AUTO_RELOAD})
#: What changes how much counts as loaded: a load that is refunded counts no more.
LOADED = LOADS | {JournalType.TOPUP_REFUND}


def moves(kind: JournalType, money_minor: int, gift_minor: int = 0) -> dict[Kind, int]:
    """
    The change of each account by one journal, in paise.

    Args:
        money_minor: Of money; below nought for an adjustment that takes.
        gift_minor: Of gifts, with the same sign.
    """
    source, target = TEMPLATES[kind]
    changes = {source: -money_minor - gift_minor, target: money_minor + gift_minor}
    if gift_minor and Kind.WALLET_MONEY in changes:
        sign = 1 if target is Kind.WALLET_MONEY else -1
        changes[Kind.WALLET_MONEY] = sign * money_minor
        changes[Kind.WALLET_GIFT] = sign * gift_minor
    return {account: change for account, change in changes.items() if change or not money_minor + gift_minor}


class JournalFacts(TypedDict, total=False):
    """What a journal is about, as `Journal` has it."""

    attempt_id: str | None
    refund_id: str | None
    reverses: int | None
    note: str | None
    over_cap: bool


class Journal(Struct, frozen=True):
    """
    One journal of a buyer's ledger.

    Args:
        key: What it was posted for; a key is posted once.
        amount: What was moved, above nought.
        change_minor: By how much it changed what the buyer can spend, in paise.
        direction: None where that stayed the same.
        balance_after_minor: What the buyer could then spend, money and gifts.
        reverses: The number of the journal that it takes back.
        over_cap: Money that came back and lifted the balance above its cap.
    """

    number: int
    type: JournalType
    key: str
    owner: str
    amount: Money
    change_minor: int
    direction: Direction | None
    balance_after_minor: int
    posted_at: int
    attempt_id: str | None = None
    refund_id: str | None = None
    reverses: int | None = None
    note: str | None = None
    over_cap: bool = False

    @property
    def change(self) -> Money:
        """By how much it changed what the buyer can spend."""
        return Money(self.change_minor, self.amount.currency)

    @property
    def balance_after(self) -> Money:
        """What the buyer could then spend."""
        return Money(self.balance_after_minor, self.amount.currency)


def opening_key(owner: str) -> str:
    """The key of the journal that a balance begins with, which is no load."""
    return f"opening:{owner}"


def load_key(order_id: str) -> str:
    """The key of the journal that an order's money is credited by."""
    return f"load:{order_id}"


def load_refund_key(refund_id: str) -> str:
    """The key of the journal that takes a load's refund from the balance."""
    return f"topup-refund:{refund_id}"
