"""A try of any method: read what was typed, ask the gateway now, go where the order is."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request

from mockpay.delivery import outbox, scheduler
from mockpay.domain.methods.method import Instrument
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.services.payments import authentication, card_authentication, payments
from mockpay.services.payments.payments import PaymentResult
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import payers
from mockpay.web.checkout.page_session import PageSession, reading_session, writing_session
from mockpay.web.checkout.responses import go


def form_page(
    runtime: Runtime, token: str, read: Callable[[PageSession], Instrument], form: Callable[..., Response]
) -> Response:
    """
    The page of a method: its form, and what becomes of the form once it is sent.

    Args:
        form: Shows the form; after an error it gets that, too.
    """
    if request.method == "POST":
        return start(runtime, token, read, form)
    with reading_session(runtime, token) as session:
        return form(session) if session.payable else go(session.url)


def start(
    runtime: Runtime,
    token: str,
    read: Callable[[PageSession], Instrument],
    refuse: Callable[[PageSession, Invalid], Response],
) -> Response:
    """
    A form was sent: pay with what `read` makes of it, or show what `refuse` makes of its error.
    """
    with writing_session(runtime, token) as session:
        if not session.payable or sent_before(session):
            return go(session.url)
        try:
            started = payments.pay(session.sandbox, session.order, read(session), payers.payer(session))
        except Invalid as error:
            return refuse(session, error)
        except Conflict as error:
            if error.code != "method.unavailable":
                raise
            return refuse(session, Invalid(error.message, code=error.code))
        outbox_id = _asked_without_script(session, started)
    send(runtime, session, outbox_id)
    return onward(runtime, token)


def _asked_without_script(session: PageSession, started: PaymentResult) -> int | None:
    """
    Ask the card's issuer at once where no script could show it the browser first.

    Returns:
        The gateway's call, where the issuer has let the payment through already.
    """
    attempt = started.attempt
    if attempt.auth is not Auth.THREEDS or not asked(attempt) or payers.scripted():
        return started.outbox_id
    moved = card_authentication.ask_issuer(session.sandbox, attempt, payers.browser(), "N")
    return charge_if_proved(session, attempt, moved)


def asked(attempt: Attempt) -> bool:
    """Whether the attempt waits for its buyer."""
    return attempt.state is AttemptState.AUTH_PENDING


def charge_if_proved(session: PageSession, before: Attempt, after: Attempt) -> int | None:
    """The gateway's call, once: by the request that proved the buyer, not by one that came late."""
    if authentication.ready_to_charge(before):
        return None
    return payments.queue_charge(session.sandbox, after, leased=True)


def sent_before(session: PageSession) -> bool:
    """Whether this form belongs to an earlier try: pressed twice, or found by going back."""
    return request.form.get("form_token", session.form_token) != session.form_token


def send(runtime: Runtime, session: PageSession, outbox_id: int | None) -> None:
    """Ask the gateway now where it is to be asked, and let happen what is due at once."""
    seller_id = session.sandbox.seller_id
    if outbox_id is not None:
        outbox.send_leased(runtime, seller_id, outbox_id)
    scheduler.fire_present(runtime, seller_id)


def onward(runtime: Runtime, token: str) -> Response:
    """To the page that the order is at by now; whoever is asked by a bank goes there at once."""
    with reading_session(runtime, token) as session:
        return go(next_page(session))


def next_page(session: PageSession) -> str:
    """The address at which the buyer goes on."""
    return session.at("bank") if session.at_bank else session.url
