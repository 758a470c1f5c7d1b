"""Runs of auto-reload: what begins one, what becomes of it, and what its buyer's auto-reload then is."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.timeline import Actor
from mockpay.domain.wallet import auto_reload as rules
from mockpay.domain.wallet import ledger, limits
from mockpay.domain.wallet.auto_reload import IN_FLIGHT, AutoReload, Cause, Delay, ReloadRun, ReloadState, RunState
from mockpay.domain.wallet.ledger import Journal
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.kernel.money import Money
from mockpay.services.wallet import balances, reload_notices
from mockpay.store import auto_reloads, counters, outbox, schedule, wallet, wallet_profiles
from mockpay.store.auto_reloads import Change
from mockpay.store.transitions import transition, update
from mockpay.store.unit_of_work import Sandbox

#: An outbox row of this kind charges the saved method of a run.
CHARGE = "wallet.reload"
#: Events of the schedule: a buyer's auto-reload may run again, and an attempt's balance has been reloaded or not.
DUE, RELOADED = "wallet.reload_due", "attempt.reloaded"


# --- beginning


def trigger_by_spend(sandbox: Sandbox, journal: Journal) -> None:
    """A journal has lowered a balance: begin a run where that is below the threshold."""
    reload = auto_reloads.find(sandbox, journal.owner)
    if reload is not None and _is_low(reload, journal.balance_after):
        _begin(sandbox, reload, Cause.SPEND, journal.balance_after, f"reload:{journal.owner}:{journal.number}")


def _is_low(reload: AutoReload, balance: Money) -> bool:
    return reload.enabled and reload.settings is not None and balance < reload.settings.threshold


def trigger(sandbox: Sandbox, owner: str) -> ReloadRun | None:
    """Begin a run whatever the balance is, at once even after failures; None where auto-reload is off."""
    reload = auto_reloads.find(sandbox, owner)
    if reload is None or not reload.enabled:
        return None
    return _begin(sandbox, reload, Cause.MANUAL, balances.balance(sandbox, owner))


def reload_now(sandbox: Sandbox, owner: str) -> ReloadRun:
    """
    The same for somebody who asks for it.

    Raises:
        Conflict: code ``auto_reload.off``.
    """
    run = trigger(sandbox, owner)
    if run is None:
        raise Conflict("Auto-reload is switched off.", code="auto_reload.off")
    return run


def trigger_if_low(sandbox: Sandbox, owner: str, cause: Cause) -> ReloadRun | None:
    """Begin a run where the balance is below the threshold."""
    reload, balance = auto_reloads.find(sandbox, owner), balances.balance(sandbox, owner)
    return _begin(sandbox, reload, cause, balance) if reload is not None and _is_low(reload, balance) else None


def wait_for_reload(sandbox: Sandbox, attempt: Attempt) -> ReloadRun | None:
    """
    Let an attempt that its balance cannot pay wait for a run that suffices.

    Returns:
        The run, begun here or under way; None where the buyer did not ask for that, or it would not suffice.
    """
    owner = attempt.instrument["email"]
    reload = auto_reloads.find(sandbox, owner)
    if reload is None or reload.settings is None or not (reload.enabled and reload.settings.just_in_time):
        return None
    run, balance = auto_reloads.unfinished_run(sandbox, owner), balances.balance(sandbox, owner)
    amount = run.amount if run is not None else reload.settings.amount
    if not rules.suffices(balance, amount, attempt.amount):
        return None
    if run is None:
        run = _begin(sandbox, reload, Cause.JUST_IN_TIME, balance, f"reload:{owner}:{attempt.attempt_id}")
    if run is None or run.state is RunState.WAITED:
        return None
    auto_reloads.wait(sandbox, owner, attempt.attempt_id)
    return run


def _begin(
    sandbox: Sandbox, reload: AutoReload, cause: Cause, balance: Money, key: str | None = None
) -> ReloadRun | None:
    """Store a run: one that is to charge, or one that says why it waits; None where its key began one before."""
    assert reload.settings is not None
    settings, owner = reload.settings, reload.owner
    run = ReloadRun(
        number=0,
        owner=owner,
        key=key or f"reload:{owner}:{cause}:{counters.bump(sandbox, f'reload.{owner}')}",
        cause=cause,
        state=RunState.TRIGGERED,
        balance=balance,
        amount=settings.amount,
        token=settings.token,
        created_at=sandbox.now,
    )
    reason, until = _waits(sandbox, reload, cause)
    if reason is not None:
        if until is not None:
            _schedule(sandbox, owner, until)
        waited = replace(run, state=RunState.WAITED, reason=reason, until=until, ended_at=sandbox.now)
        return auto_reloads.add_run(sandbox, waited)
    stored = auto_reloads.add_run(sandbox, run)
    if stored is not None:
        changes = {"last_triggered_at": sandbox.now, "waits_for": None, "next_allowed_at": None}
        transition(sandbox, auto_reloads.mapper, reload, "trigger", **changes)
        outbox.add(sandbox, CHARGE, str(stored.number), leased=False)
    return stored


def _waits(sandbox: Sandbox, reload: AutoReload, cause: Cause) -> tuple[str | None, int | None]:
    """Why a run does not charge now, and from when one may; nothing where it does."""
    if reload.state in IN_FLIGHT or auto_reloads.unfinished_run(sandbox, reload.owner) is not None:
        return "in_flight", None
    until = reload.next_allowed_at
    # By hand a back-off and a cool-down are passed over, a limit is not.
    waits = cause in {Cause.SPEND, Cause.JUST_IN_TIME} or reload.state is ReloadState.PAUSED_CAP
    if waits and until is not None and sandbox.now < until:
        return reload.waits_for, until
    return None, None


# --- limits


def mandate_limit(sandbox: Sandbox) -> Money:
    """The most that can be charged without the buyer."""
    return Money.parse(sandbox.seller.settings.reload_mandate_limit)


def _refused_load(sandbox: Sandbox, run: ReloadRun) -> Delay | None:
    """Which of the wallet's limits an amount would exceed; no time helps where it is above the limit itself."""
    refusal = balances.refusal_of(sandbox, run.owner, limits.load_refusal, run.amount.minor)
    if refusal is None:
        return None
    if refusal.allowance is None:
        return Delay(refusal.reason, None)
    limit = getattr(wallet_profiles.find(sandbox, run.owner).limits, refusal.allowance.limit)
    return Delay(refusal.reason, refusal.allowance.until if run.amount.minor <= limit else None)


def delay_of(sandbox: Sandbox, reload: AutoReload, run: ReloadRun) -> Delay | None:
    """Which limit keeps a run from charging now."""
    assert reload.settings is not None
    refused = _refused_load(sandbox, run)
    if refused is not None:
        return refused
    if run.amount > mandate_limit(sandbox):
        return Delay("mandate_limit", None)
    used = auto_reloads.usage(sandbox, run.owner, sandbox.now, run.number)
    return rules.cap_delay(reload.settings, run.amount, used, sandbox.now)


# --- ends


def _finish(sandbox: Sandbox, run: ReloadRun, event: str, **changes: object) -> ReloadRun:
    """End a run; what waited for it goes on."""
    ended = transition(sandbox, auto_reloads.run_mapper, run, event, ended_at=sandbox.now, **changes)
    for attempt_id in auto_reloads.take_waiting(sandbox, run.owner):
        schedule.add(sandbox, RELOADED, attempt_id, sandbox.now)
    return ended


def _in_flight(sandbox: Sandbox, owner: str) -> AutoReload | None:
    """The auto-reload whose run has ended; None where it was switched off meanwhile, and is what it is."""
    reload = auto_reloads.find(sandbox, owner)
    return reload if reload is not None and reload.state in IN_FLIGHT else None


def put_off(sandbox: Sandbox, run: ReloadRun, delay: Delay) -> None:
    """A limit keeps a run from charging; the auto-reload pauses until its window rolls."""
    _finish(sandbox, run, "wait", reason=delay.reason, until=delay.until)
    _pause(sandbox, run.owner, delay)


def _pause(sandbox: Sandbox, owner: str, delay: Delay) -> None:
    reload = _in_flight(sandbox, owner)
    if reload is None:
        return
    if delay.until is None:  # no time helps: the next spend tries again
        transition(sandbox, auto_reloads.mapper, reload, "cancel", waits_for=delay.reason)
        return
    changes = {"waits_for": delay.reason, "next_allowed_at": delay.until}
    transition(sandbox, auto_reloads.mapper, reload, "pause", **changes)
    _schedule(sandbox, owner, delay.until)
    reload_notices.paused(sandbox, owner, delay.reason, delay.until)


def fail(sandbox: Sandbox, run: ReloadRun, reason: str) -> None:
    """A run has failed: wait longer each time, and give up after too many in a row."""
    reload = _in_flight(sandbox, run.owner)
    failures = reload.failures + 1 if reload is not None else 0
    gives_up = failures >= sandbox.seller.settings.reload_max_failures
    until = sandbox.now + rules.back_off(failures) if reload is not None and not gives_up else None
    ended = _finish(sandbox, run, "fail", reason=reason, until=until)
    reload_notices.failed(sandbox, ended, until)
    if reload is None:
        return
    if until is not None:
        changes = {"failures": failures, "waits_for": "back_off", "next_allowed_at": until}
        transition(sandbox, auto_reloads.mapper, reload, "fail", **changes)
        _schedule(sandbox, run.owner, until)
    else:
        end(sandbox, reload, "give_up", "failures", failures=failures)


def end(sandbox: Sandbox, reload: AutoReload, event: str, reason: str, **changes: object) -> None:
    """Switch an auto-reload off without being asked: too many failures, or its method has ended."""
    own = {"disabled_reason": reason, "waits_for": None, "next_allowed_at": None, **changes}
    after = transition(sandbox, auto_reloads.mapper, reload, event, **own)
    add_change(sandbox, reload, after, Actor.SANDBOX, "switched_off")
    schedule.drop(sandbox, DUE, reload.owner)
    reload_notices.switched_off(sandbox, reload.owner, reason)


def add_change(sandbox: Sandbox, before: AutoReload, after: AutoReload, actor: Actor, event: str) -> None:
    """Add a line to the history of the settings."""
    line = Change(0, after.owner, actor, event, _wire(before), _wire(after), None, None, sandbox.now)
    auto_reloads.add_change(sandbox, line)


def _wire(reload: AutoReload) -> dict[str, object]:
    settings = reload.settings.wire() if reload.settings is not None else {}
    reason = {"disabled_reason": reload.disabled_reason} if reload.disabled_reason else {}
    return {"enabled": reload.enabled, **settings, **reason}


def cancel(sandbox: Sandbox, run: ReloadRun, reason: str) -> None:
    """Somebody has taken a run back, which is no failure."""
    _finish(sandbox, run, "cancel", reason=reason)
    reload = _in_flight(sandbox, run.owner)
    if reload is not None:
        transition(sandbox, auto_reloads.mapper, reload, "cancel")


def _succeed(sandbox: Sandbox, run: ReloadRun, journal: Journal) -> None:
    ended = _finish(sandbox, run, "succeed", journal=journal.number)
    reload_notices.charged(sandbox, ended, journal.balance_after)
    reload = _in_flight(sandbox, run.owner)
    if reload is None:
        return
    cool_down = sandbox.seller.settings.reload_cooldown_seconds * SECOND
    rests = {"waits_for": "cool_down", "next_allowed_at": sandbox.now + cool_down} if cool_down else {}
    after = transition(sandbox, auto_reloads.mapper, reload, "succeed", failures=0, **rests)
    if _is_low(after, journal.balance_after):
        _schedule(sandbox, run.owner, sandbox.now + cool_down)


def record_order_end(sandbox: Sandbox, order: Order) -> None:
    """The order of a run has ended: with money in the balance, with money sent back, or without any."""
    run = auto_reloads.run_of_order(sandbox, order.order_id)
    if run is not None:
        _ENDS.get(order.state, _end_unpaid)(sandbox, run, order)


def _end_paid(sandbox: Sandbox, run: ReloadRun, order: Order) -> None:
    journal = wallet.find(sandbox, ledger.load_key(order.order_id))
    if journal is not None:
        _succeed(sandbox, run, journal)
        return
    delay = _refused_load(sandbox, run) or Delay("not_credited", None)
    reload_notices.failed(sandbox, _finish(sandbox, run, "fail", reason=delay.reason), None)
    _pause(sandbox, run.owner, delay)


def _end_unpaid(sandbox: Sandbox, run: ReloadRun, order: Order) -> None:
    fail(sandbox, run, order.reason or "payment_failed")


def _end_cancelled(sandbox: Sandbox, run: ReloadRun, order: Order) -> None:
    cancel(sandbox, run, order.reason or "payment_cancelled")


_ENDS: dict[OrderState, Callable[[Sandbox, ReloadRun, Order], None]] = {
    **dict.fromkeys(PAID, _end_paid),
    OrderState.CANCELLED: _end_cancelled,
}


# --- time


def _schedule(sandbox: Sandbox, owner: str, at: int) -> None:
    schedule.drop(sandbox, DUE, owner)
    schedule.add(sandbox, DUE, owner, at)


def run_due(sandbox: Sandbox, owner: str) -> None:
    """A pause, a back-off or a cool-down is over: run where the balance still is below the threshold."""
    reload = auto_reloads.find(sandbox, owner)
    if reload is None or not reload.enabled or reload.state in IN_FLIGHT:
        return
    cause = Cause.RESUMED if reload.state is ReloadState.PAUSED_CAP else Cause.RETRY
    if reload.state is ReloadState.ON:
        update(sandbox, auto_reloads.mapper, reload, waits_for=None, next_allowed_at=None)
    else:
        transition(sandbox, auto_reloads.mapper, reload, "resume", waits_for=None, next_allowed_at=None)
    trigger_if_low(sandbox, owner, cause)
