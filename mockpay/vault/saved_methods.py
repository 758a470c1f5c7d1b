"""Saved methods: saving with consent, paying with a token, and what owner and bank may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mockpay.domain.methods.cards import Card
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import Conflict, Invalid, NotFound
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault import rules as rules
from mockpay.vault import vault_table
from mockpay.vault.rules import Consent, InstrumentParts, MethodStatus, SavedMethod, check_consent


@dataclass(frozen=True, slots=True)
class SavedMethodUse:
    """A method that pays now: its instrument and, of a card, what the network is shown instead."""

    method: SavedMethod
    instrument: Instrument
    token_number: str | None = None
    cryptogram: str | None = field(default=None, repr=False)


def _become_first_default(sandbox: Sandbox, _before: SavedMethod, method: SavedMethod) -> None:
    """A buyer's only method is offered first."""
    if not any(saved.is_default for saved in vault_table.of_buyer(sandbox, method.buyer_id)):
        vault_table.make_default(sandbox, method)


def _shred_secret(sandbox: Sandbox, _before: SavedMethod, method: SavedMethod) -> None:
    vault_table.shred(sandbox, method.token)


def _replace_default(sandbox: Sandbox, before: SavedMethod, _after: SavedMethod) -> None:
    """Another default in the place of one that has gone."""
    following = vault_table.last_touched(sandbox, before.buyer_id) if before.is_default else None
    if following is not None:
        vault_table.make_default(sandbox, following)


#: What is done after each event of a saved method, in order.
FOLLOW_UPS: Mapping[str, tuple[Callable[[Sandbox, SavedMethod, SavedMethod], None], ...]] = {
    "activate": (_become_first_default,),
    "refuse": (),
    "suspend": (),
    "resume": (),
    "deactivate": (_shred_secret, _replace_default),
}


def _step(sandbox: Sandbox, method: SavedMethod, event: str, actor: Actor, *, reason: str | None = None) -> SavedMethod:
    after = vault_table.transition(sandbox, method, event, actor, reason=reason)
    for follow_up in FOLLOW_UPS[event]:
        follow_up(sandbox, method, after)
    return after


def save(
    sandbox: Sandbox, buyer_id: str, instrument: Instrument, consent: Consent | None, attempt_id: str | None = None
) -> SavedMethod:
    """
    Keep an instrument for its buyer; one that is kept already is only brought up to date.

    A card whose network gives no token comes back FAILED, with the reason, and is not kept.

    Raises:
        Invalid: code ``consent.required`` or ``method.not_savable``.
    """
    accepted = check_consent(consent)
    parts = rules.split_instrument(instrument)
    keyring = sandbox.runtime.keyring
    mark = rules.scoped_fingerprint(keyring, sandbox.seller_id, parts.identity)
    existing = vault_table.by_fingerprint(sandbox, buyer_id, mark)
    if existing is not None and existing.live:
        return _renew(sandbox, existing, parts)
    if existing is not None:
        # A deactivated token never works again: its place is taken by a new one.
        _remove(sandbox, existing)
    method = _new(sandbox, buyer_id, parts, attempt_id)
    vault_table.add_consent(sandbox, method.consent_id, buyer_id, accepted, attempt_id)
    if not vault_table.add(sandbox, method, mark):
        raise Conflict("This is being saved already.", code="method.saved_meanwhile")
    return _register(sandbox, method, parts)


def _new(sandbox: Sandbox, buyer_id: str, parts: InstrumentParts, attempt_id: str | None) -> SavedMethod:
    token = rules.new_token()
    pan = parts.secret.get("pan")
    number = _token_number(sandbox, token, parts.display["network"]) if pan else None
    return SavedMethod(
        token=token,
        seller_id=sandbox.seller_id,
        buyer_id=buyer_id,
        kind=parts.kind,
        status=MethodStatus.INITIATED,
        status_reason=None,
        display=parts.display,
        nickname=None,
        token_last4=number[-4:] if number else None,
        par=rules.account_reference(sandbox.runtime.keyring, pan) if pan else None,
        is_default=False,
        consent_id=sandbox.short_id("cns", token),
        attempt_id=attempt_id,
        created_at=sandbox.now,
        updated_at=sandbox.now,
        last_used_at=None,
        expires_at=parts.expires_at,
    )


def _token_number(sandbox: Sandbox, token: str, network: str) -> str:
    return rules.token_number(sandbox.seller.seed, token, network)


def _register(sandbox: Sandbox, method: SavedMethod, parts: InstrumentParts) -> SavedMethod:
    """What the network says to a new token; only an active one has a secret."""
    if parts.refused:
        return _step(sandbox, method, "refuse", Actor.ISSUER, reason=parts.refused)
    if parts.secret:
        vault_table.save(sandbox, method, parts.secret)
    active = _step(sandbox, method, "activate", Actor.ISSUER)
    return vault_table.find(sandbox, active.buyer_id, active.token) or active


def _renew(sandbox: Sandbox, method: SavedMethod, parts: InstrumentParts) -> SavedMethod:
    """The same token; a card that came with another expiry is kept with that."""
    if method.expires_at == parts.expires_at:
        return method
    vault_table.save(sandbox, method, parts.secret)
    return vault_table.renew(sandbox, method, parts.expires_at) or method


def listed(sandbox: Sandbox, buyer_id: str) -> list[SavedMethod]:
    """A buyer's methods, the default first, then those used or saved last."""
    return vault_table.of_buyer(sandbox, buyer_id)


def find(sandbox: Sandbox, buyer_id: str, token: str) -> SavedMethod:
    """
    A method of this buyer.

    Raises:
        NotFound: code ``method.not_found``, in the same words whether nobody has this token or
            somebody else.
    """
    method = vault_table.find(sandbox, buyer_id, token)
    if method is None:
        raise _not_found()
    return method


def _not_found() -> NotFound:
    return NotFound("There is no such saved method.", code="method.not_found")


def _require(method: SavedMethod | None) -> SavedMethod:
    if method is None:
        raise _not_found()
    return method


def rename(sandbox: Sandbox, buyer_id: str, token: str, nickname: str) -> SavedMethod:
    """
    Give a method another nickname; an empty one takes it away.

    Raises:
        NotFound: code ``method.not_found``.
        Invalid: code ``nickname.invalid``.
    """
    method = find(sandbox, buyer_id, token)
    return _require(vault_table.rename(sandbox, method, rules.nickname(nickname)))


def make_default(sandbox: Sandbox, buyer_id: str, token: str) -> SavedMethod:
    """
    Offer this method first from now on.

    Raises:
        NotFound: code ``method.not_found``.
        Conflict: code ``method.deactivated``.
    """
    method = find(sandbox, buyer_id, token)
    if not method.live:
        raise _unavailable(method)
    return _require(vault_table.make_default(sandbox, method))


def delete(sandbox: Sandbox, buyer_id: str, token: str) -> None:
    """
    Take a method away and shred its secret; was it the default, the last one used becomes it.

    Raises:
        NotFound: code ``method.not_found``.
    """
    _remove(sandbox, find(sandbox, buyer_id, token))


def _remove(sandbox: Sandbox, method: SavedMethod) -> None:
    if method.live:
        _step(sandbox, method, "deactivate", Actor.BUYER, reason=rules.DELETED)
    vault_table.remove(sandbox, method)


# --- what bank and network do with a token


def suspend(sandbox: Sandbox, buyer_id: str, token: str, reason: str | None = None) -> SavedMethod:
    """
    Let a method not pay until it is resumed.

    Raises:
        NotFound: code ``method.not_found``.
        IllegalTransition: it is not active.
    """
    method = find(sandbox, buyer_id, token)
    return _step(sandbox, method, "suspend", Actor.ISSUER, reason=reason)


def resume(sandbox: Sandbox, buyer_id: str, token: str) -> SavedMethod:
    """
    Let a suspended method pay again.

    Raises:
        NotFound: code ``method.not_found``.
        IllegalTransition: it is not suspended.
    """
    method = find(sandbox, buyer_id, token)
    return _step(sandbox, method, "resume", Actor.ISSUER)


def deactivate(sandbox: Sandbox, buyer_id: str, token: str, reason: str = "deactivated_by_bank") -> SavedMethod:
    """
    End a method for good (`reason` may also be ``expired``); its buyer still sees it.

    Raises:
        NotFound: code ``method.not_found``.
        IllegalTransition: it has ended before.
    """
    method = find(sandbox, buyer_id, token)
    return _step(sandbox, method, "deactivate", Actor.ISSUER, reason=reason)


# --- paying


def use(sandbox: Sandbox, buyer_id: str, token: str) -> SavedMethodUse:
    """
    Pay with a method: its instrument, and for a card a cryptogram good for one payment.

    Raises:
        NotFound: code ``method.not_found``.
        Conflict: code ``method.suspended``, ``method.deactivated`` or ``method.expired``.
    """
    method = find(sandbox, buyer_id, token)
    expired = method.expires_at is not None and method.expires_at <= sandbox.now
    if method.status is not MethodStatus.ACTIVE or expired:
        raise _unavailable(method)
    secret = {}
    if METHODS[method.kind].secret:
        secret = dict(vault_table.find_envelope(sandbox, method))
    instrument = METHODS[method.kind].restore(secret, method.display)
    assert instrument is not None
    used = _require(vault_table.touch(sandbox, method))
    if not isinstance(instrument, Card):
        return SavedMethodUse(used, instrument)
    proof = rules.cryptogram(sandbox.runtime.keyring, sandbox.seller_id, token)
    vault_table.add_cryptogram(sandbox, proof, token, sandbox.now + rules.CRYPTOGRAM_LIFE)
    return SavedMethodUse(used, instrument, _token_number(sandbox, token, method.display["network"]), proof)


def use_for_payment(sandbox: Sandbox, buyer_id: str, token: str) -> Instrument:
    """
    A method's instrument for a payment in this very transaction, which a card's cryptogram proves and is used up by.

    Raises:
        NotFound: as `use`.
        Conflict: as `use`.
    """
    used = use(sandbox, buyer_id, token)
    if used.cryptogram is not None:
        redeem(sandbox, used.cryptogram)
    return used.instrument


def _unavailable(method: SavedMethod) -> Conflict:
    state = "expired" if method.status is MethodStatus.ACTIVE else str(method.status).lower()
    return Conflict(f"This saved method is {state}.", code=f"method.{state}")


def redeem(sandbox: Sandbox, cryptogram: str) -> str:
    """
    Use a cryptogram up; the token that it proves.

    Raises:
        Invalid: code ``cryptogram.invalid``: unknown, older than 24 hours, or used before.
    """
    token = vault_table.use_up(sandbox, cryptogram)
    if token is None:
        raise Invalid("This cryptogram is not valid.", code="cryptogram.invalid")
    return token
