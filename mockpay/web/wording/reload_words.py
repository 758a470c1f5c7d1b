"""What auto-reload, its runs and the changes of its settings are called, on the buyer's page and on the dashboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockpay.domain.timeline import Actor
from mockpay.domain.wallet.auto_reload import AutoReload, Cause, ReloadRun, ReloadState, RunState
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.money import Money
from mockpay.services.wallet.reload_notices import reason_words
from mockpay.store.auto_reloads import Change
from mockpay.web.wording.timelines import moment

#: A state's chip: kind, icon, words.
STATES: Mapping[ReloadState, tuple[str, str, str]] = {
    ReloadState.OFF: ("idle", "dash", "Off"),
    ReloadState.ON: ("ok", "tick", "On"),
    ReloadState.TRIGGERED: ("wait", "clock", "Beginning"),
    ReloadState.CHARGING: ("wait", "clock", "Charging"),
    ReloadState.BACKOFF: ("odd", "warning", "Waiting after a failure"),
    ReloadState.PAUSED_CAP: ("odd", "warning", "Paused by a limit"),
    ReloadState.DISABLED_FAILURES: ("bad", "cross", "Switched off"),
}
_RUN_STATES: Mapping[RunState, tuple[str, str, str]] = {
    RunState.TRIGGERED: ("wait", "clock", "Beginning"),
    RunState.CHARGING: ("wait", "clock", "Charging"),
    RunState.SUCCEEDED: ("ok", "tick", "Added"),
    RunState.FAILED: ("bad", "cross", "Failed"),
    RunState.WAITED: ("idle", "clock", "Waited"),
    RunState.CANCELLED: ("idle", "dash", "Cancelled"),
}
_CAUSES: Mapping[Cause, str] = {
    Cause.SPEND: "The balance fell to {balance}",
    Cause.JUST_IN_TIME: "A payment lacked money, with {balance} there",
    Cause.MANUAL: "Begun by hand, with {balance} there",
    Cause.RETRY: "Tried again, with {balance} there",
    Cause.RESUMED: "The limit’s window has rolled, with {balance} there",
    Cause.SETTINGS: "Switched on or changed, with {balance} there",
}
_WAITS: Mapping[str, str] = {
    "cool_down": "It has just been reloaded",
    "back_off": "The last reload failed",
    "in_flight": "A reload is under way",
}
_EVENTS: Mapping[str, str] = {"switched_on": "Switched on", "changed": "Changed", "switched_off": "Switched off"}
_ACTORS: Mapping[Actor, str] = {
    Actor.BUYER: "by the buyer, with a code",
    Actor.TESTER: "by a tester",
    Actor.SANDBOX: "by itself",
}
#: What a setting is called, in the order of a history's line; those of `_MONEY` are amounts.
_SETTINGS: Mapping[str, str] = {
    "threshold": "When below",
    "amount": "Adds",
    "token": "From",
    "max_per_day": "Times a day",
    "cap_day": "Most a day",
    "cap_month": "Most a month",
    "just_in_time": "Just in time",
}
_MONEY = frozenset({"threshold", "amount", "cap_day", "cap_month"})


def waits(reload: AutoReload) -> str:
    """Why nothing runs for now, and until when; empty where something may."""
    if reload.disabled_reason is not None:
        return f"It switched itself off: {reason_words(reload.disabled_reason)}."
    if reload.waits_for is None:
        return ""
    reason = _reason(reload.waits_for)
    until = f" It goes on at {moment(reload.next_allowed_at)}." if reload.next_allowed_at is not None else ""
    return f"{reason}.{until}"


def _reason(code: str | None) -> str:
    words = _WAITS.get(code or "") or reason_words(code)
    return words[:1].upper() + words[1:]


def run_line(run: ReloadRun) -> dict[str, object]:
    """A run as a line of a list."""
    kind, icon, words = _RUN_STATES[run.state]
    reason = f"{_reason(run.reason)}." if run.reason else ""
    until = f" Nothing runs before {moment(run.until)}." if run.until is not None else ""
    return {
        "number": run.number,
        "state": str(run.state),
        "chip": (kind, icon, words),
        "cause": _CAUSES[run.cause].format(balance=run.balance.display()),
        "reason": reason + until,
        "amount": run.amount.display(),
        "at": moment(run.created_at),
        "iso": rfc3339(run.created_at),
        "journal": run.journal,
        "order_id": run.order_id,
    }


def setting_rows(wire: Mapping[str, object], title: str) -> dict[str, str]:
    """
    Settings by what they are called.

    Args:
        wire: As `ReloadSettings.wire` has them.
        title: What their saved method is called.
    """
    return {words: _value(name, wire[name], title) for name, words in _SETTINGS.items() if name in wire}


def change_line(change: Change, title_of: Callable[[str], str]) -> dict[str, object]:
    """A change of the settings as a line of a list: who did what, and what is otherwise since then."""
    reason = change.after.get("disabled_reason")
    before, after = (setting_rows(wire, title_of(str(wire.get("token", "")))) for wire in (change.before, change.after))
    differences = [
        f"{words}: {before[words]} → {value}" if words in before else f"{words}: {value}"
        for words, value in after.items()
        if value != before.get(words)
    ]
    return {
        "title": f"{_EVENTS[change.event]} {_ACTORS.get(change.actor, '')}".strip(),
        "facts": [f"Because {reason_words(reason)}"] if reason else differences,
        "at": moment(change.at),
        "iso": rfc3339(change.at),
    }


def _value(name: str, value: object, title: str) -> str:
    if name == "token":
        return title
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "no limit"
    return Money.parse(str(value)).display() if name in _MONEY else str(value)
