"""A buyer's auto-reload: its settings, changed by a code, its runs and their history."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from urllib.parse import urlencode

from flask import Response, request

from mockpay.domain.buyers import Buyer
from mockpay.domain.timeline import Actor
from mockpay.domain.wallet.auto_reload import AutoReload, ReloadSettings
from mockpay.kernel.errors import Conflict, Invalid, MockpayError, at_field
from mockpay.kernel.money import Money
from mockpay.otp import challenges as otps
from mockpay.otp import otp_table
from mockpay.otp.rules import Challenge, Purpose, Verdict
from mockpay.services.wallet import balances, reload_notices, reload_settings
from mockpay.store import auto_reloads
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.vault.rules import CONSENT_TEXTS, RELOAD_TEXT, consent_to
from mockpay.web import buyers
from mockpay.web.account.sign_in import account_page, code_message, show_code_form
from mockpay.web.checkout.page_session import go, show
from mockpay.web.wording import reload_words, sentences

_LINES = 20
_NOUN = "this change"
_LONGEST = 14


def page(runtime: Runtime, seller_id: str) -> Response:
    """The settings; the form asks for a code, or switches off at once."""
    if request.method == "POST":
        return _change(runtime, seller_id)
    with read(runtime, seller_id) as sandbox:
        buyer = buyers.signed_in(sandbox)
        return _form(sandbox, buyer) if buyer else _sign_in(sandbox)


def _sign_in(sandbox: Sandbox) -> Response:
    return go(buyers.sign_in_url(sandbox) or buyers.home(sandbox.seller_id))


def _change(runtime: Runtime, seller_id: str) -> Response:
    with transaction(runtime, seller_id) as sandbox:
        buyer = buyers.signed_in(sandbox)
        if buyer is None:
            return _sign_in(sandbox)
        if request.form.get("action") == "off":
            reload_settings.switch_off(sandbox, buyer.email, Actor.BUYER)
            return go(f"{buyers.home(seller_id, 'auto-reload')}?done=off")
        agreed = consent_to(RELOAD_TEXT, sandbox.now, request.remote_addr or "") if _ticked("agree") else None
        try:
            challenge = reload_settings.request_change(sandbox, buyer, _typed_settings(), agreed)
        except (Invalid, Conflict) as error:
            return _form(sandbox, buyer, error)
        return go(_code_url(seller_id, challenge))


def _ticked(name: str) -> bool:
    return request.form.get(name) == "yes"


def _typed_settings() -> ReloadSettings:
    """
    What the form brought.

    Raises:
        Invalid: with the field's name.
    """
    form = request.form
    number = form.get("max_per_day", "").strip() or "3"
    if not (number.isascii() and number.isdigit() and len(number) <= 3):
        raise Invalid("Type a whole number, such as 3.", code="auto_reload.invalid", field="max_per_day")
    return ReloadSettings(
        threshold=_amount("threshold"),
        amount=_amount("amount"),
        token=form.get("token", ""),
        max_per_day=int(number),
        cap_day=_amount("cap_day") if form.get("cap_day", "").strip() else None,
        cap_month=_amount("cap_month") if form.get("cap_month", "").strip() else None,
        just_in_time=_ticked("just_in_time"),
    )


def _amount(name: str) -> Money:
    with at_field(name):
        return Money.parse(request.form.get(name, "").strip())


_DONE = {
    "on": "Auto-reload is on, with these settings.",
    "off": "Auto-reload is off. Nothing is charged without you any more.",
}
_CONSENT = "agree"


def _form(sandbox: Sandbox, buyer: Buyer, error: MockpayError | None = None) -> Response:
    reload = reload_settings.find(sandbox, buyer.email)
    page = account_page(sandbox, "Auto-reload")
    page["values"] = _typed() if error is not None else _values(reload)
    if error is not None:
        field = _CONSENT if error.code == "consent.required" else str(error.detail.get("field") or "form")
        message = "Tick the box to go on." if field == _CONSENT else sentences.refusal(sandbox, error, _NOUN)
        page |= {"title": f"Error: {message}", "errors": {field: message}}
    runs = auto_reloads.runs_page(sandbox, buyer.email, None, _LINES)
    changes = auto_reloads.changes_page(sandbox, buyer.email, None, _LINES)
    methods = reload_settings.usable_methods(sandbox, buyer.email)
    title_of = partial(reload_notices.method_title, sandbox, buyer.email)
    return show(
        "account/auto_reload.html",
        422 if error is not None else 200,
        page=page,
        state=str(reload.state),
        enabled=reload.enabled,
        chip=reload_words.STATES[reload.state],
        waits=reload_words.waits(reload),
        balance=balances.balance(sandbox, buyer.email).display(),
        methods={method.token: method.title for method in methods},
        consent=CONSENT_TEXTS[RELOAD_TEXT],
        runs=[reload_words.run_line(run) for run in runs.items],
        changes=[reload_words.change_line(change, title_of) for change in changes.items],
        entry_url=buyers.home(sandbox.seller_id, "wallet/entries"),
        locked_until=sentences.locked_until(error) if error is not None else None,
        done=_DONE.get(request.args.get("done", "")) if error is None else None,
    )


def _typed() -> dict[str, str]:
    names = ("threshold", "amount", "token", "max_per_day", "cap_day", "cap_month", "just_in_time")
    return {name: request.form.get(name, "")[: 64 if name == "token" else _LONGEST] for name in names}


def _values(reload: AutoReload) -> Mapping[str, object]:
    """The settings as the form shows them; before the first, what most begin with."""
    if reload.settings is None:
        return {"threshold": "500.00", "amount": "1000.00", "max_per_day": "3"}
    wire = reload.settings.wire()
    return {**wire, "just_in_time": "yes" if reload.settings.just_in_time else ""}


# --- the code


def code(runtime: Runtime, seller_id: str) -> Response:
    """Asks for the code that confirms the settings; its form also sends it anew."""
    posted, home = request.method == "POST", buyers.home(seller_id, "auto-reload")
    with (transaction if posted else read)(runtime, seller_id) as sandbox:
        buyer = buyers.signed_in(sandbox)
        if buyer is None:
            return go(home) if posted else _sign_in(sandbox)
        challenge = _challenge(sandbox, buyer)
        if challenge is None:
            return go(home)
        if not posted:
            return _code_form(sandbox, buyer, challenge)
        act = _resend if request.form.get("action") == "resend" else _confirm
        return act(sandbox, buyer, challenge)


def _challenge(sandbox: Sandbox, buyer: Buyer) -> Challenge | None:
    """The challenge that the form belongs to, of this buyer."""
    stored = otp_table.find(sandbox, request.values.get("challenge", ""))
    if stored is None or stored.challenge.purpose is not Purpose.WALLET_RELOAD:
        return None
    return stored.challenge if stored.challenge.subject == buyer.email else None


def _code_url(seller_id: str, challenge: Challenge, **more: str) -> str:
    query = urlencode({"challenge": challenge.challenge_id, **more})
    return f"{buyers.home(seller_id, 'auto-reload/otp')}?{query}"


def _confirm(sandbox: Sandbox, buyer: Buyer, challenge: Challenge) -> Response:
    try:
        with sandbox.connection.begin_nested():
            typed = request.form.get("otp", "")
            verdict = reload_settings.confirm_change(sandbox, buyer, challenge.challenge_id, typed)
    except Invalid as error:  # the method has ended meanwhile
        return _form(sandbox, buyer, error)
    if verdict is not Verdict.VERIFIED:
        after = _challenge(sandbox, buyer) or challenge
        status = 503 if verdict is Verdict.TECHNICAL else 422
        return _code_form(sandbox, buyer, after, code_message(after, verdict), status)
    return go(f"{buyers.home(sandbox.seller_id, 'auto-reload')}?done=on")


def _resend(sandbox: Sandbox, buyer: Buyer, challenge: Challenge) -> Response:
    """Another code for the same settings; for one that is over the settings are sent anew."""
    try:
        if sentences.runs(sandbox, challenge):
            again = otps.resend(sandbox, challenge.challenge_id)
            return go(_code_url(sandbox.seller_id, again, sent="again"))
        former = reload_settings.requested(sandbox, buyer.email, challenge.challenge_id)
        if former is None:
            return go(buyers.home(sandbox.seller_id, "auto-reload"))
        agreed = consent_to(RELOAD_TEXT, sandbox.now, request.remote_addr or "")
        anew = reload_settings.request_change(sandbox, buyer, former.settings, agreed)
        return go(_code_url(sandbox.seller_id, anew))
    except (Conflict, Invalid) as error:
        message, locked = sentences.refusal(sandbox, error, _NOUN), sentences.locked_until(error)
        return _code_form(sandbox, buyer, challenge, message, 422, locked)


def _code_form(
    sandbox: Sandbox,
    buyer: Buyer,
    challenge: Challenge,
    error: str | None = None,
    status: int = 200,
    locked: str | None = None,
) -> Response:
    asked = reload_settings.requested(sandbox, buyer.email, challenge.challenge_id)
    return show_code_form(
        sandbox,
        "account/auto_reload_code.html",
        challenge,
        error,
        status,
        locked,
        amount=asked.settings.amount.display() if asked is not None else "",
        threshold=asked.settings.threshold.display() if asked is not None else "",
    )
