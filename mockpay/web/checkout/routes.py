"""The addresses of a payment's pages and what those of all methods do; 303 after every form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify, request
from msgspec.structs import replace

from mockpay.delivery import outbox
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.orders import OrderState
from mockpay.domain.payments.attempts import Stage
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict, Invalid, MockpayError, NotFound
from mockpay.otp import challenges
from mockpay.services.payments import captures, orders
from mockpay.services.sellers import offers
from mockpay.store import outbox as outbox_rows
from mockpay.store.unit_of_work import Runtime
from mockpay.vault import saved_methods as vault
from mockpay.web import buyers
from mockpay.web.checkout import bank, card, emi, netbanking, otp, page_session, results, submission, upi
from mockpay.web.checkout import wallet as balance
from mockpay.web.checkout.page_session import PageSession, go, gone, reading_session, show, writing_session


def blueprint(runtime: Runtime) -> Blueprint:
    """All pages below ``/pay/{token}/`` for one process."""
    front = Blueprint("checkout", __name__, url_prefix="/pay/<token>")
    pages: dict[str, Callable[[Runtime, str], Response]] = {
        **{code: submission.page_of(method) for code, method in METHODS.items()},
        "": _choose,
        "upi": upi.page,
        "upi-app": upi.app,
        "card": card.page,
        "netbanking": netbanking.page,
        "bank": bank.page,
        "bank-return": bank.come_back,
        "wallet": balance.page,
        "emi": emi.page,
        "saved": saved_page,
        "otp": otp.page,
        "3ds": card.threeds_page,
        "3ds-method": card.method_done,
        "3ds-return": card.come_back,
        "waiting": _waiting,
        "status": _status,
        "result": _result,
        "cancel": _cancel,
        "return": leave,
    }
    for path, view in pages.items():
        front.add_url_rule(
            f"/{path}",
            f"page_{path.replace('-', '_') or 'choose'}",
            _view(runtime, view),
            methods=["GET", "POST"],
            strict_slashes=False,
        )
    return front


def _view(runtime: Runtime, view: Callable[[Runtime, str], Response]) -> Callable[..., Response]:
    """Errors of a payment's pages are pages too."""

    def model(token: str) -> Response:
        try:
            return view(runtime, token)
        except MockpayError as error:
            return gone(runtime, token, error)

    return model


def _choose(runtime: Runtime, token: str) -> Response:
    with reading_session(runtime, token) as session:
        if not session.payable:
            return go(session.url)
        page = page_session.page_context(session, f"Pay {session.order.amount.display()}")
        page["notes"] = page_session.upi_notes()
        failed = results.last_failure(session)
        if failed:
            page["summary_error"] = failed
        return show("checkout/choose.html", page=page, methods=_tiles(session), saved=_saved_choices(session))


def _tiles(session: PageSession) -> list[dict[str, object]]:
    """The methods in their order; one that cannot be chosen says why and keeps its place."""
    offered, settings, amount = (offers.of(session.sandbox), session.sandbox.seller.settings, session.order.amount)
    return [
        {
            "key": code,
            "title": method.tile,
            "fact": method.subtitle.format(
                banks=netbanking.fact(session),
                otp="with an OTP" if challenges.otp_required(settings, code, amount) else "no OTP",
            ),
            "icon": method.icon,
            "url": session.at(code),
            "available": refusal is None,
            "reason": refusal.message if refusal else None,
        }
        for code, method in session.methods.items()
        for refusal in [offered.available(code, amount, session.sandbox.now)]
    ]


def _waiting(runtime: Runtime, token: str) -> Response:
    with reading_session(runtime, token) as session:
        if session.current != "waiting" or session.last is None:
            return go(session.url)
        model = results.waiting(session)
        page = page_session.page_context(session, str(model["heading"]))
        for name, is_there in (("upi_app", session.at_app), ("bank", session.at_bank)):
            if not is_there:
                page["urls"].pop(name)  # type: ignore[attr-defined]
        version = results.version(session)
        return show("checkout/waiting.html", page=page, waiting=model, version=version)


def _result(runtime: Runtime, token: str) -> Response:
    with reading_session(runtime, token) as session:
        if session.current == "choose":
            return go(session.url)
        model = results.result(session)
        page = page_session.page_context(session, f"{model['heading']}, {session.order.amount.display()}")
        return show("checkout/result.html", page=page, result=model, version=results.version(session))


def _status(runtime: Runtime, token: str) -> Response:
    """What a page polls: the version changes whenever the page would."""
    with reading_session(runtime, token) as session:
        version = results.version(session)
        answer = jsonify({"state": str(session.order.state), "version": version})
        answer.set_etag(version)
        answer.headers["Cache-Control"] = "no-cache"
        return answer.make_conditional(request)  # type: ignore[return-value]


def _cancel(runtime: Runtime, token: str) -> Response:
    """The buyer gives up; a form from before a later try changes nothing."""
    with writing_session(runtime, token) as session:
        if request.method != "POST":
            return go(session.url)
        if session.order.state is OrderState.CANCELLED:
            return go(session.url)
        if submission.sent_before(session) or not session.order.open:
            return page_session.not_made(session.url)
        reusable = session.sandbox.provider_of(session.order).reusable
        try:
            (orders.abandon if reusable else orders.cancel)(session.sandbox, session.order)
        except Conflict:
            return page_session.not_made(session.url)
        return go(session.at("return" if reusable else "result"))


# --- the way back


_DELAY_MS = 5 * SECOND


def leave(runtime: Runtime, token: str) -> Response:
    """Send the buyer back with the result; a failed order is given up by leaving it."""
    with writing_session(runtime, token) as session:
        reusable = session.sandbox.provider_of(session.order).reusable
        if session.auth_pending or (session.current == "choose" and not reusable):
            return go(session.url)
        order = session.order if reusable else captures.give_up(session.sandbox, session.order)
        left = PageSession(session.sandbox, order, session.last)
        url, fields = _return_url(left), left.return_fields
        fault = session.last.plan.at(Stage.REDIRECT).outcome if session.last else "success"
        first = orders.record_return(session.sandbox, order, url, fault, fields)
        if fault == "never_returns":
            page = page_session.page_context(session, "The buyer closed the browser")
            return show("checkout/closed.html", page=page, scenario=page_session.redirect_scenario(session))
        if fault == "delayed" and session.sandbox.now < first + _DELAY_MS:
            return _hold(session)
        back = _away(url) if fields is None else _post_back(session, url, fields)
        if fault != "duplicated":
            return back
        again = {"url": url} if fields is None else {"url": url, "fields": dict(fields)}
        outbox_id = outbox_rows.add(session.sandbox, outbox.RETURN_AGAIN, order.order_id, leased=True, **again)
    outbox.send_leased(runtime, session.sandbox.seller_id, outbox_id)
    return back


def _return_url(session: PageSession) -> str:
    return_url = session.sandbox.provider_of(session.order).return_url
    if return_url is None:
        raise NotFound("This order has no return URL.", code="order.no_return_url")
    return return_url(session.sandbox.seller, session.order, session.last)


def _post_back(session: PageSession, url: str, fields: Mapping[str, str]) -> Response:
    """A page that posts a form to the seller."""
    page = page_session.page_context(session, "Taking you back")
    return show("checkout/return.html", page=page, url=url, fields=fields)


def _away(url: str) -> Response:
    """302 as the real page sends it."""
    return Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})


def _hold(session: PageSession) -> Response:
    """A page that leads on by itself once the delay is over on the seller's clock."""
    page = page_session.page_context(session, "Taking you back")
    page["heading"] = "Taking you back to the seller"
    page["away"] = True
    page["sentence"] = "A scenario holds the way back for 5 seconds."
    answer = show("checkout/gone.html", page=page)
    answer.headers["Refresh"] = f"1; url={request.path}"
    return answer


# --- saved methods


def saved_page(runtime: Runtime, token: str) -> Response:
    """The buyer's methods, the default chosen; a guest signs in first."""
    with reading_session(runtime, token) as session:
        if not session.payable:
            return go(session.url)
        if buyers.signed_in(session.sandbox) is None:
            return go(buyers.sign_in_url(session.sandbox) or session.url)
        if request.method != "POST":
            return _saved_form(session)
    return submission.start(runtime, token, None, _chosen_method, _saved_form)


def _saved_choices(session: PageSession) -> dict[str, object]:
    """The buyer's saved methods as radio buttons, of which the sent or the first that can pay is chosen."""
    buyer, now = buyers.signed_in(session.sandbox), session.sandbox.now
    rows = buyers.rows(vault.listed(session.sandbox, buyer.buyer_id) if buyer else [], now)
    offered, amount = offers.of(session.sandbox), session.order.amount
    refusals = {code: offered.available(code, amount, now) for code in session.methods}
    rows = [replace(row, reason=refusal.message) if (refusal := refusals[row.kind]) else row for row in rows]
    first = next((row.token for row in rows if row.reason is None), None)
    return {"methods": rows, "chosen": request.form.get("token") or first, "usable": first is not None}


def _chosen_method(session: PageSession) -> Instrument:
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
        return vault.use_for_payment(session.sandbox, buyer.buyer_id, token)
    except Conflict as error:
        raise Invalid(error.message, code=error.code, field="token") from error


def _saved_form(session: PageSession, error: Invalid | None = None) -> Response:
    saved_page = page_session.page_context(session, "Pay with a saved method", notes=page_session.otp_notes())
    if error is not None:
        page_session.refuse(saved_page, error, {})
    status = 422 if error is not None else 200
    return show("checkout/saved.html", status, page=saved_page, saved=_saved_choices(session))
