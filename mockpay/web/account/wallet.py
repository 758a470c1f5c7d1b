"""A buyer's wallet: what it has, what its limits leave, its history with filters, and one entry's own page."""

from __future__ import annotations

import re

from flask import Response, request

from mockpay.domain.buyers import Buyer
from mockpay.domain.wallet.limits import Status
from mockpay.kernel.errors import Conflict, Invalid, MockpayError, NotFound
from mockpay.kernel.money import Money
from mockpay.services.refunds.transitions import get_refund
from mockpay.services.wallet import top_ups
from mockpay.services.wallet.overview import overview
from mockpay.store.reads import wallet_entries
from mockpay.store.reads.wallet_entries import Entry
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web import buyers
from mockpay.web.account.sign_in import account_page
from mockpay.web.balance_chart import chart
from mockpay.web.checkout.page_session import go, show
from mockpay.web.wallet_csv import csv_response
from mockpay.web.wallet_filter import read_form
from mockpay.web.wording import wallet_words

_PAGE = 25
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_STATUS = {
    Status.FROZEN: "This balance is frozen: it neither pays nor can be added to. Refunds still come in.",
    Status.CLOSED: "This balance is closed: it neither pays nor can be added to. Refunds still come in.",
}


def page(runtime: Runtime, seller_id: str) -> Response:
    """The wallet and its history; its form adds money."""
    if request.method == "POST":
        return _add_money(runtime, seller_id)
    with read(runtime, seller_id) as sandbox:
        buyer = buyers.signed_in(sandbox)
        return _wallet(sandbox, buyer) if buyer else _sign_in(sandbox)


def _add_money(runtime: Runtime, seller_id: str) -> Response:
    """Lead to the payment pages of a new order, or say at the field why there is none."""
    with transaction(runtime, seller_id) as sandbox:
        buyer = buyers.signed_in(sandbox)
        if buyer is None:
            return _sign_in(sandbox)
        try:
            amount = Money.parse(request.form.get("amount", "").strip())
            order = top_ups.open_order(sandbox, buyer.email, amount, buyers.home(seller_id, "wallet"))
        except (Invalid, Conflict) as error:
            return _wallet(sandbox, buyer, error)
    return go(f"/pay/{order.page_token}/")


def _sign_in(sandbox: Sandbox) -> Response:
    """Signing in leads back here with the filters of the history."""
    here = read_form(request.args).address(request.path)
    return go(buyers.sign_in_url(sandbox, here) or buyers.home(sandbox.seller_id))


def _wallet(sandbox: Sandbox, buyer: Buyer, refusal: MockpayError | None = None) -> Response:
    wallet, form = overview(sandbox, buyer.email), read_form(request.args)
    errors = dict(form.errors)
    refused = {"amount": refusal.message} if refusal is not None else {}
    try:
        cursor = None if errors else request.args.get("cursor")
        entries = wallet_entries.entries_page(sandbox, buyer.email, form.filter, cursor, _PAGE)
    except Invalid:
        return go(form.address(buyers.home(sandbox.seller_id, "wallet")))
    home = buyers.home(sandbox.seller_id, "wallet")
    page = account_page(sandbox, "Your balance")
    if errors or refused:
        page |= {"title": f"Error: {next(iter((errors | refused).values()))}", "errors": errors | refused}
    page["values"] = {**form.typed, "amount": request.form.get("amount", "")}
    return show(
        "account/wallet.html",
        422 if errors or refused else 200,
        page=page,
        balance=_parts(wallet.figures.balance),
        figures={name: getattr(wallet.figures, name).display() for name in ("money", "gifts", "on_hold")},
        can_add=wallet.may_add is None or wallet.may_add >= top_ups.LEAST,
        may_add=wallet.may_add.display() if wallet.may_add is not None else "any amount",
        may_spend=wallet.may_spend.display(),
        allowances=[wallet_words.allowance(item) for item in wallet.allowances.values()],
        warning=_STATUS.get(wallet.profile.status),
        lines=[] if errors else [wallet_words.line(entry) for entry in entries.items],
        types=wallet_words.TYPES,
        directions=wallet_words.DIRECTIONS,
        chart=None if errors else chart(entries.items),
        filtered=any(form.typed.values()),
        entry_url=f"{home}/entries",
        clear_url=home,
        csv_url=form.address(f"{home}/entries.csv"),
        newest_url=form.address(home) if request.args.get("cursor") else None,
        older_url=form.address(home, cursor=entries.next_cursor) if entries.next_cursor and not errors else None,
    )


def _parts(amount: Money) -> dict[str, str]:
    """An amount as the macro `money` prints it."""
    whole, _, paise = amount.display().removeprefix("₹").partition(".")
    return {"symbol": "₹", "whole": whole, "paise": f".{paise}"}


def history_file(runtime: Runtime, seller_id: str) -> Response:
    """All that the filters find, as CSV."""
    with read(runtime, seller_id) as sandbox:
        buyer = buyers.signed_in(sandbox)
        if buyer is None:
            return _sign_in(sandbox)
        form = read_form(request.args)
        if form.errors:
            return go(form.address(buyers.home(seller_id, "wallet")))
    entries = wallet_entries.all_entries(runtime, seller_id, buyer.email, form.filter)
    return csv_response(entries, "wallet")


def entry_page(runtime: Runtime, seller_id: str, entry_id: str) -> Response:
    """
    One entry with its journal, its order and its refund.

    Raises:
        NotFound: code ``entry.not_found``: nobody's, or another buyer's.
    """
    with read(runtime, seller_id) as sandbox:
        buyer = buyers.signed_in(sandbox)
        if buyer is None:
            return _sign_in(sandbox)
        number = int(entry_id) if _NUMBER.fullmatch(entry_id) else 0
        entry = wallet_entries.find_entry(sandbox, buyer.email, number)
        if entry is None:
            raise NotFound("There is no such entry.", code="entry.not_found")
        return _entry(sandbox, buyer, entry)


def _entry(sandbox: Sandbox, buyer: Buyer, entry: Entry) -> Response:
    journal, home = entry.journal, buyers.home(sandbox.seller_id, "wallet")
    refund = get_refund(sandbox, journal.refund_id) if journal.refund_id else None
    payment = wallet_entries.entries_of_attempt(sandbox, buyer.email, journal.attempt_id) if journal.attempt_id else []
    order = entry.order
    return show(
        "account/wallet_entry.html",
        200,
        page=account_page(sandbox, wallet_words.title(entry)),
        entry=wallet_words.line(entry),
        postings=wallet_words.posting_lines(entry),
        order=order and {"own": order.seller_order_id, "id": order.order_id, "state": order.state},
        refund=refund and {"id": refund.refund_id, "reference": refund.reference, "state": refund.state},
        related=[
            (other.number, wallet_words.TYPES[other.type], other.amount.display())
            for other in payment
            if other.number != journal.number
        ],
        reverses=journal.reverses,
        reversed_by=entry.reversed_by,
        entry_url=f"{home}/entries",
        back_url=home,
    )
