"""The buyer's inbox by control API: what the sandbox "sent"."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mockpay.services import inbox
from mockpay.web.control.common import PageQuery
from mockpay.web.control.endpoints import Endpoint, Request
from mockpay.web.control.responses import to_response


class InboxQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which messages."""

    kind: Annotated[str | None, Meta(description="`otp`, or another kind.")] = None
    to: Annotated[str | None, Meta(description="The buyer's telephone number or e-mail.")] = None
    attempt_id: str | None = None


class InboxMessage(Struct, kw_only=True):
    """A message as the buyer got it; `otp` is the code in it, null after an hour."""

    message_id: str
    kind: str
    channel: str
    to: str
    template: str
    body: str
    otp: str | None
    attempt_id: str | None
    created_at: str
    read_at: str | None


class InboxMessageList(Struct, kw_only=True):
    """Messages, the newest first."""

    items: list[InboxMessage]
    next_cursor: str | None


def list_inbox(request: Request[InboxQuery, None]) -> InboxMessageList:
    query = request.query
    with request.transaction() as sandbox:
        inbox.forget_old(sandbox)
    with request.read() as sandbox:
        page = inbox.list_page(
            sandbox, kind=query.kind, to=query.to, attempt_id=query.attempt_id, after=query.cursor, limit=query.limit
        )
    items = [to_response(InboxMessage, message) for message in page.items]
    return InboxMessageList(items=items, next_cursor=page.next_cursor)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/sellers/{seller_id}/inbox",
        list_inbox,
        'What the sandbox "sent" to buyers, the newest first; codes are kept for an hour of the seller\'s time.',
    ),
)
