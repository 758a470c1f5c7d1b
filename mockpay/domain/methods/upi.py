"""
UPI: response codes, the answers that a simulated UPI app and bank can give, VPAs and links.

Codes, meanings and reasons: NPCI's list as published by payment companies
(see the table in providers/simulator/README.md for sources and confidence).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

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
from mockpay.domain.scenarios.rows import Input
from mockpay.domain.scenarios.upi import pin_rows, vpa_rows
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money

_PSP, _NET, _PAYER, _PAYEE = "customer_psp", "network", "customer", "beneficiary_bank"

CODES: Mapping[str, Code] = table(
    Code("00", "approved", money=MoneyStatus.APPROVED),
    Code("01", "pending at the bank", money=MoneyStatus.PENDING),
    Code("RB", "credit timed out, deemed", "payment_pending", _PAYEE, MoneyStatus.UNKNOWN),
    Code("BT", "beneficiary unavailable", "gateway_technical_error", _PAYEE, MoneyStatus.UNKNOWN),
    Code("U67", "debit timed out", "bank_technical_error", _NET, MoneyStatus.UNKNOWN),
    Code("U68", "credit timed out", "gateway_technical_error", _NET, MoneyStatus.UNKNOWN),
    Code("U69", "the request expired", "payment_collect_request_expired", _PAYER, MoneyStatus.EXPIRED),
    Code("Z9", "not enough funds", "insufficient_funds"),
    Code("ZM", "wrong UPI PIN", "incorrect_pin", _PAYER),
    Code("Z6", "too many wrong UPI PINs", "pin_attempts_exceeded", _PAYER),
    Code("Z7", "too many payments", "transaction_frequency_limit_exceeded"),
    Code("Z8", "over the limit for one payment", "transaction_limit_exceeded"),
    Code("ZU", "over the daily limit", "transaction_daily_limit_exceeded"),
    Code("ZA", "declined by the buyer", "payment_declined", _PAYER),
    Code("ZH", "no such UPI ID", "invalid_vpa", _PSP),
    Code("ZE", "not permitted to this UPI ID", "transaction_on_vpa_restricted", _PSP),
    Code("ZG", "UPI ID restricted by its owner", "transaction_on_vpa_restricted", _PSP),
    Code("ZR", "wrong OTP", "incorrect_otp", _PAYER),
    Code("ZS", "OTP expired", "otp_expired", _PAYER),
    Code("ZX", "dormant account", "bank_account_invalid"),
    Code("ZY", "payee's account is dormant", "bank_account_invalid", _PAYEE),
    Code("YE", "account frozen", "debit_instrument_blocked"),
    Code("YF", "payee's account frozen", "debit_instrument_blocked", _PAYEE),
    Code("XB", "declined without a closer reason", "payment_failed"),
    Code("XC", "declined at the payee's bank", "payment_failed", _PAYEE),
    Code("XH", "account does not exist", "bank_account_invalid"),
    Code("XI", "payee's account does not exist", "bank_account_invalid", _PAYEE),
    Code("B1", "registered mobile number changed", "invalid_user_details"),
    Code("B6", "payment details do not match", "mismatch_in_transaction_details"),
    Code("59", "suspected fraud", "payment_risk_check_failed"),
    Code("U02", "over the amount cap", "transaction_limit_exceeded", _NET),
    Code("U03", "over the net debit cap", "transaction_limit_exceeded", _NET),
    Code("U09", "authorisation timed out", "payment_timed_out", _NET),
    Code("U16", "risk threshold exceeded", "payment_risk_check_failed", _NET),
    Code("U17", "UPI app not registered", "invalid_vpa", _NET),
    Code("U19", "authorisation declined", "payment_declined", _NET),
    Code("U20", "authorisation timed out", "payment_timed_out", _NET),
    Code("U28", "buyer's bank unavailable", "bank_technical_error"),
    Code("U29", "UPI ID could not be resolved", "vpa_resolution_failed", _NET),
    Code("U30", "debit failed", "payment_failed"),
    Code("U31", "credit failed", "credit_failed", _PAYEE),
    Code("U66", "device does not match", "invalid_device", _PSP),
    Code("UP", "UPI app timed out", "upi_app_technical_error", _PSP),
    Code("UB", "UPI app broke down", "upi_app_technical_error", _PSP),
)

#: A wrong PIN fails one try; so many of them lock.
WRONG_PIN, PIN_LOCKED, MOST_WRONG_PINS = "ZM", "Z6", 3

#: ISO 8583 field-39 answers as UPI tells them; any other is XB.
_FROM_ISO = {"51": "Z9", "61": "Z8", "65": "Z7", "91": "U28", "96": "U30", "59": "U16"}

#: Outcomes of the issuer stage by name; every code of the table is an outcome too.
NAMED: Mapping[str, Answer] = {
    "success": Answer("00"),
    "failure": Answer("U30"),
    "pending": Answer("01"),
    "pendingok": Answer("01", "00", Timing.DELAYED),
    "pendingfail": Answer("01", "U30", Timing.DELAYED),
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
    "deemed": Answer("RB", "00", Timing.DELAYED),
    "pendingreversed": Answer("01", REVERSED, Timing.DELAYED),
    "deemedfail": Answer("RB", REVERSED, Timing.DELAYED),
    "late": Answer("01", "00", Timing.AFTER_ORDER_EXPIRY),
    "fraud": Answer("U16"),
    "invalid": Answer("ZH"),
    "timedout": Answer("U09"),
    "latesuccess": Answer("U09", "00", Timing.DELAYED),
}


RESPONSE_CODES = ResponseCodes("UPI", CODES, NAMED, _FROM_ISO, other="XB", step="payment_debit_request")


#: NPCI's form of a UPI ID: handle letters first (confidence: remembered).
_VPA = re.compile(r"[A-Za-z0-9.\-_]{2,256}@[A-Za-z][A-Za-z0-9]{1,63}")


def vpa(text: str) -> str:
    """
    A UPI ID in lower case.

    Raises:
        Invalid: code ``vpa.invalid``.
    """
    address = text.strip()
    if not _VPA.fullmatch(address):
        message = "A UPI ID looks like name@bank."
        raise Invalid(message, code="vpa.invalid", field="vpa")
    return address.lower()


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
        "pa": payee,
        "pn": name[:99],
        "mc": "5999",
        "tr": reference[:35],
        "tn": note[:50],
        "am": amount,
        "cu": "INR",
        "mode": mode,
        "purpose": "00",
    }
    return "upi://pay?" + "&".join(f"{key}={quote(value, safe='@')}" for key, value in parts.items())


class Upi(Struct, frozen=True):
    """UPI: by a request to a VPA (collect), or by a QR code or link that opens an app (intent)."""

    vpa: str | None = None

    method = "upi"

    @property
    def flow(self) -> str:
        """``collect`` or ``intent``."""
        return "collect" if self.vpa else "intent"

    @property
    def inputs(self) -> Mapping[str, str]:
        """The UPI ID, where one was typed."""
        return {Input.VPA: self.vpa} if self.vpa else {}

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt."""
        return {"flow": self.flow, **({"vpa": self.vpa} if self.vpa else {})}

    def secret(self) -> Mapping[str, str]:
        """Nothing."""
        return {}


def _title(parts: Parts) -> str:
    return parts.get("vpa", "")


def _read(parts: Parts, _now: int, _amount: Money | None) -> Upi:
    return Upi(vpa(parts["vpa"]) if parts.get("vpa") else None)


def _restore(secret: Parts, parts: Parts) -> Upi | None:
    address = secret.get("vpa") or parts.get("vpa")
    return Upi(address) if address else None


_VPAS = frozenset({str(Input.VPA)})
METHOD = Method(
    code=Upi.method,
    inputs=frozenset({"vpa"}),
    match_keys=frozenset({"vpa"}),
    order=1,
    title="UPI",
    tile="UPI",
    noun="UPI",
    icon="upi",
    subtitle="Scan a QR, or approve in any UPI app",
    response_codes=RESPONSE_CODES,
    instrument="UPI ID",
    instrument_title=_title,
    unnamed="UPI app",
    magic="UPI ID",
    read=_read,
    restore=_restore,
    own_proof=True,
    approval=Approval(
        name="UPI app",
        where="in the simulated UPI app",
        page="upi-app",
        address="vpa",
        heading="in your UPI app",
        sent="UPI request sent",
        waiting="Waiting for {title} to approve",
        seconds="upi_collect_seconds",
        alone="By the simulated buyer, in the UPI app",
        # An unknown UPI ID is noticed before anybody is asked.
        refusals=frozenset({"ZH"}),
        simulated=True,
    ),
    facts={
        "chosen": "By QR code or link, in any UPI app",
        "auth_required": "Request sent to the UPI app",
        "seen": "The buyer opened it in the UPI app",
        "auth_ok": "In the UPI app",
    },
    unanswered="the UPI request was never answered",
    reference="RRN",
    # NPCI's cap for verified merchants.
    highest=Money(50_000_000),
    rows=(*vpa_rows(CODES), *pin_rows()),
    sections=(
        Section(
            title="UPI IDs", anchor="upi", description="Typed on the payment page; the name says the end.", inputs=_VPAS
        ),
        Section(
            title="UPI IDs by code",
            anchor="codes",
            description="Any response code of a bank or an app.",
            inputs=_VPAS,
            prefix="upi.code.",
        ),
        Section(
            title="UPI IDs by code: U",
            anchor="u-codes",
            description="Response codes of the network itself.",
            inputs=_VPAS,
            prefix="upi.code.u",
        ),
        Section(
            title="Other sandboxes’ UPI IDs",
            anchor="aliases",
            description="Habits from elsewhere work too.",
            inputs=_VPAS,
            prefix="upi.alias.",
        ),
        Section(
            title="UPI PINs",
            anchor="pins",
            description="Typed in the simulated UPI app.",
            inputs=frozenset({Input.PIN}),
        ),
    ),
)
