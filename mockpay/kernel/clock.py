"""
Time: the machine's clock, and a seller's own clock that can be stopped and moved.

Every instant inside mockpay is an int: milliseconds since 1970, UTC.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from msgspec import Struct

from mockpay.kernel.errors import Invalid

SECOND = 1_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
#: The last millisecond of year 9999, the end of RFC 3339.
LAST = 253_402_300_799_999
#: India Standard Time, the clock of pages and of banking days.
IST = timezone(timedelta(hours=5, minutes=30), "IST")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: `fromisoformat` alone takes week dates, times without separators and an offset of 60 minutes.
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-5][0-9])"
)


class RealClock(Protocol):
    """Where real time comes from; a test may pass another one."""

    def now(self) -> int:
        """Milliseconds since 1970."""
        ...


class SystemClock:
    """The machine's own clock."""

    #: Taken once: a test of somebody else's in the same process may replace `time.time_ns`.
    _time_ns = staticmethod(time.time_ns)

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._time_ns() // 1_000_000


class Mode(StrEnum):
    """How a seller's clock moves."""

    RUNNING = "running"
    FROZEN = "frozen"


class Clock(Struct, frozen=True):
    """A seller's clock: at real time `real_anchor` it showed `seller_anchor`."""

    mode: Mode
    real_anchor: int
    seller_anchor: int

    def now(self, real: int) -> int:
        """Tell the seller's time at a real time."""
        if self.mode is Mode.FROZEN:
            return self.seller_anchor
        return self.seller_anchor + (real - self.real_anchor)

    def at(self, moment: int, real: int) -> Clock:
        """The same clock, showing `moment` at the real time `real`."""
        return Clock(self.mode, real, moment)


@lru_cache(maxsize=64)
def rfc3339(moment: int) -> str:
    """Print an instant as ``2026-11-21T15:24:07.123Z``."""
    whole = datetime.fromtimestamp(moment // SECOND, UTC)
    # Not by strftime, which takes ten times as long.
    return f"{whole.isoformat()[:19]}.{moment % SECOND:03d}Z"


def parse_time(text: str) -> int:
    """
    Read ISO 8601 with an offset, also one without colon, as some clients send it.

    Raises:
        Invalid: code ``time.invalid``.
    """
    try:
        if not _TIME.fullmatch(text.upper()):
            raise ValueError(text)
        whole = datetime.fromisoformat(text.upper())
    except ValueError as error:
        message = "The time must look like 2026-11-21T15:24:07Z."
        raise Invalid(message, code="time.invalid") from error
    moment = (whole - _EPOCH) // timedelta(milliseconds=1)
    if not 0 <= moment <= LAST:
        raise Invalid("The time lies outside 1970 to 9999.", code="time.invalid")
    return moment


def indian_midnight(year: int, month: int, day: int = 1) -> int:
    """The instant at which an Indian day begins, by default a month's first; years to 9999."""
    return int(datetime(year, month, day, tzinfo=IST).timestamp()) * SECOND


def indian(moment: int) -> datetime:
    """The instant on an Indian wall clock, for pages."""
    return datetime.fromtimestamp(moment // SECOND, IST).replace(microsecond=moment % SECOND * 1000)
