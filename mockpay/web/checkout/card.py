"""
Paying by card, and the 3-D Secure of its issuer: the method step, the challenge, the way back.

The CVV is never sent back, nor a number that may be a real card's: an error brings them up empty.
"""

from __future__ import annotations

import re

from flask import Response, request
from msgspec.structs import replace

from mockpay.domain.methods import cards
from mockpay.domain.methods.cards import Card
from mockpay.domain.payments.attempts import Attempt, Auth
from mockpay.kernel.errors import Invalid
from mockpay.services.payments import authentication, payments
from mockpay.store import attempts
from mockpay.store.unit_of_work import Runtime
from mockpay.threeds import messages, requestor, threeds_table
from mockpay.threeds.messages import UUID
from mockpay.threeds.rules import ENDED, State, Transaction
from mockpay.web import errors
from mockpay.web.checkout import page_session, results, submission
from mockpay.web.checkout.page_session import PageSession, go, reading_session, show, writing_session

_LONGEST_VALUE = 40
#: As short as this, a number may be a CVV in the wrong field.
_LONGEST_CVV = 4
#: Somebody may have typed the number into a wrong field.
_LIKE_A_NUMBER = re.compile(r"(?:[0-9][ -]?){9}")


def page(runtime: Runtime, token: str) -> Response:
    """The card's form."""
    return submission.form_page(runtime, token, Card.method, typed, _form)


def typed(session: PageSession) -> Card:
    """
    The card that a form brings.

    Raises:
        Invalid: with the `field` that is wrong.
    """
    return cards.read({"cvv": "", **request.form}, session.sandbox.now)


def _form(session: PageSession, error: Invalid | None = None) -> Response:
    page = page_session.page_context(session, "Pay by card", notes=page_session.card_notes())
    if error is not None:
        page_session.refuse(page, error, typed_again(error))
    status = 422 if error is not None else 200
    return show("checkout/card.html", status, page=page, networks=cards.network_prefixes())


def typed_again(error: Invalid) -> dict[str, str]:
    """What an erroneous form of a card shows again: all but the CVV, and a number that may be a real card's."""
    may_be_real = any(wrong.code == "test_card_required" for wrong in (error, *error.others))
    number = request.form.get("number", "")[:_LONGEST_VALUE]
    if may_be_real or len(cards.digits_of(number)) <= _LONGEST_CVV:
        number = ""
    brand = cards.brand_of(cards.digits_of(number))
    return {
        "number": number,
        "network": brand.name if brand else "",
        **{name: without_number(name) for name in ("expiry", "name")},
    }


def without_number(name: str) -> str:
    """What was typed, where it is sure to be no card number."""
    text = request.form.get(name, "")[:_LONGEST_VALUE]
    return "" if _LIKE_A_NUMBER.search(text) else text


# --- 3-D Secure


#: Where the simulated issuers look at a browser (threeDSMethodURL).
METHOD_URL = "/acs/method"
#: Nobody waits longer for the method URL (threeDSCompInd N).
_METHOD_SECONDS = 10


def threeds_page(runtime: Runtime, token: str) -> Response:
    """The issuer's first look at the browser, or the way to its challenge."""
    if request.method == "POST":
        return _ask(runtime, token)
    with reading_session(runtime, token) as session:
        txn = _waiting(session)
        if txn is not None and txn.state not in ENDED:
            return _challenge(session, txn) if txn.state is State.CHALLENGE else _method(session, txn)
    return _move(runtime, token)


def _waiting(session: PageSession) -> Transaction | None:
    """The authentication that the order waits for."""
    if session.current != Auth.THREEDS or session.last is None:
        return None
    return threeds_table.latest(session.sandbox, session.last.attempt_id)


def _method(session: PageSession, txn: Transaction) -> Response:
    threeds_page = page_session.page_context(session, "Asking your bank")
    back = f"{submission.ways(session).page_url}/3ds-method"
    threeds_method = {
        "url": METHOD_URL,
        "data": requestor.method_request(txn, back),
        "seconds": _METHOD_SECONDS,
        "issuer": txn.issuer,
        "network": txn.network,
    }
    return show("checkout/threeds_method.html", page=threeds_page, method=threeds_method)


def _challenge(session: PageSession, txn: Transaction) -> Response:
    threeds_page = page_session.page_context(session, "Confirm with your bank", notes=page_session.acs_notes())
    challenge = {
        "url": txn.acs_path,
        "creq": requestor.creq(replace(txn, window_size=submission.FULL)),
        "framed_creq": requestor.creq(replace(txn, window_size=submission.FRAME)),
        "session_data": txn.session_data or "",
        "card": f"{txn.network} •••• {txn.last4}",
    }
    return show("checkout/threeds.html", page=threeds_page, challenge=challenge, version=results.version(session))


def _move(runtime: Runtime, token: str) -> Response:
    """
    What a page cannot wait for is done now.

    An authentication is begun that had no browser before (a review was approved by the clock),
    and one that has ended without the browser's coming back is taken as the issuer told it.
    """
    outbox_id = None
    with writing_session(runtime, token) as session:
        attempt = session.last
        if session.current == Auth.THREEDS and attempt is not None:
            if threeds_table.latest(session.sandbox, attempt.attempt_id) is None:
                after = authentication.prepare(session.sandbox, attempt, submission.ways(session))
            else:
                after = authentication.handle_return(session.sandbox, attempt, None, None)
            outbox_id = payments.charge_if_proved(session.sandbox, attempt, after)
    submission.send(runtime, session, outbox_id)
    return submission.onward(runtime, token)


def _ask(runtime: Runtime, token: str) -> Response:
    """The method step is over, or there is none: the issuer is asked."""
    completion = request.form.get("comp_ind", "")
    with writing_session(runtime, token) as session:
        attempt = session.last
        if submission.sent_before(session) or session.current != Auth.THREEDS or attempt is None:
            return go(session.url)
        if threeds_table.latest(session.sandbox, attempt.attempt_id) is None:
            return go(session.url)
        comp_ind = completion if completion in {"Y", "N"} else "N"
        after = authentication.ask_issuer(session.sandbox, attempt, submission.browser(), comp_ind, submission.window())
        outbox_id = payments.charge_if_proved(session.sandbox, attempt, after)
    submission.send(runtime, session, outbox_id)
    return submission.onward(runtime, token)


def method_done(runtime: Runtime, token: str) -> Response:
    """The issuer has seen the browser and says so, in the hidden frame."""
    named = _named(request.form.get("threeDSMethodData", ""))
    with writing_session(runtime, token) as session:
        txn = _waiting(session)
        matches = txn is not None and txn.txn_id == named
        if txn is not None and matches and txn.state in {State.PREPARED, State.METHOD}:
            requestor.method_done(session.sandbox, txn.txn_id, "Y")
        threeds_page = page_session.page_context(session, "Your bank has seen this browser", here=session.url)
        answer = show("checkout/threeds_seen.html", 200 if matches else 400, page=threeds_page)
    return errors.framed(answer)


def come_back(runtime: Runtime, token: str) -> Response:
    """The browser is back from the challenge, in the frame or on the whole page."""
    if request.method != "POST":
        return submission.onward(runtime, token)
    cres = request.form.get("cres")
    outbox_id, framed = None, False
    with writing_session(runtime, token) as session:
        attempt = _attempt_of(session, cres or "")
        if attempt is not None:
            txn = threeds_table.latest(session.sandbox, attempt.attempt_id)
            framed = txn is not None and txn.window_size == submission.FRAME
            session_data = request.form.get("threeDSSessionData")
            after = authentication.handle_return(session.sandbox, attempt, cres, session_data)
            outbox_id = payments.charge_if_proved(session.sandbox, attempt, after)
    submission.send(runtime, session, outbox_id)
    return _break_out(runtime, token) if framed and _in_frame() else submission.onward(runtime, token)


def _attempt_of(session: PageSession, cres: str) -> Attempt | None:
    """The try that a ``cres`` is about: an old window may tell of one before the last."""
    txn = threeds_table.by_id(session.sandbox, _named(cres))
    if txn is not None and txn.order_pk == session.order.order_pk:
        return attempts.by_id(session.sandbox, txn.attempt_id)
    return session.last


def _named(message: str) -> str:
    """The threeDSServerTransID in a message that a browser brought; empty where there is none."""
    try:
        named = str(messages.decode(message).get("threeDSServerTransID", ""))
    except messages.MessageError:
        return ""
    return named if re.fullmatch(UUID, named) else ""


def _in_frame() -> bool:
    """Browsers tell it; one that does not is believed to have shown the frame it was given."""
    return request.headers.get("Sec-Fetch-Dest", "iframe") == "iframe"


def _break_out(runtime: Runtime, token: str) -> Response:
    """A page inside the frame that leads the whole window on."""
    with reading_session(runtime, token) as session:
        threeds_page = page_session.page_context(session, "Back from your bank", here=submission.next_page(session))
    return errors.framed(show("checkout/threeds_back.html", page=threeds_page))
