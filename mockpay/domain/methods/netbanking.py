"""
Net banking: the banks, what their pages answer, and the checksum on the way back.

Banks' codes are the field's (IFSC prefixes, `_R` for retail); magic banks answer by themselves.
The letters that banks answer with are ours.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from mockpay.domain.methods.response_codes import (
    REVERSED,
    Answer,
    Code,
    MoneyStatus,
    ResponseCodes,
    Timing,
    table,
)

METHOD = "netbanking"

NETWORK = ResponseCodes(
    method=METHOD,
    codes=table(
        Code("S", "paid", money=MoneyStatus.APPROVED),
        Code("P", "pending at the bank", money=MoneyStatus.PENDING),
        Code("F", "declined by the bank", "payment_failed"),
        Code("C", "cancelled on the bank's page", "payment_cancelled", "customer"),
        Code("L", "account locked", "debit_instrument_blocked"),
        Code("N", "not enough funds", "insufficient_funds"),
        Code("X", "the bank's answer was forged", "payment_failed", "gateway"),
        Code("D", "the bank is down", "bank_technical_error"),
        Code("T", "the bank's page was left", "payment_timed_out", "customer", MoneyStatus.EXPIRED),
        Code("O", "the bank did not answer", "payment_timed_out"),
        Code("U", "the bank does not know", "payment_pending", money=MoneyStatus.UNKNOWN),
    ),
    named={
        "success": Answer("S"),
        "locked": Answer("L"),
        "insufficient": Answer("N"),
        "bankdown": Answer("D"),
        "failure": Answer("F"),
        "pending": Answer("P"),
        "pendingok": Answer("P", "S", Timing.DELAYED),
        "pendingfail": Answer("P", "F", Timing.DELAYED),
        "pendingreversed": Answer("P", REVERSED, Timing.DELAYED),
        "cancelled": Answer("C"),
        "never_returns": Answer("T"),
        "timedout": Answer("O"),
        "late": Answer("P", "S", Timing.AFTER_ORDER_EXPIRY),
        "forged": Answer("X"),
        "approval": Answer("P"),
        "deemed": Answer("U", "S", Timing.DELAYED),
        "deemedfail": Answer("U", REVERSED, Timing.DELAYED),
    },
    from_iso={},
    other="F",
    approved="S",
)


@dataclass(frozen=True, slots=True)
class Bank:
    """One bank of the list."""

    code: str
    name: str
    common: bool = False
    magic: bool = False


BANKS: tuple[Bank, ...] = (
    Bank("SBIN", "State Bank of India", common=True),
    Bank("HDFC", "HDFC Bank", common=True),
    Bank("ICIC", "ICICI Bank", common=True),
    Bank("UTIB", "Axis Bank", common=True),
    Bank("KKBK", "Kotak Mahindra Bank", common=True),
    Bank("PUNB_R", "Punjab National Bank", common=True),
    Bank("AUBL", "AU Small Finance Bank"),
    Bank("BARB_R", "Bank of Baroda"),
    Bank("BKID", "Bank of India"),
    Bank("CNRB", "Canara Bank"),
    Bank("CBIN", "Central Bank of India"),
    Bank("FDRL", "Federal Bank"),
    Bank("IBKL", "IDBI Bank"),
    Bank("IDFB", "IDFC FIRST Bank"),
    Bank("IDIB", "Indian Bank"),
    Bank("IOBA", "Indian Overseas Bank"),
    Bank("INDB", "IndusInd Bank"),
    Bank("RATN", "RBL Bank"),
    Bank("SCBL", "Standard Chartered Bank"),
    Bank("UBIN", "Union Bank of India"),
    Bank("YESB", "Yes Bank"),
    Bank("MKS1", "Mock bank, pays", magic=True),
    Bank("MKF1", "Mock bank, declines", magic=True),
    Bank("MKP1", "Mock bank, pending then paid", magic=True),
    Bank("MKP2", "Mock bank, pending then declined", magic=True),
    Bank("MKC1", "Mock bank, cancels", magic=True),
    Bank("MKT1", "Mock bank, never returns", magic=True),
    Bank("MKD1", "Mock bank, down", magic=True),
    Bank("MKL1", "Mock bank, pays too late", magic=True),
    Bank("MKX1", "Mock bank, forged return", magic=True),
    Bank("MKA1", "Mock bank, waits for approval", magic=True),
)
BY_CODE: Mapping[str, Bank] = {bank.code: bank for bank in BANKS}
#: A bank that is always down, whatever the seller's settings say.
ALWAYS_DOWN = "MKD1"


def checksum(key: bytes, bank_ref: str, status: str, amount: str) -> str:
    """What a bank puts on its way back, so that nobody changes status or amount on the way."""
    text = f"{bank_ref}|{status}|{amount}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
