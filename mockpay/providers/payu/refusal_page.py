"""The page of a form that is refused before anybody is sent anywhere; a tester reads why."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Request

from mockpay.kernel.errors import MockpayError
from mockpay.providers.payu.credentials import credentials
from mockpay.providers.payu.posted_forms import PostedForm
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire import forms
from mockpay.wire.payu import hashes

_DASHBOARD = "/_mockpay/ui"
#: What helps against a refusal, by its code.
_REMEDIES: Mapping[str, str] = {
    "key.unknown": "Use the key of a seller of this sandbox: `mockpay secrets --env` prints it.",
    "hash.invalid": "Hash with the salt that belongs to the key, over the string below, every value as it is posted.",
    "return_url.not_allowed": "Add the address to the seller\u2019s return_urls, or send one that is there.",
    "txnid.duplicate": "Send a new txnid: one that was successful, or is being paid, is not taken again.",
    "order.already_paid": "Send a new txnid: one that was successful is not taken again.",
}
#: Never shown, whoever looks.
_SECRET = frozenset({"ccnum", "ccvv", "ccname", "ccexpmon", "ccexpyr", "hash", "salt"})


def refusal_page(
    error: MockpayError, words: str, request: Request, form: PostedForm, sandbox: Sandbox | None
) -> dict[str, object]:
    """The context of `error.html`."""
    return {
        "title": "This payment cannot be opened",
        "sentence": words,
        "code": error.code,
        "tester": lambda: _explained(error, request, form, sandbox),
    }


def _explained(error: MockpayError, request: Request, form: PostedForm, sandbox: Sandbox | None) -> dict[str, object]:
    """What the journal has of the refusal, the way there, and what helps."""
    seller = sandbox.seller if sandbox else None
    query = {"seller": seller.seller_id, "show": "refused"} if seller else {"show": "ownerless"}
    rows = {"Seller": seller.seller_id if seller else "none found", "Reason": error.reason}
    explained: dict[str, object] = {
        "remedy": _REMEDIES.get(error.code),
        "journal": f"{_DASHBOARD}/journal?{urlencode(query)}",
        "seller": f"{_DASHBOARD}/seller?{urlencode({'seller': seller.seller_id})}" if seller else None,
    }
    if seller and error.code == "hash.invalid":
        salt = credentials(seller)["salt"]
        explained["string_to_sign"] = hashes.payment_text(form.fields, salt).replace(salt, "<SALT>")
        plain = [(name, value) for name, value in form.fields.items() if name not in _SECRET - {"hash"}]
        body = {"url": request.url, "method": request.method, "body": forms.encode_form(plain)}
        address = f"{request.host_url}_mockpay/v1/sellers/{seller.seller_id}/signature/explain"
        explained["command"] = (
            f"curl -s {address} -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
        )
    return explained | {"rows": [{"label": label, "value": value} for label, value in rows.items()]}
