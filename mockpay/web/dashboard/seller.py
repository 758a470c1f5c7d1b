"""The seller: credentials, forms for addresses and settings, and lines for a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, request, url_for
from msgspec import Struct, structs

from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.sellers import Seller, Settings, setting_forms
from mockpay.kernel.clock import SECOND, indian
from mockpay.kernel.errors import Conflict, Forbidden, Invalid
from mockpay.providers.contract import providers_of
from mockpay.services import subscriptions
from mockpay.services.notifications import profile_of
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.dashboard.layout import base_url, control_url, render
from mockpay.web.wording.sentences import span

#: Settings by topic, by how their names begin; what is left belongs to payments.
_TOPICS: Mapping[str, tuple[str, ...]] = {
    "Payments": (),
    "UPI and banks": ("upi_", "bank_"),
    "One-time codes and 3-D Secure": ("otp_", "threeds_"),
    "Scenarios and risk": ("magic_", "default_", "risk_"),
    "Refunds": ("refund_",),
    "Notifications": ("ipn_", "alert_", "certificate_", "trust_"),
    "As strict as the real service": (
        "freshness_",
        "duplicate_",
        "regions",
        "payment_domain",
        "text_limits",
        "id_list",
        "signatures",
    ),
}
#: What may be typed where a wrong value would be refused in the words of a pattern.
_EXAMPLES = {
    "otp_threshold": "An amount, such as 5000.00.",
    "otp_always_methods": "Methods by their code, such as: card, upi.",
    "alert_url": "An address, such as http://127.0.0.1:3000/alerts, or nothing.",
    "ipn_certificate_url": "An address, such as https://host/cert.pem, or nothing.",
    "default_outcomes": "A line each, such as: issuer: insufficient.",
    "risk_rules": "A line each, such as: RISK_HIGHEST: off.",
}
_ADDRESSES = ("name", "return_urls", "ipn_url")


class SettingField(Struct, frozen=True):
    """One setting as a form shows it; `kind` is choice, number, lines or text."""

    name: str
    kind: str
    text: str
    description: str
    changed: bool
    options: Mapping[str, str]


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the page, and what its forms do."""

    @pages.get("/sellers/<seller_id>/seller")
    def seller(seller_id: str) -> str:
        with read(runtime, seller_id) as sandbox:
            return _show(runtime, sandbox, {}, {})

    @pages.post("/sellers/<seller_id>/seller")
    def change_seller(seller_id: str) -> Any:
        typed = {name: "\n".join(text.split("\r\n")).strip() for name, text in request.form.items()}
        with transaction(runtime, seller_id) as sandbox:
            errors = _change(sandbox, typed)
        if not errors:
            return redirect(url_for("dashboard.seller", seller_id=seller_id, saved="yes"), 303)
        with read(runtime, seller_id) as sandbox:
            return _show(runtime, sandbox, typed, errors), 422

    @pages.post("/sellers/<seller_id>/seller/test-notification")
    def test_notification(seller_id: str) -> Any:
        try:
            with transaction(runtime, seller_id) as sandbox:
                notification_id = subscriptions.send_test(sandbox).notification_id
        except Conflict as error:
            with read(runtime, seller_id) as sandbox:
                return _show(runtime, sandbox, {}, {"ipn_url": error.message}), 409
        send_waiting(runtime, seller_id)
        url = url_for("dashboard.notification", seller_id=seller_id, notification_id=notification_id)
        return redirect(url, 303)


def _show(runtime: Runtime, sandbox: Sandbox, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    base = base_url(runtime)
    return render(
        runtime,
        sandbox,
        "seller.html",
        current="seller",
        seller=sandbox.seller,
        texts={**_texts(sandbox), **typed},
        errors=errors,
        subscription=_subscription(sandbox),
        saved=request.args.get("saved") == "yes",
        topics=topics(setting_fields(sandbox)),
        exports=export_lines(runtime, sandbox.seller, base),
        json_url=control_url(sandbox),
        base=base,
        apis=[(each.title, f"{base}{each.mount}") for each in providers_of(runtime) if each.mount],
        clock_text=f"{indian(sandbox.now):%Y-%m-%dT%H:%M:%S}",
        drift=_drift(sandbox.now - sandbox.real_now),
    )


def _subscription(sandbox: Sandbox) -> str:
    """How the subscription of the address stands; empty where the profile asks for none."""
    seller = sandbox.seller
    if not seller.ipn_url or not profile_of(sandbox).subscribes:
        return ""
    if seller.subscribed_url == seller.ipn_url:
        return "confirmed"
    return "not confirmed: nothing is sent until the SubscribeURL of the message that it got is visited"


def _drift(milliseconds: int) -> str:
    """How far a clock is from the real one, in words."""
    if abs(milliseconds) < SECOND:
        return "It shows the real time."
    return f"It is {span(abs(milliseconds))} {'ahead of' if milliseconds > 0 else 'behind'} real time."


def setting_fields(sandbox: Sandbox) -> list[SettingField]:
    """Every setting in the order of its declaration."""
    values, usual = structs.asdict(sandbox.seller.settings), structs.asdict(Settings())
    choices = {name: tuple(words) for name, words in accounts.setting_choices(sandbox.runtime).items()}
    fields = []
    for name, form in setting_forms().items():
        value = values[name]
        offered = ("on", "off") if isinstance(value, bool) else choices.get(name, form.choices)
        kind = (
            "choice"
            if offered
            else "lines"
            if isinstance(value, dict)
            else "number"
            if isinstance(value, int)
            else "text"
        )
        changed = value != usual[name]
        options = {word: word or "nothing" for word in offered}
        fields.append(SettingField(name, kind, _text(value), form.description, changed, options))
    return fields


def topics(fields: list[SettingField]) -> dict[str, list[SettingField]]:
    """The same by topic."""
    parts: dict[str, list[SettingField]] = {topic: [] for topic in _TOPICS}
    for field in fields:
        parts[next((topic for topic, begins in _TOPICS.items() if field.name.startswith(begins)), "Payments")].append(
            field
        )
    return parts


def _text(value: object) -> str:
    """A value as a form has it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        return "\n".join(f"{name}: {text}" for name, text in value.items())
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _texts(sandbox: Sandbox) -> dict[str, str]:
    """All that the forms of the page show."""
    seller = sandbox.seller
    addresses = {"name": seller.name, "return_urls": "\n".join(seller.return_urls), "ipn_url": seller.ipn_url or ""}
    return addresses | {field.name: field.text for field in setting_fields(sandbox)}


def _change(sandbox: Sandbox, typed: Mapping[str, str]) -> dict[str, str]:
    """Change what was typed anew, or nothing where something of it is wrong: then the sentences, by field."""
    texts = _texts(sandbox)
    anew = {name: text for name, text in typed.items() if name in texts and text != texts[name]}
    errors = {}
    for name, text in anew.items():
        try:
            for part in text.splitlines() if name == "return_urls" else [text]:
                accounts.changed(sandbox, _changes({name: part}))
        except (Invalid, Forbidden) as error:
            errors[name] = _sentence(name, error)
    try:
        if anew and not errors:
            accounts.change(sandbox, _changes(anew))
    except (Invalid, Forbidden) as error:
        errors[str(error.detail.get("field"))] = error.message
    return errors


def _changes(anew: Mapping[str, str]) -> Changes:
    """What a form asks for, as the control API would be asked for it."""
    values = structs.asdict(Settings())
    settings = {name: _value(text, values[name]) for name, text in anew.items() if name in values}
    urls = tuple(anew["return_urls"].split()) if "return_urls" in anew else None
    return Changes(anew.get("name"), urls, anew.get("ipn_url"), settings or None)


def _value(text: str, like: object) -> object:
    """A typed text as a value of the kind of another; what cannot be one stays text, to be refused."""
    if isinstance(like, bool):
        return {"on": True, "off": False}.get(text, text)
    if isinstance(like, int):
        return int(text) if re.fullmatch("-?[0-9]{1,18}", text) else text
    if isinstance(like, dict):
        pairs = (line.partition(":") for line in text.splitlines() if line.strip())
        return {name.strip(): value.strip() for name, _, value in pairs}
    return tuple(text.replace(",", " ").split()) if isinstance(like, tuple) else text


def _sentence(name: str, error: Invalid | Forbidden) -> str:
    """Why a field cannot be saved."""
    form = setting_forms().get(name)
    if form is None:
        return error.message
    if form.least is not None:
        return f"A whole number from {form.least} to {form.most}."
    if error.code != "settings.invalid" or "allowed" in error.detail:
        return error.message
    return _EXAMPLES.get(name) or error.message


def export_lines(runtime: Runtime, seller: Seller, base: str) -> str:
    """What a shop's shell or CI job needs; the same lines as `mockpay secrets --env`."""
    variables = accounts.environment(runtime, seller, base)
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
