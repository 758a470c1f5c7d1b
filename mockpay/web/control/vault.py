"""Saved methods by control API: what a buyer may do with theirs, and what a bank may do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from mockpay.kernel.errors import Invalid
from mockpay.services import buyers, saved_methods
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault import saved_methods as verbs
from mockpay.vault import vault_table
from mockpay.vault.rules import MethodStatus, SavedMethod, consent
from mockpay.web.control.buyers import BUYER as BUYER
from mockpay.web.control.buyers import buyer_of
from mockpay.web.control.endpoints import DELETE, GET, PATCH, POST, Request
from mockpay.web.control.methods import InstrumentParts, instrument
from mockpay.web.control.responses import TimelineEntry, timeline_entries, to_response

#: Where a consent came from that no browser gave.
_BY_TESTER = "control API"
Reason = Annotated[str, Meta(pattern="^[a-z][a-z_]{0,39}$", description="As `expired`: small letters and _.")]


class SavedMethodCreate(InstrumentParts, forbid_unknown_fields=True, kw_only=True):
    """What to save for a buyer; the tester's word is their consent."""

    kind: Literal["card", "upi", "netbanking"]


class SavedMethodPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch: what is not named stays."""

    nickname: Annotated[str | UnsetType | None, Meta(description="Null or empty takes it away.")] = UNSET
    is_default: Annotated[bool | UnsetType, Meta(description="`true`; to end it, make another one the default.")] = (
        UNSET
    )


class DeleteQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """How a method is deleted."""

    force: Annotated[bool, Meta(description="`true` or `1`: also one that auto-reload charges.")] = False


class SavedMethodStatusChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why."""

    reason: Reason | None = None


class SavedMethodSummary(Struct, kw_only=True):
    """
    A saved method; `display` is all that may be shown of it.

    Of a card `token_last4` belongs to the number that the network knows the token by, and `par`
    is the same for all tokens of one card.
    """

    token: str
    buyer_id: str
    kind: str
    status: MethodStatus
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


class SavedMethodConsent(Struct, kw_only=True):
    """What the buyer agreed to; `ip` is `control API` where a tester did."""

    text_version: str
    text_sha256: str
    accepted_at: str
    ip: str


class SavedMethodDetail(SavedMethodSummary, kw_only=True):
    """A saved method with its consent and all that happened to it."""

    consent: SavedMethodConsent | None
    timeline: list[TimelineEntry]


class SavedMethodList(Struct, kw_only=True):
    """A buyer's methods: the default first, then those used or saved last."""

    items: list[SavedMethodSummary]
    next_cursor: str | None


def list_saved_methods(request: Request[None, None]) -> SavedMethodList:
    """The default first, then those used or saved last."""
    with request.read() as sandbox:
        methods = verbs.listed(sandbox, buyer_of(sandbox, request).buyer_id)
    items = [to_response(SavedMethodSummary, method) for method in methods]
    return SavedMethodList(items=items, next_cursor=None)


def create_saved_method(request: Request[None, SavedMethodCreate]) -> SavedMethodDetail:
    """As if the buyer had ticked *save*: the tester's word is their consent. Only published test cards are taken."""
    with request.transaction() as sandbox:
        new_instrument = instrument(request.body.kind, request.body, sandbox.now)
        buyer = buyers.ensure(sandbox, buyer_of(sandbox, request).email)
        saved = verbs.save(sandbox, buyer.buyer_id, new_instrument, consent(sandbox.now, _BY_TESTER, request.body.kind))
        return _detail(sandbox, saved)


def get_saved_method(request: Request[None, None]) -> SavedMethodDetail:
    """The number itself is in no answer."""
    with request.read() as sandbox:
        return _detail(sandbox, verbs.find(sandbox, *_key(sandbox, request)))


def patch_saved_method(request: Request[None, SavedMethodPatch]) -> SavedMethodDetail:
    """A merge patch: what is not named stays. Only an active method can be the default."""
    patch = request.body
    if patch.is_default is False:
        message = "A method stops being the default when another one is made it."
        raise Invalid(message, code="method.default", field="is_default")
    with request.transaction() as sandbox:
        buyer_id, token = _key(sandbox, request)
        if patch.nickname is not UNSET:
            verbs.rename(sandbox, buyer_id, token, patch.nickname or "")
        if patch.is_default is True:
            verbs.make_default(sandbox, buyer_id, token)
        return _detail(sandbox, verbs.find(sandbox, buyer_id, token))


def delete_saved_method(request: Request[DeleteQuery, None]) -> None:
    """Its token pays nothing from then on. One that auto-reload charges is 409 but with `force`, which ends that."""
    with request.transaction() as sandbox:
        saved_methods.delete(sandbox, buyer_of(sandbox, request), request.path["token"], force=request.query.force)


def suspend_saved_method(request: Request[None, SavedMethodStatusChange]) -> SavedMethodDetail:
    """Its buyer sees it as suspended. Auto-reload that charges it is switched off."""
    with request.transaction() as sandbox:
        buyer = buyer_of(sandbox, request)
        return _detail(sandbox, saved_methods.suspend(sandbox, buyer, request.path["token"], request.body.reason))


def resume_saved_method(request: Request[None, None]) -> SavedMethodDetail:
    """One that was not suspended is 409."""
    with request.transaction() as sandbox:
        return _detail(sandbox, verbs.resume(sandbox, *_key(sandbox, request)))


def deactivate_saved_method(request: Request[None, SavedMethodStatusChange]) -> SavedMethodDetail:
    """It cannot be resumed. Auto-reload that charges it is switched off."""
    with request.transaction() as sandbox:
        buyer = buyer_of(sandbox, request)
        return _detail(sandbox, saved_methods.deactivate(sandbox, buyer, request.path["token"], request.body.reason))


def _key(sandbox: Sandbox, request: Request[Any, Any]) -> tuple[str, str]:
    """The buyer and the token that the path names."""
    return buyers.named(sandbox, request.path["buyer_id"]).buyer_id, request.path["token"]


def _detail(sandbox: Sandbox, method: SavedMethod) -> SavedMethodDetail:
    agreed = vault_table.find_consent(sandbox, method.consent_id)
    return to_response(
        SavedMethodDetail,
        method,
        consent=to_response(SavedMethodConsent, agreed) if agreed else None,
        timeline=timeline_entries(vault_table.steps_of(sandbox, method.token)),
    )


_PATH = f"{BUYER}/methods"
_SAVED_METHOD = f"{_PATH}/{{token}}"
ENDPOINTS = (
    GET(_PATH, list_saved_methods, "What a buyer has saved.", errors=(422,)),
    POST(
        _PATH,
        create_saved_method,
        "Save an instrument for a buyer, who is known from then on. One that is there already "
        "keeps its token; a card of another country comes back FAILED and is not kept.",
        status=201,
        errors=(409,),
        example='{"kind": "card", "number": "4111111111111111", "expiry": "08/29", "name": "Asha Rao"}',
    ),
    GET(
        _SAVED_METHOD, get_saved_method, "One saved method with its consent and all that happened to it.", errors=(422,)
    ),
    PATCH(
        _SAVED_METHOD,
        patch_saved_method,
        "Name a method, or make it the buyer's default.",
        errors=(409,),
        example='{"nickname": "Blue card", "is_default": true}',
    ),
    DELETE(
        _SAVED_METHOD,
        delete_saved_method,
        "Delete a method as its buyer does: its secret is shredded.",
        status=204,
        errors=(409,),
    ),
    POST(
        f"{_SAVED_METHOD}/suspend",
        suspend_saved_method,
        "As a bank does: it cannot pay until it is resumed.",
        errors=(409,),
    ),
    POST(f"{_SAVED_METHOD}/resume", resume_saved_method, "Let a suspended method pay again.", errors=(409, 422)),
    POST(
        f"{_SAVED_METHOD}/deactivate",
        deactivate_saved_method,
        "End a method for good; its buyer still sees it. The reason is `deactivated_by_bank` unless said.",
        errors=(409,),
        example='{"reason": "expired"}',
    ),
)
