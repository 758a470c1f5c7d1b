"""What every account page shows: the seller, who is signed in, addresses, the form token."""

from __future__ import annotations

from mockpay.store.unit_of_work import Sandbox
from mockpay.web import buyers, guard
from mockpay.web.checkout import view_models


def account_page(sandbox: Sandbox, title: str, **more: object) -> dict[str, object]:
    """The context of all account templates; `more` is put beside it."""
    seller = sandbox.seller
    buyer = buyers.signed_in(sandbox)
    return {
        "title": title,
        "seller": {"name": seller.name, "initials": view_models.initials(seller.name)},
        "email": buyer.email if buyer else None,
        "form_token": guard.form_token(sandbox.runtime, guard.ACCOUNT),
        "urls": {
            name: buyers.home(seller.seller_id, path)
            for name, path in (("sign_in", ""), ("otp", "otp"), ("methods", "methods"), ("sign_out", "sign-out"))
        }
        | {"inbox": view_models.inbox_url(seller.seller_id)},
        "errors": {},
        "values": {},
        "notes": [],
        **more,
    }
