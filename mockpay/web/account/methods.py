"""A buyer's saved methods: rename one, make it the default, take it away."""

from __future__ import annotations

from flask import Response, request

from mockpay.domain.buyers import Buyer
from mockpay.kernel.errors import Conflict, Invalid, MockpayError
from mockpay.services import saved_methods
from mockpay.services.wallet import balances, reload_settings
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.vault import saved_methods as vault
from mockpay.web import buyers
from mockpay.web.account.sign_in import account_page
from mockpay.web.checkout import card
from mockpay.web.checkout.page_session import go, show


def page(runtime: Runtime, seller_id: str) -> Response:
    """The list; each of its forms changes one method and comes back here."""
    if request.method == "POST":
        return _change(runtime, seller_id)
    with read(runtime, seller_id) as sandbox:
        buyer = buyers.signed_in(sandbox)
        return _list(sandbox, buyer) if buyer else go(buyers.home(seller_id))


def _change(runtime: Runtime, seller_id: str) -> Response:
    with transaction(runtime, seller_id) as sandbox:
        buyer = buyers.signed_in(sandbox)
        if buyer is None:
            return go(buyers.home(seller_id))
        try:
            action = _act(sandbox, buyer, request.form.get("token", ""))
        except (Invalid, Conflict) as error:
            return _list(sandbox, buyer, error)
    return go(f"{buyers.home(seller_id, 'methods')}?done={action}")


def _act(sandbox: Sandbox, buyer: Buyer, token: str) -> str:
    """
    Do what the pressed button says; the name of what was done.

    Raises:
        NotFound: code ``method.not_found``, for another's token as for one that nobody has.
        Invalid: code ``nickname.invalid``, or ``action.unknown``.
        Conflict: code ``method.deactivated``, or ``method.used_by_auto_reload`` without the form's word.
    """
    action = request.form.get("action", "")
    if action == "rename":
        vault.rename(sandbox, buyer.buyer_id, token, request.form.get("nickname", ""))
    elif action == "default":
        vault.make_default(sandbox, buyer.buyer_id, token)
    elif action == "delete":
        saved_methods.delete(sandbox, buyer, token, force=request.form.get("force") == "yes")
    else:
        raise Invalid("Choose one of the buttons.", code="action.unknown")
    return action


_DONE = {
    "rename": "The new name is kept.",
    "default": "This method is offered first from now on.",
    "delete": "The method was removed; its number is destroyed.",
}


def _list(sandbox: Sandbox, buyer: Buyer, error: MockpayError | None = None) -> Response:
    page = account_page(sandbox, "Saved methods")
    methods = vault.listed(sandbox, buyer.buyer_id)
    reload = reload_settings.find(sandbox, buyer.email)
    if error is not None:
        token = request.form.get("token", "")
        page |= {
            "title": f"Error: {error.message}",
            "errors": {token: error.message},
            "values": {token: card.without_number("nickname")},
        }
    return show(
        "account/methods.html",
        422 if error is not None else 200,
        page=page,
        methods=buyers.rows(methods, sandbox.now),
        reloads_from=reload.settings.token if reload.enabled and reload.settings else None,
        balance=balances.balance(sandbox, buyer.email).display(),
        done=_DONE.get(request.args.get("done", "")) if error is None else None,
    )
