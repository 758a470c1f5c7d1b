"""Saved methods as a list shows them: masked, with what keeps one from paying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mockpay.domain.methods.registry import METHODS
from mockpay.kernel.clock import indian
from mockpay.vault.rules import MethodStatus, SavedMethod

#: Why a method cannot pay, for its owner.
_REASONS: Mapping[str, str] = {
    "suspended": "Suspended by the bank for now",
    "expired": "Expired",
    "deactivated": "Ended by the bank",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line: `fact` says what it is or when it paid, `reason` why it cannot pay now."""

    token: str
    title: str
    fact: str
    icon: str
    reason: str | None
    live: bool
    is_default: bool
    nickname: str


def rows(found: list[SavedMethod], now: int) -> list[Row]:
    """A buyer's methods in the order of the list, the default first."""
    return [_row(one, now) for one in found]


def usable(found: list[SavedMethod], now: int) -> list[SavedMethod]:
    """Those that can pay now."""
    return [one for one in found if _reason(one, now) is None]


def _row(method: SavedMethod, now: int) -> Row:
    return Row(
        token=method.token,
        title=method.title,
        fact=_fact(method),
        icon=METHODS[method.kind].icon,
        reason=_reason(method, now),
        live=method.live,
        is_default=method.is_default,
        nickname=method.nickname or "",
    )


def _reason(method: SavedMethod, now: int) -> str | None:
    if method.expires_at is not None and method.expires_at <= now:
        return _REASONS["expired"]
    if method.status is MethodStatus.ACTIVE:
        return None
    return _REASONS.get(method.status_reason or "") or _REASONS.get(method.status.lower())


def _fact(method: SavedMethod) -> str:
    """What a nickname stands for, and when the method paid last."""
    used = method.last_used_at
    when = f"Last used {_day(used)}" if used else f"Saved {_day(method.created_at)}"
    plain = replace(method, nickname=None).title
    return f"{plain}. {when}" if method.nickname else when


def _day(moment: int) -> str:
    day = indian(moment)
    return f"{day.day} {day:%b %Y}"
