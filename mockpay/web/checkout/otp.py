"""The page that asks for a one-time password; the code comes back empty, whatever was typed."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import Attempt, Auth, Stage
from mockpay.kernel.errors import Conflict
from mockpay.kernel.money import Money
from mockpay.otp import challenges
from mockpay.otp.rules import Challenge, Verdict
from mockpay.services.payments import authentication, payments
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import page_session, results, submission
from mockpay.web.checkout.page_session import PageSession, go, reading_session, show, writing_session
from mockpay.web.wording import sentences

#: What a scenario makes of any code that is typed, by its outcome.
_PLANNED: Mapping[str, str] = {
    "otp_locked": "locks it",
    "otp_cancelled": "leaves this page, as Cancel does",
    "timeout": "has expired",
}
_UNDELIVERED = "The code could not be delivered. Send it again."
_PAYMENT = "this payment"


def page(runtime: Runtime, token: str) -> Response:
    """Asks for the code; its form also sends it anew, or gives this try up."""
    if request.method == "POST":
        return _ACTIONS.get(request.form.get("action", ""), _verify)(runtime, token)
    with reading_session(runtime, token) as session:
        if session.current != Auth.OTP or session.last is None:
            return go(submission.next_page(session))
        return _form(session, session.last)


def _verify(runtime: Runtime, token: str) -> Response:
    """A code was typed; what it is worth is written down before anything is said."""
    with writing_session(runtime, token) as session:
        attempt = session.last
        if submission.sent_before(session) or session.current != Auth.OTP or attempt is None:
            return page_session.not_made(submission.next_page(session))
        typed = request.form.get("otp", "")
        verdict, after = authentication.submit_otp(session.sandbox, attempt, typed)
        outbox_id = payments.charge_if_proved(session.sandbox, attempt, after)
    submission.send(runtime, session, outbox_id)
    status = 503 if verdict is Verdict.TECHNICAL else 422
    with reading_session(runtime, token) as session:
        if session.current == Auth.OTP and session.last is not None:
            return _form(session, session.last, _verdict_message(session, session.last, verdict), status)
        return go(submission.next_page(session))


def _verdict_message(session: PageSession, attempt: Attempt, verdict: Verdict) -> str:
    if verdict is Verdict.TECHNICAL:
        return sentences.TECHNICAL
    challenge = authentication.active_otp(session.sandbox, attempt)
    if challenge is None or verdict is Verdict.EXPIRED:
        return sentences.EXPIRED
    return sentences.wrong(challenge)


def _resend(runtime: Runtime, token: str) -> Response:
    """Another code; one that has expired is begun anew."""
    with writing_session(runtime, token) as session:
        attempt = session.last
        if submission.sent_before(session) or session.current != Auth.OTP or attempt is None:
            return page_session.not_made(submission.next_page(session))
        try:
            _send_again(session, attempt)
        except Conflict as error:
            message, locked = sentences.refusal(session.sandbox, error, _PAYMENT), sentences.locked_until(error)
            return _form(session, attempt, message, 422, locked)
        return go(f"{session.at('otp')}?sent=again")


def _send_again(session: PageSession, attempt: Attempt) -> None:
    challenge = authentication.active_otp(session.sandbox, attempt)
    if challenge is None or not sentences.runs(session.sandbox, challenge):
        authentication.start_otp(session.sandbox, attempt)
    else:
        challenges.resend(session.sandbox, challenge.challenge_id)


def _cancel(runtime: Runtime, token: str) -> Response:
    """Back to the methods; the order stays open."""
    with writing_session(runtime, token) as session:
        if submission.sent_before(session) or session.current != Auth.OTP or session.last is None:
            return page_session.not_made(submission.next_page(session))
        after = authentication.cancel_otp(session.sandbox, session.last)
        return go(session.url if after.live else session.at("choose"))


_ACTIONS = {"resend": _resend, "cancel": _cancel}


def _form(
    session: PageSession, attempt: Attempt, error: str | None = None, status: int = 200, locked: str | None = None
) -> Response:
    planned = _PLANNED.get(attempt.plan.at(Stage.AUTH).outcome, "")
    notes = [] if planned else page_session.otp_notes()
    page = page_session.page_context(session, "Enter the code", notes=notes, locked_until=locked)
    challenge = authentication.active_otp(session.sandbox, attempt)
    otp = sentences.challenge_parts(session.sandbox, challenge) | {"why": _why(session, attempt), "planned": planned}
    error = error or _challenge_error(session, challenge)
    if error is not None:
        page["title"] = f"Error: {error}"
        page["errors"] = {"otp": error}
    return show("checkout/otp.html", status, page=page, otp=otp, version=results.version(session))


def _challenge_error(session: PageSession, challenge: Challenge | None) -> str | None:
    """What is wrong with a challenge before anything was typed."""
    if challenge is None or not sentences.runs(session.sandbox, challenge):
        return sentences.EXPIRED
    return _UNDELIVERED if challenge.undelivered else None


def _why(session: PageSession, attempt: Attempt) -> str:
    """Why a code is asked for."""
    settings = session.sandbox.seller.settings
    threshold = Money.parse(settings.otp_threshold)
    if not METHODS[attempt.method].own_proof and attempt.amount.minor > threshold.minor:
        return f"Payments above {threshold.display()} need a one-time code."
    if attempt.method in settings.otp_always_methods:
        return "This method always needs a one-time code."
    return "This payment needs a one-time code, to be sure that it is you."
