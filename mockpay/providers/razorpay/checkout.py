"""The hosted checkout: the form of a shop's page, which leads the buyer to the payment's pages."""

from __future__ import annotations

from typing import Any

from flask import Request, Response, render_template

from mockpay.domain.return_urls import check_return_url
from mockpay.domain.scenarios.requested import dump_outcomes
from mockpay.kernel.errors import Conflict, MockpayError
from mockpay.providers.razorpay import objects, parameters
from mockpay.providers.razorpay.calls import Body, Call
from mockpay.providers.razorpay.errors import invalid, status_and_error
from mockpay.services.payments import orders
from mockpay.wire.razorpay import errors as words

#: Razorpay's name of a method, and the page of ours that it leads to.
_PAGES = frozenset({"card", "upi", "netbanking", "wallet", "emi"})
_LONGEST_URL = 2_000


def open_page(call: Call) -> Body:
    """
    The address of the page on which an order is paid.

    Raises:
        Invalid, NotFound, Forbidden: what the form says cannot be.
        Conflict: code ``order.closed``: the order is paid, or over.
    """
    body, sandbox = call.body, call.sandbox
    order_id = parameters.text(body, "order_id", required=True)
    order = call.order(str(order_id))
    if body.get("amount") and parameters.amount(call) != order.amount.minor:
        raise invalid(words.OTHER_AMOUNT, "amount", "amount.differs")
    callback = parameters.text(body, "callback_url", _LONGEST_URL, required=True)
    cancel = parameters.text(body, "cancel_url", _LONGEST_URL)
    pages = {"callback_url": callback, **({"cancel_url": cancel} if cancel else {})}
    for name, url in pages.items():
        check_return_url(name, str(url), sandbox.seller.return_urls)
    if not order.open:
        raise Conflict(words.PAID, code="order.closed", order_id=order.order_id)
    marks = {**objects.marks_of(order), "cancel_url": None, **pages, "checkout": _details(call)}
    outcomes: Any = order.request.get("outcomes") or {}
    request = {**order.request, "marks": marks, "outcomes": {**outcomes, **dump_outcomes(call.outcomes())}}
    store = parameters.text(body, "name") or order.store_name
    try:
        orders.change(sandbox, order, redirect_url=callback, store_name=store, request=request)
    except Conflict as error:
        # A buyer whose try is under way loads the shop's page again.
        if error.code != "attempt.live":
            raise
    method = body.get("method")
    return {"page": f"/pay/{order.page_token}/{method if method in _PAGES else ''}"}


def _details(call: Call) -> dict[str, Any]:
    """What the form says of the payments that come of it."""
    prefill = parameters.nested(call.body, "prefill")
    return {
        "description": parameters.text(call.body, "description"),
        "email": parameters.text(prefill, "email"),
        "contact": parameters.text(prefill, "contact"),
        "customer_id": parameters.text(call.body, "customer_id"),
        "notes": parameters.notes(call.body),
    }


def refusal(error: MockpayError, sent: Request) -> Response | None:
    """A refused form as a page, for a browser; None for a program, which gets JSON."""
    if not sent.accept_mimetypes.accept_html or "text/html" not in sent.headers.get("Accept", ""):
        return None
    status, api_error = status_and_error(error)
    page = {"title": "This payment cannot be opened", "sentence": api_error.description, "code": error.code}
    return Response(render_template("error.html", page=page), status)
