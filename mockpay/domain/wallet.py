"""
Wallet balances: accounts and double-entry journals, whose postings always sum to nought.

Only templates move money; a correction is another journal, never a changed posting.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from mockpay.domain.buyers import BUYERS as BUYERS
from mockpay.domain.buyers import DOMAIN as DOMAIN
from mockpay.domain.buyers import opening_minor as opening_minor

#: The method of payment that it is.
METHOD = "wallet"


class Kind(StrEnum):
    """What an account holds."""

    WALLET_MONEY = "WALLET_MONEY"
    WALLET_HOLD = "WALLET_HOLD"
    GATEWAY_CLEARING = "GATEWAY_CLEARING"
    MERCHANT_PAYABLE = "MERCHANT_PAYABLE"


#: Accounts of the outside world may go below nought; a buyer's never.
MAY_BE_NEGATIVE = frozenset({Kind.GATEWAY_CLEARING})


class JournalType(StrEnum):
    """Why money moved."""

    TOPUP = "TOPUP"
    HOLD = "HOLD"
    CAPTURE = "CAPTURE"
    RELEASE = "RELEASE"
    REFUND = "REFUND"
    CHARGEBACK = "CHARGEBACK"


#: From which account to which, in each journal.
TEMPLATES: Mapping[JournalType, tuple[Kind, Kind]] = {
    JournalType.TOPUP: (Kind.GATEWAY_CLEARING, Kind.WALLET_MONEY),
    JournalType.HOLD: (Kind.WALLET_MONEY, Kind.WALLET_HOLD),
    JournalType.CAPTURE: (Kind.WALLET_HOLD, Kind.MERCHANT_PAYABLE),
    JournalType.RELEASE: (Kind.WALLET_HOLD, Kind.WALLET_MONEY),
    JournalType.REFUND: (Kind.MERCHANT_PAYABLE, Kind.WALLET_MONEY),
    JournalType.CHARGEBACK: (Kind.WALLET_MONEY, Kind.MERCHANT_PAYABLE),
}
