"""The fields of a payment without a browser: which of them a method takes, and what waits for which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct, structs, to_builtins

from mockpay.domain.buyers import normal_email
from mockpay.domain.methods import emi_plans, netbanking
from mockpay.domain.methods.emi import Emi
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.methods.upi import Upi
from mockpay.domain.scenarios.resolution import TABLE, Input
from mockpay.domain.scenarios.rows import Row
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.words import parse_word, quotable
from mockpay.services.payments import banks
from mockpay.vault.rules import CONSENT_VERSIONS
from mockpay.web.checkout import upi

#: The method of a payment with a token.
SAVED = "saved"
_USERS: Mapping[str, Row] = {row.equals: row for row in TABLE if row.input == Input.BANK_USER}


class PayRequest(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """
    What a buyer types: the method's fields, and what later pages ask for.

    Sent again for an order that waits, it answers what that waits for, with or without the fields of its first call.
    A field that the method has no use for is refused.
    """

    method: Annotated[str, Meta(description=f"{', '.join(METHODS)} or {SAVED}.")] = ""
    vpa: Annotated[str, Meta(description="UPI: the UPI ID; without it the app was opened by its link.")] = ""
    number: str = ""
    expiry: Annotated[str, Meta(description="MM/YY")] = ""
    cvv: str = ""
    name: Annotated[str, Meta(description="The cardholder's; by any method, what the risk check holds it against.")] = (
        ""
    )
    bank: Annotated[str, Meta(description="Net banking and EMI: the bank's code.")] = ""
    tenure: Annotated[str, Meta(description="EMI: months.")] = ""
    email: Annotated[str, Meta(description="Balance: whose; by any method, what the risk check looks at.")] = ""
    token: Annotated[str, Meta(description="A saved method of `buyer`.")] = ""
    buyer: Annotated[str, Meta(description="Who is signed in: an id or an e-mail.")] = ""
    gateway: Annotated[str, Meta(description="Who must take it, whatever the rules of routing say.")] = ""
    save: Annotated[bool, Meta(description="Keep the instrument for `buyer`, who consents.")] = False
    otp: Annotated[str, Meta(description="Typed wherever a code is asked for; the inbox has it.")] = ""
    pin: Annotated[str | None, Meta(description="UPI: approve in the app, by this PIN or an empty one.")] = None
    user: Annotated[
        str, Meta(description=f"Net banking: {' or '.join(_USERS)}, whom the bank's log-in turns away.")
    ] = ""
    answer: Annotated[
        str, Meta(description=f"Net banking: {', '.join(banks.BUTTONS)}. UPI: approve, decline, ignore, late.")
    ] = ""


_ANY_FORM = frozenset({"method", "otp", "buyer", "email", "name", "gateway"})
#: What answers a page that waits.
_ANSWERS: Mapping[str, frozenset[str]] = {
    "otp": frozenset({"otp"}),
    "3ds": frozenset({"otp"}),
    "upi-app": frozenset({"pin", "answer"}),
    "bank": frozenset({"answer", "user"}),
}


def _approval_fields(method: str) -> frozenset[str]:
    """The fields that answer a method's app or its bank's page."""
    approval = METHODS[method].approval
    return _ANSWERS.get(approval.page, frozenset()) if approval else frozenset()


def without_spaces(body: PayRequest) -> PayRequest:
    """The body without the spaces around its words; codes and PINs are what was typed."""
    typed = {name: value for name, value in to_builtins(body).items() if isinstance(value, str)}
    return structs.replace(body, **{name: value.strip() for name, value in typed.items() if name not in {"otp", "pin"}})


def form(body: PayRequest) -> str:
    """
    The method whose form is sent.

    Raises:
        Invalid: code ``method.unknown``.
    """
    return parse_word("method", body.method, [*METHODS, SAVED], code="method.unknown", field="method")


def parts(body: PayRequest, method: str) -> dict[str, str]:
    """
    The form as its method reads it.

    Raises:
        Invalid: code ``bank.unknown`` or ``emi.plan_unavailable``.
    """
    read = {"cvv": "", **{name: value for name, value in to_builtins(body).items() if isinstance(value, str)}}
    codes = {NetBanking.method: netbanking.BY_CODE, Emi.method: emi_plans.BY_CODE}.get(method)
    if codes is not None:
        read["bank"] = parse_word("bank", body.bank, codes, code="bank.unknown", field="bank")
    if method == Emi.method:
        tenures = [str(plan.tenure) for plan in emi_plans.BY_CODE[read["bank"]].plans]
        parse_word("tenure", body.tenure, tenures, code="emi.plan_unavailable", field="tenure")
    return read


def check_form(body: PayRequest, form: str, method: str) -> None:
    """
    Refuse what nothing would look at, and what the app or the bank's page will not take, before a try begins.

    Args:
        form: The method of the form, `SAVED` for a token.
        method: The instrument's.

    Raises:
        Invalid: code ``pay.field``, or as `app_answer`, `bank_answer` and `normal_email`.
    """
    inputs = frozenset({"token"}) if form == SAVED else METHODS[form].inputs
    if inputs is not None:
        allowed = inputs | _ANY_FORM | _approval_fields(method) | ({"save"} if form != SAVED else set())
        _refuse_others(body, allowed, f"A payment by {form} has no use for")
    if body.email:
        normal_email(body.email)
    if body.save:
        _check_save(body, method)
    if method == Upi.method:
        app_answer(body)
    elif method == NetBanking.method:
        bank_answer(body)


def _refuse_others(body: PayRequest, allowed: frozenset[str], sentence: str) -> None:
    for name in to_builtins(body):
        if name not in allowed:
            message = f"{sentence} '{name}'. It takes {', '.join(sorted(allowed))}."
            raise Invalid(message, code="pay.field", field=name, allowed=sorted(allowed))


def _check_save(body: PayRequest, method: str) -> None:
    why = ""
    if not body.buyer:
        why = "It is kept for a 'buyer', and none is named"
    elif method not in CONSENT_VERSIONS or (method == Upi.method and not body.vpa):
        why = "There is nothing of this that can be saved"
    if why:
        raise Invalid(f"{why}: leave out 'save'.", code="pay.save", field="save")


def check_answers(body: PayRequest, method: str, waits_for: str) -> None:
    """
    Refuse a call that does not fit a try that is under way.

    Args:
        method: The try's.
        waits_for: As `PayResult` has it.

    Raises:
        Conflict: code ``attempt.waits``: the call would begin another try.
        Invalid: as `check_form`.
    """
    sentence = f"The order's try by {method} waits for {waits_for}"
    if body.method:
        other = form(body)
        if other not in {method, SAVED}:
            raise Conflict(f"{sentence}: no other begins before it has ended.", code="attempt.waits", field="method")
        check_form(body, other, method)
        return
    allowed = frozenset({"otp"}) | _approval_fields(method)
    _refuse_others(body, allowed, f"{sentence} and has no use for")
    fields, answers = to_builtins(body).keys(), _ANSWERS.get(waits_for, frozenset())
    if fields and not fields & answers:
        how = f"send {' or '.join(sorted(answers))}" if answers else "move the clock"
        raise Invalid(f"{sentence}: {how}.", code="pay.field", field=next(iter(fields)), allowed=sorted(answers))
    if method == Upi.method:
        app_answer(body)
    elif method == NetBanking.method:
        bank_answer(body)


def app_answer(body: PayRequest) -> str:
    """
    The button of the UPI app.

    Raises:
        Invalid: code ``upi.action`` or ``upi.pin``.
    """
    answer = parse_word("answer", body.answer or "approve", upi.ACTIONS, code="upi.action", field="answer")
    if answer != "approve" and body.pin is not None:
        raise Invalid(f"A PIN approves: leave it out to {answer}.", code="upi.pin", field="pin")
    upi.check_answer(answer, body.pin or "")
    return answer


def bank_answer(body: PayRequest) -> tuple[str, Row | None]:
    """
    The button of the bank's page, and the row of the user whom its log-in turns away before any button.

    Raises:
        Invalid: code ``bank.user`` or ``bank.answer``.
    """
    if not body.user:
        return parse_word("answer", body.answer or "success", banks.BUTTONS, code="bank.answer", field="answer"), None
    user = parse_word("user", body.user, _USERS, code="bank.user", field="user")
    if body.answer:
        message = f"The bank turns {quotable(user)} away at its log-in: leave out 'answer'."
        raise Invalid(message, code="bank.answer", field="answer")
    return "failure", _USERS[user]
