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
from mockpay.domain.methods.response_codes import Answer, Code, MoneyStatus, ResponseCodes, Timing, table

METHOD = "wallet"

NETWORK = ResponseCodes(
    method=METHOD,
    codes=table(
        Code("00", "approved", money=MoneyStatus.APPROVED),
        Code("51", "not enough balance", "insufficient_wallet_balance", "customer"),
        Code("57", "balance frozen", "wallet_frozen", "customer"),
        Code("PD", "pending at Amazon Pay", money=MoneyStatus.PENDING),
        Code("TO", "the balance did not answer", "payment_timed_out", "gateway"),
        Code("96", "balance unavailable", "gateway_technical_error", "gateway"),
        Code("68", "answer came too late", "payment_timed_out", "gateway", MoneyStatus.UNKNOWN),
    ),
    named={
        "success": Answer("00"),
        "failure": Answer("96"),
        "insufficient": Answer("51"),
        "frozen": Answer("57"),
        "pending": Answer("PD"),
        "pendingok": Answer("PD", "00", Timing.DELAYED),
        "timedout": Answer("TO"),
        "deemed": Answer("68", "00", Timing.DELAYED),
    },
    from_iso={"51": "51", "57": "57", "68": "68"},
    other="96",
)


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
