"""The addresses of a payment's pages and what each does; 303 after every form."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from mockpay.domain import wallet
from mockpay.kernel.errors import Conflict, MockpayError
from mockpay.otp import challenges
from mockpay.services.payments import orders
from mockpay.services.sellers import offers
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import (
    bank,
    card,
    emi,
    netbanking,
    otp,
    results,
    return_to_merchant,
    saved,
    threeds,
    upi,
    view_models,
)
from mockpay.web.checkout import wallet as balance
from mockpay.web.checkout.page_session import Visit, reading_visit, writing_visit
from mockpay.web.checkout.responses import go, gone, show


def blueprint(runtime: Runtime) -> Blueprint:
    """All pages below ``/pay/{token}/`` for one process."""
    front = Blueprint("checkout", __name__, url_prefix="/pay/<token>")
    pages = {
        "": _choose,
        "upi": upi.page,
        "upi-app": upi.app,
        "card": card.page,
        "netbanking": netbanking.page,
        "bank": bank.page,
        "bank-return": bank.come_back,
        "wallet": balance.page,
        "emi": emi.page,
        "saved": saved.page,
        "otp": otp.page,
        "3ds": threeds.page,
        "3ds-method": threeds.method_done,
        "3ds-return": threeds.come_back,
        "waiting": _waiting,
        "status": _status,
        "result": _result,
        "cancel": _cancel,
        "return": return_to_merchant.leave,
    }
    for path, view in pages.items():
        front.add_url_rule(
            f"/{path}",
            f"page_{path.replace('-', '_') or 'choose'}",
            _told(runtime, view),
            methods=["GET", "POST"],
            strict_slashes=False,
        )
    return front


def _told(runtime: Runtime, view: Callable[[Runtime, str], Response]) -> Callable[..., Response]:
    """Errors of a payment's pages are pages too."""

    def shown(token: str) -> Response:
        try:
            return view(runtime, token)
        except MockpayError as error:
            return gone(error)

    return shown


def _choose(runtime: Runtime, token: str) -> Response:
    with reading_visit(runtime, token) as visit:
        if not visit.payable:
            return go(visit.url)
        page = view_models.page(visit, f"Pay {visit.order.amount.display()}")
        page["notes"] = view_models.upi_notes()[:2]
        failed = results.last_failure(visit)
        if failed:
            page["summary_error"] = failed
        return show("checkout/choose.html", page=page, methods=_tiles(visit))


def _tiles(visit: Visit) -> list[dict[str, object]]:
    """The ways to pay, UPI first; one that cannot be chosen says why and keeps its place."""
    ways = (
        ("upi", "UPI", "Scan a QR, or approve in any UPI app", "upi"),
        ("card", "Card", "Credit or debit", "card"),
        ("netbanking", "Net banking", netbanking.fact(visit), "bank"),
        ("wallet", "Amazon Pay", _of_balance(visit), "wallet"),
        ("emi", "EMI", "In instalments", "emi"),
    )
    found = offers.of(visit.sandbox)
    kept = saved.tile(visit)
    first = [kept] if kept is not None else []
    return first + [
        {
            "key": key,
            "title": title,
            "fact": fact,
            "icon": icon,
            "url": visit.at(key),
            "available": refusal is None,
            "reason": refusal.says if refusal else None,
        }
        for key, title, fact, icon in ways
        for refusal in [found.available(key, visit.order.amount, visit.sandbox.now)]
    ]


def _of_balance(visit: Visit) -> str:
    """One press, unless the amount asks for a one-time password."""
    settings = visit.sandbox.seller.settings
    asks = challenges.asks(settings, wallet.METHOD, visit.order.amount)
    return "Balance, with an OTP" if asks else "Balance, no OTP"


def _waiting(runtime: Runtime, token: str) -> Response:
    with reading_visit(runtime, token) as visit:
        if visit.place != "waiting" or visit.last is None:
            return go(visit.url)
        shown = results.waiting(visit)
        page = view_models.page(visit, str(shown["heading"]))
        for name, there in (("upi_app", visit.at_app), ("bank", visit.at_bank)):
            if not there:
                page["urls"].pop(name)  # type: ignore[attr-defined]
        version = results.version(visit)
        return show("checkout/waiting.html", page=page, waiting=shown, version=version)


def _result(runtime: Runtime, token: str) -> Response:
    with reading_visit(runtime, token) as visit:
        if visit.place == "choose":
            return go(visit.url)
        shown = results.result(visit)
        page = view_models.page(visit, f"{shown['heading']}, {visit.order.amount.display()}")
        return show("checkout/result.html", page=page, result=shown, version=results.version(visit))


def _status(runtime: Runtime, token: str) -> Response:
    """What a page polls: the version changes whenever the page would."""
    with reading_visit(runtime, token) as visit:
        version = results.version(visit)
        answer = jsonify({"state": str(visit.order.state), "version": version})
        answer.set_etag(version)
        answer.headers["Cache-Control"] = "no-cache"
        return answer.make_conditional(request)  # type: ignore[return-value]


def _cancel(runtime: Runtime, token: str) -> Response:
    """The buyer gives up; a form from before a later try changes nothing."""
    with writing_visit(runtime, token) as visit:
        current = request.form.get("form_token", visit.form_token) == visit.form_token
        if request.method == "POST" and visit.order.open and current:
            try:
                orders.cancel(visit.sandbox, visit.order)
            except Conflict:
                return go(visit.url)
            return go(visit.at("result"))
        return go(visit.url)
