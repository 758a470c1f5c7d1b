"""How a challenge ends: the result goes server to server, then the browser back with a CRes."""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.otp import challenges
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import directory_server, issuer
from mockpay.threeds.messages import CReq, CRes, ErrorMessage, RReq, error_message
from mockpay.threeds.rules import (
    CANCELLED_BY_CARDHOLDER,
    CANCELLED_BY_ERROR,
    CHALLENGE_MS,
    DEFAULT_REASON,
    LATE,
    LEFT,
    NEVER_OPENED,
    PROVEN,
    TECHNICAL,
    TIMED_OUT_AT_ACS,
    State,
    Transaction,
    TransStatus,
    eci,
)
from mockpay.threeds.transitions import ACS, BROWSER, get_transaction, log
from mockpay.wire import threeds as wire

_T = TransStatus


@dataclass(frozen=True, slots=True)
class ChallengeCompletion:
    """The challenge is over: what the browser posts to `notification_url`."""

    notification_url: str
    cres: str
    session_data: str


def refuse(sandbox: Sandbox, txn: Transaction | None, error_code: str, detail: str) -> ErrorMessage:
    """The ACS refuses what a browser posts, by an Erro."""
    known = (
        {}
        if txn is None
        else {"server_trans_id": txn.txn_id, "ds_trans_id": txn.ds_trans_id, "acs_trans_id": txn.acs_trans_id}
    )
    refusal = error_message(error_code, ACS, detail, CReq.kind, **known)
    if txn is not None:
        log(sandbox, txn.txn_id, refusal, ACS, BROWSER)
    return refusal


def response_after_end(sandbox: Sandbox, txn: Transaction) -> ChallengeCompletion | ErrorMessage:
    """A challenge that ended leads back with its CRes; one that failed or never began does not."""
    if txn.state in {State.COMPLETED, State.CANCELLED, State.TIMED_OUT}:
        return _completion(txn)
    return refuse(sandbox, txn, "101", "There is no such challenge now.")


def deadline_passed(sandbox: Sandbox, txn: Transaction) -> bool:
    """Whether the challenge's time is over, though nobody has said so yet."""
    return txn.challenged_at is not None and sandbox.now >= txn.challenged_at + CHALLENGE_MS


def cancel(sandbox: Sandbox, txn: Transaction) -> ChallengeCompletion | ErrorMessage:
    """End a challenge that its cardholder left."""
    return end(sandbox, txn, _T.NOT_AUTHENTICATED, LEFT, CANCELLED_BY_CARDHOLDER)


def choose(sandbox: Sandbox, txn: Transaction, choice: str) -> ChallengeCompletion | ErrorMessage:
    """End a running challenge as one of `acs.CHOICES` says."""
    if choice == "timeout":
        return time_out(sandbox, txn.txn_id)
    if choice == "cancel":
        return cancel(sandbox, txn)
    if choice == "error":
        return end(sandbox, txn, _T.UNAVAILABLE, TECHNICAL, CANCELLED_BY_ERROR)
    return end(sandbox, txn, _T(choice))


def time_out(sandbox: Sandbox, txn_id: str) -> ChallengeCompletion | ErrorMessage:
    """Nobody answered the challenge in time, or nobody ever opened it; see transitions.TIMEOUT."""
    txn = get_transaction(sandbox, txn_id)
    if txn.state is not State.CHALLENGE:
        return response_after_end(sandbox, txn)
    why = TIMED_OUT_AT_ACS if txn.opened_at is not None else NEVER_OPENED
    return end(sandbox, txn, _T.UNAVAILABLE, LATE, why)


def end(
    sandbox: Sandbox,
    txn: Transaction,
    status: TransStatus,
    reason: str | None = None,
    challenge_cancel: str | None = None,
) -> ChallengeCompletion | ErrorMessage:
    """Tell the result by RReq; only then the browser goes back, with a CRes."""
    indicator = eci(txn.network, status)
    rreq = RReq(
        txn.txn_id,
        txn.ds_trans_id or "",
        txn.acs_trans_id or "",
        status,
        f"{txn.interactions:02d}",
        reason or DEFAULT_REASON.get(status),
        eci=indicator,
        authentication_value=issuer.cavv(sandbox, txn, indicator) if status in PROVEN else None,
        challenge_cancel=challenge_cancel,
    )
    receipt = directory_server.forward_result(sandbox, txn, rreq)
    if isinstance(receipt, ErrorMessage):
        return receipt
    if txn.otp_challenge_id is not None:
        challenges.cancel(sandbox, txn.otp_challenge_id)
    log(sandbox, txn.txn_id, _cres(txn, status), ACS, BROWSER)
    return _completion(get_transaction(sandbox, txn.txn_id))


def _cres(txn: Transaction, status: TransStatus) -> CRes:
    return CRes(txn.txn_id, txn.acs_trans_id or "", status)


def _completion(txn: Transaction) -> ChallengeCompletion:
    status = txn.trans_status or _T.UNAVAILABLE
    if txn.outcome == "tampered":
        # The buyer's browser tells another story than the ACS did.
        status = _T.NOT_AUTHENTICATED if status is _T.AUTHENTICATED else _T.AUTHENTICATED
    cres = wire.encode(_cres(txn, status).plain())
    return ChallengeCompletion(txn.notification_url, cres, txn.session_data or "")
