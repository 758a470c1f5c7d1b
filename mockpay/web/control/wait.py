"""Waiting for something to happen, in one round trip."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from mockpay.domain.notifications import DELIVERY, DeliveryState, NotificationType
from mockpay.domain.orders import ORDER, OrderState
from mockpay.domain.payments.attempts import ATTEMPT, AttemptState
from mockpay.domain.refunds import REFUND, RefundState
from mockpay.domain.timeline import Machine
from mockpay.kernel.errors import Invalid
from mockpay.kernel.words import parse_word, unknown_word
from mockpay.otp import otp_table
from mockpay.otp.rules import OTP, OtpState
from mockpay.store.db.paging import cursor_of, number_of
from mockpay.store.reads import event_wait
from mockpay.store.reads.event_wait import JOURNAL, Awaited, OccurredEvent
from mockpay.threeds import threeds_table
from mockpay.threeds.rules import THREEDS
from mockpay.threeds.rules import State as ThreeDSState
from mockpay.web.control.endpoints import GET, Request
from mockpay.web.control.responses import to_response
from mockpay.web.wording.timeline_words import events_of

#: Read again after so many seconds even where nothing seems to have been written: on
#: PostgreSQL a transaction with lower numbers may commit after one with higher ones.
_RECHECK_SECONDS = 1.0
_MACHINES: Mapping[str, tuple[Machine[Any], type[StrEnum]]] = {
    "order": (ORDER, OrderState),
    "attempt": (ATTEMPT, AttemptState),
    "refund": (REFUND, RefundState),
    "notification": (DELIVERY, DeliveryState),
    "otp": (OTP, OtpState),
    "threeds": (THREEDS, ThreeDSState),
}
#: What may come of each machine: its states, the steps of its table, and what a timeline tells beside them.
_NAMES: Mapping[str, list[str]] = {
    name: [*states, *(event for _, event in machine.table), *events_of(name)]
    for name, (machine, states) in _MACHINES.items()
}
_SOURCES = (*_NAMES, JOURNAL)
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
    """
    One round trip instead of a loop. Without `after` the first event ever that fits counts; with it, the first
    since that cursor. `event` is null where none came in `timeout` real seconds.
    """
    awaited = _awaited(request)
    noun = JOURNAL if awaited.source == JOURNAL else "timeline"
    after = number_of(noun, request.query.after) if request.query.after else 0
    with request.changes.slot():
        event = _first_event(request, awaited, after)
    cursor = cursor_of(noun, event.number if event else after)
    return WaitResult(event=to_response(WaitEvent, event) if event else None, cursor=cursor)


def _awaited(request: Request[WaitQuery, None]) -> Awaited:
    source, dot, name = request.query.event.partition(".")
    if source not in _SOURCES:
        raise _unknown_event(request.query.event, source, _SOURCES)
    if source == JOURNAL:
        # Its kinds begin with who was called; the rest is as the caller wrote it.
        providers = [f"{JOURNAL}.{provider}" for provider in request.runtime.providers]
        if name and f"{JOURNAL}.{name.partition('.')[0]}" not in providers:
            raise _unknown_event(request.query.event, request.query.event, [f"{each}.KIND" for each in providers])
    elif name not in ("", "*", *_NAMES[source]):
        raise _unknown_event(request.query.event, request.query.event, [f"{source}.{each}" for each in _NAMES[source]])
    elif dot and not name:
        raise _unknown_event(request.query.event, source, [source])
    return Awaited(source, name or "*", _pairs(source, request.query.match))


def _unknown_event(event: str, word: str, words: Iterable[str]) -> Invalid:
    return unknown_word(f"There is no event '{event[:64]}'.", word, words, code="wait.event", field="event")


def _pairs(source: str, text: str | None) -> dict[str, str]:
    """``key:value`` (or ``key=value``) pairs; a bare value is an id."""
    keys, pairs = [event_wait.ANY_ID, *_EVENTS[source].columns], {}
    for part in (text or "").split(","):
        key, colon, value = part.replace("=", ":", 1).partition(":")
        if not part:
            continue
        if colon and key not in keys:
            sentence = f"An event of '{source}' cannot match on '{key[:64]}'."
            raise unknown_word(sentence, key, keys, code="wait.match", field="match", key=key)
        if colon and key == "type":
            value = parse_word("type", value, NotificationType, code="wait.match", field="match", key=key)
        pairs[key if colon else event_wait.ANY_ID] = value if colon else part
    return pairs


def _first_event(request: Request[WaitQuery, None], awaited: Awaited, after: int) -> OccurredEvent | None:
    """Read whenever something was written; no connection is held between two reads."""
    deadline = time.monotonic() + request.query.timeout
    while True:
        marks = request.changes.marks
        with request.read() as sandbox:
            last_number = event_wait.last_number(sandbox, awaited.source)
            event = event_wait.first(sandbox, _EVENTS[awaited.source], awaited, after)
        remaining = deadline - time.monotonic()
        if event is not None or remaining <= 0 or request.changes.stopping:
            return event
        after = max(after, last_number)
        request.changes.wait(marks, min(remaining, _RECHECK_SECONDS))


ENDPOINTS = (
    GET(
        "/v1/sellers/{seller_id}/wait",
        wait_for_event,
        "Wait for the first event that fits; one that has happened already answers at once.",
        errors=(503,),
    ),
)
