"""The buyer's inbox by control API: what the sandbox "sent"."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mockpay.kernel.clock import rfc3339
from mockpay.services import inbox
from mockpay.services.inbox import Message
from mockpay.store.unit_of_work import read, transaction
from mockpay.web.control.common import PageQuery, maybe_time
from mockpay.web.control.endpoints import Ask, Endpoint


class InboxQuery(PageQuery, forbid_unknown_fields=True, kw_only=True):
    """Which messages."""

    kind: Annotated[str | None, Meta(description="`otp`, or another kind.")] = None
    to: Annotated[str | None, Meta(description="The buyer's telephone number or e-mail.")] = None
    attempt_id: str | None = None


class MessageEntry(Struct, kw_only=True):
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


class Inbox(Struct, kw_only=True):
    """Messages, the newest first."""

    items: list[MessageEntry]
    next_cursor: str | None


def listed(ask: Ask[InboxQuery, None]) -> Inbox:
    query = ask.query
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        inbox.forget_old(sandbox)
    with read(ask.runtime, ask.seller_id) as sandbox:
        page = inbox.listed(
            sandbox,
            kind=query.kind,
            to=query.to,
            attempt_id=query.attempt_id,
            after=query.cursor,
            limit=query.limit,
        )
    return Inbox(items=[_entry(one) for one in page.items], next_cursor=page.next_cursor)


def _entry(one: Message) -> MessageEntry:
    return MessageEntry(
        message_id=one.message_id,
        kind=one.kind,
        channel=one.channel,
        to=one.to,
        template=one.template,
        body=one.body,
        otp=one.otp,
        attempt_id=one.attempt_id,
        created_at=rfc3339(one.created_at),
        read_at=maybe_time(one.read_at),
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/sellers/{seller_id}/inbox",
        listed,
        'What the sandbox "sent" to buyers, the newest first; codes are kept for an hour of the '
        "seller's time.",
        query=InboxQuery,
        gives=Inbox,
        fails=(400, 404),
    ),
)
