"""
Who is signed in on this browser: one cookie for each seller, the ways in and back, and their saved methods as shown.

The cookie is SameSite=Lax.  A shop's redirect brings its buyer to the payment page from another
site, and Strict would sign them out just there; Lax still leaves it out of other sites' forms
and frames, and nothing here is changed by following a link.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Response, request
from msgspec import Struct
from msgspec.structs import replace

from mockpay.domain.buyers import Buyer, mask_email
from mockpay.domain.methods.registry import METHODS
from mockpay.kernel.clock import SECOND, indian
from mockpay.kernel.http.hosts import own_host
from mockpay.services import buyers
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault.rules import CONSENT_TEXTS, CONSENT_VERSIONS, MethodStatus, SavedMethod

_COOKIE = "mockpay_buyer_"
_YES = frozenset({"yes", "on", "true", "1"})
_LONGEST_SESSION = 64


def home(seller_id: str, page: str = "") -> str:
    """One of the account pages at a seller; the sign-in where none is named."""
    return f"/account/{seller_id}/{page}"


def session_of(seller_id: str) -> str:
    """The browser's session at a seller; empty where it has none."""
    return request.cookies.get(_COOKIE + seller_id, "")[:_LONGEST_SESSION]


def signed_in(sandbox: Sandbox) -> Buyer | None:
    """Whose browser it is, as this seller knows its buyers; None for a guest."""
    session = session_of(sandbox.seller_id)
    return buyers.buyer_of_session(sandbox, session) if session else None


def remember(answer: Response, seller_id: str, session: str) -> None:
    """Give the browser its session."""
    answer.set_cookie(
        _COOKIE + seller_id,
        session,
        max_age=buyers.SESSION_LIFE // SECOND,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def forget(answer: Response, seller_id: str) -> None:
    """Take the session away."""
    answer.delete_cookie(_COOKIE + seller_id, path="/", httponly=True, samesite="Lax")


def sign_in_url(sandbox: Sandbox, onward: str = "") -> str | None:
    """
    The way to sign in and `onward`, else back to this page without its query: that may hold what was typed.

    None where the browser came under a provider's name: account pages answer only to ours.
    """
    if not own_host(sandbox.runtime.settings, request.host):
        return None
    return f"{home(sandbox.seller_id)}?{urlencode({'next': onward or request.path})}"


def onward(address: str, seller_id: str) -> str:
    """Where to go after signing in: a payment or an account page, never another site."""
    inside = address.startswith(("/pay/", home(seller_id)))
    plain = address.isascii() and address.isprintable() and "\\" not in address
    return address if inside and plain and "//" not in address else home(seller_id, "methods")


def agreed() -> bool:
    """Whether the form's consent was ticked; nothing else is a yes."""
    return request.form.get("save", "").lower() in _YES


def shown(sandbox: Sandbox) -> dict[str, object]:
    """What a page of a payment tells of its buyer, and what they are asked to agree to."""
    buyer = signed_in(sandbox)
    own = own_host(sandbox.runtime.settings, request.host)
    return {
        "email": mask_email(buyer.email) if buyer else None,
        "sign_in": sign_in_url(sandbox),
        "account": home(sandbox.seller_id, "methods") if own else None,
        "consents": {method: _consent_parts(CONSENT_TEXTS[version]) for method, version in CONSENT_VERSIONS.items()},
        "agreed": agreed(),
    }


def _consent_parts(text: str) -> dict[str, str]:
    """The first sentence, which is printed in bold, and the others."""
    lead, _, rest = text.partition(". ")
    return {"lead": f"{lead}.", "rest": rest}


# --- saved methods


#: Why a method cannot pay, for its owner.
_REASONS: Mapping[str, str] = {
    "suspended": "Suspended by the bank for now",
    "expired": "Expired",
    "deactivated": "Ended by the bank",
}


class Row(Struct, frozen=True):
    """One line: `fact` says what it is or when it paid, `reason` why it cannot pay now."""

    token: str
    title: str
    fact: str
    icon: str
    kind: str
    reason: str | None
    live: bool
    is_default: bool
    nickname: str


def rows(methods: list[SavedMethod], now: int) -> list[Row]:
    """A buyer's methods in the order of the list, the default first."""
    return [_row(method, now) for method in methods]


def _row(method: SavedMethod, now: int) -> Row:
    return Row(
        token=method.token,
        title=method.title,
        fact=_fact(method),
        icon=METHODS[method.kind].icon,
        kind=method.kind,
        reason=_reason(method, now),
        live=method.live,
        is_default=method.is_default,
        nickname=method.nickname or "",
    )


def _reason(method: SavedMethod, now: int) -> str | None:
    if method.expires_at is not None and method.expires_at <= now:
        return _REASONS["expired"]
    if method.status is MethodStatus.ACTIVE:
        return None
    return _REASONS.get(method.status_reason or "") or _REASONS.get(method.status.lower())


def _fact(method: SavedMethod) -> str:
    """What a nickname stands for, and when the method paid last."""
    used = method.last_used_at
    when = f"Last used {_day(used)}" if used else f"Saved {_day(method.created_at)}"
    plain = replace(method, nickname=None).title
    return f"{plain}. {when}" if method.nickname else when


def _day(moment: int) -> str:
    day = indian(moment)
    return f"{day.day} {day:%b %Y}"
