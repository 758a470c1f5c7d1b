"""The page that asks for a one-time password; the code comes back empty, whatever was typed."""

from __future__ import annotations

from flask import Response, request

from mockpay.domain.methods.upi import METHOD as UPI
from mockpay.domain.payments.attempts import Attempt, Auth
from mockpay.kernel.errors import Conflict
from mockpay.kernel.money import Money
from mockpay.otp import challenges
from mockpay.otp.rules import Challenge, Verdict
from mockpay.services.payments import otp_authentication
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import results, submission, view_models
from mockpay.web.checkout.page_session import Visit, reading_visit, writing_visit
from mockpay.web.checkout.responses import go, show
from mockpay.web.wording import otp

_UNDELIVERED = "The code could not be delivered. Send it again."
_PAYMENT = "this payment"


def page(runtime: Runtime, token: str) -> Response:
    """Asks for the code; its form also sends it anew, or gives this try up."""
    if request.method == "POST":
        return _ACTIONS.get(request.form.get("action", ""), _verify)(runtime, token)
    with reading_visit(runtime, token) as visit:
        if visit.place != Auth.OTP or visit.last is None:
            return go(submission.next_page(visit))
        return _form(visit, visit.last)


def _verify(runtime: Runtime, token: str) -> Response:
    """A code was typed; what it is worth is written down before anything is said."""
    with writing_visit(runtime, token) as visit:
        attempt = visit.last
        if submission.sent_before(visit) or visit.place != Auth.OTP or attempt is None:
            return go(submission.next_page(visit))
        typed = request.form.get("otp", "")
        verdict, moved = otp_authentication.submit_otp(visit.sandbox, attempt, typed)
        parcel = submission.charge_if_proved(visit, attempt, moved)
    submission.send(runtime, visit, parcel)
    status = 503 if verdict is Verdict.TECHNICAL else 422
    with reading_visit(runtime, token) as visit:
        if visit.place == Auth.OTP and visit.last is not None:
            return _form(visit, visit.last, _says(visit, visit.last, verdict), status)
        return go(submission.next_page(visit))


def _says(visit: Visit, attempt: Attempt, verdict: Verdict) -> str:
    if verdict is Verdict.TECHNICAL:
        return otp.TECHNICAL
    challenge = otp_authentication.active_otp(visit.sandbox, attempt)
    if challenge is None or verdict is Verdict.EXPIRED:
        return otp.EXPIRED
    return otp.wrong(challenge)


def _resend(runtime: Runtime, token: str) -> Response:
    """Another code; one that has expired is begun anew."""
    with writing_visit(runtime, token) as visit:
        attempt = visit.last
        if submission.sent_before(visit) or visit.place != Auth.OTP or attempt is None:
            return go(submission.next_page(visit))
        try:
            _send_again(visit, attempt)
        except Conflict as error:
            return _form(visit, attempt, otp.refusal(visit.sandbox, error, _PAYMENT), 422)
        return go(f"{visit.at('otp')}?sent=again")


def _send_again(visit: Visit, attempt: Attempt) -> None:
    challenge = otp_authentication.active_otp(visit.sandbox, attempt)
    if challenge is None or not otp.runs(visit.sandbox, challenge):
        otp_authentication.start_otp(visit.sandbox, attempt)
    else:
        challenges.resend(visit.sandbox, challenge.challenge_id)


def _cancel(runtime: Runtime, token: str) -> Response:
    """Back to the methods; the order stays open."""
    with writing_visit(runtime, token) as visit:
        if submission.sent_before(visit) or visit.last is None:
            return go(visit.url)
        left = otp_authentication.cancel_otp(visit.sandbox, visit.last)
        return go(visit.url if left.live else visit.at("choose"))


_ACTIONS = {"resend": _resend, "cancel": _cancel}


def _form(visit: Visit, attempt: Attempt, error: str | None = None, status: int = 200) -> Response:
    given = view_models.page(visit, "Enter the code", notes=view_models.otp_notes())
    challenge = otp_authentication.active_otp(visit.sandbox, attempt)
    asked = otp.told(visit.sandbox, challenge) | {"why": _why(visit, attempt)}
    error = error or _trouble(visit, challenge)
    if error is not None:
        given["title"] = f"Error: {error}"
        given["errors"] = {"otp": error}
    return show("checkout/otp.html", status, page=given, otp=asked, version=results.version(visit))


def _trouble(visit: Visit, challenge: Challenge | None) -> str | None:
    """What is wrong with a challenge before anything was typed."""
    if challenge is None or not otp.runs(visit.sandbox, challenge):
        return otp.EXPIRED
    return _UNDELIVERED if challenge.undelivered else None


def _why(visit: Visit, attempt: Attempt) -> str:
    """Why a code is asked for."""
    settings = visit.sandbox.seller.settings
    threshold = Money.parse(settings.otp_threshold)
    if attempt.method != UPI and attempt.amount.minor > threshold.minor:
        return f"Payments above {threshold.display()} need a one-time code."
    if attempt.method in settings.otp_always_methods:
        return "This method always needs a one-time code."
    return "This payment needs a one-time code, to be sure that it is you."
