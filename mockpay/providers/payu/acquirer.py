"""
PayU's other side in process: it reads the forms of a gateway's client, keeps transactions of its own and answers.

It decides by the outcome that a request names (`Mockpay-Outcome: issuer=...`) and never calls the payment services.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from mockpay.domain.methods.method import REVERSED, MoneyStatus, ResponseCodes
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.notifications import OutgoingMessage
from mockpay.domain.payments.faults import Fault
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND, indian
from mockpay.kernel.errors import Invalid
from mockpay.kernel.http.calls import HttpCall, HttpReply
from mockpay.kernel.money import MINIMUM_MINOR, Money
from mockpay.providers import gateway_server
from mockpay.providers.payu.credentials import NAME
from mockpay.providers.payu.emi_codes import plan_of
from mockpay.providers.payu.outcomes import error_of
from mockpay.services.gateways import accounts, messages
from mockpay.store import gateway_accounts, gateway_objects
from mockpay.store.gateway_objects import GatewayObject
from mockpay.store.unit_of_work import Runtime, Sandbox, transaction
from mockpay.wire.payu import answers, errors, hashes, requests
from mockpay.wire.payu.answers import (
    AUTHORIZED,
    AUTO_REFUND,
    CANCELLED,
    CAPTURED,
    FAILED,
    IN_PROGRESS,
    Action,
    Transaction,
)

_PAYMENT = "payment"
_CAPTURE, _REFUND, _CANCEL = "capture", "refund", "cancel"
_ACTIONS = (_CAPTURE, _REFUND, _CANCEL)
_QUEUED, _DONE, _FAILED_ACTION = "queued", "success", "failure"
#: When the end of a refund is told, after it was queued.
_REFUND_MS = 10 * SECOND
#: Methods of payment by the mode (`pg`) that a form names.
METHOD_OF = {"CC": "card", "DC": "card", "UPI": "upi", "NB": "netbanking", "EMI": "emi"}
#: What is stored of a posted payment: what comes back in its result.
_STORED = frozenset(requests.LONGEST)
_MESSAGES = {CAPTURED: "Transaction is Successful", AUTHORIZED: "Transaction is Successful"}
_PENDING_MESSAGE = "TRANSACTION_PENDING"


class _Refused(Exception):
    """An answer that says why nothing was carried out."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message, self.code = message, code


def _action_refused(code: int) -> _Refused:
    return _Refused(errors.ACTION_ERRORS[code], code)


class _Form(Struct, frozen=True):
    """A posted form in one seller's world."""

    sandbox: Sandbox
    fields: Mapping[str, str]
    headers: Mapping[str, str]
    key: str
    salt: str

    def value(self, name: str) -> str:
        """A field; empty where it is absent."""
        return self.fields.get(name, "")


def answer(runtime: Runtime, seller_id: str, call: HttpCall) -> HttpReply:
    """What PayU answers to a form, in a transaction of its own; its refusals have status 200 too."""
    headers = {name.lower(): value for name, value in call.headers.items()}
    pays = urlsplit(call.url).path.endswith(requests.PAYMENT_PATH)
    with transaction(runtime, seller_id) as sandbox:
        txnid = ""
        try:
            fields = requests.decode(call.body)
            txnid = fields.get("txnid", "")
            form = _authenticate(sandbox, fields, headers, call.body)
            body = _pay(form) if pays else _execute(form)
        except _Refused as refused:
            refusal = answers.refusal(refused.message, refused.code)
            body = answers.refused_payment(txnid, refused.message) if pays else refusal
        except Invalid as error:
            body = answers.refused_payment(txnid, error.message) if pays else answers.refusal(error.message)
    return HttpReply(200, {"Content-Type": "application/json; charset=utf-8"}, msgspec.json.encode(body))


def _authenticate(sandbox: Sandbox, fields: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> _Form:
    """A form whose key is the seller's and whose hash fits."""
    own = [each for each in accounts.accepted(sandbox, NAME) if ids.same(each["key"], fields.get("key", ""))]
    if not own:
        raise _Refused(errors.INVALID_KEY)
    for each in own:
        form = _Form(sandbox, fields, headers, **each)
        if any(hashes.fits(text, form.value("hash")) for text in _signed_texts(form, body)):
            return form
    raise _Refused(errors.INVALID_HASH)


def _signed_texts(form: _Form, body: bytes) -> list[str]:
    command = form.value("command")
    if not command:
        return [hashes.payment_text(form.fields, form.salt)]
    return [hashes.command_text(form.key, command, var1, form.salt) for var1 in requests.first_value_spellings(body)]


# --- payments


def _pay(form: _Form) -> dict[str, Any]:
    missing = [name for name in requests.MANDATORY if not form.value(name)]
    if missing:
        raise _Refused(f"{errors.PARAMETER_MISSING}: {', '.join(missing)}")
    long = [name for name, most in requests.LONGEST.items() if len(form.value(name)) > most]
    if long:
        raise _Refused(f"Too long: {', '.join(long)}")
    amount = Money.parse(form.value("amount"))
    if amount.minor < MINIMUM_MINOR:
        raise _Refused("The amount must be at least 1.00")
    if form.value("pg") not in METHOD_OF:
        raise _Refused("Invalid payment mode")
    if form.value("pg") == "EMI" and plan_of(form.value("bankcode")) is None:
        raise _Refused("Invalid bankcode")
    before = gateway_objects.of_reference(form.sandbox, NAME, _PAYMENT, form.value("txnid"))
    # A txnid takes money once, and while a payment of it is open no other.
    if any(_settle(form.sandbox, payment).state != FAILED for payment in before):
        raise _Refused(errors.DUPLICATE_TXNID)
    payment = _decide(form, amount, len(before))
    return answers.payment_fields(_transaction(payment), form.key, form.salt)


def _decide(form: _Form, amount: Money, number: int) -> GatewayObject:
    """What the network says to a payment, now or later."""
    sandbox, txnid = form.sandbox, form.value("txnid")
    codes = METHODS[METHOD_OF[form.value("pg")]].response_codes
    planned = gateway_server.planned(form.headers, codes)
    money = codes.money_status(planned.code)
    success = AUTHORIZED if form.value("pre_authorize") == "1" else CAPTURED
    due_at = None
    if money is MoneyStatus.APPROVED:
        state = success
    elif money is MoneyStatus.DECLINED:
        state = FAILED
    else:
        state = IN_PROGRESS
        delay_ms = gateway_server.delay_ms(sandbox, form.headers)
        due_at = None if planned.later is None else sandbox.now + delay_ms
    facts = {
        "fields": {name: form.value(name) for name in _STORED if form.value(name)},
        "mode": form.value("pg"),
        "bank_code": form.value("bankcode"),
        "card": _mask_number(form.value("ccnum")),
        "code": planned.code,
        "later": planned.later,
        "success": success,
        "captured": amount.minor if state == CAPTURED else 0,
        "auth_code": _number(sandbox, 6, "auth_code", txnid, number),
        "bank_reference": _number(sandbox, 12, "bank_reference", txnid, number),
    }
    mihpayid = _new_id(sandbox, "4", (_PAYMENT,), txnid, number)
    payment = _add(sandbox, _PAYMENT, mihpayid, None, txnid, state, amount, facts, due_at=due_at)
    if state != IN_PROGRESS or due_at is not None:
        messages.send(sandbox, NAME, mihpayid, at=due_at)
    return payment


def webhook(sandbox: Sandbox, object_id: str, _name: str, fault: Fault | None) -> OutgoingMessage | None:
    """
    What is told of a payment as it is by now: a form with the hash of a result; it has no name of its own. A refund is
    told as JSON that nobody signs.
    """
    refund = gateway_objects.find(sandbox, NAME, _REFUND, object_id)
    if refund is not None:
        return _refund_webhook(sandbox, refund, fault)
    payment = gateway_objects.find(sandbox, NAME, _PAYMENT, object_id)
    if payment is None:
        return None
    payment = _settle(sandbox, payment)
    if payment.state == IN_PROGRESS:
        return None
    key = accounts.credentials_of(sandbox, gateway_accounts.find(sandbox, NAME))["key"]
    salt = gateway_server.signing_secret(sandbox, NAME, "salt", fault)
    fields = answers.payment_fields(_transaction(payment), key, salt)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return OutgoingMessage(headers, urlencode(fields).encode(), hashes.response_text(fields, salt))


def _refund_webhook(sandbox: Sandbox, refund: GatewayObject, fault: Fault | None) -> OutgoingMessage | None:
    payment = gateway_objects.find(sandbox, NAME, _PAYMENT, str(refund.parent))
    if payment is None:
        return None
    transaction_ = _transaction(_settle(sandbox, payment))
    made = gateway_objects.find(sandbox, NAME, _REFUND, refund.object_id) or refund
    action = _action(payment, made)
    message = {
        "action": action.kind,
        "status": action.status,
        "key": gateway_server.signing_secret(sandbox, NAME, "key", fault),
        "merchantTxnId": transaction_.fields.get("txnid", ""),
        "mihpayid": payment.object_id,
        "request_id": action.request_id,
        "token": action.token,
        "amt": action.amount.wire(),
        "bank_ref_num": action.bank_reference,
        "bank_arn": action.bank_reference,
        "refund_mode": "Back to Source",
        "remark": "",
    }
    body = msgspec.json.encode(message)
    return OutgoingMessage({"Content-Type": "application/json"}, body, body.decode())


def _mask_number(number: str) -> str:
    """``411111XXXXXX1111``; empty for what is no card's number."""
    return f"{number[:6]}{'X' * (len(number) - 10)}{number[-4:]}" if len(number) >= 12 else ""


def _settle(sandbox: Sandbox, payment: GatewayObject) -> GatewayObject:
    """A payment as it stands by now: what was open may have become known, what was queued is carried out."""
    if payment.state == IN_PROGRESS and payment.due_at is not None and sandbox.now >= payment.due_at:
        payment = _resolve_pending(sandbox, payment)
    for action in gateway_objects.of_parent(sandbox, NAME, payment.object_id):
        if action.state != _QUEUED:
            continue
        gateway_objects.change(sandbox, action, state=_DONE)
        if action.kind == _CAPTURE:
            facts = {**payment.facts, "captured": action.amount_minor}
            payment = gateway_objects.change(sandbox, payment, state=CAPTURED, facts=facts)
        elif action.kind == _CANCEL:
            payment = gateway_objects.change(sandbox, payment, state=CANCELLED)
    return payment


def _resolve_pending(sandbox: Sandbox, payment: GatewayObject) -> GatewayObject:
    later = payment.facts["later"]
    if later == REVERSED:
        return gateway_objects.change(sandbox, payment, state=AUTO_REFUND)
    approved = _codes(payment).money_status(later) is MoneyStatus.APPROVED
    state = payment.facts["success"] if approved else FAILED
    facts = {**payment.facts, "code": later, "captured": payment.amount_minor if state == CAPTURED else 0}
    return gateway_objects.change(sandbox, payment, state=state, facts=facts)


def _codes(payment: GatewayObject) -> ResponseCodes:
    return METHODS[METHOD_OF[payment.facts["mode"]]].response_codes


def _transaction(payment: GatewayObject) -> Transaction:
    facts, row = payment.facts, _codes(payment).codes[payment.facts["code"]]
    failed, pending = payment.state == FAILED, payment.state == IN_PROGRESS
    return Transaction(
        mihpayid=payment.object_id,
        fields=facts["fields"],
        amount=Money(payment.amount_minor),
        unmapped_status=payment.state,
        added_on=f"{indian(payment.created_at):%Y-%m-%d %H:%M:%S}",
        mode=facts["mode"],
        bank_code=facts["bank_code"],
        message=row.meaning if failed else _MESSAGES.get(payment.state, _PENDING_MESSAGE if pending else ""),
        error=error_of(row) if failed else errors.PENDING if pending else errors.NO_ERROR,
        bank_reference="" if pending else facts["bank_reference"],
        auth_code="" if failed or pending else facts["auth_code"],
        card_number=facts["card"],
    )


# --- commands


def _execute(form: _Form) -> dict[str, Any]:
    command = form.value("command")
    if command not in _COMMANDS:
        raise _Refused("Invalid command")
    if not form.value("var1"):
        raise _Refused(errors.PARAMETER_MISSING)
    return _COMMANDS[command](form)


def _verify_payment(form: _Form) -> dict[str, Any]:
    txnids = form.value("var1").split("|")
    payments = {}
    for txnid in txnids:
        found = gateway_objects.of_reference(form.sandbox, NAME, _PAYMENT, txnid)
        settled = [_settle(form.sandbox, payment) for payment in found]
        # The one that has, or may get, the money counts; else the newest.
        current = next((payment for payment in settled if payment.state != FAILED), settled[-1] if settled else None)
        if current is not None:
            payments[txnid] = _transaction(current)
    return answers.verified(txnids, payments)


def _check_payment(form: _Form) -> dict[str, Any]:
    return answers.checked(_transaction(_find(form)))


def _find(form: _Form) -> GatewayObject:
    payment = gateway_objects.find(form.sandbox, NAME, _PAYMENT, form.value("var1"))
    if payment is None:
        raise _action_refused(errors.NOT_FOUND)
    return _settle(form.sandbox, payment)


def _capture(form: _Form) -> dict[str, Any]:
    payment, token = _find(form), _new_token(form)
    amount = _amount(form.value("var3"))
    if payment.state == CAPTURED:
        raise _action_refused(errors.ALREADY_CAPTURED)
    if payment.state != AUTHORIZED:
        raise _action_refused(errors.INVALID_STATUS)
    if amount.minor > payment.amount_minor:
        raise _action_refused(errors.MORE_THAN_CAPTURABLE)
    return _queue(form, payment, _CAPTURE, token, amount)


def _cancel_or_refund(form: _Form) -> dict[str, Any]:
    payment, token = _find(form), _new_token(form)
    if payment.state == AUTHORIZED:
        return _queue(form, payment, _CANCEL, token, Money(payment.amount_minor))
    # One public client names the amount where the others count the values.
    text = form.value("var3") or form.value("amount")
    if not text:
        raise _Refused(errors.AMOUNT_EMPTY)
    amount = _amount(text)
    if payment.state != CAPTURED:
        raise _action_refused(errors.INVALID_STATUS)
    refunds = gateway_objects.of_parent(form.sandbox, NAME, payment.object_id)
    refunded = sum(each.amount_minor for each in refunds if each.kind == _REFUND and each.state != _FAILED_ACTION)
    if amount.minor > payment.facts["captured"] - refunded:
        raise _action_refused(errors.INVALID_AMOUNT)
    return _queue(form, payment, _REFUND, token, amount)


def _new_token(form: _Form) -> str:
    token = form.value("var2")
    if not token:
        raise _Refused(errors.TOKEN_EMPTY)
    if len(token) > requests.LONGEST_TOKEN:
        raise _Refused(f"The token has more than {requests.LONGEST_TOKEN} characters.")
    used = [gateway_objects.of_reference(form.sandbox, NAME, kind, token) for kind in _ACTIONS]
    if any(used):
        raise _action_refused(errors.DUPLICATE_TOKEN)
    return token


def _amount(text: str) -> Money:
    try:
        amount = Money.parse(text)
    except Invalid as error:
        raise _action_refused(errors.INVALID_AMOUNT) from error
    if not amount.minor:
        raise _action_refused(errors.INVALID_AMOUNT)
    return amount


def _queue(form: _Form, payment: GatewayObject, kind: str, token: str, amount: Money) -> dict[str, Any]:
    """Take over an action; whoever looks next finds it carried out."""
    request_id = _new_id(form.sandbox, "1", _ACTIONS, token)
    made = _add(form.sandbox, kind, request_id, payment.object_id, token, _QUEUED, amount, {})
    if kind == _REFUND:
        messages.send(form.sandbox, NAME, request_id, at=form.sandbox.now + _REFUND_MS)
    return answers.queued(_action(payment, made))


def _action(payment: GatewayObject, made: GatewayObject) -> Action:
    amount, reference = Money(made.amount_minor), payment.facts["bank_reference"]
    return Action(made.object_id, made.kind, made.reference or "", made.state, amount, payment.object_id, reference)


def _check_action_status(form: _Form) -> dict[str, Any]:
    """The actions of a payment (`var2=payuid`), or one by its own id."""
    asked, sandbox = form.value("var1"), form.sandbox
    by_payment = form.value("var2") == "payuid"
    found = [gateway_objects.find(sandbox, NAME, kind, asked) for kind in _ACTIONS]
    parent = asked if by_payment else next((str(made.parent) for made in found if made is not None), "")
    payment = gateway_objects.find(sandbox, NAME, _PAYMENT, parent)
    if payment is None:
        return answers.action_status(asked, [], "")
    payment = _settle(sandbox, payment)
    made = gateway_objects.of_parent(sandbox, NAME, payment.object_id)
    actions = [_action(payment, each) for each in made if by_payment or each.object_id == asked]
    return answers.action_status(asked, actions, payment.facts["mode"])


_COMMANDS: Mapping[str, Callable[[_Form], dict[str, Any]]] = {
    "verify_payment": _verify_payment,
    "check_payment": _check_payment,
    "capture_transaction": _capture,
    "cancel_refund_transaction": _cancel_or_refund,
    "check_action_status": _check_action_status,
}


# --- objects


def _number(sandbox: Sandbox, size: int, *natural_key: object) -> str:
    """So many digits, from the seller's seed and what they are about: the same in every run."""
    dice = ids.number(sandbox.seller.seed, NAME, sandbox.seller_id, *natural_key, below=10**size)
    return f"{dice:0{size}d}"


def _new_id(sandbox: Sandbox, first: str, kinds: tuple[str, ...], *natural_key: object) -> str:
    """Twelve digits that no object of these kinds has: fewer than a card's number, which a log would mask."""
    for number in count():
        name = first + _number(sandbox, 11, *kinds, *natural_key, number)
        if not any(gateway_objects.find(sandbox, NAME, kind, name) for kind in kinds):
            return name
    raise AssertionError


def _add(
    sandbox: Sandbox,
    kind: str,
    object_id: str,
    parent: str | None,
    reference: str,
    state: str,
    amount: Money,
    facts: Mapping[str, Any],
    *,
    due_at: int | None = None,
) -> GatewayObject:
    currency, now = amount.currency, sandbox.now
    new = GatewayObject(0, NAME, kind, object_id, parent, reference, state, amount.minor, currency, facts, due_at, now)
    return gateway_objects.add(sandbox, new)
