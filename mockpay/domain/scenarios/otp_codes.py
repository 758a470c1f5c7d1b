"""The rows of the scenario table that look at a typed one-time password."""

from __future__ import annotations

from collections.abc import Iterable

from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.rows import Input, Row

#: How the words of a code end that only an issuer's page knows.
OTP_ELSEWHERE = "; wrong elsewhere"
#: facts, section 11.2; the page's OTP and the ACS's share them.  An `acs:` outcome is the ACS's
#: own (its transStatus, or the buyer's silence); on the page such a code is wrong.
_CODES: tuple[tuple[str, str, str, str], ...] = (
    ("123456", "correct", "correct", "PayU, PhonePe, Juspay"),
    ("111000", "correct", "correct", "Cashfree"),
    ("000000", "wrong", "wrong, and counts; so do 1 to 3 digits", "Razorpay"),
    ("999999", "expired", "treated as expired", "mockpay"),
    ("888888", "locked", "locks the challenge at once", "mockpay"),
    ("666666", "technical", "technical error once, then correct", "mockpay"),
    ("222222", "acs:A", "3-D Secure: attempted (A); wrong elsewhere", "Nexi"),
    ("333333", "acs:N", "3-D Secure: not authenticated (N); wrong elsewhere", "Nexi"),
    ("444444", "acs:U", "3-D Secure: unavailable (U); wrong elsewhere", "mockpay"),
    ("555555", "acs:R", "3-D Secure: rejected (R); wrong elsewhere", "mockpay"),
    ("777777", "acs:timeout", "3-D Secure: the challenge times out; wrong elsewhere", "mockpay"),
)


def otp_rows() -> Iterable[Row]:
    """One-time passwords with an agreed outcome; the code in the inbox works beside them."""
    for code, outcome, description, origin in _CODES:
        yield Row(f"otp.{code}", Stage.AUTH, Input.OTP, code, outcome, description, origin)
