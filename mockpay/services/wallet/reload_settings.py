"""The settings of auto-reload: changed by a tester, or by a buyer with a code; ended with their saved method."""

from __future__ import annotations

from msgspec.structs import asdict, replace

from mockpay.domain.buyers import Buyer
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.timeline import Actor
from mockpay.domain.wallet import auto_reload as rules
from mockpay.domain.wallet.auto_reload import AutoReload, Cause, ReloadSettings
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.otp import challenges
from mockpay.otp.rules import Challenge, Channel, Purpose, Verdict
from mockpay.services import buyers
from mockpay.services.wallet import reload_runs
from mockpay.store import auto_reloads, counters, schedule, wallet_profiles
from mockpay.store.auto_reloads import Change, Requested
from mockpay.store.transitions import transition
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault import vault_table
from mockpay.vault.rules import Consent, MethodStatus, SavedMethod, check_consent


def find(sandbox: Sandbox, owner: str) -> AutoReload:
    """A buyer's auto-reload, which is off before it was ever set up; a wait that is over is none."""
    reload = auto_reloads.find(sandbox, owner) or AutoReload(0, owner)
    if reload.next_allowed_at is not None and reload.next_allowed_at <= sandbox.now:
        return replace(reload, waits_for=None, next_allowed_at=None)
    return reload


def usable_methods(sandbox: Sandbox, owner: str) -> list[SavedMethod]:
    """The saved methods that can be charged without their buyer, the default first."""
    methods = vault_table.of_buyer(sandbox, buyers.by_email(sandbox, owner).buyer_id)
    return [method for method in methods if _refusal(sandbox, method) is None]


def _refusal(sandbox: Sandbox, method: SavedMethod) -> str | None:
    """Why a method cannot be charged without its buyer."""
    if not METHODS[method.kind].mandate:
        return f"Auto-reload cannot charge by {METHODS[method.kind].noun}; choose a saved card."
    expired = method.expires_at is not None and method.expires_at <= sandbox.now
    if method.status is not MethodStatus.ACTIVE or expired:
        state = "expired" if expired else str(method.status).lower()
        return f"This saved method is {state}."
    return None


def check(sandbox: Sandbox, owner: str, settings: ReloadSettings) -> None:
    """
    Refuse settings that could never work.

    Raises:
        Invalid: code ``auto_reload.invalid``, with the field's name.
    """
    cap = wallet_profiles.find(sandbox, owner).limits.balance_cap
    rules.check_settings(settings, None if cap is None else Money(cap), reload_runs.mandate_limit(sandbox))
    method = vault_table.find(sandbox, buyers.by_email(sandbox, owner).buyer_id, settings.token)
    refusal = "There is no such saved method." if method is None else _refusal(sandbox, method)
    if refusal is not None:
        raise Invalid(refusal, code="auto_reload.invalid", field="token")


def change(
    sandbox: Sandbox, owner: str, settings: ReloadSettings, consent: Consent | None, actor: Actor = Actor.TESTER
) -> AutoReload:
    """
    Switch auto-reload on, or change it; what had failed or waited counts no more.

    A balance below the threshold is reloaded at once.

    Raises:
        Invalid: code ``auto_reload.invalid`` with the field's name, or ``consent.required``.
    """
    accepted = check_consent(consent, reload=True)
    check(sandbox, owner, settings)
    buyer = buyers.ensure(sandbox, owner)
    consent_id = sandbox.short_id("cns", "auto-reload", owner, counters.bump(sandbox, "reload.consent"))
    vault_table.add_consent(sandbox, consent_id, buyer.buyer_id, accepted, None)
    before = auto_reloads.find(sandbox, owner) or auto_reloads.add(sandbox, AutoReload(0, owner))
    after = transition(
        sandbox,
        auto_reloads.mapper,
        before,
        "change" if before.enabled else "switch_on",
        settings=settings,
        failures=0,
        disabled_reason=None,
        waits_for=None,
        next_allowed_at=None,
        consent_id=consent_id,
    )
    reload_runs.add_change(sandbox, before, after, actor, "changed" if before.enabled else "switched_on")
    schedule.drop(sandbox, reload_runs.DUE, owner)
    reload_runs.trigger_if_low(sandbox, owner, Cause.SETTINGS)
    return find(sandbox, owner)


def switch_off(sandbox: Sandbox, owner: str, actor: Actor = Actor.TESTER) -> AutoReload:
    """Switch auto-reload off; the settings stay, and a run under way ends by itself."""
    before = auto_reloads.find(sandbox, owner)
    if before is None or not before.enabled:
        return find(sandbox, owner)
    changes = {"waits_for": None, "next_allowed_at": None, "failures": 0}
    after = transition(sandbox, auto_reloads.mapper, before, "switch_off", **changes)
    reload_runs.add_change(sandbox, before, after, actor, "switched_off")
    schedule.drop(sandbox, reload_runs.DUE, owner)
    return after


# --- by the buyer, with a code


def request_change(sandbox: Sandbox, buyer: Buyer, settings: ReloadSettings, consent: Consent | None) -> Challenge:
    """
    Ask a buyer for the code that confirms settings; nothing changes until then.

    Raises:
        Invalid: code ``auto_reload.invalid`` with the field's name, or ``consent.required``.
        Conflict: code ``otp.locked_out`` or ``otp.too_many_unfinished``, with `until` in ms.
    """
    accepted = check_consent(consent, reload=True)
    check(sandbox, buyer.email, settings)
    challenges.refuse_too_many_unfinished(sandbox, Purpose.WALLET_RELOAD, buyer.email)
    challenge = challenges.start(
        sandbox,
        purpose=Purpose.WALLET_RELOAD,
        subject=buyer.email,
        to=buyer.email,
        channel=Channel.EMAIL,
        amount=settings.amount,
    )
    requested = Requested(settings, asdict(accepted))
    change_ = Change(0, buyer.email, Actor.BUYER, "requested", {}, {}, challenge.challenge_id, requested, sandbox.now)
    auto_reloads.add_change(sandbox, change_)
    return challenge


def requested(sandbox: Sandbox, owner: str, challenge_id: str) -> Requested | None:
    """The settings that a code is to confirm; None where it is another buyer's, or was used."""
    change_ = auto_reloads.change_of_challenge(sandbox, challenge_id)
    return change_.requested if change_ is not None and change_.owner == owner else None


def confirm_change(sandbox: Sandbox, buyer: Buyer, challenge_id: str, typed: str) -> Verdict:
    """
    Check the code, and make the change that it was asked for.

    Raises:
        Invalid: as `change`, where the method has ended meanwhile.
    """
    change_ = auto_reloads.change_of_challenge(sandbox, challenge_id)
    if change_ is None or change_.owner != buyer.email or change_.requested is None:
        return Verdict.USED
    verdict = challenges.verify(sandbox, challenge_id, typed)
    if verdict is Verdict.VERIFIED:
        asked = change_.requested
        change(sandbox, buyer.email, asked.settings, Consent(**asked.consent), Actor.BUYER)
        auto_reloads.remove_change(sandbox, change_)
    return verdict


# --- saved methods


def refuse_in_use(sandbox: Sandbox, owner: str, token: str) -> None:
    """
    Refuse to take a method away that auto-reload charges.

    Raises:
        Conflict: code ``method.used_by_auto_reload``.
    """
    if _of_method(sandbox, owner, token) is not None:
        message = "Auto-reload charges this method; deleting it switches auto-reload off."
        raise Conflict(message, code="method.used_by_auto_reload")


def end_with_method(sandbox: Sandbox, owner: str, token: str, reason: str) -> None:
    """
    Switch off the auto-reload that charges a method, which can be charged no more.

    Args:
        reason: ``method_deleted``, ``method_suspended``, ``method_expired`` or ``method_deactivated``.
    """
    reload = _of_method(sandbox, owner, token)
    if reload is not None:
        reload_runs.end(sandbox, reload, "switch_off", reason)


def _of_method(sandbox: Sandbox, owner: str, token: str) -> AutoReload | None:
    reload = auto_reloads.find(sandbox, owner)
    uses = reload is not None and reload.enabled and reload.settings is not None and reload.settings.token == token
    return reload if uses else None
