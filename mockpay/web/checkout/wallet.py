"""Paying from a balance: whose it is, what is there, and one press."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request

from mockpay.domain.buyers import normal_email
from mockpay.domain.methods.wallet import Wallet
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.services.wallet import balances, top_ups
from mockpay.store.unit_of_work import Runtime
from mockpay.web import buyers
from mockpay.web.checkout import page_session, submission
from mockpay.web.checkout.page_session import PageSession, go, reading_session, show, writing_session

_LONGEST_KEPT = 255


def page(runtime: Runtime, token: str) -> Response:
    """
    Asks for the e-mail, which is that of who is signed in; ``?email=`` names another one.

    The balance is shown of whom the page names, and what it lacks can be added first.
    """
    if request.method == "POST" and request.form.get("action") == "add":
        return _add_difference(runtime, token)
    if request.method == "POST":
        return submission.start(runtime, token, Wallet.method, _typed, _refused)
    with reading_session(runtime, token) as session:
        if not session.payable:
            return go(session.url)
        email = _named(session)
        try:
            refusal = submission.method_refusal(session, Wallet.method)
            return refusal or _form(session, email, balance=_balance(session, email))
        except Invalid as error:
            return _form(session, email, error)


def _add_difference(runtime: Runtime, token: str) -> Response:
    """Lead to the payment pages of an order that adds what is missing, and back here from there."""
    with writing_session(runtime, token) as session:
        if not session.payable:
            return go(session.url)
        try:
            owner = normal_email(request.form.get("email", ""))
            missing = _missing(session, balances.balance(session.sandbox, owner))
            back = f"{session.at('wallet')}?{urlencode({'email': owner})}"
            if missing is None:
                return go(back)
            order = top_ups.open_order(session.sandbox, owner, missing, back)
        except (Invalid, Conflict) as error:
            return _refused(session, Invalid(error.message, code=error.code, field="email"))
    return go(f"/pay/{order.page_token}/")


def _missing(session: PageSession, balance: Money) -> Money | None:
    """What a balance lacks for the order, at least as much as can be added; None where it is enough."""
    return None if balance >= session.order.amount else max(session.order.amount - balance, top_ups.LEAST)


def _typed(_visit: PageSession) -> Wallet:
    return Wallet(normal_email(request.form.get("email", "")))


def _named(session: PageSession) -> str:
    """Whom the address names, else who is signed in; empty where nobody is."""
    if "email" in request.args:
        return request.args["email"]
    buyer = buyers.signed_in(session.sandbox)
    return buyer.email if buyer is not None else ""


def _balance(session: PageSession, email: str) -> dict[str, object] | None:
    """The balance of whom the page names; None where it names nobody."""
    if not email and "email" not in request.args:
        return None
    owner = normal_email(email)
    balance = balances.balance(session.sandbox, owner)
    missing = _missing(session, balance)
    return {"amount": balance.display(), "missing": missing.display() if missing is not None else None}


def _refused(session: PageSession, error: Invalid) -> Response:
    return _form(session, request.form.get("email", ""), error)


def _form(
    session: PageSession, email: str, error: Invalid | None = None, balance: dict[str, object] | None = None
) -> Response:
    values = {"email": email[:_LONGEST_KEPT]}
    method = session.methods[Wallet.method]
    page = page_session.page_context(session, f"Pay by {method.tile}", notes=page_session.buyer_notes())
    if error is not None:
        page_session.refuse(page, error, values)
    page["values"] = values
    status = 422 if error is not None else 200
    return show("checkout/wallet.html", status, page=page, balance=balance, method=method)
