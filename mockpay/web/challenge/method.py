"""The issuer's method URL: it looks at the browser in a hidden frame, and says that it did."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, request

from mockpay.threeds import messages
from mockpay.web import errors
from mockpay.web.checkout.page_session import show


def page() -> Response:
    """
    Takes ``threeDSMethodData`` and has the browser post it back to where it says.

    Nowhere but to this sandbox: a page that posts anywhere would be a gift to strangers.
    """
    try:
        message = messages.decode(request.form.get("threeDSMethodData", ""))
    except messages.MessageError:
        return _refused()
    back, txn_id = message.get("threeDSMethodNotificationURL"), message.get("threeDSServerTransID")
    if not isinstance(back, str) or not isinstance(txn_id, str) or not _ours(back):
        return _refused()
    data = messages.encode({"threeDSServerTransID": txn_id})
    page = {"title": "Looking at the browser", "back": back, "data": data}
    return errors.framed(show("challenge/method.html", page=page))


def _ours(address: str) -> bool:
    if not address.isascii():
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    same = (parts.scheme, parts.netloc) == (request.scheme, request.host)
    return same and parts.path.startswith("/pay/")


def _refused() -> Response:
    page = {
        "title": "This message is refused",
        "sentence": "It is no threeDSMethodData of a payment here.",
        "code": "101",
    }
    return errors.framed(show("challenge/refused.html", 400, page=page))
