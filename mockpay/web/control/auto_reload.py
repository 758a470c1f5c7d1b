"""Auto-reload by control API: a buyer's settings, their history, the runs, and beginning one."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from mockpay.domain.buyers import Buyer
from mockpay.domain.sellers import AMOUNT
from mockpay.domain.timeline import Actor
from mockpay.domain.wallet.auto_reload import AutoReload, Cause, ReloadRun, ReloadSettings, ReloadState, RunState
from mockpay.kernel.errors import Invalid, at_field, parse_at
from mockpay.kernel.money import Money
from mockpay.services import buyers
from mockpay.services.wallet import reload_runs, reload_settings
from mockpay.services.wallet.reload_buyers import set_up
from mockpay.store import auto_reloads
from mockpay.store.auto_reloads import Change
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault.rules import RELOAD_TEXT, consent_to
from mockpay.web.control.buyers import BUYER, buyer_of
from mockpay.web.control.endpoints import GET, POST, PUT, Request
from mockpay.web.control.idempotency import once
from mockpay.web.control.responses import PageQuery, to_response

#: Where a consent came from that no browser gave.
_BY_TESTER = "control API"
_Amount = Annotated[str, Meta(pattern=AMOUNT, examples=["1000.00"])]


class AutoReloadChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """
    The settings as a whole: what is left out has its default. To switch off, `enabled` alone will do.

    A balance below `threshold` is filled up by `amount` from the saved card of `token`, at most `max_per_day` times and
    `cap_day` an Indian day and `cap_month` a month. `just_in_time`: a payment that lacks money waits for a reload,
    where one suffices.
    """

    enabled: bool
    threshold: _Amount | UnsetType = UNSET
    amount: _Amount | UnsetType = UNSET
    token: str | UnsetType = UNSET
    max_per_day: int = 3
    cap_day: _Amount | None = None
    cap_month: _Amount | None = None
    just_in_time: bool = False


class AutoReloadDetail(Struct, kw_only=True):
    """
    A buyer's auto-reload; its settings are null before they were ever made, and stay when it is switched off.

    `disabled_reason` tells why it was switched off by itself; `waits_for` why nothing runs before `next_allowed_at`.
    """

    buyer_id: str
    email: str
    enabled: bool
    state: ReloadState
    threshold: str | None
    amount: str | None
    token: str | None
    max_per_day: int | None
    cap_day: str | None
    cap_month: str | None
    just_in_time: bool
    failures: int
    disabled_reason: str | None
    waits_for: str | None
    next_allowed_at: str | None
    last_triggered_at: str | None
    consent_id: str | None


class ReloadRunDetail(Struct, kw_only=True):
    """
    One run: why it was begun (`cause`), with which `balance`, and what became of it.

    `reason` tells why it FAILED, WAITED or was CANCELLED; `until` before when nothing runs again. `order_id` is the
    order that charged the saved method, `entry_id` the entry of the wallet that it was credited by.
    """

    run_id: str
    state: RunState
    cause: Cause
    balance: str
    amount: str
    currency: str
    token: str
    reason: str | None
    until: str | None
    order_id: str | None
    entry_id: str | None
    created_at: str
    ended_at: str | None


class ReloadRunList(Struct, kw_only=True):
    """Runs, the newest first."""

    items: list[ReloadRunDetail]
    next_cursor: str | None


class ReloadChange(Struct, kw_only=True):
    """One line of the settings' history: who did what and when; `before` and `after` are the settings."""

    at: str
    actor: Actor
    event: str
    before: dict[str, Any]
    after: dict[str, Any]


class ReloadChangeList(Struct, kw_only=True):
    """What was changed, the newest first."""

    items: list[ReloadChange]
    next_cursor: str | None


def get_auto_reload(request: Request[None, None]) -> AutoReloadDetail:
    """OFF before it was ever set up; sandbox buyers such as `reload@buyers.mockpay.test` have theirs from the start."""
    with request.transaction() as sandbox:
        buyer = _buyer(sandbox, request)
        return _detail(buyer, reload_settings.find(sandbox, buyer.email))


def put_auto_reload(request: Request[None, AutoReloadChange]) -> AutoReloadDetail:
    """
    The tester's word is the buyer's consent, and needs no code. What had failed or waited counts no more, and a balance
    below the threshold is reloaded at once. Settings that could never work are 422 with their `field`: an amount below
    100.00 or above what may be charged without the buyer, a threshold and amount above the balance's cap, a limit that
    leaves no room for one reload, a method that cannot be charged.
    """
    body = request.body
    settings = _settings(body) if body.enabled else None
    with request.transaction() as sandbox:
        buyer = _buyer(sandbox, request)

        def change() -> AutoReloadDetail:
            if settings is None:
                return _detail(buyer, reload_settings.switch_off(sandbox, buyer.email))
            consent = consent_to(RELOAD_TEXT, sandbox.now, _BY_TESTER)
            return _detail(buyer, reload_settings.change(sandbox, buyer.email, settings, consent))

        return once(sandbox, request, AutoReloadDetail, change)


def _settings(body: AutoReloadChange) -> ReloadSettings:
    missing = [name for name in ("threshold", "amount", "token") if getattr(body, name) is UNSET]
    if missing:
        message = f"To switch on, '{missing[0]}' is needed."
        raise Invalid(message, code="auto_reload.invalid", field=missing[0])
    return ReloadSettings(
        threshold=_money(body.threshold, "threshold"),
        amount=_money(body.amount, "amount"),
        token=str(body.token),
        max_per_day=body.max_per_day,
        cap_day=parse_at("cap_day", Money.parse, body.cap_day),
        cap_month=parse_at("cap_month", Money.parse, body.cap_month),
        just_in_time=body.just_in_time,
    )


def _money(text: object, field: str) -> Money:
    with at_field(field):
        return Money.parse(str(text))


def trigger_auto_reload(request: Request[None, None]) -> ReloadRunDetail:
    """
    Whatever the balance is, and at once after failures too; the limits hold. The run is TRIGGERED here and goes on by
    itself: see the runs. One under way is not doubled: the answer is a run that WAITED, `in_flight`.
    """
    with request.transaction() as sandbox:
        owner = _buyer(sandbox, request).email

        def trigger() -> ReloadRunDetail:
            return _run(reload_runs.reload_now(sandbox, owner))

        return once(sandbox, request, ReloadRunDetail, trigger)


def list_reload_runs(request: Request[PageQuery, None]) -> ReloadRunList:
    """Every one with why it ran, waited or failed."""
    with request.read() as sandbox:
        owner, query = buyer_of(sandbox, request).email, request.query
        page = auto_reloads.runs_page(sandbox, owner, query.cursor, query.limit)
    return ReloadRunList(items=[_run(run) for run in page.items], next_cursor=page.next_cursor)


def list_reload_changes(request: Request[PageQuery, None]) -> ReloadChangeList:
    """Who switched it on, off or changed it: the buyer by a code, a tester, or the sandbox itself with its reason."""
    with request.read() as sandbox:
        owner, query = buyer_of(sandbox, request).email, request.query
        page = auto_reloads.changes_page(sandbox, owner, query.cursor, query.limit)
    return ReloadChangeList(items=[_change(change) for change in page.items], next_cursor=page.next_cursor)


def _buyer(sandbox: Sandbox, request: Request[Any, Any]) -> Buyer:
    """The buyer whom the path names, with what a sandbox buyer stands for."""
    buyer = buyer_of(sandbox, request)
    set_up(sandbox, buyer.email)
    return buyers.by_email(sandbox, buyer.email)


_NO_SETTINGS = dict.fromkeys(("threshold", "amount", "token", "max_per_day", "cap_day", "cap_month"))


def _detail(buyer: Buyer, reload: AutoReload) -> AutoReloadDetail:
    settings = _NO_SETTINGS | {"just_in_time": False} if reload.settings is None else reload.settings.wire()
    return to_response(AutoReloadDetail, reload, buyer_id=buyer.buyer_id, email=buyer.email, **settings)


def _run(run: ReloadRun) -> ReloadRunDetail:
    entry_id = None if run.journal is None else str(run.journal)
    return to_response(ReloadRunDetail, run, run_id=str(run.number), entry_id=entry_id)


def _change(change: Change) -> ReloadChange:
    return to_response(ReloadChange, change)


_PATH = f"{BUYER}/auto-reload"
_EXAMPLE = (
    '{"enabled": true, "threshold": "500.00", "amount": "1000.00", "token": "tok_EXAMPLE", "cap_month": "10000.00"}'
)
ENDPOINTS = (
    GET(_PATH, get_auto_reload, "Whether a buyer's balance fills itself up, from what and when.", errors=(422,)),
    PUT(_PATH, put_auto_reload, "Switch auto-reload on, change it or switch it off.", idempotent=True, errors=(409,)),
    POST(f"{_PATH}/trigger", trigger_auto_reload, "Reload now.", errors=(409, 422), idempotent=True),
    GET(f"{_PATH}/runs", list_reload_runs, "Every run of a buyer's auto-reload, the newest first."),
    GET(f"{_PATH}/history", list_reload_changes, "Every change of its settings, the newest first."),
)
