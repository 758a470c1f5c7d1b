"""Saved methods by control API: what a buyer may do with theirs, and what a bank may do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import Response
from msgspec import UNSET, Meta, Struct, UnsetType

from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import Invalid
from mockpay.services import buyers
from mockpay.store.unit_of_work import Sandbox, read, transaction
from mockpay.vault import consent_table, vault_table
from mockpay.vault import saved_methods as verbs
from mockpay.vault.consents import Consent, consent
from mockpay.vault.rules import SavedMethod
from mockpay.web.control.buyers import ONE as BUYER
from mockpay.web.control.buyers import buyer_named, buyer_of
from mockpay.web.control.common import TimelineEntry, maybe_time, timeline_entry
from mockpay.web.control.endpoints import Ask, Endpoint
from mockpay.web.control.instruments import InstrumentParts, instrument

#: Where a consent came from that no browser gave.
_BY_TESTER = "control API"
Reason = Annotated[str, Meta(pattern="^[a-z][a-z_]{0,39}$", description="As `expired`: small letters and _.")]


class SaveWish(InstrumentParts, forbid_unknown_fields=True, kw_only=True):
    """What to save for a buyer; the tester's word is their consent."""

    kind: Literal["card", "upi", "netbanking"]


class MethodPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch: what is not named stays."""

    nickname: Annotated[str | UnsetType | None, Meta(description="Null or empty takes it away.")] = UNSET
    is_default: Annotated[
        bool | UnsetType, Meta(description="`true`; to end it, make another one the default.")
    ] = UNSET


class ReasonWish(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why."""

    reason: Reason | None = None


class SavedMethodEntry(Struct, kw_only=True):
    """
    A saved method; `display` is all that may be shown of it.

    Of a card `token_last4` belongs to the number that the network knows the token by, and `par`
    is the same for all tokens of one card.
    """

    token: str
    buyer_id: str
    kind: str
    status: str
    status_reason: str | None
    title: str
    display: dict[str, str]
    nickname: str | None
    token_last4: str | None
    par: str | None
    is_default: bool
    consent_id: str
    attempt_id: str | None
    created_at: str
    updated_at: str
    last_used_at: str | None
    expires_at: str | None


class ConsentEntry(Struct, kw_only=True):
    """What the buyer agreed to; `ip` is `control API` where a tester did."""

    text_version: str
    text_sha256: str
    accepted_at: str
    ip: str


class SavedMethodDetail(SavedMethodEntry, kw_only=True):
    """A saved method with its consent and all that happened to it."""

    consent: ConsentEntry | None
    timeline: list[TimelineEntry]


class SavedMethodList(Struct, kw_only=True):
    """A buyer's methods: the default first, then those used or saved last."""

    items: list[SavedMethodEntry]
    next_cursor: str | None


def listed(ask: Ask[None, None]) -> SavedMethodList:
    with read(ask.runtime, ask.seller_id) as sandbox:
        found = verbs.listed(sandbox, buyer_of(sandbox, ask).buyer_id)
    items = [SavedMethodEntry(**_fields(method)) for method in found]
    return SavedMethodList(items=items, next_cursor=None)


def save(ask: Ask[None, SaveWish]) -> SavedMethodDetail:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        chosen = instrument(ask.body.kind, ask.body, sandbox.now)
        buyer = buyers.ensure(sandbox, buyer_of(sandbox, ask).email)
        given = consent(sandbox.now, _BY_TESTER)
        return _detail(sandbox, verbs.save(sandbox, buyer.buyer_id, chosen, given))


def show(ask: Ask[None, None]) -> SavedMethodDetail:
    with read(ask.runtime, ask.seller_id) as sandbox:
        return _detail(sandbox, verbs.find(sandbox, *_named(sandbox, ask)))


def change(ask: Ask[None, MethodPatch]) -> SavedMethodDetail:
    wish = ask.body
    if wish.is_default is False:
        message = "A method stops being the default when another one is made it."
        raise Invalid(message, code="method.default", field="is_default")
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        buyer_id, token = _named(sandbox, ask)
        if wish.nickname is not UNSET:
            verbs.rename(sandbox, buyer_id, token, wish.nickname or "")
        if wish.is_default is True:
            verbs.make_default(sandbox, buyer_id, token)
        return _detail(sandbox, verbs.find(sandbox, buyer_id, token))


def delete(ask: Ask[None, None]) -> Response:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        verbs.delete(sandbox, *_named(sandbox, ask))
    return Response(status=204)


def suspend(ask: Ask[None, ReasonWish]) -> SavedMethodDetail:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        named = _named(sandbox, ask)
        return _detail(sandbox, verbs.suspend(sandbox, *named, ask.body.reason))


def resume(ask: Ask[None, None]) -> SavedMethodDetail:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        return _detail(sandbox, verbs.resume(sandbox, *_named(sandbox, ask)))


def deactivate(ask: Ask[None, ReasonWish]) -> SavedMethodDetail:
    given = {"reason": ask.body.reason} if ask.body.reason else {}
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        named = _named(sandbox, ask)
        return _detail(sandbox, verbs.deactivate(sandbox, *named, **given))


def _named(sandbox: Sandbox, ask: Ask[Any, Any]) -> tuple[str, str]:
    """The buyer and the token that the path names."""
    return buyer_named(sandbox, ask.path["buyer_id"]).buyer_id, ask.path["token"]


def _detail(sandbox: Sandbox, method: SavedMethod) -> SavedMethodDetail:
    given = consent_table.find(sandbox, method.consent_id)
    steps = vault_table.steps_of(sandbox, method.token)
    return SavedMethodDetail(
        consent=_consent(given) if given else None,
        timeline=[timeline_entry(step) for step in steps],
        **_fields(method),
    )


def _consent(given: Consent) -> ConsentEntry:
    return ConsentEntry(
        text_version=given.text_version,
        text_sha256=given.text_sha256,
        accepted_at=rfc3339(given.accepted_at),
        ip=given.ip,
    )


def _fields(method: SavedMethod) -> dict[str, Any]:
    return {
        "token": method.token,
        "buyer_id": method.buyer_id,
        "kind": method.kind,
        "status": method.status.value,
        "status_reason": method.status_reason,
        "title": method.title,
        "display": dict(method.display),
        "nickname": method.nickname,
        "token_last4": method.token_last4,
        "par": method.par,
        "is_default": method.is_default,
        "consent_id": method.consent_id,
        "attempt_id": method.attempt_id,
        "created_at": rfc3339(method.created_at),
        "updated_at": rfc3339(method.updated_at),
        "last_used_at": maybe_time(method.last_used_at),
        "expires_at": maybe_time(method.expires_at),
    }


_PATH = f"{BUYER}/methods"
_ONE = f"{_PATH}/{{token}}"
ENDPOINTS = (
    Endpoint("GET", _PATH, listed, "What a buyer has saved.", gives=SavedMethodList, fails=(404, 422)),
    Endpoint(
        "POST",
        _PATH,
        save,
        "Save an instrument for a buyer, who is known from then on. One that is there already "
        "keeps its token; a card of another country comes back FAILED and is not kept.",
        body=SaveWish,
        gives=SavedMethodDetail,
        status=201,
        fails=(404, 409),
        example='{"kind": "card", "number": "4111111111111111", "expiry": "08/29", "name": "Asha Rao"}',
    ),
    Endpoint(
        "GET",
        _ONE,
        show,
        "One saved method with its consent and all that happened to it.",
        gives=SavedMethodDetail,
        fails=(404, 422),
    ),
    Endpoint(
        "PATCH",
        _ONE,
        change,
        "Name a method, or make it the buyer's default.",
        body=MethodPatch,
        gives=SavedMethodDetail,
        fails=(404, 409),
        example='{"nickname": "Blue card", "is_default": true}',
    ),
    Endpoint(
        "DELETE",
        _ONE,
        delete,
        "Delete a method as its buyer does: its secret is shredded.",
        status=204,
        fails=(404, 422),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/suspend",
        suspend,
        "As a bank does: it cannot pay until it is resumed.",
        body=ReasonWish,
        gives=SavedMethodDetail,
        fails=(404, 409),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/resume",
        resume,
        "Let a suspended method pay again.",
        gives=SavedMethodDetail,
        fails=(404, 409, 422),
    ),
    Endpoint(
        "POST",
        f"{_ONE}/deactivate",
        deactivate,
        "End a method for good; its buyer still sees it. The reason is `deactivated_by_bank` unless said.",
        body=ReasonWish,
        gives=SavedMethodDetail,
        fails=(404, 409),
        example='{"reason": "expired"}',
    ),
)
