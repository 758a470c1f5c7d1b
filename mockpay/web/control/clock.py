"""A seller's clock by control API."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mockpay.delivery import clock
from mockpay.delivery.clock import Until
from mockpay.kernel.clock import SECOND, Mode, parse_time, rfc3339
from mockpay.kernel.errors import Invalid
from mockpay.store import schedule
from mockpay.web.control.endpoints import GET, POST, PUT, Request
from mockpay.web.control.responses import to_response

#: RFC 3339 has years of four digits only.
_LATEST = parse_time("9000-01-01T00:00:00Z")


class ClockState(Struct, kw_only=True):
    """What the clock shows; `next_due` is when the next event comes."""

    mode: Mode
    now: str
    next_due: str | None


class ClockUpdate(Struct, forbid_unknown_fields=True, kw_only=True):
    """Stop it, start it, set it, or both."""

    mode: Mode | None = None
    now: Annotated[str | None, Meta(description="RFC 3339; the past is allowed.")] = None


class ClockAdvance(Struct, forbid_unknown_fields=True, kw_only=True):
    """Exactly one of `seconds`, `to` and `until`."""

    seconds: Annotated[float, Meta(ge=0, le=315_360_000)] | None = None
    to: Annotated[str | None, Meta(description="RFC 3339, not before the seller's now.")] = None
    until: Annotated[
        Until | None, Meta(description="`next`: to the next event; `idle`: until no one-off event is left.")
    ] = None
    timeout: Annotated[float, Meta(gt=0, le=300, description="Real seconds after which `complete` is false.")] = 30


class ClockAdvanceResult(Struct, kw_only=True):
    """What happened since the previous clock call."""

    now: str
    fired: int
    delivered: int
    complete: bool


def get_clock(request: Request[None, None]) -> ClockState:
    """Real time until somebody moved it."""
    with request.read() as sandbox:
        due = schedule.next_due(sandbox)
        return ClockState(
            mode=sandbox.seller.clock.mode, now=rfc3339(sandbox.now), next_due=None if due is None else rfc3339(due)
        )


def put_clock(request: Request[None, ClockUpdate]) -> ClockState:
    """
    Certificates and TLS are held against real time, a signed
    request against either. A clock that stands still
    lets nothing happen that is due later.
    """
    moment = None if request.body.now is None else parse_moment(request.body.now)
    if request.body.mode is None and moment is None:
        raise Invalid("Give 'mode', 'now' or both.", code="clock.nothing_given")
    clock.put(request.runtime, request.seller_id, request.body.mode, moment)
    return get_clock(request)  # type: ignore[arg-type]  # it does not look at the body


def advance_clock(request: Request[None, ClockAdvance]) -> ClockAdvanceResult:
    """
    Events happen in the order in which they are due, each at its own time. It waits up to `timeout` real seconds
    (30); then `complete` is false, and a further call goes on. `fired` and `delivered` count what happened since a
    call last moved or set this clock, not only during this one. While another call moves the clock, it
    is 409 clock.busy.
    """
    result = clock.advance(request.runtime, request.seller_id, _goal(request), request.body.timeout)
    return to_response(ClockAdvanceResult, result)


def _goal(request: Request[None, ClockAdvance]) -> int | Until:
    body = request.body
    if [body.seconds, body.to, body.until].count(None) != 2:
        message = "Give exactly one of 'seconds', 'to' and 'until'."
        raise Invalid(message, code="clock.goal")
    if body.until is not None:
        return body.until
    _, now = clock.get_clock(request.runtime, request.seller_id)
    moment = now + int((body.seconds or 0) * SECOND) if body.to is None else parse_moment(body.to)
    if body.to is not None and moment < now:
        message = "'to' lies before the seller's now; PUT sets a clock back."
        raise Invalid(message, code="clock.backwards", now=rfc3339(now))
    return _bounded(moment)


def parse_moment(text: str) -> int:
    """A time that a clock may show; Invalid where it may not."""
    return _bounded(parse_time(text))


def _bounded(moment: int) -> int:
    if moment > _LATEST:
        raise Invalid("No clock goes beyond the year 9000.", code="clock.too_late")
    return moment


_PATH = "/v1/sellers/{seller_id}/clock"
ENDPOINTS = (
    GET(_PATH, get_clock, "What a seller's clock shows."),
    PUT(
        _PATH,
        put_clock,
        "Stop, start or set a clock; it may be set back, events keep their due time.",
        example='{"mode": "frozen", "now": "2026-11-21T15:24:07Z"}',
    ),
    POST(
        f"{_PATH}/advance",
        advance_clock,
        "Move a clock. When `complete`, every event due has happened and each due notification "
        "had its delivery try. A frozen clock stays frozen.",
        errors=(409,),
        example='{"seconds": 30}',
    ),
)
