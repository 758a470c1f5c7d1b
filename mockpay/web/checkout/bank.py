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
from mockpay.web.checkout import submission, view_models
from mockpay.web.checkout.page_session import Visit, reading_visit, writing_visit
from mockpay.web.checkout.responses import go, show


def page(runtime: Runtime, token: str) -> Response:
    """The log-in, or behind it the request with the bank's buttons."""
    if request.method == "POST":
        return _answer(runtime, token)
    with reading_visit(runtime, token) as visit:
        attempt = _logged_in(visit, request.args.get("session", ""))
        if attempt is not None:
            return _buttons(visit, attempt)
        return _log_in(visit, visit.last) if visit.at_bank and visit.last else go(visit.url)


def _log_in(visit: Visit, attempt: Attempt) -> Response:
    given = view_models.page(visit, f"Log in: {attempt.instrument['bank_name']}")
    given["notes"] = view_models.user_notes()
    return show("checkout/bank_login.html", page=given, bank=_bank(visit, attempt))


def _buttons(visit: Visit, attempt: Attempt) -> Response:
    given = view_models.page(visit, f"Confirm payment: {attempt.instrument['bank_name']}")
    bank = _bank(visit, attempt) | {"session": banks.session_token(visit.sandbox, _reference(attempt))}
    return show("checkout/bank.html", page=given, bank=bank)


def _bank(visit: Visit, attempt: Attempt) -> dict[str, str]:
    """What a bank's page shows of the request, in a bank's own style."""
    code = attempt.instrument["bank"]
    account = ids.number(visit.sandbox.seller.seed, "account", code, below=10_000)
    return {
        "name": attempt.instrument["bank_name"],
        "merchant": view_models.store(visit).upper(),
        "amount": f"INR {attempt.amount.display()[1:]}",
        "date": f"{indian(visit.sandbox.now):%d-%b-%Y %H:%M}".upper(),
        "reference": _reference(attempt),
        "account": f"XXXX XXXX {account:04d}",
    }


def _answer(runtime: Runtime, token: str) -> Response:
    """The log-in or a button; the bank decides once, whatever was pressed again."""
    given = request.form
    with writing_visit(runtime, token) as visit:
        if given.get("action") == "login":
            return _let_in(visit)
        attempt = _logged_in(visit, given.get("session", ""))
        if attempt is None:
            return go(visit.at("bank"))
        if given.get("action") not in BUTTONS:
            # The window was closed: the bank has nothing to say, and nobody comes back.
            return go(visit.url)
        outcome, _letter = BUTTONS[given["action"]]
        return _go_back(visit, banks.record_decision(visit.sandbox, attempt, outcome))


def _let_in(visit: Visit) -> Response:
    """Any user and password will do; the bank itself turns some users away."""
    attempt = _of_reference(visit, request.form.get("bank_ref", ""))
    if attempt is None:
        return go(visit.url)
    row = find(Input.BANK_USER, request.form.get("user", "").strip().lower())
    if row is not None:
        return _go_back(visit, banks.record_decision(visit.sandbox, attempt, row.outcome))
    session = banks.session_token(visit.sandbox, _reference(attempt))
    return go(f"{visit.at('bank')}?{urlencode({'session': session})}")


def _go_back(visit: Visit, back: BankReturn) -> Response:
    brought = {
        "bank_ref": back.bank_ref,
        "status": back.status,
        "amount": back.amount,
        "checksum": back.checksum,
    }
    return go(f"{visit.at('bank-return')}?{urlencode(brought)}")


def _logged_in(visit: Visit, session: str) -> Attempt | None:
    """The request that a log-in's mark opens."""
    attempt = _of_reference(visit, session.partition(".")[0])
    if attempt is None:
        return None
    good = ids.same(banks.session_token(visit.sandbox, _reference(attempt)), session)
    return attempt if good else None


def _of_reference(visit: Visit, reference: str) -> Attempt | None:
    """The order's try at a bank by the bank's reference, newest or not: windows stay open."""
    tries = attempts.of_order(visit.sandbox, visit.order.order_pk)
    return next((one for one in tries if _reference(one) == reference != ""), None)


def _reference(attempt: Attempt) -> str:
    at_bank = "bank" in attempt.instrument
    return attempt.reference or "" if at_bank else ""


def come_back(runtime: Runtime, token: str) -> Response:
    """The browser comes back; what it says is checked, and then the bank itself is asked."""
    brought = request.values
    back = BankReturn(*(brought.get(name, "") for name in BankReturn.__dataclass_fields__))
    with writing_visit(runtime, token) as visit:
        try:
            attempt = _of_reference(visit, back.bank_ref) or visit.last
            attempt = banks.verify_return(visit.sandbox, visit.order, attempt, back)
        except Invalid as error:
            return _forged(visit, error)
        parcel = outbox.add(visit.sandbox, settlement.ASK_BANK, attempt.attempt_id, mine=True)
    # A page that was left open for too long has timed out before anybody is told.
    scheduler.fire_present(runtime, visit.sandbox.seller_id)
    submission.send(runtime, visit, parcel)
    with reading_visit(runtime, token) as visit:
        return go(visit.url)


def _forged(visit: Visit, error: Invalid) -> Response:
    given = view_models.page(visit, "The bank’s answer was refused", heading="Not from the bank")
    given["sentence"] = f"{error.message} Nothing was changed by it."
    given["wrong"] = error.detail.get("wrong")
    given["here"] = visit.at("bank") if visit.at_bank else visit.url
    return show("checkout/forged.html", 400, page=given)
