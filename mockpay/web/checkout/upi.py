"""Paying by UPI: the page with QR code and UPI ID, and the simulated app that answers."""

from __future__ import annotations

from flask import Response, request
from markupsafe import Markup

from mockpay.domain.methods import upi
from mockpay.domain.methods.method import MoneyStatus
from mockpay.domain.methods.upi import Upi
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Invalid
from mockpay.services.payments import payments, settlement
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import page_session, submission
from mockpay.web.checkout.page_session import PageSession, go, show, writing_session
from mockpay.web.wording.sentences import countdown

_INTENT, _DYNAMIC_QR = "04", "22"
_PIN_LENGTHS = {0, 4, 6}
ACTIONS = {"approve", "decline", "ignore", "late"}


def page(runtime: Runtime, token: str) -> Response:
    """The QR code, the link that opens an app, and the field for a UPI ID."""
    return submission.form_page(runtime, token, Upi.method, _typed, _form)


def _form(session: PageSession, error: Invalid | None = None) -> Response:
    import segno  # noqa: PLC0415

    settings = session.sandbox.seller.settings
    page = page_session.page_context(session, "Pay by UPI", notes=page_session.upi_notes())
    if error is not None:
        page_session.refuse(page, error, {"vpa": request.form.get("vpa", "")[:255]})
    code = segno.make(_link(session, _DYNAMIC_QR), error="m")
    svg = code.svg_inline(scale=1, border=4, omitsize=True, dark="#0f1e22", light="#ffffff")
    remaining = min(settings.upi_collect_seconds * SECOND, session.order.expires_at - session.sandbox.now)
    return show(
        "checkout/upi.html",
        422 if error is not None else 200,
        page=page,
        # The library's own output over our own link; nothing of the seller's is in it unescaped.
        qr_svg=Markup(svg),  # noqa: S704
        intent_url=_link(session, _INTENT),
        collect_enabled=settings.upi_collect_enabled,
        code_left_seconds=max(remaining, 0) // SECOND,
        code_left_text=countdown(remaining),
    )


def _link(session: PageSession, mode: str) -> str:
    order = session.order
    number = order.attempt_count + 1
    return upi.link(
        payee=payee_vpa(session),
        name=page_session.store(session),
        amount=order.amount.wire(),
        reference=payments.attempt_id_of(session.sandbox, order, number).replace("_", ""),
        note=f"Order {order.seller_order_id}",
        mode=mode,
    )


def payee_vpa(session: PageSession) -> str:
    """The seller's UPI ID: its setting, else made from its name."""
    seller = session.sandbox.seller
    local = "".join(char for char in seller.name.lower() if char.isascii() and char.isalnum())
    return seller.settings.upi_payee_vpa or f"{local or 'seller'}@mockpay"


def _typed(session: PageSession) -> Upi:
    if not session.sandbox.seller.settings.upi_collect_enabled:
        message = "Requests to a UPI ID are switched off; use the code or the app."
        raise Invalid(message, code="upi_collect_not_enabled", field="vpa")
    return Upi(upi.vpa(request.form.get("vpa", "")))


def app(runtime: Runtime, token: str) -> Response:
    """The buyer's UPI app: what it is asked, and its answer."""
    if request.method == "POST":
        return _answer(runtime, token)
    with writing_session(runtime, token) as session:
        if session.at_app and session.last is not None:
            settlement.mark_app_opened(session.sandbox, session.last)
        return submission.method_refusal(session, Upi.method) or _app(session)


def _app(session: PageSession, error: Invalid | None = None) -> Response:
    page = page_session.page_context(session, "Simulated UPI app", notes=page_session.pin_notes())
    if error is not None:
        page["title"] = f"Error: {error.message}"
        page["errors"] = {"pin": error.message}
    page["urls"]["back"] = session.url  # type: ignore[index]
    vpa = session.last.instrument.get("vpa") if session.last and session.at_app else None
    approval_parts = {
        "payee": page_session.store(session),
        "payee_vpa": payee_vpa(session),
        "amount": session.order.amount.display(),
        "note": f"Order {session.order.seller_order_id}",
        "payer_vpa": vpa,
        "open": session.at_app or session.payable,
        "accounts": [
            {"value": "savings", "title": "Malgudi Bank", "fact": "Savings account XX4821"},
            {"value": "current", "title": "Bank of Malabar", "fact": "Current account XX0937"},
        ],
    }
    return show("checkout/upi_app.html", 422 if error else 200, page=page, payment_request=approval_parts)


def _answer(runtime: Runtime, token: str) -> Response:
    """A button of the app; without a request waiting, the QR code or link was followed."""
    action, pin = request.form.get("action", "approve"), request.form.get("pin", "")
    with writing_session(runtime, token) as session:
        if submission.sent_before(session) or not (session.at_app or session.payable):
            return page_session.not_made(session.url)
        if (refusal := submission.method_refusal(session, Upi.method)) is not None:
            return refusal
        try:
            check_answer(action, pin)
        except Invalid as error:
            return _app(session, error)
        if session.at_app and session.last is not None:
            answer(session, session.last, action, pin)
            return _after_answer(session)
        started = payments.pay(session.sandbox, session.order, Upi(), submission.payer(session, Upi.method))
    submission.send(runtime, session, started.outbox_id)
    with writing_session(runtime, token) as session:
        if session.at_app and session.last is not None:
            answer(session, session.last, action, pin)
        return _after_answer(session)


def check_answer(action: str, pin: str) -> None:
    """
    Refuse what is no button of the app, or no PIN.

    Raises:
        Invalid: code ``upi.action`` or ``upi.pin``.
    """
    if action not in ACTIONS:
        raise Invalid("Choose one of the buttons.", code="upi.action", field="pin")
    if action == "approve" and (len(pin) not in _PIN_LENGTHS or (pin and not (pin.isascii() and pin.isdigit()))):
        raise Invalid("A UPI PIN has 4 or 6 digits.", code="upi.pin", field="pin")


def answer(session: PageSession, attempt: Attempt, action: str, pin: str) -> None:
    """Answer the app's request; the PIN decides only the buyer's part; whatever it lets through meets the plan."""
    settlement.mark_app_opened(session.sandbox, attempt)
    if action == "approve":
        magic = payments.pin_decision(session.sandbox, attempt, pin)
        outcome = magic.outcome if magic is not None else _approved(attempt)
        settlement.record_buyer_answer(session.sandbox, attempt.attempt_id, outcome, Actor.BUYER, magic)
    elif action == "decline":
        settlement.record_buyer_answer(session.sandbox, attempt.attempt_id, "declined", Actor.BUYER)
    elif action == "late":
        settlement.approve_after_expiry(session.sandbox, attempt.attempt_id)


def _approved(attempt: Attempt) -> str | None:
    """The outcome of an approval by an ordinary PIN, None for the plan's own."""
    planned = upi.RESPONSE_CODES.answer(attempt.issuer_outcome)
    # The plan says that nobody answers, but somebody just did.
    return "success" if upi.RESPONSE_CODES.money_status(planned.code) is MoneyStatus.EXPIRED else None


def _after_answer(session: PageSession) -> Response:
    return go(session.at("waiting"))
