"""A try of any method: who pays from which browser, what was typed, the gateway asked now, and where to go."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence

from flask import Response, request
from msgspec.structs import replace
from werkzeug.urls import iri_to_uri

from mockpay.delivery import outbox, scheduler
from mockpay.domain.methods.method import Instrument, Method
from mockpay.domain.methods.registry import METHODS
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.risk.assessment import Inputs
from mockpay.services.payments import payments
from mockpay.services.payments.authentication import CheckoutContext, Payer
from mockpay.services.sellers import offers
from mockpay.store.unit_of_work import Runtime
from mockpay.threeds.rules import Browser
from mockpay.vault.rules import CONSENT_VERSIONS, Consent, consent
from mockpay.web import buyers
from mockpay.web.checkout import page_session
from mockpay.web.checkout.page_session import PageSession, go, reading_session, show, writing_session

# --- who pays


#: challengeWindowSize: a frame of 250x400 on the payment's page, or the whole screen.
FRAME, FULL = "01", "05"
_HERE = "127.0.0.1"
#: What a script puts into `browser`, each in the form that its element of the AReq has.
_SCREEN_TOLD = re.compile("[0-9]{1,2},[0-9]{1,6},[0-9]{1,6},-?[0-9]{1,4}")


def payer(session: PageSession, method: str | None) -> Payer:
    """Whoever sends the form of a method (None: that of a saved one); only a card's issuer is told of the browser."""
    buyer = buyers.signed_in(session.sandbox)
    checkout = ways(session) if method is None or METHODS[method].card else CheckoutContext()
    return Payer(_inputs(), checkout, buyer.buyer_id if buyer else None, _consent(session, method))


def _consent(session: PageSession, method: str | None) -> Consent | None:
    """A ticked box below a method's text; a guest's has nobody to save for, and is dropped."""
    if method is None or method not in CONSENT_VERSIONS or not buyers.agreed():
        return None
    return consent(session.sandbox.now, _buyer_ip() or _here(), method)


def ways(session: PageSession) -> CheckoutContext:
    """Where the buyer's browser finds the payment's page, under the name that it came by."""
    page = iri_to_uri(request.host_url) + session.at("choose").strip("/")
    return CheckoutContext(page, browser(), page_session.store(session))


def browser() -> Browser:
    """What an issuer is told of the browser."""
    language = request.headers.get("Accept-Language", "").split(",")[0].split(";")[0].strip()
    depth, height, width, tz = _screen()
    return Browser(
        ip=_buyer_ip() or _here(),
        user_agent=request.headers.get("User-Agent", ""),
        accept_header=request.headers.get("Accept", "*/*"),
        language=language or "en-IN",
        javascript_enabled=scripted(),
        color_depth=depth,
        screen_height=height,
        screen_width=width,
        tz=tz,
    )


def scripted() -> bool:
    """Whether a script has filled the form's `window`: only then a frame can be shown."""
    return request.form.get("window") == FRAME


def window() -> str:
    """The challenge's window size: a frame where a script can show one."""
    return FRAME if scripted() else FULL


def _screen() -> Sequence[str | None]:
    """Colour depth, height, width and time zone, or four times nothing."""
    text = request.form.get("browser", "")
    return text.split(",") if _SCREEN_TOLD.fullmatch(text) else (None,) * 4


def _inputs() -> Inputs:
    """What the risk check may look at; a tester says it by header or by form."""
    form = request.form
    return Inputs(
        ip=_buyer_ip(),
        device=_plain(request.headers.get("X-Mockpay-Device") or form.get("mockpay_device")),
        email=_plain(form.get("email")),
        buyer_name=_plain(form.get("name")),
    )


def _plain(text: str | None) -> str | None:
    """What was told, unless it has a character that no database keeps."""
    return text if text and "\0" not in text else None


def _buyer_ip() -> str | None:
    """The address that a tester gives the buyer; what is none says nothing."""
    text = request.headers.get("X-Mockpay-Buyer-Ip") or request.form.get("mockpay_ip")
    return _address(text) if text else None


def _here() -> str:
    return _address(request.remote_addr) or _HERE


def _address(text: str | None) -> str | None:
    try:
        return str(ipaddress.ip_address((text or "").partition("%")[0].strip()))
    except ValueError:
        return None


# --- a try


def form_page(
    runtime: Runtime, token: str, method: str, read: Callable[[PageSession], Instrument], form: Callable[..., Response]
) -> Response:
    """
    The page of a method: its form, and what becomes of the form once it is sent.

    Args:
        method: Its code.
        form: Shows the form; after an error it gets that, too.
    """
    if request.method == "POST":
        return start(runtime, token, method, read, form)
    with reading_session(runtime, token) as session:
        if not session.payable:
            return go(session.url)
        return method_refusal(session, method) or form(session)


def method_refusal(session: PageSession, method: str) -> Response | None:
    """The page that refuses a method as its tile does; None where it may pay, or has paid already."""
    if not session.payable:
        return None
    refusal = offers.of(session.sandbox).available(method, session.order.amount, session.sandbox.now)
    if refusal is None:
        return None
    page = page_session.page_context(session, f"Pay by {session.methods[method].noun}")
    return show("checkout/method_refused.html", 422, page=page, reason=refusal.message)


def start(
    runtime: Runtime,
    token: str,
    method: str | None,
    read: Callable[[PageSession], Instrument],
    refuse: Callable[[PageSession, Invalid], Response],
) -> Response:
    """
    A form was sent: pay with what `read` makes of it, or show what `refuse` makes of its errors.

    Args:
        method: Its code; None where the form alone says with which.
    """
    with writing_session(runtime, token) as session:
        if not session.payable or sent_before(session):
            return page_session.not_made(session.url)
        if method is not None and (refusal := method_refusal(session, method)) is not None:
            return refusal
        payer_ = payer(session, method)
        if method is None:
            payer_ = replace(payer_, saved_token=request.form.get("token"))
        try:
            outbox_id = _begin(session, read(session), payer_)
        except Invalid as error:
            return refuse(session, error)
        except Conflict as error:
            if error.code != "method.unavailable":
                raise
            return refuse(session, Invalid(error.message, code=error.code))
        claim = outbox.leased(session.sandbox, outbox_id) if outbox_id is not None else None
    if claim is not None:
        outbox.send(runtime, claim)
    return onward(runtime, token)


def _begin(session: PageSession, instrument: Instrument, payer_: Payer) -> int | None:
    """
    Begin a try; a card's issuer is asked at once where no script could show it the browser first.

    Returns:
        The gateway's call, where nobody is asked first.
    """
    started = payments.pay(session.sandbox, session.order, instrument, payer_)
    return (started if scripted() else payments.ask_issuer_at_once(session.sandbox, started, browser())).outbox_id


def sent_before(session: PageSession) -> bool:
    """Whether this form belongs to an earlier try: pressed twice, or found by going back."""
    return request.form.get("form_token", session.form_token) != session.form_token


def send(runtime: Runtime, session: PageSession, outbox_id: int | None) -> None:
    """Ask the gateway now where it is to be asked, and let happen what is due at once."""
    runtime.deliver(runtime, session.sandbox.seller_id, outbox_id)


def onward(runtime: Runtime, token: str) -> Response:
    """What is due happens; to the page that the order is at by then. Whoever is asked by a bank goes there at once."""
    with reading_session(runtime, token) as session:
        if not scheduler.is_due(session.sandbox):
            return go(next_page(session))
    scheduler.fire_present(runtime, session.sandbox.seller_id)
    with reading_session(runtime, token) as session:
        return go(next_page(session))


def next_page(session: PageSession) -> str:
    """The address at which the buyer goes on."""
    return session.at("bank") if session.at_bank else session.url


_LONGEST_VALUE = 255


def page_of(method: Method) -> Callable[[Runtime, str], Response]:
    """The page of a method, by its record."""

    def read(session: PageSession) -> Instrument:
        return method.read(request.form, session.sandbox.now, session.order.amount)

    def form(session: PageSession, error: Invalid | None = None) -> Response:
        page = page_session.page_context(session, f"Pay by {session.methods[method.code].noun}")
        if error is not None:
            values = {name: request.form.get(name, "")[:_LONGEST_VALUE] for name in method.fields}
            page_session.refuse(page, error, values)
        status = 422 if error is not None else 200
        return show("checkout/generic.html", status, page=page, method=method)

    def page(runtime: Runtime, token: str) -> Response:
        return form_page(runtime, token, method.code, read, form)

    return page
