"""A buyer's wallet: balance, limits, a form for each thing that a tester may set, and every journal."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, redirect, request, url_for

from mockpay.domain.buyers import Buyer, Kyc
from mockpay.domain.orders import Order
from mockpay.domain.wallet.limits import NAMES, Limits, Status
from mockpay.kernel.errors import Conflict, Invalid, NotFound, at_field
from mockpay.kernel.money import Money
from mockpay.kernel.words import parse_word
from mockpay.services import buyers
from mockpay.services.wallet import corrections, reload_notices, reload_runs, reload_settings
from mockpay.services.wallet.corrections import Part
from mockpay.services.wallet.overview import overview
from mockpay.services.wallet.reload_buyers import set_up
from mockpay.store import auto_reloads
from mockpay.store import orders as order_rows
from mockpay.store.reads import wallet_entries
from mockpay.store.reads.wallet_entries import Entry, EntryFilter
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.dashboard import list_page
from mockpay.web.dashboard.layout import control_url, render
from mockpay.web.problems import status_of
from mockpay.web.wording import reload_words, wallet_words

_PAGE = 50
#: Runs and changes of auto-reload that are shown.
_RUNS = 20
_LONGEST_NOTE = 200
PROFILES = {Kyc.MIN: "Minimum KYC", Kyc.FULL: "Full KYC"}
STATUSES = {Status.ACTIVE: "Active", Status.FROZEN: "Frozen", Status.CLOSED: "Closed"}
PARTS = {Part.MONEY: "Money", Part.GIFT: "Gift"}
LABELS = {
    "balance_cap": "Balance cap",
    "monthly_load_cap": "Added a month",
    "yearly_load_cap": "Added a financial year",
    "monthly_spend_cap": "Spent a month",
}


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the page, its forms, and the way to it by a buyer's e-mail."""

    @pages.get("/sellers/<seller_id>/wallet")
    def find_wallet(seller_id: str) -> Any:
        with read(runtime, seller_id) as sandbox:
            buyer = buyers.named(sandbox, request.args.get("buyer", "").strip())
        return redirect(url_for("dashboard.wallet", seller_id=seller_id, buyer_id=buyer.email), 303)

    @pages.get("/sellers/<seller_id>/buyers/<buyer_id>/wallet")
    def wallet(seller_id: str, buyer_id: str) -> str:
        with transaction(runtime, seller_id) as sandbox:
            buyer = buyers.named(sandbox, buyer_id)
            set_up(sandbox, buyer.email)
            return _page(runtime, sandbox, buyer, {})

    @pages.post("/sellers/<seller_id>/buyers/<buyer_id>/wallet/<act>")
    def change_wallet(seller_id: str, buyer_id: str, act: str) -> Any:
        if act not in _ACTS:
            raise NotFound("There is no such form.", code="page.not_found")
        try:
            with transaction(runtime, seller_id) as sandbox:
                _ACTS[act](sandbox, buyers.named(sandbox, buyer_id).email, request.form)
        except (Conflict, Invalid) as error:
            field = str(error.detail.get("field") or act)
            with read(runtime, seller_id) as sandbox:
                page = _page(runtime, sandbox, buyers.named(sandbox, buyer_id), {field: error.message})
            return page, status_of(error)
        return redirect(url_for("dashboard.wallet", seller_id=seller_id, buyer_id=buyer_id, saved="yes"), 303)


def _adjust(sandbox: Sandbox, owner: str, form: Mapping[str, str]) -> None:
    typed = form.get("amount", "").strip()
    minor = _amount(typed.removeprefix("-"), "amount")
    part = Part(parse_word("kind", form.get("kind", ""), Part, code="input.invalid", field="kind"))
    note = form.get("note", "").strip()[:_LONGEST_NOTE] or None
    corrections.adjust(sandbox, owner, part, -minor if typed.startswith("-") else minor, note)


def _profile(sandbox: Sandbox, owner: str, form: Mapping[str, str]) -> None:
    word = parse_word("profile", form.get("profile", ""), Kyc, code="input.invalid", field="profile")
    corrections.change_profile(sandbox, owner, profile=Kyc(word))


def _status(sandbox: Sandbox, owner: str, form: Mapping[str, str]) -> None:
    word = parse_word("status", form.get("status", ""), Status, code="input.invalid", field="status")
    corrections.change_profile(sandbox, owner, status=Status(word))


def _limits(sandbox: Sandbox, owner: str, form: Mapping[str, str]) -> None:
    typed = {name: form.get(name, "").strip() for name in NAMES}
    own = {name: _amount(text, name) if text else None for name, text in typed.items()}
    corrections.change_profile(sandbox, owner, own=own)


def _reload(sandbox: Sandbox, owner: str, _form: Mapping[str, str]) -> None:
    reload_runs.reload_now(sandbox, owner)


def _reload_off(sandbox: Sandbox, owner: str, _form: Mapping[str, str]) -> None:
    reload_settings.switch_off(sandbox, owner)


_ACTS = {
    "adjust": _adjust,
    "profile": _profile,
    "status": _status,
    "limits": _limits,
    "reload": _reload,
    "reload-off": _reload_off,
}


def _amount(text: str, field: str) -> int:
    with at_field(field):
        return Money.parse(text).minor


def _page(runtime: Runtime, sandbox: Sandbox, buyer: Buyer, errors: Mapping[str, str]) -> str:
    wallet = overview(sandbox, buyer.email)
    page = wallet_entries.entries_page(sandbox, buyer.email, EntryFilter(), list_page.cursor(), _PAGE)
    # By e-mail: one who never came by has no id that could be looked up.
    address: dict[str, Any] = {"seller_id": sandbox.seller_id, "buyer_id": buyer.email}
    here = url_for("dashboard.wallet", **address)
    return render(
        runtime,
        sandbox,
        "wallet.html",
        current="",
        buyer=buyer,
        acts={act: url_for("dashboard.change_wallet", act=act, **address) for act in _ACTS},
        figures={
            "Can be spent": wallet.figures.balance.display(),
            "Money": wallet.figures.money.display(),
            "Gifts": wallet.figures.gifts.display(),
            "On hold": wallet.figures.on_hold.display(),
            "May be added now": wallet.may_add.display() if wallet.may_add is not None else "any amount",
            "May be spent now": wallet.may_spend.display(),
        },
        allowances=[wallet_words.allowance(item) for item in wallet.allowances.values()],
        reload=_reload_parts(sandbox, buyer.email),
        profile=wallet.profile,
        limits=_limit_fields(wallet.profile.own, wallet.profile.limits),
        profiles=PROFILES,
        statuses=STATUSES,
        parts=PARTS,
        typed=request.form if errors else {},
        errors=errors,
        saved=request.args.get("saved") == "yes",
        lines=[_line(sandbox, entry) for entry in page.items],
        older=url_for("dashboard.wallet", **address, cursor=page.next_cursor) if page.next_cursor else None,
        newest_url=here if list_page.cursor() else None,
        json_url=control_url(sandbox, f"/buyers/{buyer.email}/wallet"),
    )


def _reload_parts(sandbox: Sandbox, owner: str) -> dict[str, Any]:
    """Auto-reload now: its state and settings, its newest runs and what was changed."""
    reload = reload_settings.find(sandbox, owner)
    title_of = partial(reload_notices.method_title, sandbox, owner)
    wire = reload.settings.wire() if reload.settings is not None else {}
    runs = auto_reloads.runs_page(sandbox, owner, None, _RUNS)
    return {
        "state": str(reload.state),
        "chip": reload_words.STATES[reload.state],
        "enabled": reload.enabled,
        "waits": reload_words.waits(reload),
        "rows": reload_words.setting_rows(wire, title_of(str(wire.get("token")))),
        "runs": [
            {
                **reload_words.run_line(run),
                "link": _link(sandbox, order_rows.by_id(sandbox, run.order_id) if run.order_id else None),
            }
            for run in runs.items
        ],
        "changes": [
            reload_words.change_line(change, title_of)
            for change in auto_reloads.changes_page(sandbox, owner, None, _RUNS).items
        ],
    }


def _link(sandbox: Sandbox, order: Order | None) -> Any:
    return list_page.order_link(sandbox, order) if order is not None else None


def _limit_fields(own: Limits, counting: Limits) -> list[dict[str, str]]:
    """A field for each limit: what was set, and what counts without it."""
    fields = []
    for name, label in LABELS.items():
        value, counts = getattr(own, name), getattr(counting, name)
        fields.append(
            {
                "name": name,
                "label": label,
                "text": "" if value is None else Money(value).wire(),
                "help": "Set here; empty for the profile’s own."
                if value is not None
                else f"The profile’s own: {Money(counts).display() if counts is not None else 'none'}.",
            }
        )
    return fields


def _line(sandbox: Sandbox, entry: Entry) -> dict[str, Any]:
    return {
        **wallet_words.line(entry),
        "key": entry.journal.key,
        "link": _link(sandbox, entry.order),
        "postings": wallet_words.posting_lines(entry),
        "reverses": entry.journal.reverses,
    }
