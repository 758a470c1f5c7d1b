"""What owner and bank do to a saved method, and what that means for the auto-reload that charges it."""

from __future__ import annotations

from mockpay.domain.buyers import Buyer
from mockpay.services.wallet import reload_settings
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault import saved_methods
from mockpay.vault.rules import SavedMethod


def delete(sandbox: Sandbox, buyer: Buyer, token: str, *, force: bool = False) -> None:
    """
    Take a method away, and switch off the auto-reload that charges it.

    Raises:
        NotFound: code ``method.not_found``.
        Conflict: code ``method.used_by_auto_reload``, unless forced.
    """
    if not force:
        reload_settings.refuse_in_use(sandbox, buyer.email, token)
    saved_methods.delete(sandbox, buyer.buyer_id, token)
    reload_settings.end_with_method(sandbox, buyer.email, token, "method_deleted")


def suspend(sandbox: Sandbox, buyer: Buyer, token: str, reason: str | None = None) -> SavedMethod:
    """
    Let a method not pay until it is resumed; auto-reload is switched off.

    Raises:
        NotFound: code ``method.not_found``.
        IllegalTransition: it is not active.
    """
    method = saved_methods.suspend(sandbox, buyer.buyer_id, token, reason)
    reload_settings.end_with_method(sandbox, buyer.email, token, "method_suspended")
    return method


def deactivate(sandbox: Sandbox, buyer: Buyer, token: str, reason: str | None = None) -> SavedMethod:
    """
    End a method for good; auto-reload is switched off.

    Args:
        reason: As `mockpay.vault.saved_methods.deactivate` has it; its own without.

    Raises:
        NotFound: code ``method.not_found``.
        IllegalTransition: it has ended before.
    """
    method = saved_methods.deactivate(sandbox, buyer.buyer_id, token, **({"reason": reason} if reason else {}))
    ended = "method_expired" if reason == "expired" else "method_deactivated"
    reload_settings.end_with_method(sandbox, buyer.email, token, ended)
    return method
