"""
What a scenario asks of 3-D Secure, what the ACS makes of it, and what the payment makes of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockpay.domain.payments.attempts import Failure
from mockpay.threeds.rules import (
    DECOUPLED,
    DEFAULT_REASON,
    NOT_ENROLLED,
    TECHNICAL,
    Flow,
    Liability,
    State,
    Transaction,
    TransStatus,
    eci,
    liability,
)

_T = TransStatus

#: Outcomes that show a challenge; what they do beyond that happens on the ACS's page.
CHALLENGED = frozenset({"success", "challenge", "timeout", "cancelled", "tampered", "otp_undelivered"})
#: Outcomes that answer at once: status and reason.  A decoupled challenge (D) can only be had by
#: a 3DS Requestor that asked for one, and this one never does.
DIRECT: Mapping[str, tuple[TransStatus, str | None]] = {
    "frictionless": (_T.AUTHENTICATED, None),
    "not_enrolled": (_T.UNAVAILABLE, NOT_ENROLLED),
    "D": (_T.UNAVAILABLE, DECOUPLED),
    **{str(one): (one, DEFAULT_REASON.get(one)) for one in _T if one not in {_T.CHALLENGE, _T.DECOUPLED}},
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
    if status is _T.CHALLENGE:
        return Flow.CHALLENGE
    return Flow.ATTEMPT if status is _T.ATTEMPTED else Flow.FRICTIONLESS


@dataclass(frozen=True, slots=True)
class Outcome:
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
    if txn.trans_status in {_T.AUTHENTICATED, _T.ATTEMPTED, _T.INFORMATIONAL}:
        return _authorised(txn, "auth_ok")
    if txn.trans_status is _T.UNAVAILABLE and _proceeds(txn, on_unavailable):
        return _authorised(txn, "auth_unavailable")
    return _refused(txn, "auth_fail", "authentication_failed")


def _proceeds(txn: Transaction, on_unavailable: str) -> bool:
    if txn.outcome == "error_optional":
        return True
    if on_unavailable == "auto":
        return txn.country != _HOME
    return on_unavailable == "proceed"


#: What the issuer decides, whatever its cardholder does.
_ISSUER_DECIDED = frozenset({_T.REJECTED, _T.UNAVAILABLE})


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
    code = f"{txn.trans_status or _T.UNAVAILABLE}/{txn.reason or TECHNICAL}"
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
