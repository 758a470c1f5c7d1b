"""Accounts at gateways: switch, endpoint, credentials that are written and never read back, and a connection test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, request, url_for
from msgspec import Struct, structs

from mockpay.delivery.gateway_calls import check_connection
from mockpay.domain.payments.gateway_accounts import GatewayAccount, Timeouts, masked
from mockpay.domain.payments.gateways import Result, ResultKind
from mockpay.kernel.errors import Forbidden, Invalid, NotFound
from mockpay.kernel.fields import convert_fields
from mockpay.services.gateways import accounts, routing
from mockpay.store import gateway_accounts
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.dashboard import gateway_tabs
from mockpay.web.dashboard.layout import control_url, render
from mockpay.web.wording.deliveries import Chip
from mockpay.web.wording.gateway_words import OUTCOMES

_TIMEOUTS = {"connect": "To connect", "read": "From one part of the answer to the next", "total": "For all of it"}
_TIMEOUT_FORM = "A number of seconds, from 0.05 to {most}."


class Checked(Struct, frozen=True):
    """What a connection test tried and what came of it, in words."""

    chip: Chip
    sentence: str
    rows: Mapping[str, str]


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the page, and what its forms do."""

    @pages.get("/sellers/<seller_id>/gateway-accounts", endpoint=gateway_tabs.ACCOUNTS)
    def gateway_accounts_page(seller_id: str) -> str:
        with read(runtime, seller_id) as sandbox:
            return _page(runtime, sandbox)

    @pages.post("/sellers/<seller_id>/gateway-accounts/<gateway>")
    def change_gateway_account(seller_id: str, gateway: str) -> Any:
        _require(runtime, gateway)
        with transaction(runtime, seller_id) as sandbox:
            errors = _change(sandbox, gateway, request.form)
        if not errors:
            here: dict[str, Any] = {"seller_id": seller_id, "saved": gateway, "_anchor": f"gateway-{gateway}"}
            return redirect(url_for(f"dashboard.{gateway_tabs.ACCOUNTS}", **here), 303)
        with read(runtime, seller_id) as sandbox:
            return _page(runtime, sandbox, gateway, errors=errors), 422

    @pages.post("/sellers/<seller_id>/gateway-accounts/<gateway>/check")
    def check_gateway_account(seller_id: str, gateway: str) -> str:
        """Nothing is stored, so the answer is the page itself."""
        _require(runtime, gateway)
        result = check_connection(runtime, seller_id, gateway)
        with read(runtime, seller_id) as sandbox:
            return _page(runtime, sandbox, gateway, checked=_checked(result))


def _require(runtime: Runtime, gateway: str) -> None:
    if runtime.adapter(gateway) is None:
        raise NotFound("There is no such gateway.", code="page.not_found")


def _change(sandbox: Sandbox, gateway: str, form: Mapping[str, str]) -> dict[str, str]:
    """Store what was typed, or nothing where something of it is wrong: then the sentences, by field."""
    typed = {name: text.strip() for name, text in form.items()}
    stored = gateway_accounts.find(sandbox, gateway)
    errors: dict[str, str] = {}
    timeouts, timeout_errors = _timeouts(typed)
    account = structs.replace(
        stored,
        enabled=typed.get("enabled") == "yes",
        endpoint=typed.get("endpoint") or None,
        timeouts=timeouts or stored.timeouts,
    )
    try:
        accounts.check(sandbox, account, credentials := _credentials(sandbox, stored, typed))
    except (Invalid, Forbidden) as error:
        errors[str(error.detail["field"])] = error.message
    errors |= timeout_errors  # In the order of the form: the first has the focus.
    if not errors:
        accounts.change(sandbox, account, credentials=credentials)
    return errors


def _timeouts(typed: Mapping[str, str]) -> tuple[Timeouts | None, dict[str, str]]:
    """The time-outs of a form; None with the sentences about those that are none."""
    errors = {}
    for name in _TIMEOUTS:
        try:
            convert_fields({name: typed.get(name, "")}, Timeouts, code="timeouts.invalid", noun="field", strict=False)
        except Invalid:
            errors[name] = _TIMEOUT_FORM.format(most=10 if name == "connect" else 25)
    if errors:
        return None, errors
    plain = {name: typed[name] for name in _TIMEOUTS}
    return convert_fields(plain, Timeouts, code="timeouts.invalid", noun="field", strict=False), {}


def _credentials(sandbox: Sandbox, stored: GatewayAccount, typed: Mapping[str, str]) -> Mapping[str, str] | None:
    """New ones where any was typed, none for those that it would have issued, None for those that there are."""
    new = {
        name: typed[f"credentials.{name}"]
        for name in accounts.credentials_of(sandbox, stored)
        if typed.get(f"credentials.{name}")
    }
    return new or ({} if typed.get("issued") == "yes" else None)


def _checked(result: Result) -> Checked:
    exchange = result.exchange
    found = result.kind is ResultKind.ABSENT
    rows = {
        "Asked": "about a payment that there never was",
        "Tried": "nothing: no call was made" if exchange is None else f"{exchange.method} {exchange.url}",
        "Answered": f"HTTP {exchange.status}" if exchange is not None and exchange.status else "",
        "Took": f"{exchange.latency_ms:,} ms" if exchange is not None and exchange.latency_ms else "",
        "Said": result.message or "",
    }
    sentence = "It can be reached and takes the credentials." if found else f"{OUTCOMES[result.kind].capitalize()}."
    chip = ("ok", "tick", "Works") if found else ("bad", "cross", "Does not work")
    return Checked(chip, sentence, {name: words for name, words in rows.items() if words})


def _page(
    runtime: Runtime,
    sandbox: Sandbox,
    gateway: str = "",
    *,
    errors: Mapping[str, str] | None = None,
    checked: Checked | None = None,
) -> str:
    """
    The page.

    Args:
        gateway: Whose form was sent; `errors` are those of its fields, `checked` what its connection test came to.
    """
    names = [name for name in routing.gateway_names(runtime) if runtime.adapter(name) is not None]
    return render(
        runtime,
        sandbox,
        "gateway_accounts.html",
        current=gateway_tabs.ENTRY,
        tabs=gateway_tabs.tabs(sandbox, gateway_tabs.ACCOUNTS),
        accounts=[
            _account(sandbox, name, errors or {} if name == gateway else {}, checked if name == gateway else None)
            for name in names
        ],
        errors=errors,
        saved=request.args.get("saved", ""),
        json_url=control_url(sandbox, "/gateways"),
    )


def _account(sandbox: Sandbox, name: str, errors: Mapping[str, str], checked: Checked | None) -> dict[str, Any]:
    """One gateway's form; what was typed wrongly stays, but for credentials, which are shown to nobody."""
    account = gateway_accounts.find(sandbox, name)
    typed = {field: request.form.get(field, "") for field in ("endpoint", *_TIMEOUTS)} if errors else {}
    here: dict[str, Any] = {"seller_id": sandbox.seller_id, "gateway": name, "_anchor": f"gateway-{name}"}
    return {
        "name": name,
        "title": sandbox.runtime.provider(name).title,
        "enabled": request.form.get("enabled") == "yes" if errors else account.enabled,
        "endpoint": typed.get("endpoint", account.endpoint or ""),
        "own": bool(account.credentials),
        "credentials": masked(accounts.credentials_of(sandbox, account)),
        "timeouts": {
            field: (words, typed.get(field, f"{getattr(account.timeouts, field):g}"))
            for field, words in _TIMEOUTS.items()
        },
        "errors": errors,
        "checked": checked,
        "save_url": url_for("dashboard.change_gateway_account", **here),
        "check_url": url_for("dashboard.check_gateway_account", **here),
    }
