"""Who pays and from where, as a request tells it: its headers, and what a script filled in."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from flask import request
from werkzeug.urls import iri_to_uri

from mockpay.risk.assessment import Inputs
from mockpay.services.payments.payers import CheckoutContext, Payer
from mockpay.threeds.rules import Browser
from mockpay.vault.consents import Consent, consent
from mockpay.web import buyers
from mockpay.web.checkout import view_models
from mockpay.web.checkout.page_session import PageSession

#: challengeWindowSize: a frame of 250x400 on the payment's page, or the whole screen.
FRAME, FULL = "01", "05"
_HERE = "127.0.0.1"
#: What a script puts into `browser`, each in the form that its element of the AReq has.
_SCREEN_TOLD = re.compile("[0-9]{1,2},[0-9]{1,6},[0-9]{1,6},-?[0-9]{1,4}")


def payer(session: PageSession) -> Payer:
    """Whoever sends the form of one of the payment's methods."""
    buyer = buyers.signed_in(session.sandbox)
    return Payer(_inputs(), ways(session), buyer.buyer_id if buyer else None, _consent(session))


def _consent(session: PageSession) -> Consent | None:
    """A ticked box; a guest's has nobody to save for, and is dropped."""
    if not buyers.agreed():
        return None
    return consent(session.sandbox.now, _told_ip() or _here())


def ways(session: PageSession) -> CheckoutContext:
    """Where the buyer's browser finds the payment's page, under the name that it came by."""
    page = iri_to_uri(request.host_url) + session.at("choose").strip("/")
    return CheckoutContext(page, browser(), view_models.store(session))


def browser() -> Browser:
    """What an issuer is told of the browser."""
    language = request.headers.get("Accept-Language", "").split(",")[0].split(";")[0].strip()
    depth, height, width, tz = _screen()
    return Browser(
        ip=_told_ip() or _here(),
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
        ip=_told_ip(),
        device=_plain(request.headers.get("X-Mockpay-Device") or form.get("mockpay_device")),
        email=_plain(form.get("email")),
        buyer_name=_plain(form.get("name")),
    )


def _plain(text: str | None) -> str | None:
    """What was told, unless it has a character that no database keeps."""
    return text if text and "\0" not in text else None


def _told_ip() -> str | None:
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
