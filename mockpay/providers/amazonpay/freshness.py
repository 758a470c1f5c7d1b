"""Whether a caller's time is near enough to now; the real service allows 15 minutes (this folder's README)."""

from __future__ import annotations

from typing import Protocol

from mockpay.domain.sellers import Seller
from mockpay.kernel.clock import SECOND, rfc3339
from mockpay.kernel.errors import Invalid
from mockpay.store.unit_of_work import Sandbox

_MINUTE = 60 * SECOND
_HOUR = 60 * _MINUTE
#: Offsets of time zones are multiples of this, and reach from -12 to +14 hours.
_ZONE_STEP, _LARGEST_ZONE = 30 * _MINUTE, 14 * _HOUR
#: How far a local time may be from a whole offset, in ms.
_ZONE_TOLERANCE = 2 * _MINUTE


class Clocks(Protocol):
    """What says what time it is: a seller's world, or a moment of it."""

    @property
    def seller(self) -> Seller: ...
    @property
    def now(self) -> int: ...
    @property
    def real_now(self) -> int: ...


def staleness(sandbox: Clocks, name: str, moment: int) -> str | None:
    """
    Why a time is not fresh, with both times and their distance; None where it is.

    It is held against the seller's now and, unless a setting leaves it out, the real now (contract section 2). The
    sentence has no character that clients sign in different ways.
    """
    settings = sandbox.seller.settings
    limit = settings.freshness_seconds * SECOND
    clocks = {"clock of the seller": sandbox.now}
    if settings.freshness_clock == "either" and abs(sandbox.real_now - sandbox.now) >= SECOND:
        clocks["real clock"] = sandbox.real_now
    if not limit or any(abs(moment - now) <= limit for now in clocks.values()):
        return None
    distances = (f"{_seconds(moment - now)} the {clock}, {_time(now)}" for clock, now in clocks.items())
    text = f"{name} is not fresh: {_time(moment)} is {' and '.join(distances)}; {limit // SECOND} seconds are allowed."
    return text + _zone_hint(min((moment - now for now in clocks.values()), key=abs))


def check_fresh(sandbox: Sandbox, name: str, moment: int) -> None:
    """
    Refuse a time that is not fresh.

    Raises:
        Invalid: code ``request.expired``.
    """
    stale = staleness(sandbox, name, moment)
    if stale is not None:
        raise Invalid(stale, code="request.expired", name=name)


def _seconds(distance: int) -> str:
    number = f"{abs(distance) / SECOND:.3f}".rstrip("0").rstrip(".")
    return f"{number} seconds {'ahead of' if distance > 0 else 'behind'}"


def _time(moment: int) -> str:
    try:
        return rfc3339(moment)
    except (ValueError, OverflowError):
        return f"{moment // SECOND} seconds after 1970"


def _zone_hint(distance: int) -> str:
    """Where the distance is that of a time zone: the usual mistake."""
    steps = round(distance / _ZONE_STEP)
    if not _HOUR <= abs(steps * _ZONE_STEP) <= _LARGEST_ZONE or abs(distance - steps * _ZONE_STEP) > _ZONE_TOLERANCE:
        return ""
    hours, minutes = divmod(abs(steps) * _ZONE_STEP // _MINUTE, 60)
    sign = "+" if steps > 0 else "-"
    return f" It looks like the local time of UTC{sign}{hours}:{minutes:02d}, labelled as UTC."
