"""
Auto-reload: a buyer's settings, the states of it and of each run, and what refuses or delays a run.

Pure rules (buyer-side facts, sections 6 and 12.4); months and days are Indian.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import fields

from mockpay.domain.timeline import Machine, steps
from mockpay.domain.wallet.limits import next_month
from mockpay.kernel.clock import DAY, LAST, SECOND, indian, indian_midnight
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money


class ReloadState(StrEnum):
    """Where a buyer's auto-reload is."""

    OFF = "OFF"
    ON = "ON"
    TRIGGERED = "TRIGGERED"
    CHARGING = "CHARGING"
    BACKOFF = "BACKOFF"
    PAUSED_CAP = "PAUSED_CAP"
    DISABLED_FAILURES = "DISABLED_FAILURES"


_S = ReloadState
#: A run is under way.
IN_FLIGHT = frozenset({_S.TRIGGERED, _S.CHARGING})
#: Nothing runs until somebody switches it on.
SWITCHED_OFF = frozenset({_S.OFF, _S.DISABLED_FAILURES})

AUTO_RELOAD: Machine[ReloadState] = Machine(
    "auto-reload",
    {
        **steps([_S.OFF, _S.DISABLED_FAILURES], switch_on=_S.ON),
        **steps([_S.ON, _S.BACKOFF, _S.PAUSED_CAP], change=_S.ON, trigger=_S.TRIGGERED),
        **steps([_S.TRIGGERED], change=_S.TRIGGERED, charge=_S.CHARGING),
        **steps([_S.CHARGING], change=_S.CHARGING, succeed=_S.ON),
        **steps(IN_FLIGHT, fail=_S.BACKOFF, give_up=_S.DISABLED_FAILURES, pause=_S.PAUSED_CAP, cancel=_S.ON),
        **steps([_S.BACKOFF, _S.PAUSED_CAP], resume=_S.ON),
        **steps([state for state in _S if state is not _S.OFF], switch_off=_S.OFF),
    },
)


class Cause(StrEnum):
    """Why a run was begun."""

    SPEND = "spend"
    JUST_IN_TIME = "just_in_time"
    MANUAL = "manual"
    RETRY = "retry"
    RESUMED = "resumed"
    SETTINGS = "settings"


class RunState(StrEnum):
    """What became of a run; one that WAITED charged nothing."""

    TRIGGERED = "TRIGGERED"
    CHARGING = "CHARGING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    WAITED = "WAITED"
    CANCELLED = "CANCELLED"


_R = RunState
#: These are not over; a buyer has one of them at most.
UNFINISHED = frozenset({_R.TRIGGERED, _R.CHARGING})

RUN: Machine[RunState] = Machine(
    "reload run",
    {
        **steps([_R.TRIGGERED], charge=_R.CHARGING, wait=_R.WAITED),
        **steps([_R.CHARGING], succeed=_R.SUCCEEDED),
        **steps(UNFINISHED, fail=_R.FAILED, cancel=_R.CANCELLED),
    },
)

#: The least that a reload adds.
LEAST_AMOUNT = Money(100_00)
_MOST_A_DAY = 100


class ReloadSettings(Struct, frozen=True):
    """
    When and by what a balance is reloaded.

    Args:
        threshold: A balance below it is reloaded.
        amount: By how much.
        token: The saved method that pays.
        max_per_day: Reloads of one Indian day at most.
        cap_day, cap_month: Most of an Indian day and month; None for no more than the wallet's own limits.
        just_in_time: Whether a payment that lacks money waits for a reload that suffices.
    """

    threshold: Money
    amount: Money
    token: str
    max_per_day: int = 3
    cap_day: Money | None = None
    cap_month: Money | None = None
    just_in_time: bool = False

    def wire(self) -> dict[str, object]:
        """As a history keeps it: amounts as text."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value.wire() if isinstance(value, Money) else value for name, value in values.items()}


class AutoReload(Struct, frozen=True):
    """
    A buyer's auto-reload as stored.

    Args:
        number: Of its row; nought before it was ever stored.
        settings: None before it was ever set up.
        failures: In a row, up to now.
        disabled_reason: Why it was switched off by itself; None where a person did it.
        waits_for: Why nothing runs before `next_allowed_at`: ``cool_down``, ``back_off`` or the limit that is reached.
        consent_id: The buyer's consent to being charged without being there.
    """

    number: int
    owner: str
    state: ReloadState = ReloadState.OFF
    settings: ReloadSettings | None = None
    failures: int = 0
    disabled_reason: str | None = None
    waits_for: str | None = None
    next_allowed_at: int | None = None
    last_triggered_at: int | None = None
    consent_id: str | None = None
    updated_at: int | None = None

    @property
    def enabled(self) -> bool:
        """Whether it reloads, now or when it may again."""
        return self.state not in SWITCHED_OFF


class ReloadRun(Struct, frozen=True):
    """
    One run: why it was begun, with which figures, and how it ended.

    Args:
        key: What began it; a key begins one run.
        balance: What could be spent when it began.
        reason: Why it failed, waited or was cancelled, as a code.
        until: Before when nothing runs again; None where nothing waits.
        order_id: The order that charged the saved method; None where nothing was charged.
        journal: The number of the entry that it credited.
    """

    number: int
    owner: str
    key: str
    cause: Cause
    state: RunState
    balance: Money
    amount: Money
    token: str
    created_at: int
    reason: str | None = None
    until: int | None = None
    order_id: str | None = None
    journal: int | None = None
    ended_at: int | None = None


class Usage(Struct, frozen=True):
    """What was reloaded, or is being reloaded, in the Indian day and month of now."""

    count_day: int = 0
    minor_day: int = 0
    minor_month: int = 0


class Delay(Struct, frozen=True):
    """Why a run does not charge now, and from when it may; None where no time helps."""

    reason: str
    until: int | None


def check_settings(settings: ReloadSettings, balance_cap: Money | None, mandate_limit: Money) -> None:
    """
    Refuse settings that could never work.

    Raises:
        Invalid: code ``auto_reload.invalid``, with the field's name.
    """
    amount = settings.amount
    if settings.threshold.minor < 0:
        raise _wrong("threshold", "The threshold cannot be below nought.")
    if amount < LEAST_AMOUNT:
        raise _wrong("amount", f"At least {LEAST_AMOUNT.display()} is added at a time.")
    if amount > mandate_limit:
        raise _wrong("amount", f"Without the buyer at most {mandate_limit.display()} can be charged.")
    if balance_cap is not None and settings.threshold + amount > balance_cap:
        message = f"Threshold and amount together would exceed the balance's cap of {balance_cap.display()}."
        raise _wrong("threshold" if settings.threshold > balance_cap else "amount", message)
    if not 1 <= settings.max_per_day <= _MOST_A_DAY:
        raise _wrong("max_per_day", f"Between 1 and {_MOST_A_DAY} reloads a day are possible.")
    for name, cap in (("cap_day", settings.cap_day), ("cap_month", settings.cap_month)):
        if cap is not None and cap < amount:
            raise _wrong(name, f"The limit must leave room for one reload of {amount.display()}.")


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, code="auto_reload.invalid", field=field)


def cap_delay(settings: ReloadSettings, amount: Money, used: Usage, now: int) -> Delay | None:
    """Which of the buyer's own limits an amount would exceed, and when its window rolls; None for none."""
    tomorrow = next_day(now)
    if used.count_day >= settings.max_per_day:
        return Delay("max_per_day", tomorrow)
    if settings.cap_day is not None and used.minor_day + amount.minor > settings.cap_day.minor:
        return Delay("cap_day", tomorrow)
    if settings.cap_month is not None and used.minor_month + amount.minor > settings.cap_month.minor:
        return Delay("cap_month", next_month(now))
    return None


#: How long nothing runs after the first failure in a row, the second, and any later one, in ms.
BACK_OFF = (300 * SECOND, 1_800 * SECOND, 7_200 * SECOND)


def back_off(failures: int) -> int:
    """How long nothing runs after so many failures in a row, from 1, in ms."""
    return BACK_OFF[min(failures, len(BACK_OFF)) - 1]


def day_start(now: int) -> int:
    """The instant at which an instant's Indian day began."""
    day = indian(now)
    return indian_midnight(day.year, day.month, day.day)


def month_start(now: int) -> int:
    """The instant at which an instant's Indian month began."""
    day = indian(now)
    return indian_midnight(day.year, day.month)


def next_day(now: int) -> int:
    """The instant at which the next Indian day begins."""
    return min(day_start(now) + DAY, LAST)


def suffices(balance: Money, amount: Money, price: Money) -> bool:
    """Whether one reload makes a balance enough for a price that it lacks."""
    return balance < price <= balance + amount
