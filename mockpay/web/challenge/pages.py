"""The challenge as its cardholder sees it: the bank's page and its method URL, the way back, and a refusal."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from mockpay.domain.methods import cards
from mockpay.kernel.clock import SECOND, Mode, indian
from mockpay.kernel.errors import Invalid
from mockpay.store.db.engine import reading
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.threeds import acs, messages, threeds_table
from mockpay.threeds.acs import AcsPage, AcsResponse, ChallengeCompletion
from mockpay.threeds.messages import ErrorMessage
from mockpay.web import errors
from mockpay.web.checkout import page_session
from mockpay.web.checkout.page_session import go, show
from mockpay.web.wording.sentences import countdown, runs

#: What the page says of what was done last; nothing else is taken from an address.
_NOTICES = {
    "wrong": "That OTP is not right.",
    "expired": "This OTP has expired. Ask for a new one.",
    "technical": "The OTP could not be checked just now. Send it once more.",
    "undelivered": "The OTP could not be delivered. Ask for a new one.",
    "too_soon": "Another OTP can be sent in a moment.",
    "too_many_sends": "No more OTPs are sent for this purchase.",
    "waiting": "The bank has not answered yet.",
    "resent": "A new OTP has been sent.",
}
_NEWS = "resent"
#: The sandbox's own buttons.
_CHOICES = (
    ("Y", "Y ok"),
    ("A", "A attempted"),
    ("N", "N failed"),
    ("U", "U unavailable"),
    ("R", "R rejected"),
    ("timeout", "Timeout"),
    ("error", "Error"),
)


def page(runtime: Runtime, token: str) -> Response:
    """A challenge: opened by its ``creq``, answered by its own forms, shown again by GET."""
    with reading(runtime.engine) as connection:
        owner = threeds_table.seller_of_acs(connection, token)
    if owner is None:
        return _refused("There is no such challenge.", "301", 404)
    with transaction(runtime, owner[0]) as sandbox:
        try:
            response = _act(sandbox, token)
        except Invalid as error:
            return _refused(error.message, "101", 400, back=_way_back(sandbox, token))
        answer = _answer(sandbox, token, response)
    return errors.framed(answer)


def _act(sandbox: Sandbox, token: str) -> AcsResponse:
    """What the browser posted, done."""
    form = request.form
    if request.method != "POST":
        return acs.page(sandbox, token, request.args.get("notice"))
    if "creq" in form:
        return acs.open_challenge(sandbox, token, form["creq"], form.get("threeDSSessionData", ""))
    action = form.get("action", "submit")
    if action == "resend":
        return acs.resend(sandbox, token)
    if action == "cancel":
        return acs.cancel(sandbox, token)
    if action == "choose":
        return acs.choose(sandbox, token, form.get("choice", ""))
    return acs.submit(sandbox, token, form.get("otp", ""))


def _answer(sandbox: Sandbox, token: str, response: AcsResponse) -> Response:
    if isinstance(response, ErrorMessage):
        return _refused(response.description, response.error_code, 400, response.detail, _way_back(sandbox, token))
    if isinstance(response, ChallengeCompletion):
        return _finished(response)
    if request.method == "POST" and response.notice != "technical":
        # By GET, so that loading the page again types no OTP again.
        query = f"?notice={response.notice}" if response.notice else ""
        return go(f"/acs/{token}{query}")
    return _challenge(sandbox, token, response)


def _challenge(sandbox: Sandbox, token: str, acs_page: AcsPage) -> Response:
    txn, challenge = acs_page.txn, acs_page.challenge
    otp_ends = challenge.expires_at if challenge and not challenge.undelivered and runs(sandbox, challenge) else None
    remaining = max((otp_ends or txn.challenge_ends or sandbox.now) - sandbox.now, 0)
    notice = "undelivered" if challenge and challenge.undelivered else acs_page.notice
    challenge_parts = {
        "bank": cards.issuer_name(txn.issuer),
        "network": txn.network,
        "merchant": txn.payee.upper(),
        "amount": f"INR {txn.amount.display()[1:]}",
        "date": f"{indian(sandbox.now):%d-%b-%Y %H:%M}".upper(),
        "card": f"{txn.network} •••• {txn.last4}",
        "to": challenge.destination_masked if challenge else None,
        "tries": challenge.tries_left if challenge else 0,
        "wait": -(-max(challenge.resend_at - sandbox.now, 0) // SECOND) if challenge else 0,
        "left_seconds": remaining // SECOND,
        "left_text": countdown(remaining),
        "ends": "OTP expires in" if otp_ends else "Page closes in",
        "notice": _NOTICES.get(notice or ""),
        "news": notice == _NEWS,
        "choices": _CHOICES,
    }
    page_parts = {
        "title": f"Authenticate your purchase: {challenge_parts['bank']}",
        "here": f"/acs/{token}",
        "inbox": page_session.inbox_url(sandbox.seller_id),
        "notes": page_session.acs_notes(),
        "clock_frozen": sandbox.seller.clock.mode is Mode.FROZEN,
    }
    if challenge_parts["notice"] and not challenge_parts["news"]:
        page_parts["title"] = f"Error: {challenge_parts['notice']}"
    return show(
        "challenge/page.html", 503 if notice == "technical" else 200, page=page_parts, challenge=challenge_parts
    )


def _finished(completion: ChallengeCompletion) -> Response:
    """A form that the browser posts by itself, to where the challenge was asked from."""
    page_parts = {
        "title": "Going back to the payment",
        "back": completion.notification_url,
        "cres": completion.cres,
        "session_data": completion.session_data,
    }
    return show("challenge/back.html", page=page_parts)


def _way_back(sandbox: Sandbox, token: str) -> str | None:
    """The address of the payment that a challenge was for; by GET it leads to the page that is its turn."""
    txn = threeds_table.by_token(sandbox, token)
    return txn.notification_url if txn else None


def _refused(sentence: str, code: str, status: int, detail: str | None = None, back: str | None = None) -> Response:
    page_parts = {"title": "The bank refuses this", "sentence": sentence, "code": code, "detail": detail, "back": back}
    return errors.framed(show("challenge/refused.html", status, page=page_parts))


def blueprint(runtime: Runtime) -> Blueprint:
    """The pages of all issuers for one process."""
    bank = Blueprint("challenge", __name__, url_prefix="/acs")

    @bank.route("/method", methods=["GET", "POST"], strict_slashes=False)
    def method() -> Response:
        return method_page()

    @bank.route("/<token>", methods=["GET", "POST"], strict_slashes=False)
    def challenge(token: str) -> Response:
        return page(runtime, token)

    return bank


def method_page() -> Response:
    """
    Takes ``threeDSMethodData`` and has the browser post it back to where it says.

    Nowhere but to this sandbox: a page that posts anywhere would be a gift to strangers.
    """
    try:
        message = messages.decode(request.form.get("threeDSMethodData", ""))
    except messages.MessageError:
        return _method_refused()
    back, txn_id = message.get("threeDSMethodNotificationURL"), message.get("threeDSServerTransID")
    if not isinstance(back, str) or not isinstance(txn_id, str) or not _is_payment_page(back):
        return _method_refused()
    data = messages.encode({"threeDSServerTransID": txn_id})
    method_page = {"title": "Looking at the browser", "back": back, "data": data}
    return errors.framed(show("challenge/method.html", page=method_page))


def _is_payment_page(address: str) -> bool:
    if not address.isascii():
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    same = (parts.scheme, parts.netloc) == (request.scheme, request.host)
    return same and parts.path.startswith("/pay/")


def _method_refused() -> Response:
    method_page = {
        "title": "This message is refused",
        "sentence": "It is no threeDSMethodData of a payment here.",
        "code": "101",
    }
    return errors.framed(show("challenge/refused.html", 400, page=method_page))
