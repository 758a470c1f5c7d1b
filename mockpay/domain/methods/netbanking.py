"""
Net banking: the banks, what their pages answer, and the checksum on the way back.

Banks' codes are the field's (IFSC prefixes, `_R` for retail); magic banks answer by themselves.
The letters that banks answer with are ours.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from msgspec import Struct

from mockpay.domain.methods.method import (
    REVERSED,
    Answer,
    Approval,
    Code,
    Method,
    MoneyStatus,
    Parts,
    ResponseCodes,
    Section,
    Timing,
    table,
)
from mockpay.domain.scenarios.netbanking import bank_rows
from mockpay.domain.scenarios.rows import Input
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money

RESPONSE_CODES = ResponseCodes(
    network="Net banking",
    codes=table(
        Code("S", "paid", money=MoneyStatus.APPROVED),
        Code("P", "pending at the bank", money=MoneyStatus.PENDING),
        Code("F", "declined by the bank", "payment_failed"),
        Code("C", "cancelled on the bank's page", "payment_cancelled", "customer"),
        Code("L", "account locked", "debit_instrument_blocked"),
        Code("Z", "account frozen", "debit_instrument_blocked"),
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
        "frozen": Answer("Z"),
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
        "latesuccess": Answer("O", "S", Timing.DELAYED),
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


class Bank(Struct, frozen=True):
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


class NetBanking(Struct, frozen=True):
    """The buyer's own bank."""

    bank: str

    method = "netbanking"

    @property
    def inputs(self) -> Mapping[str, str]:
        """The bank's code."""
        return {Input.BANK: self.bank}

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt."""
        return {"bank": self.bank, "bank_name": BY_CODE[self.bank].name}

    def secret(self) -> Mapping[str, str]:
        """Nothing."""
        return {}


def _title(parts: Parts) -> str:
    return parts["bank_name"]


def _read(parts: Parts, _now: int, _amount: Money | None) -> NetBanking:
    if parts.get("bank") not in BY_CODE:
        message = "A bank is named by its code, as GET .../methods lists them."
        raise Invalid(message, code="bank.unknown", field="bank")
    return NetBanking(parts["bank"])


def _restore(_secret: Parts, parts: Parts) -> NetBanking:
    return NetBanking(parts["bank"])


METHOD = Method(
    code=NetBanking.method,
    inputs=frozenset({"bank"}),
    match_keys=frozenset({"bank"}),
    order=3,
    title="Net banking",
    tile="Net banking",
    noun="net banking",
    icon="bank",
    subtitle="{banks}",
    response_codes=RESPONSE_CODES,
    instrument="bank",
    instrument_title=_title,
    magic="bank {value}",
    read=_read,
    restore=_restore,
    secret=False,
    approval=Approval(
        name="bank page",
        where="on the bank’s page",
        page="bank",
        address="bank",
        heading="at {title}",
        sent="You were sent to {title}",
        waiting="Buyer is on the page of {title}",
        seconds="bank_page_seconds",
        alone="By the bank itself, as the scenario has it; nobody was on its page",
        forged="X",
        at_bank=True,
        # A bank that is down is noticed before anybody is asked.
        refusals=frozenset({"D"}),
        reference_prefix="BID",
    ),
    facts={
        "auth_required": "Sent to the bank’s own page",
        "auth_ok": "On the bank’s page, and confirmed by the bank itself",
    },
    reference="UTR",
    rows=tuple(bank_rows()),
    sections=(
        Section(
            title="Banks",
            anchor="banks",
            description="Chosen on the payment page, or users of any bank’s log-in page.",
            inputs=frozenset({Input.BANK, Input.BANK_USER}),
        ),
    ),
)
