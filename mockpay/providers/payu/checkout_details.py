"""What a merchant's own page asks before it shows anything: ways to pay, what they cost, and what is down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockpay.domain.methods import emi, emi_plans
from mockpay.domain.methods.emi import PlanOffer
from mockpay.domain.methods.emi_plans import EmiBank
from mockpay.domain.offers import Offers
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.providers.payu.banks import bank_code_of
from mockpay.providers.payu.calls import Call
from mockpay.providers.payu.emi_codes import plan_code
from mockpay.services.sellers import offers
from mockpay.wire.payu import answers

#: Cards by PayU's codes, below the network that must be on.
_CARDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "cc": {
        "CC": ("Credit Card", ""),
        "AMEX": ("American Express", "American Express"),
        "DINR": ("Diners", "Diners Club"),
        "RUPAYCC": ("Rupay Credit Card", "RuPay"),
    },
    "dc": {
        "VISA": ("Visa Debit Cards", "Visa"),
        "MAST": ("MasterCard Debit Cards", "Mastercard"),
        "MAES": ("Other Maestro Cards", "Maestro"),
        "RUPAY": ("Rupay Debit Card", "RuPay"),
    },
}
_GST = 18


def get_checkout_details(call: Call) -> dict[str, Any]:
    """
    Ways to pay an amount, by mode and PayU's codes; what of each is told is what `useCase` asks for.

    Raises:
        Invalid: code ``parameter.invalid`` or ``amount.invalid``.
    """
    wanted = _object(call.form.need("var1"))
    amount, uses = _amount(wanted), _part(wanted, "useCase")
    offered = offers.of(call.sandbox)
    details: dict[str, Any] = {"paymentOptions": _options(offered, amount, uses)}
    if uses.get("checkDownStatus") is True:
        details["downInfo"] = _down(call, offered)
    if uses.get("getTaxSpecification") is True:
        details["config"] = {"taxSpecification": {"default": _GST}}
    return {"status": 1, "details": details}


def _object(text: str) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Invalid("var1 must be a JSON object.", code="parameter.invalid", name="var1") from error


def _part(wanted: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = wanted.get(name) or {}
    if not isinstance(part, Mapping):
        raise Invalid(f"{name} must be an object.", code="parameter.invalid", name=name)
    return part


def _amount(wanted: Mapping[str, Any]) -> Money:
    amount = _part(wanted, "transactionDetails").get("amount")
    if amount is None or not wanted.get("requestId"):
        raise Invalid("requestId and transactionDetails.amount must be there.", code="parameter.missing", name="var1")
    return Money.parse(str(amount))


# --- ways to pay


def _options(offered: Offers, amount: Money, uses: Mapping[str, Any]) -> dict[str, Any]:
    on = {code for code, method in offered.methods.items() if method.refusal(amount) is None}
    modes: dict[str, Any] = {}
    if "card" in on:
        modes |= {mode: _all(_cards(offered, codes), uses) for mode, codes in _CARDS.items()}
    if "netbanking" in on:
        banks = (bank for bank in offered.banks.values() if bank.enabled and not bank.magic)
        modes["nb"] = _all({bank_code_of(bank.code): bank.name for bank in banks}, uses)
    if "upi" in on:
        modes["upi"] = _all({"UPI": "UPI"}, uses)
    if "emi" in on and (lenders := _lenders(amount, uses)):
        modes["emi"] = {"all": lenders}
    return modes


def _cards(offered: Offers, codes: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {code: title for code, (title, network) in codes.items() if offered.networks.get(network, True)}


def _all(titles: Mapping[str, str], uses: Mapping[str, Any]) -> dict[str, Any]:
    return {"all": {code: _answer(uses, {"title": title}) for code, title in titles.items()}}


def _answer(uses: Mapping[str, Any], extended: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of one way to pay: nothing here costs the buyer more."""
    told = dict(extended) if uses.get("getExtendedPaymentDetails") is True else {}
    if uses.get("getAdditionalCharges") is True:
        told["additionalCharge"] = 0
    if uses.get("checkCustomerEligibility") is True:
        told["eligibility"] = {"status": True}
    return told


def _lenders(amount: Money, uses: Mapping[str, Any]) -> dict[str, Any]:
    """EMI by the kind of card: banks by the first letters of their IFSC, plans by `bankcode`."""
    kinds: dict[str, Any] = {}
    for mode, kind in (("dc", "debit"), ("cc", "credit")):
        lenders = [bank for bank in emi_plans.BANKS if bank.kind == kind]
        plans = {bank.issuer: (bank, emi.offers(amount, bank.code)) for bank in lenders}
        told = {issuer: _lender(bank, found, uses) for issuer, (bank, found) in plans.items() if found}
        if told:
            lowest = answers.rupees(min(bank.lowest for bank in lenders))
            kinds[mode] = {"hasEligible": True, "minimumAmount": lowest, "maximumAmount": None, "all": told}
    return kinds


def _lender(bank: EmiBank, found: list[PlanOffer], uses: Mapping[str, Any]) -> dict[str, Any]:
    about = {"title": bank.name, "shortName": bank.name, **_limits(bank.lowest, None), "eligibility": {"status": True}}
    plans = {plan_code(bank.code, each.plan.tenure): _answer(uses, _plan(each)) for each in found}
    told = {name: value for name, value in _answer(uses, about).items() if name != "additionalCharge"}
    return {**told, "tenureOptions": plans}


def _plan(offer: PlanOffer) -> dict[str, Any]:
    plan = offer.plan
    return {
        "tenure": plan.tenure,
        "interestRate": plan.rate_bps / 100,
        "interestCharged": answers.rupees(offer.total_interest),
        "monthlyEmi": answers.rupees(offer.instalment),
        **_limits(plan.lowest, plan.highest),
        "eligibility": {"status": True},
    }


def _limits(lowest: Money, highest: Money | None) -> dict[str, Any]:
    return {"minimumAmount": answers.rupees(lowest), "maximumAmount": highest and answers.rupees(highest)}


def _down(call: Call, offered: Offers) -> dict[str, Any]:
    down = [bank for bank in offered.banks.values() if not bank.magic and bank.closed(call.sandbox.now)]
    return {"issuingBanks": [bank.code for bank in down], "nb": [bank_code_of(bank.code) for bank in down]}
