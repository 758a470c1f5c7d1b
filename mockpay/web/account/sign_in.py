"""Signing in by a code to one's e-mail, and out again; the code comes back empty."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request

from mockpay.kernel.clock import Mode
from mockpay.kernel.errors import Conflict, Invalid, MockpayError
from mockpay.otp import challenges as otps
from mockpay.otp import otp_table as challenges
from mockpay.otp.rules import Challenge, Purpose, Verdict
from mockpay.services import buyers as people
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web import buyers, guard
from mockpay.web.checkout import page_session
from mockpay.web.checkout.page_session import go, show
from mockpay.web.wording import sentences

_LONGEST_EMAIL = 254
_SIGN_IN = "this sign-in"
_LOCKED = "Too many wrong codes were typed. Send a new one."


def account_page(sandbox: Sandbox, title: str, **more: object) -> dict[str, object]:
    """The context of all account templates; `more` is put beside it."""
    seller = sandbox.seller
    buyer = buyers.signed_in(sandbox)
    return {
        "title": title,
        "seller": {"name": seller.name, "initials": page_session.initials(seller.name)},
        "email": buyer.email if buyer else None,
        "form_token": guard.form_token(sandbox.runtime, guard.ACCOUNT),
        "urls": {
            name: buyers.home(seller.seller_id, path)
            for name, path in (
                ("sign_in", ""),
                ("otp", "otp"),
                ("methods", "methods"),
                ("wallet", "wallet"),
                ("auto_reload", "auto-reload"),
                ("sign_out", "sign-out"),
            )
        }
        | {
            "inbox": page_session.inbox_url(seller.seller_id),
            "dashboard": f"{guard.DASHBOARD}/sellers/{seller.seller_id}/orders",
        },
        "errors": {},
        "values": {},
        "notes": [],
        **more,
    }


def page(runtime: Runtime, seller_id: str) -> Response:
    """Asks for the e-mail; whoever is signed in goes on."""
    if request.method == "POST":
        return _start(runtime, seller_id)
    with read(runtime, seller_id) as sandbox:
        if buyers.signed_in(sandbox) is not None:
            return go(_next(seller_id))
        return _form(sandbox)


def _next(seller_id: str) -> str:
    return buyers.onward(request.values.get("next", ""), seller_id)


def _start(runtime: Runtime, seller_id: str) -> Response:
    with transaction(runtime, seller_id) as sandbox:
        try:
            challenge = people.start_sign_in(sandbox, request.form.get("email", ""))
        except (Invalid, Conflict) as error:
            return _form(sandbox, error)
        return go(_code_url(sandbox, challenge))


def _code_url(sandbox: Sandbox, challenge: Challenge, **more: str) -> str:
    onward = _next(sandbox.seller_id)
    query = urlencode({"challenge": challenge.challenge_id, "next": onward, **more})
    return f"{buyers.home(sandbox.seller_id, 'otp')}?{query}"


def _form(sandbox: Sandbox, error: MockpayError | None = None) -> Response:
    page = account_page(sandbox, "Sign in", next=_next(sandbox.seller_id))
    page["buyers"] = page_session.buyer_notes()
    page["values"] = {"email": request.values.get("email", "")[:_LONGEST_EMAIL]}
    if error is not None:
        message = sentences.refusal(sandbox, error, _SIGN_IN)
        page |= {"title": f"Error: {message}", "errors": {"email": message}}
        page["locked_until"] = sentences.locked_until(error)
    return show("account/sign_in.html", 422 if error is not None else 200, page=page)


def code(runtime: Runtime, seller_id: str) -> Response:
    """Asks for the code; its form also sends it anew."""
    if request.method == "POST":
        again = request.form.get("action") == "resend"
        return (_resend if again else _verify)(runtime, seller_id)
    with read(runtime, seller_id) as sandbox:
        challenge = _challenge(sandbox)
        return _code_form(sandbox, challenge) if challenge else go(buyers.home(seller_id))


def _challenge(sandbox: Sandbox) -> Challenge | None:
    """The sign-in that the form belongs to."""
    challenge_row = challenges.find(sandbox, request.values.get("challenge", ""))
    if challenge_row is None or challenge_row.challenge.purpose is not Purpose.SIGN_IN:
        return None
    return challenge_row.challenge


def _verify(runtime: Runtime, seller_id: str) -> Response:
    with transaction(runtime, seller_id) as sandbox:
        challenge = _challenge(sandbox)
        if challenge is None:
            return go(buyers.home(seller_id))
        typed = request.form.get("otp", "")
        signed = people.finish_sign_in(sandbox, challenge.challenge_id, typed)
        if signed.session is None:
            after = _challenge(sandbox) or challenge
            status = 503 if signed.verdict is Verdict.TECHNICAL else 422
            return _code_form(sandbox, after, code_message(after, signed.verdict), status)
        people.sign_out(sandbox, buyers.session_of(seller_id))
    answer = go(_next(seller_id))
    buyers.remember(answer, seller_id, signed.session)
    return answer


def code_message(challenge: Challenge, verdict: Verdict) -> str:
    """Why a typed code opens nothing."""
    if verdict is Verdict.WRONG:
        return sentences.wrong(challenge)
    message = {Verdict.TECHNICAL: sentences.TECHNICAL, Verdict.LOCKED: _LOCKED}
    return message.get(verdict, sentences.EXPIRED)


def _resend(runtime: Runtime, seller_id: str) -> Response:
    """Another code; one that is over is begun anew."""
    with transaction(runtime, seller_id) as sandbox:
        challenge = _challenge(sandbox)
        if challenge is None:
            return go(buyers.home(seller_id))
        try:
            if sentences.runs(sandbox, challenge):
                after = otps.resend(sandbox, challenge.challenge_id)
            else:
                after = people.start_sign_in(sandbox, challenge.subject)
        except Conflict as error:
            message, locked = sentences.refusal(sandbox, error, _SIGN_IN), sentences.locked_until(error)
            return _code_form(sandbox, challenge, message, 422, locked)
        return go(_code_url(sandbox, after, sent="again"))


def _code_form(
    sandbox: Sandbox, challenge: Challenge, error: str | None = None, status: int = 200, locked: str | None = None
) -> Response:
    return show_code_form(sandbox, "account/otp.html", challenge, error, status, locked, next=_next(sandbox.seller_id))


def show_code_form(
    sandbox: Sandbox,
    template: str,
    challenge: Challenge,
    error: str | None = None,
    status: int = 200,
    locked: str | None = None,
    **more: object,
) -> Response:
    """
    The page that asks for the code of a challenge.

    Args:
        error: What is wrong with what was typed; a challenge that is over says so by itself.
        locked: Until when no code is sent.
        more: What else the template's page has.
    """
    page = account_page(sandbox, "Enter the code", **more)
    page |= {
        "notes": page_session.otp_notes(),
        "challenge": challenge.challenge_id,
        "locked_until": locked,
        "to": challenge.destination_masked,
        "clock_frozen": sandbox.seller.clock.mode is Mode.FROZEN,
    }
    error = error or (None if sentences.runs(sandbox, challenge) else sentences.EXPIRED)
    if error is not None:
        page |= {"title": f"Error: {error}", "errors": {"otp": error}}
    return show(template, status, page=page, otp=sentences.challenge_parts(sandbox, challenge))


def leave(runtime: Runtime, seller_id: str) -> Response:
    """Ends the session; a link alone ends nothing."""
    if request.method != "POST":
        with read(runtime, seller_id):
            return go(buyers.home(seller_id))
    with transaction(runtime, seller_id) as sandbox:
        people.sign_out(sandbox, buyers.session_of(seller_id))
    answer = go(buyers.home(seller_id))
    buyers.forget(answer, seller_id)
    return answer
