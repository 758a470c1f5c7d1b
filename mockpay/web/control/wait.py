"""Waiting for something to happen, in one round trip."""

from __future__ import annotations

import time
from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.domain.notifications import DeliveryState
from mockpay.domain.orders import OrderState
from mockpay.domain.payments.attempts import AttemptState
from mockpay.domain.refunds import RefundState
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import Invalid
from mockpay.otp.rules import OtpState
from mockpay.store.db.paging import cursor_of, number_of
from mockpay.store.reads import event_wait
from mockpay.store.reads.event_wait import JOURNAL, Awaited, Seen
from mockpay.store.unit_of_work import read
from mockpay.threeds.rules import State as ThreeDSState
from mockpay.web.control.endpoints import Ask, Endpoint

#: Look again after so many seconds even where nothing seems to have been written: on
#: PostgreSQL a transaction with lower numbers may commit after one with higher ones.
_LOOK_ANYWAY = 1.0
_STATES = {
    "order": frozenset(OrderState),
    "attempt": frozenset(AttemptState),
    "refund": frozenset(RefundState),
    "notification": frozenset(DeliveryState),
    "otp": frozenset(OtpState),
    "threeds": frozenset(ThreeDSState),
}
_SOURCES = (*_STATES, JOURNAL)
_ANY = ", ".join(f"`{one}`" for one in _SOURCES)
_KEYS = "; ".join(f"{one}: {', '.join(event_wait.KEYS[one])}" for one in _SOURCES)


class WaitQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to wait for."""

    event: Annotated[
        str,
        Meta(
            description="`order.PAID`, `refund.COMPLETED` (a state), `order.opened`, "
            "`notification.delivered` (an event), `journal.amazonpay.processPayment` (a kind) or "
            f"{_ANY} for any."
        ),
    ]
    match: Annotated[
        str | None, Meta(description=f"An id of any kind, or key:value pairs with commas. {_KEYS}.")
    ] = None
    timeout: Annotated[float, Meta(ge=0, le=60, description="Real seconds.")] = 10
    after: Annotated[str | None, Meta(description="`cursor` of the wait before, for the next one.")] = None


class WaitEvent(Struct, kw_only=True):
    """What happened; `state` is what a step led to, or the outcome of a journal entry."""

    source: str
    name: str
    at: str
    state: str | None
    subject: str | None
    order_id: str | None
    seller_order_id: str | None
    facts: dict[str, Any]


class WaitAnswer(Struct, kw_only=True):
    """The first event that fits, past ones included; null where none came in time."""

    event: WaitEvent | None
    cursor: str


def wait(ask: Ask[WaitQuery, None]) -> WaitAnswer:
    wanted = _awaited(ask.query)
    noun = JOURNAL if wanted.source == JOURNAL else "timeline"
    after = number_of(noun, ask.query.after) if ask.query.after else 0
    with ask.pulse.place():
        seen = _until_seen(ask, wanted, after)
    cursor = cursor_of(noun, seen.number if seen else after)
    return WaitAnswer(event=_told(seen) if seen else None, cursor=cursor)


def _awaited(query: WaitQuery) -> Awaited:
    source, _, name = query.event.partition(".")
    if source not in _SOURCES:
        message = f"An event begins with one of {', '.join(_SOURCES)}."
        raise Invalid(message, code="wait.event")
    if source in _STATES and name.isupper() and name not in _STATES[source]:
        raise Invalid(f"The {source} has no state '{name}'.", code="wait.event")
    return Awaited(source, name or "*", _pairs(query.match))


def _pairs(text: str | None) -> dict[str, str]:
    """``key:value`` (or ``key=value``) pairs; a bare value is an id."""
    pairs = {}
    for part in (text or "").split(","):
        key, colon, value = part.replace("=", ":", 1).partition(":")
        if part:
            pairs[key if colon else event_wait.ANY_ID] = value if colon else part
    return pairs


def _until_seen(ask: Ask[WaitQuery, None], wanted: Awaited, after: int) -> Seen | None:
    """Look whenever something was written; nothing is held between two looks."""
    deadline = time.monotonic() + ask.query.timeout
    while True:
        marks = ask.pulse.marks
        with read(ask.runtime, ask.seller_id) as sandbox:
            reached = event_wait.reached(sandbox, wanted.source)
            seen = event_wait.first(sandbox, wanted, after)
        left = deadline - time.monotonic()
        if seen is not None or left <= 0 or ask.pulse.stopping:
            return seen
        after = max(after, reached)
        ask.pulse.pause(marks, min(left, _LOOK_ANYWAY))


def _told(seen: Seen) -> WaitEvent:
    return WaitEvent(
        source=seen.source,
        name=seen.name,
        at=rfc3339(seen.at),
        state=seen.state,
        subject=seen.subject,
        order_id=seen.order_id,
        seller_order_id=seen.seller_order_id,
        facts=dict(seen.facts),
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/sellers/{seller_id}/wait",
        wait,
        "Wait for the first event that fits; one that has happened already answers at once.",
        query=WaitQuery,
        gives=WaitAnswer,
        fails=(400, 404, 503),
    ),
)
