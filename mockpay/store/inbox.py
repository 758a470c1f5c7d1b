"""
The buyer's inbox: what the sandbox "sent", and the only place where a code is in the clear.

A code is kept for one hour of the seller's time.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Index, Row, Table, func, or_, select, update

from mockpay.kernel.clock import SECOND
from mockpay.store.db.mapping import Mapper, keep_newest
from mockpay.store.db.metadata import big, metadata, partial_index, row_id, text
from mockpay.store.db.paging import PAGE, Page, number_of, page_of
from mockpay.store.unit_of_work import Sandbox

#: A phone as people type it, and how many digits it has without its country.
_PHONE, _NATIONAL = re.compile(r"[+]?[0-9][0-9 -]{6,15}"), 10

inbox = Table(
    "inbox",
    metadata,
    row_id(),
    text("message_id", unique=True),
    text("seller_id"),
    text("kind"),
    text("channel"),
    text("to_address"),
    text("template"),
    text("body"),
    text("otp", null=True),
    text("attempt_id", null=True),
    big("created_at"),
    big("read_at", null=True),
    Index("inbox_of_seller", "seller_id", "id"),
    Index("inbox_of_attempt", "attempt_id"),
)
# Few messages have a code still, and each new one looks for those that are too old.
partial_index(inbox, "inbox_with_code", "seller_id, created_at", where="otp IS NOT NULL")

#: How long a code stays in the clear, in ms of the seller's time (facts, section 2).
CODE_KEPT_MS = 3_600 * SECOND
#: What stands in a text where its code was.
FORGOTTEN = "••••••"


class Message(Struct, frozen=True):
    """One message as the buyer got it; `number` grows in the order of sending."""

    number: int
    message_id: str
    kind: str
    channel: str
    to: str
    template: str
    body: str
    otp: str | None
    attempt_id: str | None
    created_at: int
    read_at: int | None


mapper = Mapper(Message, inbox, id="number", to_address="to")


def put(
    sandbox: Sandbox,
    key: str,
    *,
    kind: str,
    channel: str,
    to: str,
    template: str,
    body: str,
    otp: str | None = None,
    attempt_id: str | None = None,
) -> str:
    """
    Put a message into the buyer's inbox; its id.

    `key` says what the message is about: the same key again is the same message, sent once.
    A `body` that holds the code must hold it as `otp` spells it, so that it can be forgotten.
    """
    forget_old(sandbox)
    message_id = sandbox.short_id("msg", kind, key)
    message = Message(0, message_id, kind, channel, to, template, body, otp, attempt_id, sandbox.now, read_at=None)
    if mapper.insert_new(sandbox.connection, message, seller_id=sandbox.seller_id):
        number = select(inbox.c.id).where(inbox.c.message_id == message_id)
        stored = sandbox.connection.execute(number).scalar_one()
        keep_newest(sandbox.connection, inbox, sandbox.seller_id, stored)
    return message_id


def forget_old(sandbox: Sandbox) -> None:
    """Take codes older than an hour out of the database."""
    sandbox.connection.execute(
        update(inbox)
        .where(
            inbox.c.seller_id == sandbox.seller_id,
            inbox.c.otp.is_not(None),
            inbox.c.created_at <= sandbox.now - CODE_KEPT_MS,
        )
        .values(body=func.replace(inbox.c.body, inbox.c.otp, FORGOTTEN), otp=None)
    )


def list_page(
    sandbox: Sandbox,
    *,
    kind: str | None = None,
    to: str | None = None,
    attempt_id: str | None = None,
    attempt_ids: Collection[str] | None = None,
    after: str | None = None,
    limit: int = PAGE,
) -> Page[Message]:
    """
    The seller's messages, the newest first.

    Raises:
        Invalid: code ``cursor.invalid``.
    """
    query = select(inbox).where(inbox.c.seller_id == sandbox.seller_id).order_by(inbox.c.id.desc())
    if kind:
        query = query.where(inbox.c.kind == kind)
    if to:
        # A query string turns the plus of a phone number into a space.
        normal = "+" + to.lstrip() if to.startswith(" ") else to
        same = inbox.c.to_address.in_({to, normal})
        digits = phone_digits(to.strip())
        whole = digits is not None and len(digits) == _NATIONAL
        query = query.where(or_(same, inbox.c.to_address.endswith(digits)) if whole else same)
    if attempt_id:
        query = query.where(inbox.c.attempt_id == attempt_id)
    if attempt_ids is not None:
        query = query.where(inbox.c.attempt_id.in_(attempt_ids))
    if after:
        query = query.where(inbox.c.id < number_of("inbox", after))
    rows = sandbox.connection.execute(query.limit(limit + 1))
    messages = [_message(sandbox, row) for row in rows]
    return page_of("inbox", messages, limit, lambda message: message.number)


def phone_digits(text: str) -> str | None:
    """What is typed as a phone number, without its country: ten digits at most; None where it is something else."""
    return re.sub(r"\D", "", text)[-_NATIONAL:] if _PHONE.fullmatch(text) else None


def by_id(sandbox: Sandbox, message_id: str) -> Message | None:
    """A message of this seller's world."""
    query = select(inbox).where(inbox.c.message_id == message_id, inbox.c.seller_id == sandbox.seller_id)
    row = sandbox.connection.execute(query).first()
    return _message(sandbox, row) if row is not None else None


def mark_read(sandbox: Sandbox, message_id: str) -> None:
    """Write down when a message was first opened."""
    sandbox.connection.execute(
        update(inbox)
        .where(inbox.c.message_id == message_id, inbox.c.seller_id == sandbox.seller_id, inbox.c.read_at.is_(None))
        .values(read_at=sandbox.now)
    )


def _message(sandbox: Sandbox, row: Row[Any]) -> Message:
    message = mapper.load(row)
    if message.otp is None or message.created_at > sandbox.now - CODE_KEPT_MS:
        return message
    # A reader cannot delete it; it tells nothing more all the same.
    return replace(message, otp=None, body=message.body.replace(message.otp, FORGOTTEN))
