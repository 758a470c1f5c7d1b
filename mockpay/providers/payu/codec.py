"""The form of a payment, read into a request to pay and what is paid with."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mockpay.domain.orders import PaymentRequest
from mockpay.domain.payments.attempts import Decision, Stage
from mockpay.domain.return_urls import check_return_url
from mockpay.domain.scenarios.requested import (
    FIELD,
    HEADER,
    NO_OLD_ANSWERS,
    STAGES,
    check_requested,
    dump_outcomes,
    parse_outcomes,
)
from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import MINIMUM_MINOR, Money
from mockpay.providers.payu.banks import bank_of
from mockpay.providers.payu.credentials import NAME
from mockpay.providers.payu.emi_codes import plan_of
from mockpay.providers.payu.posted_forms import PostedForm
from mockpay.store import orders
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.payu import hashes, requests

#: What is stored of a form besides the fields that have a length of their own: never a card, a hash or an address.
_OTHERS = (
    "phone address1 address2 city state country zipcode udf6 udf7 udf8 udf9 udf10 pg bankcode vpa pre_authorize"
    " api_version txn_s2s_flow"
).split()
_LONGEST_OTHER = 255
#: Where the buyer may be sent.
PAGES = ("surl", "furl", "curl")


def payment_request(
    sandbox: Sandbox, form: PostedForm, header: str, *, seconds: int | None = None, page: str | None = None
) -> PaymentRequest:
    """
    Read a form whose hash fits.

    Args:
        header: `Mockpay-Outcome`, empty where it was not sent.
        seconds: How long it may be paid; as the seller has it where None.
        page: Of ours, where the buyer stays who was sent to us by no page of the seller's.

    Raises:
        Invalid: code ``parameter.missing``, ``parameter.invalid``, ``amount.invalid``, ``amount.too_small``, or of an
            outcome that cannot be.
        Forbidden: code ``return_url.not_allowed``.
    """
    for name in requests.MANDATORY:
        if page is None or name not in PAGES:
            form.need(name)
    stored = {name: form.fields[name] for name in (*requests.LONGEST, *_OTHERS) if form.fields.get(name)}
    for name, value in stored.items():
        most = requests.LONGEST.get(name, _LONGEST_OTHER)
        if len(value) > most:
            raise Invalid(f"{name} has more than {most} characters.", code="parameter.invalid", name=name)
    amount = Money.parse(form.fields["amount"])
    if amount.minor < MINIMUM_MINOR:
        raise Invalid("The amount must be at least 1.00", code="amount.too_small", field="amount")
    pages = {name: form.fields[name] for name in PAGES if form.fields.get(name)}
    for name, url in pages.items():
        check_return_url(name, url, sandbox.seller.return_urls)
    txnid = form.fields["txnid"]
    return PaymentRequest(
        provider=NAME,
        seller_order_id=txnid,
        amount=amount,
        redirect_url=pages.get("surl") or page or "",
        digest=_digest(sandbox, form, txnid),
        seller_note=form.fields.get("productinfo"),
        timeout_seconds=seconds,
        fields={name: value for name, value in stored.items() if name != "txnid"},
        marks=pages,
        outcomes=dump_outcomes(_outcomes(form, header)),
        capture="manual" if form.fields.get("pre_authorize") == "1" else None,
    )


def _digest(sandbox: Sandbox, form: PostedForm, txnid: str) -> str:
    """Tells the same form when it comes again; after a payment that failed it is a new one."""
    newest = orders.newest(sandbox, txnid, NAME)
    former = newest.order_id if newest is not None and not newest.open else ""
    return ids.fingerprint(
        "|".join((hashes.payment_text(form.fields, ""), form.fields.get("surl", ""), former)).encode()
    )


def _outcomes(form: PostedForm, header: str) -> Mapping[Stage, Decision]:
    """What the request asks for: by its header, a field of that name, or a udf that begins with it."""
    asked = _parse_requested(form, header)
    check_requested(asked, STAGES, NO_OLD_ANSWERS)
    return asked


def _parse_requested(form: PostedForm, header: str) -> Mapping[Stage, Decision]:
    if header:
        return parse_outcomes(header, HEADER)
    if form.fields.get(FIELD):
        return parse_outcomes(form.fields[FIELD], FIELD)
    for number in range(1, 6):
        name, equals, text = form.fields.get(f"udf{number}", "").partition("=")
        if name == FIELD and equals:
            return parse_outcomes(text, f"udf{number}")
    return {}


# --- what is paid with, where the form has it


class PostedInstrument(Struct, frozen=True):
    """A method of payment and the parts of its own form."""

    method: str
    parts: Mapping[str, str]


def instrument(form: PostedForm) -> PostedInstrument | None:
    """
    What a form of a merchant's own page pays with; None where the buyer chooses on ours.

    Raises:
        Invalid: code ``parameter.missing`` or ``parameter.invalid``.
    """
    mode, fields = form.value("pg").upper(), form.fields
    if mode in {"CC", "DC", "EMI"} and fields.get("ccnum"):
        expiry = f"{form.need('ccexpmon').zfill(2)}/{form.need('ccexpyr')[-2:]}"
        name = form.value("ccname") or form.value("firstname")
        card = {"number": form.need("ccnum"), "expiry": expiry, "cvv": form.value("ccvv"), "name": name}
        return PostedInstrument("card", card) if mode != "EMI" else PostedInstrument("emi", {**card, **_plan(form)})
    if mode == "UPI" and fields.get("vpa"):
        return PostedInstrument("upi", {"vpa": form.need("vpa")})
    if mode == "NB" and fields.get("bankcode"):
        return PostedInstrument("netbanking", {"bank": bank_of(form.need("bankcode"))})
    return None


def _plan(form: PostedForm) -> dict[str, str]:
    plan = plan_of(form.need("bankcode"))
    if plan is None:
        raise Invalid("Invalid bankcode", code="parameter.invalid")
    return {"bank": plan.bank, "tenure": str(plan.tenure)}
