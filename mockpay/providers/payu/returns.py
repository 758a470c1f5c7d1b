"""The way back: the result of a payment, posted by the buyer's browser to the page that the seller named."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt, Stage
from mockpay.domain.sellers import Seller
from mockpay.domain.timeline import Actor
from mockpay.providers.payu.credentials import credentials
from mockpay.providers.payu.transactions import marks_of, transaction_of
from mockpay.wire.faults import change_first
from mockpay.wire.payu import answers, hashes


def return_url(_seller: Seller, order: Order, attempt: Attempt | None) -> str:
    """`surl` for a success, `curl` for a buyer who gave up if there is one, else `furl`; an invoice's buyer stays."""
    pages = marks_of(order)
    if not pages:
        return f"/pay/{order.page_token}/result"
    if _succeeded(order, attempt):
        return pages["surl"]
    gave_up = order.state is OrderState.CANCELLED and order.cancelled_by in {None, Actor.BUYER}
    return pages.get("curl", pages["furl"]) if gave_up else pages["furl"]


def return_fields(seller: Seller, order: Order, attempt: Attempt | None) -> Mapping[str, str] | None:
    """The result with its hash, None where nobody waits for it; the attempt's plan may ask for a fault in it."""
    if not marks_of(order):
        return None
    own = credentials(seller)
    fields = answers.payment_fields(transaction_of(seller, order, attempt), **own)
    fault = _fault(attempt)
    if fault == "failure_though_captured" and order.state in PAID:
        fields |= {"status": "failure", "unmappedstatus": answers.FAILED}
        fields["hash"] = hashes.digest(hashes.response_text(fields, own["salt"]))
    return _with_fault(fields, fault)


def _succeeded(order: Order, attempt: Attempt | None) -> bool:
    told_as_failure = _fault(attempt) == "failure_though_captured"
    return (order.state in PAID or order.state is OrderState.AUTHORIZED) and not told_as_failure


def _fault(attempt: Attempt | None) -> str:
    return attempt.plan.at(Stage.REDIRECT).outcome if attempt is not None else "success"


def _with_fault(fields: dict[str, str], fault: str) -> dict[str, str]:
    """What a fault of the redirect stage does to a result that was signed already."""
    if fault == "bad_signature":
        fields["hash"] = change_first(fields["hash"])
    elif fault == "missing_field":
        del fields["error"]
    elif fault == "amount_changed":
        fields["amount"] = "1.00"
    elif fault == "order_changed":
        fields["txnid"] = "another-order"
    return fields
