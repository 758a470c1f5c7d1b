"""The page of a request to pay that is refused before its return URL is believed; a tester reads why."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Request, Response, render_template

from mockpay.domain.providers import CallToExplain
from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.providers.amazonpay.errors import amazon_error
from mockpay.providers.amazonpay.request_forms import CONTROL, sent_form
from mockpay.providers.amazonpay.signatures import explain_signature
from mockpay.store.unit_of_work import Sandbox

_DASHBOARD, _LONGEST_URL = "/_mockpay/ui", 2_048
#: What helps against a refusal, by its code.
_REMEDIES: Mapping[str, str] = {
    "envelope.unreadable": "Seal with this sandbox\u2019s public key: GET /_mockpay/v1/public-key.",
    "seller.not_found": "Use the access key of a seller of this sandbox; the seller\u2019s page lists it.",
    "seller.another": "Send the sellerId that belongs to the access key.",
    "signature.invalid": "Sign with the secret key that the seller\u2019s page shows, over the string below.",
    "return_url.not_allowed": "Add the address to the seller\u2019s return_urls, or send one that is there.",
}


def refusal_page(error: MockpayError, request: Request, sandbox: Sandbox | None) -> Response:
    """A page without a Location: the buyer is not sent anywhere."""
    refusal = amazon_error(error.code)
    page = {
        "title": "This payment cannot be opened",
        "sentence": refusal.text(error),
        "code": error.code,
        "tester": lambda: _explained(error, request, sandbox),
    }
    return Response(render_template("error.html", page=page), refusal.status)


def _explained(error: MockpayError, request: Request, sandbox: Sandbox | None) -> dict[str, object]:
    """What the journal has of the refusal, the way there, and what helps."""
    seller = sandbox.seller if sandbox else None
    query = {"seller": seller.seller_id, "show": "refused"} if seller else {"show": "ownerless"}
    rows = {"Seller": seller.seller_id if seller else "none found", "Reason": CONTROL.sub("\ufffd", error.reason)}
    explained: dict[str, object] = {
        "remedy": _REMEDIES.get(error.code),
        "journal": f"{_DASHBOARD}/journal?{urlencode(query)}",
        "seller": f"{_DASHBOARD}/seller?{urlencode({'seller': seller.seller_id})}" if seller else None,
    }
    if seller and error.code == "return_url.not_allowed":
        rows["Reason"] = error.message
        rows["Sent"] = request.values.get("redirectUrl", "")[:_LONGEST_URL]
        rows["Allowed"] = ", ".join(seller.return_urls)
    if sandbox and error.code == "signature.invalid":
        explained |= _signature(request, sandbox, rows)
    return explained | {"rows": [{"label": label, "value": value} for label, value in rows.items()]}


def _signature(request: Request, sandbox: Sandbox, rows: dict[str, str]) -> dict[str, object]:
    """The likely cause, the string that had to be signed, and the call of the control API that explains it."""
    body = "" if request.method == "GET" else sent_form(request).decode("utf-8", "replace")
    try:
        call = CallToExplain(request.url, request.method, body, None, None, sandbox.now, sandbox.real_now)
        explanation = explain_signature(sandbox.seller, sandbox.runtime.keys, call)
    except Invalid:
        return {}
    rows["Likely cause"] = explanation.cause
    body_of_explain = {"url": request.url, "method": request.method, **({"body": body} if body else {})}
    address = f"{request.host_url}_mockpay/v1/sellers/{sandbox.seller_id}/signature/explain"
    command = f"curl -s {address} -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body_of_explain))}"
    return {"string_to_sign": explanation.nearest.string_to_sign, "command": command}
