"""Keeping what has just paid, for a buyer who said yes to that."""

from __future__ import annotations

from mockpay.domain.methods.instruments import Instrument, NetBanking, Upi
from mockpay.domain.methods.netbanking import METHOD as NETBANKING
from mockpay.domain.methods.registry import CARD_METHODS
from mockpay.domain.methods.upi import METHOD as UPI
from mockpay.domain.payments.attempts import Attempt
from mockpay.store import attempt_secrets
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault import rules as rules
from mockpay.vault import saved_methods
from mockpay.vault.consents import Consent


def save_method(sandbox: Sandbox, attempt: Attempt) -> None:
    """Save the attempt's instrument for its buyer; what cannot be saved is left alone."""
    instrument = _instrument(sandbox, attempt)
    if instrument is None or attempt.buyer_id is None or attempt.consent is None:
        return
    agreed = attempt.consent
    consent = Consent(
        str(agreed["text_version"]),
        str(agreed["text_sha256"]),
        int(str(agreed["accepted_at"])),
        str(agreed["ip"]),
    )
    saved_methods.save(sandbox, attempt.buyer_id, instrument, consent, attempt.attempt_id)


def _instrument(sandbox: Sandbox, attempt: Attempt) -> Instrument | None:
    chosen = attempt.instrument
    if attempt.method in CARD_METHODS:
        number = attempt_secrets.find(sandbox, attempt.attempt_id).get("number")
        return rules.card(number, chosen["expiry"]) if number else None
    if attempt.method == UPI and "vpa" in chosen:
        return Upi(chosen["vpa"])
    return NetBanking(chosen["bank"]) if attempt.method == NETBANKING else None
