"""Payments from server to server: a card, UPI, a bank or a saved token, and the one-time password of the buyer."""

from __future__ import annotations

import re
from typing import Any

from mockpay.domain.methods import upi
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.methods.upi import Upi
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Stage
from mockpay.domain.return_urls import check_return_url
from mockpay.domain.scenarios.requested import dump_outcomes
from mockpay.domain.scenarios.resolution import PAYMENT_STAGES, Input, find
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.otp.rules import magic_row
from mockpay.providers.razorpay import customers, parameters
from mockpay.providers.razorpay.calls import Body, Call, Later
from mockpay.providers.razorpay.credentials import MOUNT, credentials
from mockpay.providers.razorpay.errors import Declined, invalid
from mockpay.providers.razorpay.instruments import read_instrument
from mockpay.providers.razorpay.outcomes import DESCRIPTIONS, error_of_attempt
from mockpay.providers.razorpay.payments import keep_details
from mockpay.risk.assessment import Inputs
from mockpay.services.payments import code_entry, orders, payments
from mockpay.services.payments.authentication import CheckoutContext, Payer
from mockpay.store import attempts, transitions
from mockpay.store import orders as order_rows
from mockpay.vault import saved_methods
from mockpay.vault.rules import consent
from mockpay.wire.razorpay import errors as words
from mockpay.wire.razorpay import signatures
from mockpay.wire.razorpay.answers import BAD_REQUEST, ApiError

_METHODS = ("card", "upi", "netbanking", "wallet", "emi")
#: The company's mock page takes any code of so many digits; the sandbox's own magic codes go before.
_ANY_CODE, _RIGHT_CODE = re.compile("[0-9]{4,10}"), "123456"
_LONGEST_URL = 2_000


def create_json(call: Call) -> Later:
    """
    Pay an order by the method that the body names.

    Raises:
        Invalid, NotFound, Conflict: what cannot be paid so; the order takes one payment at a time, and money once.
    """
    order = call.order(str(parameters.text(call.body, "order_id", required=True)))
    if parameters.amount(call) != order.amount.minor:
        raise invalid(words.OTHER_AMOUNT, "amount", "amount.differs")
    parameters.currency(call, required=False)
    if not order.open:
        raise Conflict(words.PAID, code="order.closed", order_id=order.order_id)
    customer = customers.find_named(call)
    buyer_id = customers.buyer_of(call.sandbox, customer) if customer is not None else None
    instrument = _instrument(call, order, buyer_id)
    order = _prepare(call, order)
    payment_id = payments.attempt_id_of(call.sandbox, order, order.attempt_count + 1)
    email, contact = (parameters.text(call.body, name) for name in ("email", "contact"))
    details = {
        "email": email,
        "contact": contact,
        "description": parameters.text(call.body, "description"),
        "notes": parameters.notes(call.body),
        "customer_id": customer.object_id if customer is not None else None,
        "token_id": parameters.text(call.body, "token"),
    }
    saves = parameters.flag(call.body, "save") and buyer_id is not None
    page = f"{call.pages_url}/pay/{order.page_token}"
    payer = Payer(
        inputs=Inputs(ip=parameters.text(call.body, "ip"), email=email),
        checkout=CheckoutContext(page, call.browser, order.payee(call.sandbox.seller.name)),
        buyer_id=buyer_id,
        consent=consent(call.sandbox.now, call.browser.ip, instrument.method) if saves else None,
        outcomes={stage: made for stage, made in call.outcomes().items() if stage in PAYMENT_STAGES},
    )
    result = payments.pay(call.sandbox, order, instrument, payer)
    keep_details(call, order, payment_id, details)
    result = payments.ask_issuer_at_once(call.sandbox, result, call.browser)
    return Later(result.outbox_id, lambda later: _payment_answer(later, payment_id))


def create_upi(call: Call) -> Later:
    """The same by UPI, whether or not the body says so."""
    call.body = {**call.body, "method": "upi"}
    return create_json(call)


def _prepare(call: Call, order: Order) -> Order:
    """The order with where its buyer comes back to, and with what the call asks of its refunds."""
    callback = parameters.text(call.body, "callback_url", _LONGEST_URL)
    if callback is not None:
        check_return_url("callback_url", callback, call.sandbox.seller.return_urls)
        last = attempts.last_of_order(call.sandbox, order.order_pk)
        if last is None or not last.live:
            order = orders.change(call.sandbox, order, redirect_url=callback)
    refund = call.outcomes().get(Stage.REFUND)
    if refund is None:
        return order
    known: Any = order.request.get("outcomes") or {}
    request = {**order.request, "outcomes": {**known, **dump_outcomes({Stage.REFUND: refund})}}
    return transitions.update(call.sandbox, order_rows.mapper, order, request=request)


def _instrument(call: Call, order: Order, buyer_id: str | None) -> Instrument:
    """What the body pays with."""
    token = parameters.text(call.body, "token")
    if token is not None:
        if buyer_id is None:
            raise invalid(words.missing("customer_id"), "customer_id", "parameter.missing")
        return saved_methods.use_for_payment(call.sandbox, buyer_id, customers.method_of(call, buyer_id, token).token)
    method = call.body.get("method")
    if method not in _METHODS:
        raise invalid("The selected method is invalid.", "method")
    return read_instrument(call, str(method), order)


# --- how it goes on


def _payment_answer(call: Call, payment_id: str) -> Body:
    """Ids and signature of a payment whose money is there, its error, or what has to happen next."""
    order, attempt = call.payment(payment_id)
    error, about = error_of_attempt(attempt, order.order_id), {"razorpay_payment_id": payment_id}
    if attempt.method == Upi.method and (error is None or error.reason != "invalid_vpa"):
        # The app answers whoever asks later, however soon it has decided.
        link = {} if attempt.instrument.get("vpa") else {"link": _link(call, order, attempt)}
        return {**about, **link, "next": [{"action": "poll", "url": _address(call, attempt, "")}]}
    if error is not None:
        raise Declined(error)
    if attempt.funded:
        return _paid(call, order, attempt)
    return {**about, "next": _next(call, order, attempt), **_metadata(attempt)}


def _paid(call: Call, order: Order, attempt: Attempt) -> Body:
    secret = credentials(call.sandbox.seller)["key_secret"]
    return {
        "razorpay_payment_id": attempt.attempt_id,
        "razorpay_order_id": order.order_id,
        "razorpay_signature": signatures.payment_signature(secret, order.order_id, attempt.attempt_id),
    }


def _next(call: Call, order: Order, attempt: Attempt) -> list[dict[str, str]]:
    if attempt.state is not AttemptState.AUTH_PENDING:
        return [{"action": "poll", "url": _address(call, attempt, "")}]
    redirect = {"action": "redirect", "url": f"{call.pages_url}/pay/{order.page_token}/"}
    if attempt.auth is Auth.METHOD:
        return [redirect]
    return [redirect, {"action": "otp_generate", "url": _address(call, attempt, "/otp_generate")}]


def _address(call: Call, attempt: Attempt, rest: str) -> str:
    return f"{call.pages_url}{MOUNT}/v1/payments/{attempt.attempt_id}{rest}"


def _metadata(attempt: Attempt) -> Body:
    parts = attempt.instrument
    if "last4" not in parts:
        return {}
    shown = {
        "issuer": parts.get("issuer"),
        "network": parts.get("network"),
        "last4": parts["last4"],
        "iin": parts["bin"],
    }
    return {"metadata": shown}


def _link(call: Call, order: Order, attempt: Attempt) -> str:
    """The link that opens the buyer's UPI app."""
    seller = call.sandbox.seller
    return upi.link(
        payee=seller.settings.upi_payee_vpa or "seller@mockpay",
        name=order.payee(seller.name),
        amount=order.amount.wire(),
        reference=attempt.attempt_id,
        note=order.seller_order_id,
        mode="04",
    )


# --- the one-time password


def otp_generate(call: Call, payment_id: str) -> Later:
    """Have the code sent; where that ends the payment, its error."""
    _, attempt = call.payment(payment_id)
    code_entry.send(call.sandbox, attempt)
    return Later(None, lambda later: _otp_answer(later, payment_id))


def otp_resend(call: Call, payment_id: str) -> Later:
    """Have another code sent."""
    _, attempt = call.payment(payment_id)
    code_entry.resend(call.sandbox, attempt)
    return Later(None, lambda later: _otp_answer(later, payment_id))


def _otp_answer(call: Call, payment_id: str) -> Body:
    order, attempt = call.payment(payment_id)
    error = error_of_attempt(attempt, order.order_id)
    if error is not None:
        raise Declined(error)
    ways = (("otp_submit", "/otp/submit"), ("otp_resend", "/otp/resend"))
    following = [{"action": action, "url": _address(call, attempt, rest)} for action, rest in ways]
    return {"razorpay_payment_id": payment_id, "next": following, **_metadata(attempt)}


def otp_submit(call: Call, payment_id: str) -> Later:
    """
    Type the code; a wrong one may be followed by another.

    Raises:
        Conflict: code ``otp.not_active``: nothing waits for one.
    """
    _, attempt = call.payment(payment_id)
    typed = call.body.get("otp")
    if typed is None or typed == "":
        raise invalid(words.missing("otp"), "otp", "parameter.missing")
    code = str(typed)
    if _ANY_CODE.fullmatch(code) and magic_row(code) is None:
        code = _RIGHT_CODE
    notice, after = code_entry.enter(call.sandbox, attempt, code)
    outbox_id = payments.charge_if_proved(call.sandbox, attempt, after)
    finish = _payment_answer if notice is None else _refuse_otp
    return Later(outbox_id, lambda later: finish(later, payment_id))


def _refuse_otp(call: Call, payment_id: str) -> Body:
    order, attempt = call.payment(payment_id)
    error = error_of_attempt(attempt, order.order_id)
    if error is None:
        reason = "incorrect_otp"
        step, about = "payment_authentication", (order.order_id, payment_id)
        error = ApiError(BAD_REQUEST, DESCRIPTIONS[reason], reason, "customer", step, "otp", *about)
    raise Declined(error)


def validate_vpa(call: Call) -> Body:
    """Whether a UPI ID exists, and whose it is."""
    try:
        vpa = upi.vpa(str(parameters.text(call.body, "vpa", required=True)))
    except Invalid as error:
        raise invalid(DESCRIPTIONS["invalid_vpa"], "vpa") from error
    row = find(Input.VPA, vpa)
    if row is not None and METHODS["upi"].response_codes.answer(row.outcome).code == "ZH":
        raise invalid(DESCRIPTIONS["invalid_vpa"], "vpa")
    local = vpa.partition("@")[0]
    return {"vpa": vpa, "success": True, "customer_name": re.sub(r"[._\-]+", " ", local).title()}
