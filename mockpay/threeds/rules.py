"""
3-D Secure 2.2: what its statuses mean for a payment, and the states of one authentication.

Statuses, reasons and codes: EMV 3DS 2.2.0 as payment companies publish it; the facts on the
buyer's side, sections 3 and 12.6, name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mockpay.domain.state_machine import Machine, steps
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.money import Money

VERSION = "2.2.0"
#: How long the ACS waits for its cardholder.
CHALLENGE_MS = 600 * SECOND
#: What a challenge window measures, by challengeWindowSize; None for the full screen.
WINDOWS: Mapping[str, tuple[int, int] | None] = {
    "01": (250, 400),
    "02": (390, 400),
    "03": (500, 600),
    "04": (600, 400),
    "05": None,
}


class TransStatus(StrEnum):
    """How an authentication ended; C is still to end."""

    AUTHENTICATED = "Y"
    ATTEMPTED = "A"
    CHALLENGE = "C"
    DECOUPLED = "D"
    INFORMATIONAL = "I"
    NOT_AUTHENTICATED = "N"
    REJECTED = "R"
    UNAVAILABLE = "U"


_T = TransStatus

#: transStatusReason.
REASONS: Mapping[str, str] = {
    "01": "card authentication failed",
    "02": "unknown device",
    "03": "unsupported device",
    "04": "exceeds authentication frequency limit",
    "05": "expired card",
    "06": "invalid card number",
    "07": "invalid transaction",
    "08": "no card record",
    "09": "security failure",
    "10": "stolen card",
    "11": "suspected fraud",
    "12": "transaction not permitted to cardholder",
    "13": "cardholder not enrolled",
    "14": "timed out at the ACS",
    "15": "low confidence",
    "16": "medium confidence",
    "17": "high confidence",
    "18": "very high confidence",
    "19": "exceeds the most challenges",
    "20": "non-payment transaction not supported",
    "21": "3RI transaction not supported",
    "22": "technical problem at the ACS",
    "23": "decoupled authentication needed, but not asked for",
    "24": "decoupled authentication's time exceeded",
    "25": "too little time for decoupled authentication",
    "26": "tried, but not performed by the cardholder",
}
FAILED, FRAUD, NOT_ENROLLED = "01", "11", "13"
LATE, TOO_OFTEN, TECHNICAL, DECOUPLED, LEFT = "14", "19", "22", "23", "26"
#: The reason that goes with a status where nothing tells another.
DEFAULT_REASON: Mapping[TransStatus, str] = {
    _T.NOT_AUTHENTICATED: FAILED,
    _T.REJECTED: FRAUD,
    _T.UNAVAILABLE: TECHNICAL,
}
#: challengeCancel.
CANCELLED_BY_CARDHOLDER, TIMED_OUT_AT_ACS, NEVER_OPENED, CANCELLED_BY_ERROR = "01", "04", "05", "06"


class Liability(StrEnum):
    """Who bears the loss of a fraud chargeback."""

    ISSUER = "ISSUER"
    MERCHANT = "MERCHANT"


#: ECI by status: Mastercard's family, and everybody else (Visa, American Express, Diners; RuPay's
#: own values are not published, so it has theirs).
_ECI: Mapping[TransStatus, tuple[str, str]] = {
    _T.AUTHENTICATED: ("02", "05"),
    _T.DECOUPLED: ("02", "05"),
    _T.ATTEMPTED: ("01", "06"),
    _T.INFORMATIONAL: ("04", "07"),
}
_NO_ECI = ("00", "07")
_MASTERCARDS = frozenset({"Mastercard", "Maestro"})
_SHIFTS = frozenset({_T.AUTHENTICATED, _T.ATTEMPTED, _T.DECOUPLED})
#: Statuses that come with an authenticationValue.
PROVEN = frozenset({_T.AUTHENTICATED, _T.ATTEMPTED})


def eci(network: str, status: TransStatus | None) -> str:
    """The electronic commerce indicator that a network has for a status."""
    mastercard, other = _ECI.get(status, _NO_ECI) if status is not None else _NO_ECI
    return mastercard if network in _MASTERCARDS else other


def liability(status: TransStatus | None) -> Liability:
    """Who bears the loss: the issuer where it authenticated or an attempt was proven."""
    return Liability.ISSUER if status in _SHIFTS else Liability.MERCHANT


class State(StrEnum):
    """Where an authentication stands."""

    PREPARED = "PREPARED"
    METHOD = "METHOD"
    AUTHENTICATING = "AUTHENTICATING"
    FRICTIONLESS = "FRICTIONLESS"
    CHALLENGE = "CHALLENGE"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"
    ERROR = "ERROR"


_S = State

#: `fail` from an ended challenge is a CRes that tells another story than the RReq.
THREEDS: Machine[State] = Machine(
    "threeds",
    {
        **steps([_S.PREPARED], method=_S.METHOD),
        **steps([_S.PREPARED, _S.METHOD], authenticate=_S.AUTHENTICATING),
        **steps([_S.AUTHENTICATING], frictionless=_S.FRICTIONLESS, challenge=_S.CHALLENGE, fail=_S.ERROR),
        **steps([_S.CHALLENGE], complete=_S.COMPLETED, cancel=_S.CANCELLED, time_out=_S.TIMED_OUT, fail=_S.ERROR),
        **steps([_S.COMPLETED, _S.CANCELLED, _S.TIMED_OUT], fail=_S.ERROR),
    },
)
#: Nothing but the browser's way back is still to come.
ENDED = frozenset({_S.FRICTIONLESS, _S.COMPLETED, _S.CANCELLED, _S.TIMED_OUT, _S.ERROR})


class Flow(StrEnum):
    """Which way an authentication took."""

    FRICTIONLESS = "FRICTIONLESS"
    CHALLENGE = "CHALLENGE"
    ATTEMPT = "ATTEMPT"
    NOT_ENROLLED = "NOT_ENROLLED"


@dataclass(frozen=True, slots=True)
class Browser:
    """What an AReq tells of the buyer's browser; what only a script knows may be missing."""

    ip: str
    user_agent: str = ""
    accept_header: str = "*/*"
    language: str = "en-IN"
    javascript_enabled: bool = False
    java_enabled: bool = False
    color_depth: str | None = None
    screen_height: str | None = None
    screen_width: str | None = None
    tz: str | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """One authentication as stored; instants in ms.  `txn_id` is the threeDSServerTransID."""

    txn_id: str
    seller_id: str
    attempt_id: str
    order_pk: int
    number: int
    state: State
    flow: Flow | None
    outcome: str
    network: str
    bin: str
    last4: str
    expiry: str
    issuer: str
    country: str
    amount: Money
    payee: str
    notification_url: str
    comp_ind: str | None
    window_size: str | None
    challenge_indicator: str | None
    ds_trans_id: str | None
    acs_trans_id: str | None
    acs_token: str | None
    session_data: str | None
    otp_challenge_id: str | None
    interactions: int
    ares_status: TransStatus | None
    trans_status: TransStatus | None
    reason: str | None
    eci: str | None
    #: The CAVV, sealed for this transaction; None where the status proves nothing.
    sealed_value: bytes | None
    challenge_cancel: str | None
    error_code: str | None
    started_at: int
    challenged_at: int | None
    opened_at: int | None
    completed_at: int | None
    returned_at: int | None

    @property
    def masked(self) -> str:
        """First six and last four digits: ``411111…1111``."""
        return f"{self.bin}…{self.last4}"

    @property
    def method_url(self) -> bool:
        """Whether the issuer wants to look at the browser first (threeDSMethodURL)."""
        return self.network in METHOD_NETWORKS

    @property
    def acs_path(self) -> str | None:
        """Where the browser posts its CReq; None where no challenge was asked for."""
        return f"/acs/{self.acs_token}" if self.acs_token else None


#: Networks whose issuers publish a threeDSMethodURL here; of the others compInd is U.
METHOD_NETWORKS = frozenset({"Visa", "Mastercard", "American Express"})


def trans_id(seed: str, *parts: object) -> str:
    """A reproducible transaction id in the form of a UUID of version 4."""
    octets = bytearray(ids.digest(seed, "threeds", *parts)[:16])
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    text = octets.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
