"""
The bank's own pages, simulated: a log-in that takes anybody, its buttons, and the way back.

Nothing that a browser brings back is believed before the bank itself was asked.
"""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request

from mockpay.delivery import scheduler
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.scenarios.resolution import Input, find
from mockpay.kernel import ids
from mockpay.kernel.clock import indian
from mockpay.kernel.errors import Invalid
from mockpay.services.payments import banks, settlement
from mockpay.services.payments.banks import BUTTONS, BankReturn
from mockpay.store import attempts, outbox
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import page_session, submission
from mockpay.web.checkout.page_session import PageSession, go, reading_session, show, writing_session


def page(runtime: Runtime, token: str) -> Response:
    """The log-in, or behind it the request with the bank's buttons."""
    if request.method == "POST":
        return _answer(runtime, token)
    with reading_session(runtime, token) as session:
        attempt = _logged_in(session, request.args.get("session", ""))
        if attempt is not None:
            return _buttons(session, attempt)
        return _log_in(session, session.last) if session.at_bank and session.last else go(session.url)


def _log_in(session: PageSession, attempt: Attempt) -> Response:
    page = page_session.page_context(session, f"Log in: {attempt.instrument['bank_name']}")
    page["notes"] = page_session.user_notes()
    return show("checkout/bank_login.html", page=page, bank=_bank(session, attempt))


def _buttons(session: PageSession, attempt: Attempt) -> Response:
    page = page_session.page_context(session, f"Confirm payment: {attempt.instrument['bank_name']}")
    bank = _bank(session, attempt) | {"session": banks.session_token(session.sandbox, _reference(attempt))}
    return show("checkout/bank.html", page=page, bank=bank)


def _bank(session: PageSession, attempt: Attempt) -> dict[str, str]:
    """What a bank's page shows of the request, in a bank's own style."""
    code = attempt.instrument["bank"]
    account = ids.number(session.sandbox.seller.seed, "account", code, below=10_000)
    return {
        "name": attempt.instrument["bank_name"],
        "merchant": page_session.store(session).upper(),
        "amount": f"INR {attempt.amount.display()[1:]}",
        "date": f"{indian(session.sandbox.now):%d-%b-%Y %H:%M}".upper(),
        "reference": _reference(attempt),
        "account": f"XXXX XXXX {account:04d}",
    }


def _answer(runtime: Runtime, token: str) -> Response:
    """The log-in or a button; the bank decides once, whatever was pressed again."""
    form = request.form
    with writing_session(runtime, token) as session:
        if form.get("action") == "login":
            return _let_in(session)
        attempt = _logged_in(session, form.get("session", ""))
        if attempt is None:
            return go(session.at("bank"))
        if form.get("action") not in BUTTONS:
            # The window was closed: the bank has nothing to say, and nobody comes back.
            return go(session.url)
        outcome, status = BUTTONS[form["action"]]
        back = banks.record_decision(session.sandbox, attempt, outcome)
        return _go_back(session, back, not_made=back.status != status)


def _let_in(session: PageSession) -> Response:
    """Any user and password will do; the bank itself turns some users away."""
    attempt = _of_reference(session, request.form.get("bank_ref", ""))
    if attempt is None:
        return go(session.url)
    row = find(Input.BANK_USER, request.form.get("user", "").strip().lower())
    if row is not None:
        return _go_back(session, banks.record_decision(session.sandbox, attempt, row.outcome, row))
    login = banks.session_token(session.sandbox, _reference(attempt))
    return go(f"{session.at('bank')}?{urlencode({'session': login})}")


def _go_back(session: PageSession, back: BankReturn, *, not_made: bool = False) -> Response:
    """To the payment with the bank's decision; `not_made` where that is another than the button just pressed."""
    parameters = {"bank_ref": back.bank_ref, "status": back.status, "amount": back.amount, "checksum": back.checksum}
    if not_made:
        parameters[page_session.NOT_MADE] = "1"
    return go(f"{session.at('bank-return')}?{urlencode(parameters)}")


def _logged_in(session: PageSession, login: str) -> Attempt | None:
    """The request that a log-in's mark opens."""
    attempt = _of_reference(session, login.partition(".")[0])
    if attempt is None:
        return None
    matches = ids.same(banks.session_token(session.sandbox, _reference(attempt)), login)
    return attempt if matches else None


def _of_reference(session: PageSession, reference: str) -> Attempt | None:
    """The order's try at a bank by the bank's reference, newest or not: windows stay open."""
    tries = attempts.of_order(session.sandbox, session.order.order_pk)
    return next((attempt for attempt in tries if _reference(attempt) == reference != ""), None)


def _reference(attempt: Attempt) -> str:
    at_bank = "bank" in attempt.instrument
    return attempt.reference or "" if at_bank else ""


def come_back(runtime: Runtime, token: str) -> Response:
    """The browser comes back; what it says is checked, and then the bank itself is asked."""
    values = request.values
    back = BankReturn(*(values.get(name, "") for name in BankReturn.__struct_fields__))
    with writing_session(runtime, token) as session:
        try:
            attempt = _of_reference(session, back.bank_ref) or session.last
            attempt = banks.verify_return(session.sandbox, session.order, attempt, back)
        except Invalid as error:
            return _forged(session, error)
        outbox_id = outbox.add(session.sandbox, settlement.ASK_BANK, attempt.attempt_id, leased=True)
    # A page that was left open for too long has timed out before anybody is told.
    scheduler.fire_present(runtime, session.sandbox.seller_id)
    submission.send(runtime, session, outbox_id)
    with reading_session(runtime, token) as session:
        return page_session.not_made(session.url) if page_session.NOT_MADE in values else go(session.url)


def _forged(session: PageSession, error: Invalid) -> Response:
    page = page_session.page_context(session, "The bank’s answer was refused", heading="Not from the bank")
    page["sentence"] = f"{error.message} Nothing was changed by it."
    page["wrong"] = error.detail.get("wrong")
    page["here"] = session.at("bank") if session.at_bank else session.url
    return show("checkout/forged.html", 400, page=page)
