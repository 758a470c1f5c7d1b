"""
One-time passwords: a fresh random number for one challenge, bound to what it is asked for.

facts, section 2: an issuer's OTP is drawn anew for each challenge, so nothing is shared and RFC 4226 is not needed;
codes are kept as a keyed hash, because all 10^6 of them could be tried against a plain one.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from mockpay.domain.buyers import mask_email
from mockpay.domain.payments.attempts import Decision, Source
from mockpay.domain.scenarios.otp_codes import otp_rows
from mockpay.domain.scenarios.rows import Row
from mockpay.domain.sellers import Settings
from mockpay.domain.timeline import Machine, steps
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.money import Money


class Purpose(StrEnum):
    """What a challenge is for; CHALLENGE is the issuer's own, on its ACS page."""

    PAYMENT = "PAYMENT"
    SAVE_METHOD = "SAVE_METHOD"
    SIGN_IN = "SIGN_IN"
    CHALLENGE = "CHALLENGE"
    WALLET_RELOAD = "WALLET_RELOAD"
    DELETE_METHOD = "DELETE_METHOD"


class Channel(StrEnum):
    """How a code is sent to the buyer."""

    SMS = "SMS"
    EMAIL = "EMAIL"
    APP = "APP"


class OtpState(StrEnum):
    """A wrong code leaves a challenge ACTIVE; all other states are ends."""

    ACTIVE = "ACTIVE"
    VERIFIED = "VERIFIED"
    EXPIRED = "EXPIRED"
    LOCKED = "LOCKED"
    SUPERSEDED = "SUPERSEDED"
    CANCELLED = "CANCELLED"


class Verdict(StrEnum):
    """What became of a typed code; USED: the challenge was verified, replaced or cancelled."""

    VERIFIED = "VERIFIED"
    WRONG = "WRONG"
    EXPIRED = "EXPIRED"
    LOCKED = "LOCKED"
    TECHNICAL = "TECHNICAL"
    USED = "USED"


_S = OtpState

#: facts, sections 2 and 12.6.
OTP: Machine[OtpState] = Machine(
    "otp",
    steps(
        [_S.ACTIVE],
        wrong=_S.ACTIVE,
        resend=_S.ACTIVE,
        technical=_S.ACTIVE,
        verify=_S.VERIFIED,
        expire=_S.EXPIRED,
        lock=_S.LOCKED,
        supersede=_S.SUPERSEDED,
        cancel=_S.CANCELLED,
    ),
)

#: What a challenge that is over answers to any further code.
VERDICT_AFTER_END: Mapping[OtpState, Verdict] = {
    _S.VERIFIED: Verdict.USED,
    _S.SUPERSEDED: Verdict.USED,
    _S.CANCELLED: Verdict.USED,
    _S.EXPIRED: Verdict.EXPIRED,
    _S.LOCKED: Verdict.LOCKED,
}

#: So many locked challenges of one destination within the time lock it out for the time.
LOCKS = 2
LOCK_OUT_MS = 30 * 60 * SECOND
#: The kind of event that ends a challenge in time; its subject is the challenge's id.
EXPIRY = "otp.expire"
#: The longest code that may be typed; magic ones have six digits whatever the seller's length.
LONGEST = 8


class Challenge(Struct, frozen=True):
    """
    One challenge as anybody may see it: nothing here tells the code or the whole destination.

    Instants are in ms.  `undelivered`: the last sending failed, so no inbox has the code.
    """

    challenge_id: str
    purpose: Purpose
    subject: str
    attempt_id: str | None
    channel: Channel
    destination_masked: str
    amount: Money | None
    state: OtpState
    length: int
    created_at: int
    expires_at: int
    resend_at: int
    sends_left: int
    wrong_count: int
    tries_left: int
    undelivered: bool


def otp_required(settings: Settings, method: str, amount: Money) -> bool:
    """Whether a payment needs an OTP: it is above the threshold, or its method always does."""
    always = {method_.lower() for method_ in settings.otp_always_methods}
    return method.lower() in always or amount.minor > Money.parse(settings.otp_threshold).minor


def mask_destination(to: str) -> str:
    """A destination as pages show it: ``******3210`` or ``a***@example.com``."""
    if "@" in to:
        return mask_email(to)
    digits = "".join(char for char in to if char.isdigit())
    return f"******{digits[-4:]}" if len(digits) > 4 else "******"


def normalize_destination(to: str) -> str:
    """A destination as it is compared: spelling of numbers and e-mails does not matter."""
    return "".join(to.split()).lower()


def draw(seed: str, seller_id: str, challenge_id: str, send: int, length: int) -> str:
    """
    The code of a challenge's sending: the same in every run with the same seed (house).

    A magic code is never drawn, so that no buyer meets one by chance.
    """
    for again in range(1_000):
        dice = ids.number(seed, seller_id, "otp", challenge_id, send, again, below=10**length)
        code = f"{dice:0{length}d}"
        if magic_outcome(code) is None:
            return code
    raise AssertionError("A thousand draws gave magic codes only.")


def normalize_code(typed: str) -> str:
    """What was typed as it is compared: without spaces; empty where it can be no code."""
    code = "".join(typed[: 4 * LONGEST].split())
    return code if code.isascii() and code.isdigit() and len(code) <= LONGEST else ""


#: Straight from the rows: `scenarios` loads every method's rules, which no code asks for.
_ROWS: Mapping[str, Row] = {row.equals: row for row in otp_rows()}
_ACS = "acs:"
#: Outcomes of a plan that make of any typed code a magic one.
PLANNED_CODES: Mapping[str, str] = {"otp_locked": "888888", "timeout": "999999"}


def magic_row(typed: str) -> Row | None:
    """The row of a magic code; None where what was typed is not magic."""
    return _ROWS.get(normalize_code(typed))


def code_decision(row: Row) -> Decision:
    """A magic code was typed; no other code is kept anywhere."""
    return Decision(row.outcome, Source.CODE, row.name, row.equals)


def magic_outcome(code: str) -> str | None:
    """The outcome of a magic code; None where the code is not magic."""
    row = _ROWS.get(code)
    return row.outcome if row is not None else None


def acs_outcome(typed: str) -> str | None:
    """What an ACS makes of a magic code: ``A``, ``N``, ``U``, ``R`` or ``timeout``; else None."""
    outcome = magic_outcome(normalize_code(typed))
    if outcome is None or not outcome.startswith(_ACS):
        return None
    return outcome.removeprefix(_ACS)


def code_hash(secret: bytes, binding: tuple[object, ...], salt: str, code: str) -> str:
    """
    HMAC-SHA256 of a code and of what it is bound to, in hexadecimal.

    `secret` is a key at rest: a stolen database without it tells no code, few as there are.
    Each part goes with its length: a payee's name cannot be written so that it moves the ends.
    """
    parts = [str(value) for value in (*binding, salt, code)]
    text = "|".join(f"{len(part)}:{part}" for part in parts)
    return hmac.digest(secret, text.encode(), "sha256").hex()


_FOR: Mapping[Purpose, str] = {
    Purpose.PAYMENT: "paying",
    Purpose.CHALLENGE: "paying",
    Purpose.SAVE_METHOD: "saving a payment method",
    Purpose.SIGN_IN: "signing in",
    Purpose.WALLET_RELOAD: "adding money to your balance",
    Purpose.DELETE_METHOD: "deleting a payment method",
}


def message_text(purpose: Purpose, code: str, amount: Money | None, payee: str | None, seconds: int) -> str:
    """The text that the buyer gets."""
    occasion = _FOR[purpose]
    if amount is not None:
        sum_ = f"{amount.currency} {amount.wire()}"
        occasion = f"{occasion} {sum_}" if occasion == "paying" else f"{occasion}, {sum_}"
    at = f" at {payee}" if payee else ""
    valid = f"{seconds // 60} minutes" if seconds >= 120 else f"{seconds} seconds"
    return f"{code} is your one-time password for {occasion}{at}. Valid for {valid}. Tell it nobody."
