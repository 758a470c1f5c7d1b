"""The issuer's ACS and its challenge: a page, an OTP, and the result told server to server."""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.kernel import ids
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.otp import challenges
from mockpay.otp import otp_table as otp_rows
from mockpay.otp.rules import Challenge, Purpose, Verdict, acs_outcome
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import challenge_result, threeds_table
from mockpay.threeds.challenge_result import ChallengeCompletion as ChallengeCompletion
from mockpay.threeds.challenge_result import time_out as time_out
from mockpay.threeds.elements import BadMessage
from mockpay.threeds.messages import CReq, ErrorMessage
from mockpay.threeds.rules import TOO_OFTEN, State, Transaction, TransStatus
from mockpay.threeds.transitions import ACS, BROWSER, log
from mockpay.wire import threeds as wire
from mockpay.wire.threeds import MessageError

_T = TransStatus
#: What a cardholder may type or press in one challenge before the ACS has enough.
_MOST_INTERACTIONS = 20
#: What the sandbox's own buttons choose beside a status.
CHOICES = frozenset({"Y", "N", "A", "U", "R", "timeout", "error", "cancel"})


@dataclass(frozen=True, slots=True)
class AcsPage:
    """
    The bank's page while it waits for its cardholder.

    `notice` is None, ``wrong``, ``expired``, ``technical``, ``undelivered``, ``resent``,
    ``too_soon``, ``too_many_sends`` or, on the page that never completes, ``waiting``.
    """

    txn: Transaction
    challenge: Challenge | None
    notice: str | None = None


AcsResponse = AcsPage | ChallengeCompletion | ErrorMessage


def open_challenge(sandbox: Sandbox, acs_token: str, creq: str, session_data: str = "") -> AcsResponse:
    """
    The browser posts its ``creq``; an OTP goes out with the first one.

    Posted again while the challenge lasts (a reload), it shows the page as it stands.  Refused
    by an Erro: 301 an unknown challenge or other ids than its own, 101 no message, or a challenge
    that is over, 102, 201 and 203 as EMV 3DS has them.

    Args:
        session_data: ``threeDSSessionData`` as posted; the CRes goes back with the 3DS Server's.
    """
    txn = threeds_table.by_token(sandbox, acs_token)
    try:
        wire.session_text(session_data)
        message = CReq.read(wire.decode(creq))
    except (MessageError, BadMessage) as error:
        detail = getattr(error, "element", error.message)
        return challenge_result.refuse(sandbox, txn, error.error_code, detail)
    if txn is None or not _same(txn, message):
        return challenge_result.refuse(sandbox, txn, "301", "acsTransID")
    if txn.state is not State.CHALLENGE:
        return challenge_result.refuse(sandbox, txn, "101", "The challenge is over.")
    if txn.opened_at is not None:
        return page(sandbox, acs_token)
    log(sandbox, txn.txn_id, message, BROWSER, ACS)
    opened = threeds_table.change(sandbox, txn, opened_at=sandbox.now, window_size=message.window_size)
    return _begin_challenge(sandbox, opened)


def _begin_challenge(sandbox: Sandbox, txn: Transaction) -> AcsResponse:
    if challenge_result.deadline_passed(sandbox, txn):
        return challenge_result.time_out(sandbox, txn.txn_id)
    if txn.outcome == "cancelled":
        return challenge_result.cancel(sandbox, txn)
    return _send_otp(sandbox, txn, fails=txn.outcome == "otp_undelivered")


def _same(txn: Transaction, message: CReq) -> bool:
    own = (txn.txn_id, txn.acs_trans_id)
    return own == (message.server_trans_id, message.acs_trans_id)


def page(sandbox: Sandbox, acs_token: str, notice: str | None = None) -> AcsResponse:
    """The challenge as it stands, for showing it again."""
    txn = threeds_table.by_token(sandbox, acs_token)
    if txn is None:
        return challenge_result.refuse(sandbox, None, "301", "acsTransID")
    if txn.state is State.CHALLENGE and txn.opened_at is not None:
        return AcsPage(txn, _challenge(sandbox, txn), notice)
    return challenge_result.response_after_end(sandbox, txn)


def _challenge(sandbox: Sandbox, txn: Transaction) -> Challenge | None:
    kept = otp_rows.find(sandbox, txn.otp_challenge_id) if txn.otp_challenge_id else None
    return kept.challenge if kept is not None else None


def _active_challenge(sandbox: Sandbox, acs_token: str) -> Transaction | ChallengeCompletion | ErrorMessage:
    """The challenge that a page's form acts on, or why it acts on nothing."""
    txn = threeds_table.by_token(sandbox, acs_token)
    if txn is None:
        return challenge_result.refuse(sandbox, None, "301", "acsTransID")
    if txn.state is not State.CHALLENGE or txn.opened_at is None:
        return challenge_result.response_after_end(sandbox, txn)
    if challenge_result.deadline_passed(sandbox, txn):
        return challenge_result.time_out(sandbox, txn.txn_id)
    if txn.interactions >= _MOST_INTERACTIONS:
        return challenge_result.end(sandbox, txn, _T.NOT_AUTHENTICATED, TOO_OFTEN)
    return threeds_table.change(sandbox, txn, interactions=txn.interactions + 1)


def submit(sandbox: Sandbox, acs_token: str, otp: str) -> AcsResponse:
    """The cardholder typed an OTP; typed again after the end, it finds the same end."""
    txn = _active_challenge(sandbox, acs_token)
    if not isinstance(txn, Transaction):
        return txn
    if txn.outcome == "timeout":
        return AcsPage(txn, _challenge(sandbox, txn), "waiting")
    magic = acs_outcome(otp)
    if magic is not None:
        return challenge_result.choose(sandbox, txn, magic)
    verdict = challenges.verify(sandbox, txn.otp_challenge_id or "", otp)
    if verdict is Verdict.VERIFIED:
        return challenge_result.end(sandbox, txn, _T.AUTHENTICATED)
    if verdict is Verdict.LOCKED:
        return challenge_result.end(sandbox, txn, _T.NOT_AUTHENTICATED)
    notice = "wrong" if verdict is Verdict.USED else verdict.lower()
    return page(sandbox, acs_token, notice)


def resend(sandbox: Sandbox, acs_token: str) -> AcsResponse:
    """The cardholder asks for another OTP; one that has expired is begun anew."""
    txn = _active_challenge(sandbox, acs_token)
    if not isinstance(txn, Transaction):
        return txn
    try:
        challenges.resend(sandbox, txn.otp_challenge_id or "")
    except Conflict as error:
        if error.code == "otp.not_active":
            return _send_otp(sandbox, txn, notice="resent")
        if error.code == "otp.locked_out":
            return challenge_result.end(sandbox, txn, _T.NOT_AUTHENTICATED, TOO_OFTEN)
        return page(sandbox, acs_token, error.code.removeprefix("otp."))
    return page(sandbox, acs_token, "resent")


def _send_otp(sandbox: Sandbox, txn: Transaction, *, fails: bool = False, notice: str | None = None) -> AcsResponse:
    """Send an OTP to the cardholder's phone; a phone that is locked out ends the challenge."""
    try:
        challenge = challenges.start(
            sandbox,
            purpose=Purpose.CHALLENGE,
            subject=txn.txn_id,
            to=_phone(sandbox, txn),
            amount=txn.amount,
            attempt_id=txn.attempt_id,
            payee=txn.payee,
            fails_delivery=fails,
        )
    except Conflict:
        return challenge_result.end(sandbox, txn, _T.NOT_AUTHENTICATED, TOO_OFTEN)
    sent = threeds_table.change(sandbox, txn, otp_challenge_id=challenge.challenge_id)
    return AcsPage(sent, challenge, "undelivered" if challenge.undelivered else notice)


def _phone(sandbox: Sandbox, txn: Transaction) -> str:
    """The phone that the bank has of its cardholder: one a card."""
    dice = ids.number(sandbox.seller.seed, "phone", txn.bin, txn.last4, below=10**7)
    return f"+91999{dice:07d}"


def cancel(sandbox: Sandbox, acs_token: str) -> AcsResponse:
    """The cardholder leaves."""
    txn = _active_challenge(sandbox, acs_token)
    return challenge_result.cancel(sandbox, txn) if isinstance(txn, Transaction) else txn


def choose(sandbox: Sandbox, acs_token: str, choice: str) -> AcsResponse:
    """
    The tester decides by a button of the sandbox's own.

    Raises:
        Invalid: code ``threeds.choice``.
    """
    if choice not in CHOICES:
        raise Invalid("There is no such button.", code="threeds.choice")
    txn = _active_challenge(sandbox, acs_token)
    return challenge_result.choose(sandbox, txn, choice) if isinstance(txn, Transaction) else txn
