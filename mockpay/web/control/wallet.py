"""A buyer's wallet by control API: balance, profile and limits, corrections, and the history of entries."""

from __future__ import annotations

import re
from typing import Annotated

from flask import Response
from flask import request as http_request
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from mockpay.domain.buyers import Buyer, Kyc
from mockpay.domain.sellers import AMOUNT
from mockpay.domain.wallet.ledger import Direction, Journal, JournalType
from mockpay.domain.wallet.limits import NAMES, Status
from mockpay.kernel.clock import parse_time, rfc3339
from mockpay.kernel.errors import Invalid, parse_at
from mockpay.kernel.money import Money
from mockpay.services.wallet import corrections
from mockpay.services.wallet.corrections import Part
from mockpay.services.wallet.overview import overview
from mockpay.store.reads import wallet_entries
from mockpay.store.reads.wallet_entries import Entry, EntryFilter, Posting
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Sandbox
from mockpay.web.control.buyers import BUYER, buyer_of
from mockpay.web.control.endpoints import GET, PATCH, POST, Request
from mockpay.web.control.idempotency import once
from mockpay.web.control.responses import PageQuery, to_response
from mockpay.web.wallet_csv import MEDIA_TYPE, csv_response

_CAP = Annotated[str, Meta(pattern=AMOUNT, examples=["10000.00"])]
_SIGNED = AMOUNT.replace("^", "^-?", 1)
_Note = Annotated[str, Meta(max_length=200, description="Why; it stands in the history.")]
#: A journal's number, as a path has it.
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


class WalletLimits(Struct, kw_only=True):
    """What counts: what was set, else the profile's; null where there is no limit."""

    balance_cap: str | None
    monthly_load_cap: str | None
    yearly_load_cap: str | None
    monthly_spend_cap: str | None


class WalletAllowance(Struct, kw_only=True):
    """What is left under one limit; all of it again from `until`, null where no time helps."""

    limit: str
    left: str
    until: str | None


class WalletDetail(Struct, kw_only=True):
    """
    A wallet: `balance` can be spent and is `money` and `gifts`; `on_hold` waits for captures.

    `may_add` is null where no limit says how much; months and financial years (April to March) are Indian.
    """

    buyer_id: str
    email: str
    balance: str
    money: str
    gifts: str
    on_hold: str
    currency: str
    profile: Kyc
    status: Status
    limits: WalletLimits
    allowances: list[WalletAllowance]
    may_add: str | None
    may_spend: str


class WalletLimitsPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """Limits in the place of the profile's; null brings the profile's own back."""

    balance_cap: _CAP | UnsetType | None = UNSET
    monthly_load_cap: _CAP | UnsetType | None = UNSET
    yearly_load_cap: _CAP | UnsetType | None = UNSET
    monthly_spend_cap: _CAP | UnsetType | None = UNSET


class WalletPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What should change; what is not named stays."""

    profile: Kyc | None = None
    status: Status | None = None
    limits: WalletLimitsPatch | None = None


class WalletAdjustment(Struct, forbid_unknown_fields=True, kw_only=True):
    """An amount to be added, or taken where it begins with a minus."""

    amount: Annotated[str, Meta(pattern=_SIGNED, examples=["500.00"])]
    kind: Part = Part.MONEY
    note: _Note | None = None
    expires_at: Annotated[str | None, Meta(description="Of a new gift, by the seller's clock; else it stays.")] = None


class WalletReversal(Struct, forbid_unknown_fields=True, kw_only=True):
    """How an entry is reversed."""

    note: _Note | None = None


class WalletPosting(Struct, kw_only=True):
    """What an entry changed of one account; `balance_after` is that account's."""

    account: str
    amount: str
    balance_after: str


class WalletEntry(Struct, kw_only=True):
    """
    One journal: `amount` is by how much it changed what can be spent, `moved` what it moved between accounts.

    `direction` is null where a hold was captured, which changes nothing that can be spent. `over_cap` marks what came
    back above the balance's cap: it was credited all the same.
    """

    entry_id: str
    at: str
    type: JournalType
    direction: Direction | None
    amount: str
    moved: str
    balance_after: str
    currency: str
    order_id: str | None
    seller_order_id: str | None
    attempt_id: str | None
    refund_id: str | None
    reverses: str | None
    reversed_by: str | None
    note: str | None
    over_cap: bool
    postings: list[WalletPosting]


class WalletEntryList(Struct, kw_only=True):
    """Entries, the newest first."""

    items: list[WalletEntry]
    next_cursor: str | None


class WalletEntryQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which entries."""

    type: JournalType | None = None
    direction: Direction | None = None
    since: Annotated[str | None, Meta(description="At this time or later.")] = None
    until: Annotated[str | None, Meta(description="Before this time.")] = None
    order_id: Annotated[str | None, Meta(description="Of the order of this id, the provider's or the seller's.")] = None


def get_wallet(request: Request[None, None]) -> WalletDetail:
    """Before its first use it is the opening balance. Anybody's e-mail has one, at full KYC unless set."""
    with request.read() as sandbox:
        return _detail(sandbox, buyer_of(sandbox, request))


def patch_wallet(request: Request[None, WalletPatch]) -> WalletDetail:
    """
    A wallet that is FROZEN or CLOSED neither pays nor is loaded; refunds are still credited. A limit holds from now on,
    whatever is there already.
    """
    body = request.body
    own: dict[str, int | None] = {}
    if body.limits is not None:
        named = structs.asdict(body.limits)
        own = {name: _minor(named[name], f"limits.{name}") for name in NAMES if named[name] is not UNSET}
    with request.transaction() as sandbox:
        buyer = buyer_of(sandbox, request)

        def change() -> WalletDetail:
            corrections.change_profile(sandbox, buyer.email, profile=body.profile, status=body.status, own=own)
            return _detail(sandbox, buyer)

        return once(sandbox, request, WalletDetail, change)


def adjust_wallet(request: Request[None, WalletAdjustment]) -> WalletEntry:
    """A correction is no load: of the limits only the balance's cap holds, and for money only."""
    body = request.body
    negative = body.amount.startswith("-")
    minor = Money.parse(body.amount.removeprefix("-")).minor
    expires_at = parse_at("expires_at", parse_time, body.expires_at)
    with request.transaction() as sandbox:
        owner = buyer_of(sandbox, request).email

        def adjust() -> WalletEntry:
            change = -minor if negative else minor
            journal = corrections.adjust(sandbox, owner, body.kind, change, body.note, expires_at)
            return _stored(sandbox, owner, journal)

        return once(sandbox, request, WalletEntry, adjust)


def reverse_wallet_entry(request: Request[None, WalletReversal]) -> WalletEntry:
    """
    By a second entry that names the first: a TOPUP, AUTO_RELOAD or ADJUST, and each once. What a payment or refund
    moved ends with that.
    """
    with request.transaction() as sandbox:
        owner = buyer_of(sandbox, request).email
        entry_id = request.path["entry_id"]
        number = int(entry_id) if _NUMBER.fullmatch(entry_id) else 0

        def reverse() -> WalletEntry:
            return _stored(sandbox, owner, corrections.reverse(sandbox, owner, number, request.body.note))

        return once(sandbox, request, WalletEntry, reverse)


def list_wallet_entries(request: Request[WalletEntryQuery, None]) -> WalletEntryList | Response:
    """
    Every journal with the balance after it, by the seller's time; none is ever trimmed. With `Accept: text/csv` all
    that fits comes as a file, without pages: there an amount has no sign, and no cell is a formula.
    """
    query = request.query
    since, until = parse_at("since", parse_time, query.since), parse_at("until", parse_time, query.until)
    if since is not None and until is not None and until < since:
        raise Invalid("'until' lies before 'since'.", code="query.invalid", field="until")
    filter_ = EntryFilter(query.type, query.direction, since, until, query.order_id)
    with request.read() as sandbox:
        owner = buyer_of(sandbox, request).email
        if http_request.accept_mimetypes.best_match(["application/json", MEDIA_TYPE]) == MEDIA_TYPE:
            entries = wallet_entries.all_entries(request.runtime, request.seller_id, owner, filter_)
            return csv_response(entries, "wallet")
        page = wallet_entries.entries_page(sandbox, owner, filter_, query.cursor, query.limit)
    return WalletEntryList(items=[_entry(entry) for entry in page.items], next_cursor=page.next_cursor)


def _minor(amount: str | None, field: str) -> int | None:
    parsed = parse_at(field, Money.parse, amount)
    return None if parsed is None else parsed.minor


def _detail(sandbox: Sandbox, buyer: Buyer) -> WalletDetail:
    wallet = overview(sandbox, buyer.email)
    limits = wallet.profile.limits
    return to_response(
        WalletDetail,
        wallet.figures,
        buyer_id=buyer.buyer_id,
        email=buyer.email,
        currency=wallet.figures.money.currency,
        profile=wallet.profile.profile,
        status=wallet.profile.status,
        limits=WalletLimits(**{name: _wire(getattr(limits, name)) for name in NAMES}),
        allowances=[
            WalletAllowance(
                limit=allowance.limit,
                left=allowance.amount.wire(),
                until=None if allowance.until is None else rfc3339(allowance.until),
            )
            for allowance in wallet.allowances.values()
        ],
        may_add=None if wallet.may_add is None else wallet.may_add.wire(),
        may_spend=wallet.may_spend.wire(),
    )


def _wire(minor: int | None) -> str | None:
    return None if minor is None else Money(minor).wire()


def _stored(sandbox: Sandbox, owner: str, journal: Journal) -> WalletEntry:
    return _entry(require(wallet_entries.find_entry(sandbox, owner, journal.number), "entry"))


def _entry(entry: Entry) -> WalletEntry:
    journal, order = entry.journal, entry.order
    return to_response(
        WalletEntry,
        journal,
        entry_id=str(journal.number),
        at=rfc3339(journal.posted_at),
        type=journal.type,
        direction=journal.direction,
        amount=journal.change.wire(),
        moved=journal.amount.wire(),
        order_id=order.order_id if order else None,
        seller_order_id=order.seller_order_id if order else None,
        reverses=_number(journal.reverses),
        reversed_by=_number(entry.reversed_by),
        postings=[_posting(posting) for posting in entry.postings],
    )


def _posting(posting: Posting) -> WalletPosting:
    return to_response(WalletPosting, posting)


def _number(number: int | None) -> str | None:
    return None if number is None else str(number)


_PATH = f"{BUYER}/wallet"
ENDPOINTS = (
    GET(_PATH, get_wallet, "What a buyer's wallet has, and what its limits leave.", errors=(422,)),
    PATCH(
        _PATH,
        patch_wallet,
        "Set a wallet's profile, status and limits.",
        errors=(409,),
        idempotent=True,
        example='{"profile": "MIN", "limits": {"monthly_spend_cap": "5000.00"}}',
    ),
    POST(
        f"{_PATH}/adjust",
        adjust_wallet,
        "Add money or a gift to a wallet, or take from it.",
        errors=(409,),
        idempotent=True,
        example='{"amount": "500.00", "kind": "gift", "note": "Welcome", "expires_at": "2026-12-31T18:30:00Z"}',
    ),
    GET(
        f"{_PATH}/entries",
        list_wallet_entries,
        "How it came to that, the newest first; the opening balance is posted at its first use.",
        media_type=MEDIA_TYPE,
    ),
    POST(
        f"{_PATH}/entries/{{entry_id}}/reverse",
        reverse_wallet_entry,
        "Take an entry back by a second one.",
        errors=(409,),
        idempotent=True,
        example='{"note": "Posted by mistake"}',
    ),
)
