"""Paying from Amazon Pay balance: whose it is, what is there, and one press."""

from __future__ import annotations

from flask import Response, request

from mockpay.domain.methods.instruments import Wallet
from mockpay.kernel.errors import Invalid
from mockpay.services import wallet
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import submission, view_models
from mockpay.web.checkout.page_session import Visit, reading_visit
from mockpay.web.checkout.responses import go, show

_LONGEST_KEPT = 255


def page(runtime: Runtime, token: str) -> Response:
    """Asks for the e-mail; ``?email=`` shows that buyer's balance."""
    if request.method == "POST":
        return submission.start(runtime, token, _typed, _form)
    with reading_visit(runtime, token) as visit:
        if not visit.payable:
            return go(visit.url)
        try:
            return _form(visit, balance=_balance(visit))
        except Invalid as error:
            return _form(visit, error)


def _typed(_visit: Visit) -> Wallet:
    return Wallet(wallet.parse_email(request.form.get("email", "")))


def _balance(visit: Visit) -> dict[str, object] | None:
    """The balance of whom the address names; None where it names nobody."""
    if "email" not in request.args:
        return None
    owner = wallet.parse_email(request.args["email"])
    found, needed = wallet.balance(visit.sandbox, owner), visit.order.amount
    return {"amount": found.display(), "enough": found.minor >= needed.minor}


def _form(visit: Visit, error: Invalid | None = None, balance: dict[str, object] | None = None) -> Response:
    kept = {"email": request.values.get("email", "")[:_LONGEST_KEPT]}
    given = view_models.page(visit, "Pay by Amazon Pay", notes=view_models.buyer_notes())
    if error is not None:
        view_models.refuse(given, error, kept)
    given["values"] = kept
    status = 422 if error is not None else 200
    return show("checkout/wallet.html", status, page=given, balance=balance)
