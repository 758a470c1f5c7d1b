"""Waiting for something to happen, in one round trip."""

from __future__ import annotations

import time
from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.domain.notifications import DeliveryState
from mockpay.domain.orders import OrderState
from mockpay.domain.payments.attempts import AttemptState
from mockpay.domain.refunds import RefundState
from mockpay.kernel.errors import Invalid
from mockpay.otp import otp_table
from mockpay.otp.rules import OtpState
from mockpay.store.db.paging import cursor_of, number_of
from mockpay.store.reads import event_wait
from mockpay.store.reads.event_wait import JOURNAL, Awaited, Seen
from mockpay.threeds import threeds_table
from mockpay.threeds.rules import State as ThreeDSState
from mockpay.web.control.endpoints import GET, Request
from mockpay.web.control.responses import to_response

#: Read again after so many seconds even where nothing seems to have been written: on
#: PostgreSQL a transaction with lower numbers may commit after one with higher ones.
_RECHECK_SECONDS = 1.0
_STATES = {
    "order": frozenset(OrderState),
    "attempt": frozenset(AttemptState),
    "refund": frozenset(RefundState),
    "notification": frozenset(DeliveryState),
    "otp": frozenset(OtpState),
    "threeds": frozenset(ThreeDSState),
}
_SOURCES = (*_STATES, JOURNAL)
_ANY = ", ".join(f"`{source}`" for source in _SOURCES)
_EVENTS = {**event_wait.SOURCES, **otp_table.EVENTS, **threeds_table.EVENTS}
_KEYS = "; ".join(f"{name}: {', '.join(_EVENTS[name].columns)}" for name in _SOURCES)


class WaitQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to wait for."""

    event: Annotated[
        str,
        Meta(
            description="`order.PAID`, `refund.COMPLETED` (a state), `order.opened`, "
            "`notification.delivered` (an event), `journal.KIND` (as in the journal) or "
            f"{_ANY} for any."
        ),
    ]
    match: Annotated[str | None, Meta(description=f"An id of any kind, or key:value pairs with commas. {_KEYS}.")] = (
        None
    )
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


class WaitResult(Struct, kw_only=True):
    """The first event that fits, past ones included; null where none came in time."""

    event: WaitEvent | None
    cursor: str


def wait_for_event(request: Request[WaitQuery, None]) -> WaitResult:
    awaited = _awaited(request.query)
    noun = JOURNAL if awaited.source == JOURNAL else "timeline"
    after = number_of(noun, request.query.after) if request.query.after else 0
    with request.changes.slot():
        event = _first_event(request, awaited, after)
    cursor = cursor_of(noun, event.number if event else after)
    return WaitResult(event=to_response(WaitEvent, event) if event else None, cursor=cursor)


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


def _first_event(request: Request[WaitQuery, None], awaited: Awaited, after: int) -> Seen | None:
    """Read whenever something was written; no connection is held between two reads."""
    deadline = time.monotonic() + request.query.timeout
    while True:
        marks = request.changes.marks
        with request.read() as sandbox:
            reached = event_wait.reached(sandbox, awaited.source)
            seen = event_wait.first(sandbox, _EVENTS[awaited.source], awaited, after)
        left = deadline - time.monotonic()
        if seen is not None or left <= 0 or request.changes.stopping:
            return seen
        after = max(after, reached)
        request.changes.wait(marks, min(left, _RECHECK_SECONDS))


ENDPOINTS = (
    GET(
        "/v1/sellers/{seller_id}/wait",
        wait_for_event,
        "Wait for the first event that fits; one that has happened already answers at once.",
        errors=(503,),
    ),
)
