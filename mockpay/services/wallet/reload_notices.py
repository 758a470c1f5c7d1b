"""What auto-reload tells its buyer: a message before a charge, after it, and where it stops or waits."""

from __future__ import annotations

from mockpay.domain.wallet.auto_reload import ReloadRun
from mockpay.kernel.clock import indian
from mockpay.kernel.money import Money
from mockpay.otp.rules import Channel
from mockpay.services import buyers
from mockpay.store import inbox
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault import vault_table

#: Their kind in the inbox.
KIND = "auto_reload"
#: Why a run did not charge, failed or waits, for its buyer.
REASONS = {
    "max_per_day": "the number of reloads a day is reached",
    "cap_day": "your limit of a day is reached",
    "cap_month": "your limit of a month is reached",
    "wallet_balance_cap": "your balance may not hold more",
    "wallet_monthly_load_cap": "no more can be added this month",
    "wallet_yearly_load_cap": "no more can be added this financial year",
    "wallet_frozen": "your balance is frozen",
    "wallet_closed": "your balance is closed",
    "mandate_limit": "it is more than can be charged without you",
    "method_deleted": "its payment method was removed",
    "method_expired": "its card has expired",
    "method_suspended": "your bank has suspended its payment method",
    "method_deactivated": "your bank has ended its payment method",
    "failures": "it failed too often in a row",
}


def charge_ahead(sandbox: Sandbox, run: ReloadRun) -> None:
    """Before a charge: by how much, and from what."""
    title = method_title(sandbox, run.owner, run.token)
    text = f"Your balance is {run.balance.display()}. We are adding {run.amount.display()} from {title}."
    _put(sandbox, run.owner, f"{run.number}|ahead", "reload.ahead", text)


def charged(sandbox: Sandbox, run: ReloadRun, balance: Money) -> None:
    """After a charge that was credited."""
    text = f"{run.amount.display()} was added to your balance, which is {balance.display()} now."
    _put(sandbox, run.owner, f"{run.number}|charged", "reload.charged", text)


def failed(sandbox: Sandbox, run: ReloadRun, until: int | None) -> None:
    """After a charge that failed; `until` is when it is tried again."""
    again = f" We try again at {_time(until)}." if until is not None else ""
    text = f"Adding {run.amount.display()} to your balance failed: {reason_words(run.reason)}.{again}"
    _put(sandbox, run.owner, f"{run.number}|failed", "reload.failed", text)


def paused(sandbox: Sandbox, owner: str, reason: str, until: int) -> None:
    """A limit is reached; `until` is when its window rolls."""
    text = f"Auto-reload is paused: {reason_words(reason)}. It goes on at {_time(until)}."
    _put(sandbox, owner, f"{owner}|paused|{until}|{reason}", "reload.paused", text)


def switched_off(sandbox: Sandbox, owner: str, reason: str) -> None:
    """Nobody asked for it: it failed too often, or its method has ended."""
    text = f"Auto-reload was switched off: {reason_words(reason)}. You can switch it on again on your account page."
    _put(sandbox, owner, f"{owner}|off|{sandbox.now}|{reason}", "reload.off", text)


def reason_words(reason: str | None) -> str:
    """A reason's words; a payment's own reason as it is spelt."""
    return REASONS.get(reason or "", (reason or "no reason").replace("_", " "))


def method_title(sandbox: Sandbox, owner: str, token: str) -> str:
    """What a buyer knows a saved method by, also where it is there no more."""
    method = vault_table.find(sandbox, buyers.by_email(sandbox, owner).buyer_id, token)
    return method.title if method is not None else "a method that was removed"


def _time(moment: int) -> str:
    day = indian(moment)
    return f"{day:%H:%M} on {day.day} {day:%b %Y}"


def _put(sandbox: Sandbox, owner: str, key: str, template: str, text: str) -> None:
    inbox.put(sandbox, key, kind=KIND, channel=str(Channel.EMAIL), to=owner, template=template, body=text)
