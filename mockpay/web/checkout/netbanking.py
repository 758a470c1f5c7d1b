"""Paying by net banking: the list of banks; the bank's own pages are next door."""

from __future__ import annotations

from flask import Response, request

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.offers import BankOffer
from mockpay.domain.scenarios.resolution import Input, find
from mockpay.kernel.clock import DAY
from mockpay.kernel.errors import Invalid
from mockpay.services.sellers import offers
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import page_session, submission
from mockpay.web.checkout.page_session import PageSession, show
from mockpay.web.wording.sentences import time_of_day

_LONGEST_SEARCH = 40


def fact(session: PageSession) -> str:
    """What the tile says: whether all banks are up."""
    real = [bank for bank in _banks(session) if not bank.magic]
    down = sum(bank.is_down(session.sandbox.now) for bank in real)
    verb = "is" if down == 1 else "are"
    return f"{down} of {len(real)} {verb} down" if down else f"{len(real)} banks"


def _banks(session: PageSession) -> list[BankOffer]:
    """The banks that the seller offers, up or down."""
    return [bank for bank in offers.of(session.sandbox).banks.values() if bank.enabled]


def page(runtime: Runtime, token: str) -> Response:
    """The banks to choose from; ``?find=`` leaves those of that name."""
    return submission.form_page(runtime, token, NetBanking.method, _typed, _form)


def _typed(session: PageSession) -> NetBanking:
    code = request.form.get("bank", "")
    if code not in offers.of(session.sandbox).banks:
        raise Invalid("Choose your bank.", code="bank.missing", field="bank")
    return NetBanking(code)


def _form(session: PageSession, error: Invalid | None = None) -> Response:
    page = page_session.page_context(session, "Pay by net banking")
    if error is not None:
        page_session.refuse(page, error, {})
    search = request.args.get("find", "").strip()[:_LONGEST_SEARCH]
    groups = _groups(session, search.lower())
    status = 422 if error is not None else 200
    return show("checkout/netbanking.html", status, page=page, groups=groups, search=search)


def _groups(session: PageSession, word: str) -> list[dict[str, object]]:
    """Common banks first, then the rest, then those of the sandbox; or what has the word."""
    banks = [b for b in _banks(session) if word in b.name.lower() or word in b.code.lower()]
    real = [bank for bank in banks if not bank.magic]
    common = real if word else [bank for bank in real if bank.common]
    groups = (
        ("common", "Banks found" if word else "Common banks", common),
        ("others", "All other banks", [bank for bank in real if bank not in common]),
        ("magic", "Banks that answer by themselves", [bank for bank in banks if bank.magic]),
    )
    return [
        {"key": key, "title": title, "rows": [_row(session, bank) for bank in members]}
        for key, title, members in groups
        if members
    ]


def _row(session: PageSession, bank: BankOffer) -> dict[str, object]:
    """A bank as the list shows it; one that is down says since when."""
    now = session.sandbox.now
    row = find(Input.BANK, bank.code)
    description = row.description[:1].upper() + row.description[1:] if row else None
    since = next((window.since for window in bank.down if window.holds(now)), None)
    if since is not None:
        description = "Not answering right now"
        if now - since < DAY:
            description = f"Not answering since {time_of_day(since)}"
    return {"code": bank.code, "name": bank.name, "description": description, "down": bank.is_down(now)}
