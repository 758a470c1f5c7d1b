"""The buyers' inbox: what the sandbox "sent", with its codes in the clear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from mockpay.domain.orders import Order
from mockpay.kernel.clock import rfc3339
from mockpay.services import buyers
from mockpay.services.buyers import Message
from mockpay.store import attempts
from mockpay.store import orders as order_rows
from mockpay.store.reads import lists
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.dashboard import list_page
from mockpay.web.dashboard.layout import render
from mockpay.web.dashboard.list_page import Listing
from mockpay.web.wording import sentences
from mockpay.web.wording.timelines import moment

_PAGE = 50
_CHANNELS: Mapping[str, tuple[str, str]] = {
    "sms": ("SMS", "phone"),
    "email": ("E-mail", "mail"),
    "app": ("App", "bell"),
}


def register(pages: Blueprint, runtime: Runtime) -> None:
    """Add the page and its news."""

    @pages.get("/sellers/<seller_id>/inbox")
    def inbox(seller_id: str) -> str:
        # A code is good for an hour; whoever looks later must not find it on the disk either.
        with transaction(runtime, seller_id) as sandbox:
            buyers.forget_old(sandbox)
        with read(runtime, seller_id) as sandbox:
            return _page(runtime, sandbox)

    @pages.get("/sellers/<seller_id>/inbox/news")
    def inbox_news(seller_id: str) -> Response:
        """Whether something was sent since the page was shown."""
        with read(runtime, seller_id) as sandbox:
            return list_page.news(_version(sandbox))


def _version(sandbox: Sandbox) -> str:
    newest = buyers.list_page(sandbox, limit=1).items
    return str(newest[0].number if newest else 0)


def _page(runtime: Runtime, sandbox: Sandbox) -> str:
    listing = Listing.of_request("inbox", sandbox.seller_id, "to")
    # As it was sent: the plus of a phone number may have come as a space.
    to = request.args.get("to", "").rstrip()
    order = order_rows.by_id(sandbox, to) or order_rows.newest(sandbox, to)
    attempt_ids = [attempt.attempt_id for attempt in attempts.of_order(sandbox, order.order_pk)] if order else None
    page = buyers.list_page(
        sandbox, to=None if order else to or None, attempt_ids=attempt_ids, after=list_page.cursor(), limit=_PAGE
    )
    orders = lists.orders_of_attempts(sandbox, [message.attempt_id for message in page.items if message.attempt_id])
    return render(
        runtime,
        sandbox,
        "inbox.html",
        current="inbox",
        lines=[_line(sandbox, message, orders.get(message.attempt_id or "")) for message in page.items],
        **listing.head(page.next_cursor, _version(sandbox)),
    )


def _line(sandbox: Sandbox, message: Message, order: Order | None) -> dict[str, Any]:
    """One message as it is shown; `otp` is empty where there is none or it is forgotten."""
    channel, icon = _CHANNELS.get(message.channel.lower(), (message.channel, "mail"))
    return {
        "number": message.number,
        "channel": channel,
        "icon": icon,
        "to": message.to,
        "body": message.body,
        "otp": message.otp or "",
        "order": list_page.order_link(sandbox, order) if order else None,
        "age": sentences.span(sandbox.now - message.created_at),
        "at": moment(message.created_at),
        "iso": rfc3339(message.created_at),
    }
