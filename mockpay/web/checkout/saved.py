"""Paying with a saved method: no number, no CVV; bank and issuer still ask for their proof."""

from __future__ import annotations

from flask import Response, request

from mockpay.domain.methods.method import Instrument
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.store.unit_of_work import Runtime
from mockpay.vault import saved_methods as vault
from mockpay.vault.rules import SavedMethod
from mockpay.web import buyers
from mockpay.web.checkout import page_session, submission
from mockpay.web.checkout.page_session import PageSession, go, reading_session, show


def page(runtime: Runtime, token: str) -> Response:
    """The buyer's methods, the default chosen; a guest signs in first."""
    with reading_session(runtime, token) as session:
        if not session.payable:
            return go(session.url)
        if buyers.signed_in(session.sandbox) is None:
            return go(buyers.sign_in_url(session.sandbox) or session.url)
        if request.method != "POST":
            return _form(session)
    return submission.start(runtime, token, _chosen, _form)


def tile(session: PageSession) -> dict[str, object] | None:
    """What the page of all methods offers a buyer who saved some; None for anybody else."""
    methods = _usable(session)
    if not methods:
        return None
    more = len(methods) - 1
    fact = f"{methods[0].title} and {more} more" if more else methods[0].title
    return {
        "key": "saved",
        "title": "Saved methods",
        "fact": fact,
        "icon": "saved",
        "url": session.at("saved"),
        "available": True,
        "reason": None,
    }


def _listed(session: PageSession) -> list[SavedMethod]:
    buyer = buyers.signed_in(session.sandbox)
    return vault.listed(session.sandbox, buyer.buyer_id) if buyer else []


def _usable(session: PageSession) -> list[SavedMethod]:
    return buyers.usable(_listed(session), session.sandbox.now)


def _chosen(session: PageSession) -> Instrument:
    """
    The instrument that a token stands for.

    Raises:
        Invalid: nothing was chosen, or it cannot pay now.
        NotFound: code ``method.not_found``: nobody's token, or another buyer's or seller's.
    """
    buyer, token = buyers.signed_in(session.sandbox), request.form.get("token", "")
    if buyer is None or not token:
        message = "Choose one of your saved methods."
        raise Invalid(message, code="token.missing", field="token")
    try:
        used = vault.use(session.sandbox, buyer.buyer_id, token)
    except Conflict as error:
        raise Invalid(error.message, code=error.code, field="token") from error
    if used.cryptogram is not None:
        # The payment that it proves is made in this very transaction.
        vault.redeem(session.sandbox, used.cryptogram)
    return used.instrument


def _form(session: PageSession, error: Invalid | None = None) -> Response:
    page = page_session.page_context(session, "Pay with a saved method", notes=page_session.otp_notes())
    if error is not None:
        page_session.refuse(page, error, {})
    now = session.sandbox.now
    methods = _listed(session)
    first = next((one.token for one in buyers.usable(methods, now)), None)
    return show(
        "checkout/saved.html",
        422 if error is not None else 200,
        page=page,
        methods=buyers.rows(methods, now),
        chosen=request.form.get("token") or first,
    )
