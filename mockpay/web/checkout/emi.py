"""
Paying by EMI: a bank, one of its plans worked out for the order, and the card, in one form.

Choosing another bank is a form of its own, without the card's fields: what was typed there must
not end up in an address.
"""

from __future__ import annotations

from flask import Response, request

from mockpay.domain.methods import cards, emi
from mockpay.domain.methods.emi import PlanOffer
from mockpay.domain.methods.emi_plans import BANKS, BY_CODE, EmiBank
from mockpay.domain.methods.method import Instrument
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.store.unit_of_work import Runtime
from mockpay.web.checkout import card, page_session, submission
from mockpay.web.checkout.page_session import PageSession, show


def page(runtime: Runtime, token: str) -> Response:
    """The plans of a bank with the card's form; ``?bank=`` names another bank."""
    return submission.form_page(runtime, token, emi.METHOD.code, _typed, _form)


def _typed(session: PageSession) -> Instrument:
    return emi.METHOD.read(request.form, session.sandbox.now, session.order.amount)


def _form(session: PageSession, error: Invalid | None = None) -> Response:
    page = page_session.page_context(session, "Pay by EMI", notes=page_session.emi_notes())
    if error is not None:
        page_session.refuse(page, error, card.typed_again(error))
    return show(
        "checkout/emi.html",
        422 if error is not None else 200,
        page=page,
        networks=cards.network_prefixes(),
        emi=_model(session.order.amount),
    )


def _model(amount: Money) -> dict[str, object]:
    """The banks, the one that is chosen, and its plans."""
    lender = _bank(amount)
    return {
        "bank": {"code": lender.code, "name": lender.name},
        "banks": [
            {
                "code": bank.code,
                "name": bank.name,
                "from": bank.lowest.display(),
                "open": _lends(bank, amount),
                "chosen": bank is lender,
            }
            for bank in BANKS
        ],
        "plans": [_line(offer) for offer in emi.offers(amount, lender.code)],
        "tenure": request.form.get("tenure", ""),
        "no_cost": bool(request.form.get("no_cost")),
    }


def _bank(amount: Money) -> EmiBank:
    """The bank that was asked for, else the first that lends the amount."""
    bank = BY_CODE.get(request.values.get("bank", ""))
    if bank is not None and _lends(bank, amount):
        return bank
    return next((lender for lender in BANKS if _lends(lender, amount)), BANKS[0])


def _lends(bank: EmiBank, amount: Money) -> bool:
    return any(plan.takes(amount) for plan in bank.plans)


def _line(offer: PlanOffer) -> dict[str, str]:
    return {
        "tenure": str(offer.plan.tenure),
        "rate": emi.rate_text(offer.plan.rate_bps),
        "instalment": offer.instalment.display(),
        "interest": offer.total_interest.display(),
        "total": offer.total_payable.display(),
        "no_cost": offer.no_cost.instalment.display(),
        "discount": offer.no_cost.discount.display(),
    }
