"""
What card issuers answer: ISO 8583 field 39, meanings and reasons as payment companies publish them.

The two last codes are ours: field 39 says neither "later" nor "given up".
"""

from __future__ import annotations

from mockpay.domain.methods.method import REVERSED, Answer, Code, MoneyStatus, ResponseCodes, Timing, table

#: A soft decline: the issuer wants a challenge where it let the buyer through without one.
SCA_REQUIRED = "1A"

_C, _G = "customer", "gateway"

RESPONSE_CODES = ResponseCodes(
    network="A card network",
    codes=table(
        Code("00", "approved", money=MoneyStatus.APPROVED),
        Code("01", "refer to issuer", "card_declined"),
        Code("03", "invalid merchant", "payment_failed", _G),
        Code("04", "pick up card", "debit_instrument_blocked"),
        Code("05", "do not honour", "card_declined"),
        Code("07", "pick up card", "debit_instrument_blocked"),
        Code("12", "invalid transaction", "invalid_request"),
        Code("13", "invalid amount", "invalid_amount"),
        Code("14", "invalid card number", "card_number_invalid"),
        Code("15", "no such issuer", "card_number_invalid"),
        Code("19", "try again", "payment_failed"),
        Code("41", "lost card", "debit_instrument_blocked"),
        Code("43", "stolen card", "debit_instrument_blocked"),
        Code("46", "closed account", "card_declined"),
        Code("51", "not enough funds", "insufficient_funds"),
        Code("54", "expired card", "card_expired"),
        Code("55", "wrong PIN", "incorrect_pin", _C),
        Code("57", "not permitted to this card", "card_disabled_for_online_payments"),
        Code("59", "suspected fraud", "payment_risk_check_failed"),
        Code("61", "over the amount limit", "transaction_limit_exceeded"),
        Code("62", "restricted card", "international_transaction_not_allowed"),
        Code("63", "security violation", "payment_risk_check_failed"),
        Code("65", "too many payments", "transaction_frequency_limit_exceeded"),
        Code("68", "answer came too late", "payment_timed_out", _G, MoneyStatus.UNKNOWN),
        Code("75", "too many wrong PINs", "pin_attempts_exceeded", _C),
        Code(SCA_REQUIRED, "strong authentication required", "authentication_required"),
        Code("82", "CVV check failed", "incorrect_cvv", _C),
        Code("91", "issuer unavailable", "bank_technical_error"),
        Code("96", "system malfunction", "gateway_technical_error", _G),
        Code("N7", "wrong CVV", "incorrect_cvv", _C),
        Code("PD", "pending at the issuer", money=MoneyStatus.PENDING),
        Code("TO", "the issuer did not answer", "payment_timed_out", _G),
    ),
    named={
        "success": Answer("00"),
        "failure": Answer("05"),
        "declined": Answer("05"),
        "insufficient": Answer("51"),
        "limit": Answer("61"),
        "frequency": Answer("65"),
        "bankdown": Answer("91"),
        "pending": Answer("PD"),
        "pendingok": Answer("PD", "00", Timing.DELAYED),
        "pendingfail": Answer("PD", "05", Timing.DELAYED),
        "late": Answer("PD", "00", Timing.AFTER_ORDER_EXPIRY),
        "pendingreversed": Answer("PD", REVERSED, Timing.DELAYED),
        "timedout": Answer("TO"),
        "latesuccess": Answer("TO", "00", Timing.DELAYED),
        "deemed": Answer("68", "00", Timing.DELAYED),
        "deemedfail": Answer("68", REVERSED, Timing.DELAYED),
    },
    from_iso={},
    other="05",
    speaks_iso=True,
)
#: Field-39 codes worth asking for by amount.
ISO_CODES = tuple(code for code in RESPONSE_CODES.codes if code.isdigit() and code != "00")
