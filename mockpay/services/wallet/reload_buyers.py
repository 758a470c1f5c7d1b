"""Sandbox buyers whose balance is reloaded: their card and settings, there from their first use."""

from __future__ import annotations

from mockpay.domain.buyers import BY_EMAIL, Buyer
from mockpay.domain.methods.cards import restore_card
from mockpay.domain.wallet.auto_reload import AutoReload, ReloadSettings, ReloadState, next_day
from mockpay.kernel.clock import indian
from mockpay.kernel.money import Money
from mockpay.store import auto_reloads, buyers
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault import saved_methods
from mockpay.vault.rules import RELOAD_TEXT, consent, consent_to
from mockpay.vault.vault_table import add_consent

#: buyer-side facts, section 11.5.
_THRESHOLD, _AMOUNT = Money(500_00), Money(1_000_00)
#: For how many years their card is good from the seller's now on.
_YEARS = 4
#: Where a consent came from that no browser gave.
_BY_SANDBOX = "sandbox buyer"


def set_up(sandbox: Sandbox, owner: str) -> None:
    """Give a sandbox buyer with auto-reload what they stand for; nothing where it is there, or for anybody else."""
    preset = BY_EMAIL.get(owner)
    if preset is None or not preset.reload_card or auto_reloads.find(sandbox, owner) is not None:
        return
    buyer_id, now = sandbox.short_id("byr", owner), sandbox.now
    buyers.add(sandbox, Buyer(buyer_id, sandbox.seller_id, owner))
    card = restore_card(preset.reload_card, f"12/{indian(now).year + _YEARS}")
    saved = saved_methods.save(sandbox, buyer_id, card, consent(now, _BY_SANDBOX))
    consent_id = sandbox.short_id("cns", "auto-reload", owner)
    add_consent(sandbox, consent_id, buyer_id, consent_to(RELOAD_TEXT, now, _BY_SANDBOX), None)
    reload = AutoReload(
        number=0,
        owner=owner,
        state=ReloadState.PAUSED_CAP if preset.reload_paused else ReloadState.ON,
        settings=ReloadSettings(_THRESHOLD, _AMOUNT, saved.token, cap_day=_AMOUNT if preset.reload_paused else None),
        waits_for="cap_day" if preset.reload_paused else None,
        next_allowed_at=next_day(now) if preset.reload_paused else None,
        consent_id=consent_id,
        updated_at=now,
    )
    auto_reloads.add(sandbox, reload)
