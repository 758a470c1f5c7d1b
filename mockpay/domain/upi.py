"""
UPI: response codes, the answers that a simulated UPI app and bank can give, VPAs and links.

Codes, meanings and reasons: NPCI's list as published by payment companies
(see the table in providers/simulator/README.md for sources and confidence).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from mockpay.domain.attempts import Failure
from mockpay.kernel.errors import Invalid

METHOD = "upi"


class Known(StrEnum):
    """What a response code says about the money."""

    APPROVED = "approved"
    PENDING = "pending"
    DECLINED = "declined"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class UpiCode:
    """One row of the code table: meaning in words, and the failure it stands for."""

    code: str
    meaning: str
    reason: str = ""
    source: str = "issuer_bank"
    known: Known = Known.DECLINED


def _table(*rows: UpiCode) -> Mapping[str, UpiCode]:
    return {row.code: row for row in rows}


_PSP, _NET, _PAYER, _PAYEE = "customer_psp", "network", "customer", "beneficiary_bank"

CODES: Mapping[str, UpiCode] = _table(
    UpiCode("00", "approved", known=Known.APPROVED),
    UpiCode("01", "pending at the bank", known=Known.PENDING),
    UpiCode("RB", "credit timed out, deemed", "payment_pending", _PAYEE, Known.UNKNOWN),
    UpiCode("BT", "beneficiary unavailable", "gateway_technical_error", _PAYEE, Known.UNKNOWN),
    UpiCode("U67", "debit timed out", "bank_technical_error", _NET, Known.UNKNOWN),
    UpiCode("U68", "credit timed out", "gateway_technical_error", _NET, Known.UNKNOWN),
    UpiCode(
        "U69", "the request expired", "payment_collect_request_expired", _PAYER, Known.EXPIRED
    ),
    UpiCode("Z9", "not enough funds", "insufficient_funds"),
    UpiCode("ZM", "wrong UPI PIN", "incorrect_pin", _PAYER),
    UpiCode("Z6", "too many wrong UPI PINs", "pin_attempts_exceeded", _PAYER),
    UpiCode("Z7", "too many payments", "transaction_frequency_limit_exceeded"),
    UpiCode("Z8", "over the limit for one payment", "transaction_limit_exceeded"),
    UpiCode("ZU", "over the daily limit", "transaction_daily_limit_exceeded"),
    UpiCode("ZA", "declined by the buyer", "payment_declined", _PAYER),
    UpiCode("ZH", "no such UPI ID", "invalid_vpa", _PSP),
    UpiCode("ZE", "not permitted to this UPI ID", "transaction_on_vpa_restricted", _PSP),
    UpiCode("ZG", "UPI ID restricted by its owner", "transaction_on_vpa_restricted", _PSP),
    UpiCode("ZR", "wrong OTP", "incorrect_otp", _PAYER),
    UpiCode("ZS", "OTP expired", "otp_expired", _PAYER),
    UpiCode("ZX", "dormant account", "bank_account_invalid"),
    UpiCode("ZY", "payee's account is dormant", "bank_account_invalid", _PAYEE),
    UpiCode("YE", "account frozen", "debit_instrument_blocked"),
    UpiCode("YF", "payee's account frozen", "debit_instrument_blocked", _PAYEE),
    UpiCode("XB", "declined without a closer reason", "payment_failed"),
    UpiCode("XC", "declined at the payee's bank", "payment_failed", _PAYEE),
    UpiCode("XH", "account does not exist", "bank_account_invalid"),
    UpiCode("XI", "payee's account does not exist", "bank_account_invalid", _PAYEE),
    UpiCode("B1", "registered mobile number changed", "invalid_user_details"),
    UpiCode("B6", "payment details do not match", "mismatch_in_transaction_details"),
    UpiCode("59", "suspected fraud", "payment_risk_check_failed"),
    UpiCode("U02", "over the amount cap", "transaction_limit_exceeded", _NET),
    UpiCode("U03", "over the net debit cap", "transaction_limit_exceeded", _NET),
    UpiCode("U09", "authorisation timed out", "payment_timed_out", _NET),
    UpiCode("U16", "risk threshold exceeded", "payment_risk_check_failed", _NET),
    UpiCode("U17", "UPI app not registered", "invalid_vpa", _NET),
    UpiCode("U19", "authorisation declined", "payment_declined", _NET),
    UpiCode("U20", "authorisation timed out", "payment_timed_out", _NET),
    UpiCode("U28", "buyer's bank unavailable", "bank_technical_error"),
    UpiCode("U29", "UPI ID could not be resolved", "vpa_resolution_failed", _NET),
    UpiCode("U30", "debit failed", "payment_failed"),
    UpiCode("U31", "credit failed", "credit_failed", _PAYEE),
    UpiCode("U66", "device does not match", "invalid_device", _PSP),
    UpiCode("UP", "UPI app timed out", "upi_app_technical_error", _PSP),
    UpiCode("UB", "UPI app broke down", "upi_app_technical_error", _PSP),
)  # fmt: skip

#: A wrong PIN fails one try; so many of them lock.
WRONG_PIN, PIN_LOCKED, MOST_WRONG_PINS = "ZM", "Z6", 3

#: ISO 8583 field-39 answers as UPI tells them; any other is XB.
_FROM_ISO = {"51": "Z9", "61": "Z8", "65": "Z7", "91": "U28", "96": "U30", "59": "U16"}


class When(StrEnum):
    """When a later answer comes."""

    NEVER = "never"
    DELAYED = "delayed"
    AFTER_ORDER_EXPIRY = "after_order_expiry"


@dataclass(frozen=True, slots=True)
class Answer:
    """The first code that the network tells, and what becomes of it later."""

    code: str
    later: str | None = None
    when: When = When.NEVER

    @property
    def known(self) -> Known:
        """What the first code says about the money."""
        return CODES[self.code].known


#: `reversed` is no code: the network sends the money back and says so.
REVERSED = "reversed"

#: Outcomes of the issuer stage by name; every code of the table is an outcome too.
NAMED: Mapping[str, Answer] = {
    "success": Answer("00"),
    "failure": Answer("U30"),
    "pending": Answer("01"),
    "pendingok": Answer("01", "00", When.DELAYED),
    "pendingfail": Answer("01", "U30", When.DELAYED),
    "expired": Answer("U69"),
    "declined": Answer("ZA"),
    "insufficient": Answer("Z9"),
    "wrongpin": Answer("ZM"),
    "pinlocked": Answer("Z6"),
    "limit": Answer("Z8"),
    "frequency": Answer("Z7"),
    "frozen": Answer("YE"),
    "dormant": Answer("ZX"),
    "bankdown": Answer("U28"),
    "psptimeout": Answer("UP"),
    "deemed": Answer("RB", "00", When.DELAYED),
    "deemedfail": Answer("RB", REVERSED, When.DELAYED),
    "late": Answer("01", "00", When.AFTER_ORDER_EXPIRY),
    "fraud": Answer("U16"),
    "invalid": Answer("ZH"),
}


def answer(outcome: str) -> Answer:
    """
    What UPI answers for an outcome: a name, a UPI code or an ISO code such as ``iso:51``.

    Raises:
        Invalid: code ``scenario.outcome``: nothing of that name.
    """
    if outcome in NAMED:
        return NAMED[outcome]
    if outcome.startswith("iso:"):
        return Answer(_FROM_ISO.get(outcome[4:], "XB"))
    code = CODES.get(outcome.upper())
    if code is None:
        message = f"UPI has no outcome '{outcome}'."
        raise Invalid(message, code="scenario.outcome", outcome=outcome)
    if code.known is Known.UNKNOWN:
        return Answer(code.code, "00", When.DELAYED)
    return Answer(code.code)


def failure(code: str, step: str = "payment_debit_request") -> Failure:
    """The failure record for a code that took no money."""
    row = CODES[code]
    return Failure(row.source, step, row.reason, code)


#: NPCI's form of a UPI ID: handle letters first (confidence: remembered).
_VPA = re.compile(r"[A-Za-z0-9.\-_]{2,256}@[A-Za-z][A-Za-z0-9]{1,63}")


def vpa(text: str) -> str:
    """
    A UPI ID in lower case.

    Raises:
        Invalid: code ``vpa.invalid``.
    """
    found = text.strip()
    if not _VPA.fullmatch(found):
        message = "A UPI ID looks like name@bank."
        raise Invalid(message, code="vpa.invalid", field="vpa")
    return found.lower()


def link(*, payee: str, name: str, amount: str, reference: str, note: str, mode: str) -> str:
    """
    A dynamic ``upi://pay`` link (NPCI linking specification 1.6; a space is ``%20``).

    Args:
        payee: The seller's UPI ID.
        name: The seller's name.
        amount: Rupees, ``"499.00"``.
        reference: At most 35 characters, the attempt it will become.
        note: At most 50 characters are sent.
        mode: ``04`` for an intent, ``22`` for a dynamic QR code.
    """
    parts = {
        "pa": payee, "pn": name[:99], "mc": "5999", "tr": reference[:35], "tn": note[:50],
        "am": amount, "cu": "INR", "mode": mode, "purpose": "00",
    }  # fmt: skip
    return "upi://pay?" + "&".join(
        f"{key}={quote(value, safe='@')}" for key, value in parts.items()
    )
