"""Buyers by control API: who they are, and what the sandbox "sent" them."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.domain.buyers import BY_EMAIL, Buyer
from mockpay.domain.orders import Order
from mockpay.services import buyers
from mockpay.services.buyers import Message
from mockpay.store.reads import buyers as buyer_lists
from mockpay.store.reads import lists
from mockpay.store.unit_of_work import Sandbox
from mockpay.web.control.endpoints import GET, POST, Request
from mockpay.web.control.responses import PageQuery, to_response


class InboxQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which messages."""

    kind: Annotated[str | None, Meta(description="`otp`, or another kind.")] = None
    to: Annotated[str | None, Meta(description="The buyer's telephone number or e-mail.")] = None
    attempt_id: str | None = None


class InboxMessage(Struct, kw_only=True):
    """
    A message as the buyer got it; `otp` is the code in it, null after an hour.

    The order is that of the attempt, null where the message is of none.
    """

    message_id: str
    kind: str
    channel: str
    to: str
    template: str
    body: str
    otp: str | None
    attempt_id: str | None
    order_id: str | None
    seller_order_id: str | None
    created_at: str
    read_at: str | None


class InboxMessageList(Struct, kw_only=True):
    """Messages, the newest first."""

    items: list[InboxMessage]
    next_cursor: str | None


def list_inbox(request: Request[InboxQuery, None]) -> InboxMessageList:
    """
    Reading here does not count as the buyer's reading. A test takes the newest code by `kind=otp` and `attempt_id`.
    """
    query = request.query
    with request.transaction() as sandbox:
        buyers.forget_old(sandbox)
    with request.read() as sandbox:
        page = buyers.list_page(
            sandbox, kind=query.kind, to=query.to, attempt_id=query.attempt_id, after=query.cursor, limit=query.limit
        )
        orders = lists.orders_of_attempts(sandbox, [message.attempt_id for message in page.items if message.attempt_id])
    items = [_message(message, orders.get(message.attempt_id or "")) for message in page.items]
    return InboxMessageList(items=items, next_cursor=page.next_cursor)


def _message(message: Message, order: Order | None) -> InboxMessage:
    order_id, own_id = (order.order_id, order.seller_order_id) if order else (None, None)
    return to_response(InboxMessage, message, order_id=order_id, seller_order_id=own_id)


class BuyerQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which buyers."""

    email: Annotated[str | None, Meta(description="Of one buyer; those of docs/scenarios.md are always there.")] = None


class BuyerCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A buyer to be stored."""

    email: str


class BuyerDetail(Struct, kw_only=True):
    """A buyer; `created_at` is null for one who never came by, `says` describes a sandbox buyer."""

    buyer_id: str
    email: str
    description: str | None
    created_at: str | None


class BuyerList(Struct, kw_only=True):
    """Buyers by their e-mail."""

    items: list[BuyerDetail]
    next_cursor: str | None


def list_buyers(request: Request[BuyerQuery, None]) -> BuyerList:
    """A sandbox buyer (`rich@buyers.mockpay.test`) is listed once they came by, or when asked for by e-mail."""
    query = request.query
    with request.read() as sandbox:
        if query.email:
            buyer = buyers.by_email(sandbox, query.email)
            exists = buyer.created_at is not None or buyer.email in BY_EMAIL
            return BuyerList(items=[_detail(buyer)] if exists else [], next_cursor=None)
        page = buyer_lists.buyers_page(sandbox, after=query.cursor, limit=query.limit)
    return BuyerList(items=[_detail(buyer) for buyer in page.items], next_cursor=page.next_cursor)


def create_buyer(request: Request[None, BuyerCreate]) -> BuyerDetail:
    """The same e-mail is the same buyer."""
    with request.transaction() as sandbox:
        return _detail(buyers.ensure(sandbox, request.body.email))


def get_buyer(request: Request[None, None]) -> BuyerDetail:
    """Anybody's e-mail is a buyer; one who never came by has no `created_at`."""
    with request.read() as sandbox:
        return _detail(buyer_of(sandbox, request))


def buyer_of(sandbox: Sandbox, request: Request[Any, Any]) -> Buyer:
    """The buyer whom the path names."""
    return buyers.named(sandbox, request.path["buyer_id"])


def _detail(buyer: Buyer) -> BuyerDetail:
    sandbox_buyer = BY_EMAIL.get(buyer.email)
    return to_response(BuyerDetail, buyer, description=sandbox_buyer.description if sandbox_buyer else None)


PATH = "/v1/sellers/{seller_id}/buyers"
BUYER = f"{PATH}/{{buyer_id}}"
ENDPOINTS = (
    GET(PATH, list_buyers, "Buyers who came by, by their e-mail; one e-mail finds a sandbox buyer too."),
    POST(PATH, create_buyer, "Find or make the buyer of an e-mail.", example='{"email": "asha@example.com"}'),
    GET(
        BUYER,
        get_buyer,
        "One buyer. Wherever a path names one, an e-mail (with %40) does as well as the id.",
        errors=(422,),
    ),
    GET(
        "/v1/sellers/{seller_id}/inbox",
        list_inbox,
        'What the sandbox "sent" to buyers, the newest first; codes are kept for an hour of the seller\'s time.',
    ),
)
