"""What a seller offers: told to pages and control API, changed, and held against a payment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.offers import DEFAULT, Offers, merged, patch_of
from mockpay.domain.orders import Order
from mockpay.kernel.errors import Conflict
from mockpay.services.sellers import accounts
from mockpay.store import sellers
from mockpay.store.unit_of_work import Sandbox


def of(sandbox: Sandbox) -> Offers:
    """What the seller offers now."""
    stored = merged(DEFAULT, sellers.find_offers(sandbox.connection, sandbox.seller_id))
    return replace(stored, upi_collect=sandbox.seller.settings.upi_collect_enabled)


def change(sandbox: Sandbox, patch: Mapping[str, Any]) -> Offers:
    """
    Put a patch upon what the seller offers; `upi_collect` is the seller's setting of that name.

    Raises:
        Invalid: code ``methods.invalid``, with the `field` that cannot be used.
    """
    changed = merged(of(sandbox), patch)
    sellers.save_offers(sandbox.connection, sandbox.seller_id, patch_of(changed))
    collect = patch.get("upi_collect", changed.upi_collect)
    if collect != changed.upi_collect:
        changes = accounts.Changes(settings={"upi_collect_enabled": collect})
        accounts.change(sandbox, changes)
    return replace(changed, upi_collect=collect)


def check(sandbox: Sandbox, order: Order, instrument: Instrument) -> bool:
    """
    Refuse an instrument that the seller does not take for this order.

    Returns:
        Whether its bank is closed for now, so that the try will fail.

    Raises:
        Conflict: code ``method.unavailable``; `because` says why in the field's names.
    """
    if instrument.method not in sandbox.provider_of(order).methods:
        message = f"Money cannot be added by {METHODS[instrument.method].noun}."
        raise Conflict(message, code="method.unavailable", method=instrument.method, because="fills_wallet")
    offered, parts = of(sandbox), instrument.dump()
    refusal = offered.refusal(instrument.method, parts, order.amount, sandbox.now)
    if refusal is not None:
        raise Conflict(refusal.message, code="method.unavailable", method=instrument.method, because=refusal.reason)
    bank = offered.banks.get(parts.get("bank", ""))
    return bank is not None and bank.closed(sandbox.now)
