"""
3-D Secure 2.2: its statuses and codes, the states of one authentication, and what its end means for the payment.

Statuses, reasons and codes: EMV 3DS 2.2.0 as payment companies publish it; the facts on the
buyer's side, sections 3 and 12.6, name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from mockpay.domain.payments.attempts import Decision, Failure
from mockpay.domain.timeline import Machine, steps
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


# --- one authentication


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


class Browser(Struct, frozen=True):
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


class Transaction(Struct, frozen=True):
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
    #: What decided beside the plan: a typed code, a button, a lock, the clock.
    decision: Decision | None
    started_at: int
    challenged_at: int | None
    opened_at: int | None
    completed_at: int | None
    returned_at: int | None

    @property
    def challenge_ends(self) -> int | None:
        """When the ACS waits no more for its cardholder, in ms; None before the challenge."""
        return None if self.challenged_at is None else self.challenged_at + CHALLENGE_MS

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


# --- what the issuer decides


#: Networks whose issuers publish a threeDSMethodURL here; of the others compInd is U.
METHOD_NETWORKS = frozenset({"Visa", "Mastercard", "American Express"})


def trans_id(seed: str, *parts: object) -> str:
    """A reproducible transaction id in the form of a UUID of version 4."""
    octets = bytearray(ids.digest(seed, "threeds", *parts)[:16])
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    text = octets.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


#: Outcomes that show a challenge; what they do beyond that happens on the ACS's page.
CHALLENGED = frozenset(
    {"success", "challenge", "timeout", "cancelled", "tampered", "otp_undelivered", "otp_locked", "otp_cancelled"}
)
#: Outcomes that answer at once: status and reason.  A decoupled challenge (D) can only be had by
#: a 3DS Requestor that asked for one, and this one never does.
DIRECT: Mapping[str, tuple[TransStatus, str | None]] = {
    "frictionless": (TransStatus.AUTHENTICATED, None),
    "not_enrolled": (TransStatus.UNAVAILABLE, NOT_ENROLLED),
    "D": (TransStatus.UNAVAILABLE, DECOUPLED),
    **{
        str(one): (one, DEFAULT_REASON.get(one))
        for one in TransStatus
        if one not in {TransStatus.CHALLENGE, TransStatus.DECOUPLED}
    },
}
#: Outcomes at which the ACS answers with an Erro; the second does not need authentication.
ERRORS = frozenset({"error", "error_optional"})

#: Every outcome of the stage.
OUTCOMES = CHALLENGED | ERRORS | frozenset(DIRECT)

_MANDATED = "04"
_HOME = "IN"


def direct_status(txn: Transaction) -> tuple[TransStatus, str | None] | None:
    """
    What the issuer answers without a challenge; None where it wants one.

    Indian cards are challenged (RBI asks for a second factor), others are let through unless
    the seller's side mandates a challenge.
    """
    if txn.outcome == "success" and txn.country != _HOME and txn.challenge_indicator != _MANDATED:
        return DIRECT["frictionless"]
    return DIRECT.get(txn.outcome)


def flow_of(outcome: str, status: TransStatus) -> Flow:
    """Which way an ARes sends the authentication."""
    if outcome == "not_enrolled":
        return Flow.NOT_ENROLLED
    if status is TransStatus.CHALLENGE:
        return Flow.CHALLENGE
    return Flow.ATTEMPT if status is TransStatus.ATTEMPTED else Flow.FRICTIONLESS


# --- what it means for the payment


class Outcome(Struct, frozen=True):
    """
    What an ended authentication means for its attempt.

    `event` is the step of the attempt's machine, `failure` what it fails with.
    """

    trans_status: TransStatus | None
    reason: str | None
    eci: str
    authentication_value: bool
    liability: Liability
    authorise: bool
    event: str
    failure: Failure | None


#: Step of the attempt's machine and the reason told, by how a challenge ended without an answer.
_ENDED_UNANSWERED: Mapping[State, tuple[str, str]] = {
    State.CANCELLED: ("cancel", "payment_cancelled"),
    State.TIMED_OUT: ("timeout", "payment_timed_out"),
}


def outcome_of(txn: Transaction, *, on_unavailable: str = "auto") -> Outcome | None:
    """
    What an authentication means for its payment; None while it has not ended.

    Args:
        on_unavailable: ``decline``, ``proceed`` without liability shift, or ``auto``: decline
            Indian cards and proceed with others.
    """
    if txn.state in _ENDED_UNANSWERED:
        event, reason = _ENDED_UNANSWERED[txn.state]
        return _refused(txn, event, reason)
    if txn.state not in {State.FRICTIONLESS, State.COMPLETED, State.ERROR}:
        return None
    if txn.trans_status in {TransStatus.AUTHENTICATED, TransStatus.ATTEMPTED, TransStatus.INFORMATIONAL}:
        return _authorised(txn, "auth_ok")
    if txn.trans_status is TransStatus.UNAVAILABLE and _proceeds(txn, on_unavailable):
        return _authorised(txn, "auth_unavailable")
    return _refused(txn, "auth_fail", "authentication_failed")


def _proceeds(txn: Transaction, on_unavailable: str) -> bool:
    if txn.outcome == "error_optional":
        return True
    if on_unavailable == "auto":
        return txn.country != _HOME
    return on_unavailable == "proceed"


#: What the issuer decides, whatever its cardholder does.
_ISSUER_DECIDED = frozenset({TransStatus.REJECTED, TransStatus.UNAVAILABLE})


def _authorised(txn: Transaction, event: str) -> Outcome:
    return Outcome(
        txn.trans_status,
        txn.reason,
        eci(txn.network, txn.trans_status),
        txn.sealed_value is not None,
        liability(txn.trans_status),
        authorise=True,
        event=event,
        failure=None,
    )


def _refused(txn: Transaction, event: str, reason: str) -> Outcome:
    """Nothing to authorise: whatever was proven before counts no more."""
    source = "issuer_bank" if txn.trans_status in _ISSUER_DECIDED else "customer"
    code = f"{txn.trans_status or TransStatus.UNAVAILABLE}/{txn.reason or TECHNICAL}"
    failure = Failure(source, "payment_authentication", reason, code)
    return Outcome(
        txn.trans_status,
        txn.reason,
        eci(txn.network, None),
        authentication_value=False,
        liability=Liability.MERCHANT,
        authorise=False,
        event=event,
        failure=failure,
    )
