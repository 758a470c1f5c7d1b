"""An attempt and its one-time password: sent, typed, left."""

from __future__ import annotations

from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Failure
from mockpay.domain.payments.plans import Stage
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.kernel.errors import Conflict
from mockpay.otp import challenges
from mockpay.otp.rules import Challenge, Channel, Purpose, Verdict
from mockpay.services.payments.authentication import deadline_passed, fail_authentication, mark_authenticated
from mockpay.store.unit_of_work import Sandbox


def begin(sandbox: Sandbox, attempt: Attempt) -> Attempt:
    """Ask the attempt's buyer for a code; one whose phone or e-mail is locked out fails."""
    try:
        start_otp(sandbox, attempt)
    except Conflict:
        return _fail_too_often(sandbox, attempt)
    return attempt


def _fail_too_often(sandbox: Sandbox, attempt: Attempt) -> Attempt:
    failure = Failure("customer", "payment_authentication", "otp_attempts_exceeded", "")
    return fail_authentication(sandbox, attempt, "auth_fail", Actor.BUYER, failure)


def start_otp(sandbox: Sandbox, attempt: Attempt) -> Challenge:
    """
    Send a code to the attempt's buyer.

    Raises:
        Conflict: code ``otp.locked_out``.
    """
    to, channel = _destination(sandbox, attempt)
    first = not challenges.active(sandbox, Purpose.PAYMENT, attempt.attempt_id)
    fails = first and attempt.plan.at(Stage.AUTH).outcome == "otp_undelivered"
    return challenges.start(
        sandbox,
        purpose=Purpose.PAYMENT,
        subject=attempt.attempt_id,
        to=to,
        channel=channel,
        amount=attempt.amount,
        attempt_id=attempt.attempt_id,
        payee=sandbox.seller.name,
        fails_delivery=fails,
    )


def _destination(sandbox: Sandbox, attempt: Attempt) -> tuple[str, Channel]:
    """Where the code goes: the balance's e-mail, or the phone that the bank knows."""
    email = attempt.instrument.get("email")
    if email:
        return email, Channel.EMAIL
    whose = sorted(attempt.instrument.items())
    dice = ids.number(sandbox.seller.seed, "phone", attempt.buyer_id, whose, below=10**7)
    return f"+91998{dice:07d}", Channel.SMS


def active_otp(sandbox: Sandbox, attempt: Attempt) -> Challenge | None:
    """The challenge that an attempt waits for."""
    return challenges.active(sandbox, Purpose.PAYMENT, attempt.attempt_id)


def submit_otp(sandbox: Sandbox, attempt: Attempt, typed: str) -> tuple[Verdict, Attempt]:
    """
    The buyer typed a code: what it is worth, and the attempt as it then stands.

    VERIFIED leaves it ready for its gateway (see `ready_to_charge`), LOCKED ends it.  Nothing is right
    once the attempt's own time is over, even before its event has fired.
    """
    if attempt.auth is not Auth.OTP or attempt.state is not AttemptState.AUTH_PENDING:
        return Verdict.USED, attempt
    challenge = active_otp(sandbox, attempt)
    if challenge is None or deadline_passed(sandbox, attempt):
        return Verdict.EXPIRED, attempt
    verdict = challenges.verify(sandbox, challenge.challenge_id, typed)
    if verdict is Verdict.VERIFIED:
        return verdict, mark_authenticated(sandbox, attempt, {})
    if verdict is Verdict.LOCKED:
        return verdict, _fail_too_often(sandbox, attempt)
    return verdict, attempt


def cancel_otp(sandbox: Sandbox, attempt: Attempt) -> Attempt:
    """The buyer goes back instead of typing a code; another try may follow."""
    if attempt.auth is not Auth.OTP or attempt.state is not AttemptState.AUTH_PENDING:
        return attempt
    failure = Failure("customer", "payment_authentication", "payment_cancelled", "")
    return fail_authentication(sandbox, attempt, "cancel", Actor.BUYER, failure)
