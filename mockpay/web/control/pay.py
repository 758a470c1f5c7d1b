"""Paying an order without a browser: the forms of a payment's pages as one body, as far as they reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct

from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.methods.upi import Upi
from mockpay.domain.orders import OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Stage
from mockpay.kernel.errors import Conflict, Invalid, NotFound
from mockpay.risk.assessment import Inputs
from mockpay.services import buyers
from mockpay.services.payments import authentication, banks, code_entry, orders, payments, settlement
from mockpay.services.payments.authentication import CheckoutContext, Payer
from mockpay.store import attempts, outbox
from mockpay.store import orders as order_rows
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import threeds_table
from mockpay.threeds.rules import State
from mockpay.vault import saved_methods
from mockpay.vault.rules import consent
from mockpay.web.checkout import submission, upi
from mockpay.web.checkout.page_session import PageSession
from mockpay.web.control import pay_fields
from mockpay.web.control.endpoints import POST, Request
from mockpay.web.control.pay_fields import SAVED, PayRequest

_HERE = "127.0.0.1"


class PayResult(Struct, kw_only=True):
    """
    How the order stands.

    `waits_for` is what has to come next: ``otp``, ``3ds``, ``upi-app``, ``bank`` (send `otp`, `pin` or `answer`),
    ``review`` or ``issuer`` (time passes); null where nothing is waited for. `return_url` is where the buyer's browser
    goes: to the seller with the signed result, or after a failed try to the page that gives up and leads there.
    `return_fields` is what it posts there; null where it only goes there.
    """

    order_id: str
    state: OrderState
    attempt_id: str | None
    attempt_state: AttemptState | None
    waits_for: str | None
    return_url: str | None
    return_fields: Mapping[str, str] | None


def pay_order(request: Request[None, PayRequest]) -> PayResult:
    """
    The first call chooses a method and types its fields; what comes later (`otp`, `pin`, `answer`) may be in it
    too, or in a further call, which then answers what `waits_for` names. The risk check, one-time passwords and 3-D
    Secure decide as on the pages. No order is ever made here: that is the shop's part.
    """
    return pay_by(request, request.path["order_id"], request.body)


def pay_by(request: Request[None, Any], order_id: str, fields: PayRequest) -> PayResult:
    """Do what the fields ask of an order."""
    body = pay_fields.without_spaces(fields)
    with request.transaction() as sandbox:
        session, outbox_id = _session(sandbox, order_id), None
        if session.payable:
            outbox_id = _start(session, body, request.base)
        elif not session.order.open:
            raise Conflict(f"The order is {session.order.state}: nothing is left to pay.", code="order.over")
        elif session.last is not None:
            pay_fields.check_answers(body, session.last.method, _waits_for(session, session.last) or "")
    submission.send(request.runtime, session, outbox_id)
    for step in _steps(body):
        with request.transaction() as sandbox:
            session = _session(sandbox, order_id)
            outbox_id = step(session, body, request.base)
        submission.send(request.runtime, session, outbox_id)
    with request.read() as sandbox:
        last = _session(sandbox, order_id).last
    if last is not None and last.state is AttemptState.AUTHENTICATED:
        # The buyer has approved at the app or bank: their gateway is asked now.
        send_waiting(request.runtime, request.seller_id)
    with request.transaction() as sandbox:
        return _result(_session(sandbox, order_id), request.base)


def _session(sandbox: Sandbox, order_id: str) -> PageSession:
    order = require(order_rows.by_id(sandbox, order_id), "order")
    return PageSession(sandbox, order, attempts.last_of_order(sandbox, order.order_pk))


# --- the method's form


def _start(session: PageSession, body: PayRequest, base: str) -> int | None:
    """Begin a try; the gateway's call, where nobody is asked first."""
    sandbox = session.sandbox
    buyer_id = _buyer_id(sandbox, body.buyer) if body.buyer else None
    form = pay_fields.form(body)
    token = body.token if form == SAVED else None
    instrument = _instrument(session, form, body) if token is None else _saved(sandbox, buyer_id, token)
    pay_fields.check_form(body, form, instrument.method)
    payer = Payer(
        inputs=Inputs(email=body.email or None, buyer_name=body.name or None),
        checkout=_checkout(session, base),
        buyer_id=buyer_id,
        consent=consent(sandbox.now, _HERE, instrument.method) if body.save else None,
        saved_token=token,
        gateway=body.gateway or None,
    )
    return payments.pay(sandbox, session.order, instrument, payer).outbox_id


def _buyer_id(sandbox: Sandbox, name: str) -> str:
    try:
        buyer = buyers.named(sandbox, name)
    except (Invalid, NotFound) as error:
        raise Invalid(error.message, code=error.code, field="buyer") from error
    return buyers.ensure(sandbox, buyer.email).buyer_id


def _checkout(session: PageSession, base: str) -> CheckoutContext:
    """The page that a browser would be on."""
    payee = session.order.payee(session.sandbox.seller.name)
    return CheckoutContext(f"{base}{session.at('choose').rstrip('/')}", payee=payee)


def _instrument(session: PageSession, method: str, body: PayRequest) -> Instrument:
    if method == Upi.method and not body.vpa:
        return Upi()
    return METHODS[method].read(pay_fields.parts(body, method), session.sandbox.now, session.order.amount)


def _saved(sandbox: Sandbox, buyer_id: str | None, token: str) -> Instrument:
    if buyer_id is None or not token:
        missing = "buyer" if token else "token"
        raise Invalid("A saved method needs its 'token' and its 'buyer'.", code=f"{missing}.missing", field=missing)
    try:
        return saved_methods.use_for_payment(sandbox, buyer_id, token)
    except NotFound as error:
        raise Invalid("The buyer has no saved method of this token.", code=error.code, field="token") from error


# --- what later pages ask for


def _steps(body: PayRequest) -> Iterator[Any]:
    """The pages that a buyer comes to, in their order; each that is not asked for changes nothing."""
    yield _begin_threeds
    yield _ask_issuer
    if body.otp:
        yield _type_otp
        yield _ask_issuer
    yield _answer_approval
    yield _ask_issuer
    if body.otp:
        yield _type_otp


def _begin_threeds(session: PageSession, _body: PayRequest, base: str) -> int | None:
    """Begin an authentication that had no browser: a review was approved by the clock."""
    attempt = session.last
    if attempt is None or session.current != Auth.THREEDS:
        return None
    if threeds_table.latest(session.sandbox, attempt.attempt_id) is not None:
        return None
    return payments.charge_if_proved(
        session.sandbox, attempt, authentication.prepare(session.sandbox, attempt, _checkout(session, base))
    )


def _ask_issuer(session: PageSession, _body: PayRequest, _base: str) -> int | None:
    """3-D Secure's first message: the issuer lets through, refuses, or wants a challenge."""
    attempt = session.last
    if attempt is None or session.current != Auth.THREEDS:
        return None
    txn = threeds_table.latest(session.sandbox, attempt.attempt_id)
    if txn is None or txn.state not in {State.PREPARED, State.METHOD}:
        return None
    after = authentication.ask_issuer(session.sandbox, attempt, CheckoutContext().browser, "N")
    return payments.charge_if_proved(session.sandbox, attempt, after)


def _type_otp(session: PageSession, body: PayRequest, _base: str) -> int | None:
    """Type the code where one is asked for: on the payment's page, or on the issuer's."""
    attempt, sandbox = session.last, session.sandbox
    if attempt is None or session.current not in {Auth.OTP, Auth.THREEDS}:
        return None
    with suppress(Conflict):
        _, after = code_entry.enter(sandbox, attempt, body.otp)
        return payments.charge_if_proved(sandbox, attempt, after)
    return None


def _answer_approval(session: PageSession, body: PayRequest, _base: str) -> int | None:
    """Press the button of the UPI app or of the bank's page."""
    attempt = session.last
    if attempt is None:
        return None
    if session.at_app and (body.pin is not None or body.answer):
        upi.answer(session, attempt, pay_fields.app_answer(body), body.pin or "")
    elif session.at_bank and (body.answer or body.user):
        pressed, row = pay_fields.bank_answer(body)
        outcome = row.outcome if row is not None else banks.BUTTONS[pressed][0]
        back = banks.record_decision(session.sandbox, attempt, outcome, row)
        banks.verify_return(session.sandbox, session.order, attempt, back)
        return outbox.add(session.sandbox, settlement.ASK_BANK, attempt.attempt_id, leased=True)
    return None


# --- the answer


def _result(session: PageSession, base: str) -> PayResult:
    order, last = session.order, session.last
    return_url = _return_url(session, base)
    return PayResult(
        order_id=order.order_id,
        state=order.state,
        attempt_id=last.attempt_id if last else None,
        attempt_state=last.state if last else None,
        waits_for=_waits_for(session, last),
        return_url=return_url,
        return_fields=session.return_fields if return_url is not None and not order.open else None,
    )


def _waits_for(session: PageSession, last: Attempt | None) -> str | None:
    if last is None or not session.order.open or not last.live:
        return None
    if last.state is AttemptState.RISK_REVIEW:
        return "review"
    if session.current in {Auth.OTP, Auth.THREEDS}:
        return session.current
    return session.approval_page or "issuer"


def _return_url(session: PageSession, base: str) -> str | None:
    """Where the buyer's browser goes; the seller hears nothing where a scenario keeps it from coming back."""
    order, last = session.order, session.last
    if order.open:
        gives_up = last is not None and not last.live
        return f"{base}{session.at('return')}" if gives_up else None
    provider = session.sandbox.provider_of(order)
    if provider.return_url is None:
        return None
    url = provider.return_url(session.sandbox.seller, order, last)
    fault = last.plan.at(Stage.REDIRECT).outcome if last else "success"
    orders.record_return(session.sandbox, order, url, fault)
    return None if fault == "never_returns" else url


ENDPOINTS = (
    POST(
        "/v1/sellers/{seller_id}/orders/{order_id}/pay",
        pay_order,
        "Pay an order without a browser, through the services of the pages; calling again answers what it waits for.",
        errors=(409,),
        example='{"method": "upi", "vpa": "success@mockpay", "pin": "1234"}',
    ),
)
