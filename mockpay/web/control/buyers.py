"""Buyers by control API: who they are, and what their balance has and went through."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.domain.buyers import BY_EMAIL, Buyer
from mockpay.domain.wallet import Kind
from mockpay.kernel.clock import rfc3339
from mockpay.services import buyers, wallet
from mockpay.store import wallet as accounts
from mockpay.store.reads import buyers as buyer_lists
from mockpay.store.reads.buyers import Entry
from mockpay.store.unit_of_work import Sandbox, read, transaction
from mockpay.web.control.common import PageQuery, maybe_time
from mockpay.web.control.endpoints import Ask, Endpoint


class BuyerQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which buyers."""

    email: Annotated[
        str | None, Meta(description="Of one buyer; those of docs/scenarios.md are always there.")
    ] = None


class BuyerWish(Struct, forbid_unknown_fields=True, kw_only=True):
    """A buyer to be known from now on."""

    email: str


class BuyerEntry(Struct, kw_only=True):
    """A buyer; `created_at` is null for one who never came by, `says` tells of a sandbox buyer."""

    buyer_id: str
    email: str
    says: str | None
    created_at: str | None


class BuyerList(Struct, kw_only=True):
    """Buyers by their e-mail."""

    items: list[BuyerEntry]
    next_cursor: str | None


class WalletTold(Struct, kw_only=True):
    """
    An Amazon Pay balance: `balance` can be spent, `held` waits for captures.

    `kyc` is MIN or FULL of a sandbox buyer, null of anybody else.
    """

    buyer_id: str
    email: str
    balance: str
    held: str
    currency: str
    kyc: str | None
    frozen: bool


class WalletEntry(Struct, kw_only=True):
    """
    One movement of an account of the buyer's; `amount` begins with a minus where money went out.

    `account` is WALLET_MONEY, what can be spent, or WALLET_HOLD; `balance_after` is that one's.
    """

    number: int
    at: str
    type: str
    account: str
    amount: str
    balance_after: str
    currency: str
    attempt_id: str | None


class WalletEntries(Struct, kw_only=True):
    """Movements, the newest first."""

    items: list[WalletEntry]
    next_cursor: str | None


def listed(ask: Ask[BuyerQuery, None]) -> BuyerList:
    query = ask.query
    with read(ask.runtime, ask.seller_id) as sandbox:
        if query.email:
            buyer = buyers.named(sandbox, query.email)
            there = buyer.created_at is not None or buyer.email in BY_EMAIL
            return BuyerList(items=[_entry(buyer)] if there else [], next_cursor=None)
        page = buyer_lists.buyers_page(sandbox, after=query.cursor, limit=query.limit)
    return BuyerList(items=[_entry(one) for one in page.items], next_cursor=page.next_cursor)


def create(ask: Ask[None, BuyerWish]) -> BuyerEntry:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        return _entry(buyers.ensure(sandbox, ask.body.email))


def show(ask: Ask[None, None]) -> BuyerEntry:
    with read(ask.runtime, ask.seller_id) as sandbox:
        return _entry(buyer_of(sandbox, ask))


def show_wallet(ask: Ask[None, None]) -> WalletTold:
    with read(ask.runtime, ask.seller_id) as sandbox:
        return _wallet(sandbox, buyer_of(sandbox, ask))


def entries(ask: Ask[PageQuery, None]) -> WalletEntries:
    query = ask.query
    with read(ask.runtime, ask.seller_id) as sandbox:
        buyer = buyer_of(sandbox, ask)
        page = buyer_lists.wallet_entries(sandbox, buyer.email, after=query.cursor, limit=query.limit)
    return WalletEntries(items=[_moved(one) for one in page.items], next_cursor=page.next_cursor)


def buyer_of(sandbox: Sandbox, ask: Ask[Any, Any]) -> Buyer:
    """The buyer whom the path names."""
    return buyer_named(sandbox, ask.path["buyer_id"])


def buyer_named(sandbox: Sandbox, name: str) -> Buyer:
    """
    The buyer of an id or an e-mail; anybody who has an e-mail may be a buyer.

    Raises:
        NotFound: code ``buyer.not_found``: an id that nobody has here.
        Invalid: code ``email.invalid``.
    """
    return buyers.named(sandbox, name) if "@" in name else buyers.find(sandbox, name)


def _entry(buyer: Buyer) -> BuyerEntry:
    known = BY_EMAIL.get(buyer.email)
    return BuyerEntry(
        buyer_id=buyer.buyer_id,
        email=buyer.email,
        says=known.says if known else None,
        created_at=maybe_time(buyer.created_at),
    )


def _wallet(sandbox: Sandbox, buyer: Buyer) -> WalletTold:
    known = BY_EMAIL.get(buyer.email)
    balance = wallet.balance(sandbox, buyer.email)
    held = accounts.balance(sandbox, buyer.email, Kind.WALLET_HOLD) or 0
    return WalletTold(
        buyer_id=buyer.buyer_id,
        email=buyer.email,
        balance=balance.wire(),
        held=type(balance)(held).wire(),
        currency=balance.currency,
        kyc=known.kyc.value if known else None,
        frozen=known is not None and known.frozen,
    )


def _moved(one: Entry) -> WalletEntry:
    return WalletEntry(
        number=one.number,
        at=rfc3339(one.at),
        type=one.type.value,
        account=one.account.value,
        amount=one.amount.wire(),
        balance_after=one.after.wire(),
        currency=one.amount.currency,
        attempt_id=one.attempt_id,
    )


PATH = "/v1/sellers/{seller_id}/buyers"
ONE = f"{PATH}/{{buyer_id}}"
ENDPOINTS = (
    Endpoint(
        "GET",
        PATH,
        listed,
        "Buyers who came by, by their e-mail; one e-mail finds a sandbox buyer too.",
        query=BuyerQuery,
        gives=BuyerList,
        fails=(404,),
    ),
    Endpoint(
        "POST",
        PATH,
        create,
        "Find or make the buyer of an e-mail.",
        body=BuyerWish,
        gives=BuyerEntry,
        fails=(404,),
        example='{"email": "asha@example.com"}',
    ),
    Endpoint(
        "GET",
        ONE,
        show,
        "One buyer. Wherever a path names one, an e-mail (with %40) does as well as the id.",
        gives=BuyerEntry,
        fails=(404, 422),
    ),
    Endpoint(
        "GET",
        f"{ONE}/wallet",
        show_wallet,
        "What a buyer's Amazon Pay balance has.",
        gives=WalletTold,
        fails=(404, 422),
    ),
    Endpoint(
        "GET",
        f"{ONE}/wallet/entries",
        entries,
        "How it came to that, the newest first; the opening balance is posted at its first use.",
        query=PageQuery,
        gives=WalletEntries,
        fails=(404,),
    ),
)
