"""
Time: the machine's clock, and a seller's own clock that can be stopped and moved.

Every instant inside mockpay is an int: milliseconds since 1970, UTC.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from mockpay.kernel.errors import Invalid

SECOND = 1_000
DAY = 86_400 * SECOND
#: The last millisecond of year 9999, the end of RFC 3339.
_LAST = 253_402_300_799_999
#: India Standard Time, the clock of pages and of banking days.
IST = timezone(timedelta(hours=5, minutes=30), "IST")

_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})?"
    r"(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))"
)


class RealClock(Protocol):
    """Where real time comes from; a test may pass another one."""

    def now(self) -> int:
        """Milliseconds since 1970."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000


class Mode(StrEnum):
    """How a seller's clock moves."""

    RUNNING = "running"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Clock:
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

    def switched(self, mode: Mode, real: int) -> Clock:
        """The same time, from here on running or frozen."""
        return Clock(mode, real, self.now(real))

    def real_time_of(self, moment: int) -> int | None:
        """When, in real time, this clock will show `moment`; None if it never will."""
        if self.mode is Mode.FROZEN:
            return self.real_anchor if moment <= self.seller_anchor else None
        return self.real_anchor + (moment - self.seller_anchor)


@lru_cache(maxsize=64)
def rfc3339(moment: int) -> str:
    """Print an instant as ``2026-11-21T15:24:07.123Z``."""
    whole = datetime.fromtimestamp(moment // SECOND, UTC)
    # Not by strftime, which takes ten times as long.
    return f"{whole.isoformat()[:19]}.{moment % SECOND:03d}Z"


def parse_time(text: str) -> int:
    """
    Read RFC 3339, also with an offset without colon as some clients send it.

    Raises:
        Invalid: code ``time.invalid``.
    """
    found = _RFC3339.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        year, month, day, hour, minute, second = (int(found.group(i)) for i in range(1, 7))
        fraction = int((found.group(7) or ".0")[1:4].ljust(3, "0"))
        whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        offset = _offset(found)
    except ValueError as error:
        message = "The time must look like 2026-11-21T15:24:07Z."
        raise Invalid(message, code="time.invalid") from error
    moment = int(whole.timestamp()) * SECOND + fraction - offset
    if not 0 <= moment <= _LAST:
        raise Invalid("The time lies outside 1970 to 9999.", code="time.invalid")
    return moment


def _offset(found: re.Match[str]) -> int:
    if found.group(8):
        return 0
    hours, minutes = int(found.group(10)), int(found.group(11))
    if hours > 23 or minutes > 59:
        raise ValueError
    sign = 1 if found.group(9) == "+" else -1
    return sign * (hours * 60 + minutes) * 60 * SECOND


def indian(moment: int) -> datetime:
    """The instant on an Indian wall clock, for pages."""
    return datetime.fromtimestamp(moment // SECOND, IST).replace(microsecond=moment % SECOND * 1000)
