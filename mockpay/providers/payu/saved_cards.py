"""Cards that a merchant keeps for its users: the commands about them, and paying by one of them."""

from __future__ import annotations

from typing import Any

from mockpay.domain.buyers import Buyer
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.kernel import ids
from mockpay.kernel.clock import indian
from mockpay.kernel.errors import Invalid, NotFound
from mockpay.providers.payu.calls import Call
from mockpay.providers.payu.lookups import CARD_TYPES
from mockpay.providers.payu.posted_forms import PostedForm
from mockpay.services import buyers
from mockpay.services import saved_methods as owners
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault import saved_methods
from mockpay.vault.rules import Consent, MethodStatus, SavedMethod, consent

#: Where a merchant's user is a buyer.
_DOMAIN = "users.mockpay.test"
_CARD = "card"


def save_card(call: Call) -> dict[str, Any]:
    """Keep a card (`var6` to `var8`) for a user, under the name `var2`."""
    form, sandbox = call.form, call.sandbox
    buyer = _user(sandbox, form.need("var1"))
    parts = {
        "number": form.need("var6"),
        "expiry": f"{form.need('var7').zfill(2)}/{form.need('var8')[-2:]}",
        "name": form.value("var5") or "Card holder",
    }
    try:
        card = METHODS[_CARD].read(parts, sandbox.now, None)
        method = saved_methods.save(sandbox, buyer.buyer_id, card, consent(sandbox.now, call.ip, _CARD))
        if method.status is MethodStatus.ACTIVE and form.value("var2"):
            method = saved_methods.rename(sandbox, buyer.buyer_id, method.token, form.value("var2"))
    except Invalid as error:
        raise Invalid(error.message, code="parameter.invalid") from error
    if method.status is not MethodStatus.ACTIVE:
        raise Invalid("The card could not be stored.", code="card.not_stored", reason=method.status_reason)
    about = {"cardToken": _token(method), "card_number": _masked(method), "card_label": method.title}
    return {"status": 1, "msg": "Card Stored Successfully.", **about}


def list_cards(call: Call) -> dict[str, Any]:
    """The cards of a user, by their tokens; of one token (`var2`) where that is asked for."""
    buyer, wanted = _user(call.sandbox, call.form.need("var1")), call.form.value("var2")
    kept = _cards(call.sandbox, buyer)
    cards = {_token(method): _card_body(call.sandbox, method) for method in kept if wanted in {"", _token(method)}}
    if not cards:
        raise NotFound("Card not found.", code="card.not_found")
    return {"status": 1, "msg": "Cards fetched Succesfully", "user_cards": cards}


def delete_card(call: Call) -> dict[str, Any]:
    """Take a user's card (`var2`) away."""
    buyer = _user(call.sandbox, call.form.need("var1"))
    method = _find(call.sandbox, buyer, call.form.need("var2"))
    if method is None:
        raise NotFound("Card not found to delete", code="card.not_found")
    owners.delete(call.sandbox, buyer, method.token)
    return {"status": 1, "msg": "Card deleted successfully."}


# --- in the form of a payment


def posted_card(sandbox: Sandbox, form: PostedForm) -> Instrument | None:
    """
    The saved card that a form pays by; None where it names none.

    Raises:
        NotFound: code ``card.not_found``.
        Conflict: as `saved_methods.use_for_payment`.
    """
    token = form.value("store_card_token")
    if not token or form.value("pg").upper() not in {"CC", "DC"}:
        return None
    buyer = _user(sandbox, form.need("user_credentials"))
    method = _find(sandbox, buyer, token)
    if method is None:
        raise NotFound("Card not found.", code="card.not_found")
    return saved_methods.use_for_payment(sandbox, buyer.buyer_id, method.token)


def posted_user(sandbox: Sandbox, form: PostedForm, ip: str) -> tuple[str | None, Consent | None]:
    """Whose payment a form is, and the consent to keep its card where `store_card` is 1."""
    if not form.value("user_credentials"):
        return None, None
    keeps = form.value("store_card") == "1" and bool(form.fields.get("ccnum"))
    buyer = _user(sandbox, form.value("user_credentials"))
    return buyer.buyer_id, consent(sandbox.now, ip, _CARD) if keeps else None


# --- users and tokens


def _user(sandbox: Sandbox, named: str) -> Buyer:
    """
    The buyer whom a merchant calls ``KEY:USER``.

    Raises:
        Invalid: code ``parameter.invalid``.
    """
    if not all(named.partition(":")):
        message = "User credentials are your key, a colon and your own name for the user."
        raise Invalid(message, code="parameter.invalid", name="user_credentials")
    return buyers.ensure(sandbox, f"u{ids.fingerprint(named.encode(errors='replace'))[:24]}@{_DOMAIN}")


def _cards(sandbox: Sandbox, buyer: Buyer) -> list[SavedMethod]:
    return [method for method in saved_methods.listed(sandbox, buyer.buyer_id) if method.kind == _CARD and method.live]


def _find(sandbox: Sandbox, buyer: Buyer, token: str) -> SavedMethod | None:
    return next((method for method in _cards(sandbox, buyer) if _token(method) == token), None)


def _token(method: SavedMethod) -> str:
    """PayU's name for a saved card: 21 hexadecimal digits."""
    return ids.fingerprint(method.token.encode())[:21]


def _masked(method: SavedMethod) -> str:
    return f"XXXXXXXXXXXX{method.display['last4']}"


def _card_body(sandbox: Sandbox, method: SavedMethod) -> dict[str, Any]:
    shown = method.display
    ends = None if method.expires_at is None else indian(method.expires_at - 1)
    return {
        "name_on_card": "",
        "card_name": method.title,
        "card_token": _token(method),
        "card_no": _masked(method),
        "card_mode": "DC" if shown["type"] == "debit" else "CC",
        "card_type": CARD_TYPES.get(shown["network"], shown["network"]),
        "card_brand": CARD_TYPES.get(shown["network"], shown["network"]),
        "card_PAR": method.par,
        "issuer_name": shown["issuer"],
        "isDomestic": "Y",
        "expiry_month": f"{ends:%m}" if ends else "",
        "expiry_year": f"{ends:%Y}" if ends else "",
        "is_expired": int(method.expires_at is not None and method.expires_at <= sandbox.now),
        "card_cvv": 1,
    }
