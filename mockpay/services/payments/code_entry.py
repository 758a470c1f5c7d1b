"""One-time passwords without a page: an API has one sent and brings what was typed, to us or to the card's issuer."""

from __future__ import annotations

from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth
from mockpay.kernel.errors import Conflict
from mockpay.otp import challenges
from mockpay.otp.rules import OtpState, Verdict
from mockpay.services.payments import authentication
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import acs, requestor, threeds_table
from mockpay.threeds.acs import AcsPage, AcsResponse, ChallengeCompletion
from mockpay.threeds.rules import State, Transaction


def send(sandbox: Sandbox, attempt: Attempt) -> Attempt:
    """
    Have a code sent where none was yet: the issuer sends its own when its page is opened.

    Raises:
        Conflict: code ``otp.not_active``: this attempt waits for no code.
    """
    txn = _challenge(sandbox, attempt)
    if txn is None:
        return attempt
    return _after(sandbox, attempt, _open(sandbox, txn))


def resend(sandbox: Sandbox, attempt: Attempt) -> Attempt:
    """
    Have another code sent.

    Raises:
        Conflict: code ``otp.not_active``, ``otp.locked_out``, ``otp.too_many_sends`` or ``otp.too_soon``.
    """
    txn = _challenge(sandbox, attempt)
    if txn is not None:
        answered = acs.resend(sandbox, txn.acs_token or "") if txn.opened_at else _open(sandbox, txn)
        if isinstance(answered, AcsPage) and answered.notice in {"too_soon", "too_many_sends"}:
            raise Conflict("No other code is sent now.", code=f"otp.{answered.notice}")
        return _after(sandbox, attempt, answered)
    challenge = authentication.active_otp(sandbox, attempt)
    if challenge is None or challenge.state is not OtpState.ACTIVE or sandbox.now >= challenge.expires_at:
        authentication.start_otp(sandbox, attempt)
    else:
        challenges.resend(sandbox, challenge.challenge_id)
    return attempt


def enter(sandbox: Sandbox, attempt: Attempt, code: str) -> tuple[str | None, Attempt]:
    """
    Type a code where one is asked for: why it was not taken, and the attempt as it then stands.

    Why is None where the code was taken, or ended the attempt; else ``wrong``, ``expired``, ``technical``, ``used`` ...

    Raises:
        Conflict: code ``otp.not_active``: this attempt waits for no code.
    """
    txn = _challenge(sandbox, attempt)
    if txn is None:
        verdict, after = authentication.submit_otp(sandbox, attempt, code)
        return (None if verdict is Verdict.VERIFIED or not after.live else verdict.lower()), after
    answered = _open(sandbox, txn)
    if not isinstance(answered, ChallengeCompletion):
        answered = acs.submit(sandbox, txn.acs_token or "", code)
    after = _after(sandbox, attempt, answered)
    notice = (answered.notice or "wrong") if isinstance(answered, AcsPage) else None
    return notice, after


def _challenge(sandbox: Sandbox, attempt: Attempt) -> Transaction | None:
    """The issuer's challenge that an attempt waits for; None where our own page asks for the code."""
    if attempt.state is AttemptState.AUTH_PENDING and attempt.auth is Auth.OTP:
        return None
    txn = threeds_table.latest(sandbox, attempt.attempt_id) if attempt.auth is Auth.THREEDS else None
    if txn is None or txn.acs_token is None or txn.state is not State.CHALLENGE:
        raise Conflict("This payment waits for no code.", code="otp.not_active")
    return txn


def _open(sandbox: Sandbox, txn: Transaction) -> AcsResponse:
    return acs.open_challenge(sandbox, txn.acs_token or "", requestor.creq(txn), txn.session_data or "")


def _after(sandbox: Sandbox, attempt: Attempt, answered: AcsResponse) -> Attempt:
    """The attempt once the challenge is over; as it was while that goes on."""
    if not isinstance(answered, ChallengeCompletion):
        return attempt
    return authentication.handle_return(sandbox, attempt, answered.cres, answered.session_data)
