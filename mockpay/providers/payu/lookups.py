"""Look-ups by command: what became of payments, and what is known of cards, banks and UPI IDs."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from mockpay.domain.methods import emi, emi_plans
from mockpay.domain.methods.cards import BINS, Bin, brand_of
from mockpay.domain.methods.emi import PlanOffer
from mockpay.domain.methods.emi_plans import EmiBank
from mockpay.domain.methods.netbanking import ALWAYS_DOWN
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.orders import Order
from mockpay.kernel.clock import DAY, IST, SECOND
from mockpay.kernel.errors import Invalid, NotFound
from mockpay.kernel.money import Money
from mockpay.providers.payu.banks import bank_code_of, bank_of
from mockpay.providers.payu.calls import Call
from mockpay.providers.payu.credentials import NAME, credentials
from mockpay.providers.payu.emi_codes import lender_code, plan_code
from mockpay.providers.payu.transactions import transaction_of
from mockpay.services.sellers import offers
from mockpay.store import attempts, orders
from mockpay.store.reads import order_search
from mockpay.store.reads.order_search import Search
from mockpay.wire.payu import answers
from mockpay.wire.payu.answers import Transaction

_MOST_LISTED = 1_000
CARD_TYPES = {"Visa": "VISA", "Mastercard": "MAST", "RuPay": "RUPAY", "American Express": "AMEX"}


def verify_payment(call: Call) -> dict[str, Any]:
    """By the merchant's own names, several by pipes."""
    txnids = call.form.need("var1").split("|")
    found = ((txnid, orders.newest(call.sandbox, txnid, NAME)) for txnid in dict.fromkeys(txnids))
    known = {txnid: call.transaction(order) for txnid, order in found if order is not None}
    return answers.verified(txnids, known)


def check_payment(call: Call) -> dict[str, Any]:
    """By PayU's id."""
    return answers.checked(call.transaction(*call.payment()))


def get_ws_response(call: Call) -> dict[str, Any]:
    """What the merchant's page got, or would get now, by the merchant's own names."""
    told = {}
    txnids = call.form.need("var1").split("|")
    for txnid in txnids:
        order = orders.newest(call.sandbox, txnid, NAME)
        if order is not None:
            told[txnid] = answers.payment_fields(call.transaction(order), **credentials(call.sandbox.seller))
    return {"status": int(bool(told)), "msg": answers.fetched(len(told), len(txnids)), "transaction_details": told}


# --- lists


def list_by_day(call: Call) -> dict[str, Any]:
    """From a day to a day, both included."""
    since, until = _instant(call.form.need("var1"), "%Y-%m-%d"), _instant(call.form.need("var2"), "%Y-%m-%d")
    return _list(call, since, until + DAY - 1)


def list_by_second(call: Call) -> dict[str, Any]:
    """From a second to a second, both included."""
    since, until = (_instant(call.form.need(name), "%Y-%m-%d %H:%M:%S") for name in ("var1", "var2"))
    return _list(call, since, until + SECOND - 1)


def _instant(text: str, form: str) -> int:
    """
    An Indian time, in ms.

    Raises:
        Invalid: code ``parameter.invalid``.
    """
    try:
        return int(datetime.strptime(text, form).replace(tzinfo=IST).timestamp()) * SECOND
    except (ValueError, OverflowError) as error:
        message = "A date looks like 2026-11-30, a time like 2026-11-30 12:00:00."
        raise Invalid(message, code="parameter.invalid") from error


def _list(call: Call, since: int, until: int) -> dict[str, Any]:
    rows = [answers.listed(payment) for payment in transactions_between(call, since, until)]
    return {"status": 1, "msg": answers.FETCHED, "Transaction_details": rows}


def transactions_between(call: Call, since: int, until: int) -> list[Transaction]:
    """The payments that were opened from an instant to an instant, both included, the oldest first; 1,000 at most."""
    search = Search(
        provider=NAME,
        seller_order_id=None,
        nothing=since > until,
        latest_only=False,
        size=_MOST_LISTED,
        ascending=True,
        states=(),
        since=since,
        until=until,
    )
    found, _ = order_search.page(call.sandbox, search, _any_state)
    seller, tries = call.sandbox.seller, attempts.of_orders(call.sandbox, [order.order_pk for order in found])
    newest = (max(tries.get(order.order_pk, []), key=lambda each: each.number, default=None) for order in found)
    return [transaction_of(seller, *pair) for pair in zip(found, newest, strict=True)]


def _any_state(_order: Order, _states: tuple[str, ...]) -> bool:
    return True


# --- cards, banks, UPI IDs


def check_is_domestic(call: Call) -> dict[str, Any]:
    """What is known of a card by its first digits."""
    digits, test_bin = _bin(call)
    brand = brand_of(digits)
    return {
        "isDomestic": "Y" if test_bin is not None and test_bin.country == "IN" else "N",
        "issuingBank": test_bin.issuer if test_bin is not None else "UNKNOWN",
        "cardType": CARD_TYPES.get(brand.name, brand.name) if brand is not None else "Unknown",
        "cardCategory": "DC" if test_bin is not None and test_bin.kind == "debit" else "CC",
    }


def get_issuing_bank_status(call: Call) -> dict[str, Any]:
    """Whether a card's bank can be reached."""
    _, test_bin = _bin(call)
    if test_bin is None:
        raise NotFound("Invalid Bin", code="card.unknown")
    return {"issuing_bank": test_bin.issuer, "up_status": _is_up(call, test_bin.issuer)}


def _bin(call: Call, name: str = "var1") -> tuple[str, Bin | None]:
    """
    The digits that are named and the test card that begins with them.

    Raises:
        Invalid: code ``card.bin``.
    """
    digits = call.form.need(name)
    if not re.fullmatch("[0-9]{6,19}", digits):
        raise Invalid("Invalid Bin", code="card.bin")
    fitting = (each for each in BINS if digits.startswith(each.prefix) or each.prefix.startswith(digits))
    return digits[:6], max(fitting, key=lambda each: len(each.prefix), default=None)


def eligible_bins_for_emi(call: Call) -> dict[str, Any]:
    """Whether a card may pay by instalments, and from what amount; `var3` asks for one bank."""
    if call.form.need("var1").lower() != "bin":
        raise Invalid("var1 must be bin.", code="parameter.invalid")
    _, test_bin = _bin(call, "var2")
    lender = None
    if test_bin is not None and test_bin.emi:
        own = (test_bin.issuer, test_bin.kind)
        lender = next((bank for bank in emi_plans.BANKS if (bank.issuer, bank.kind) == own), None)
    details: dict[str, Any] = {"isEligible": 0}
    if lender is not None and call.form.value("var3").upper() in {"", lender.issuer}:
        details = {"isEligible": 1, "bank": lender.issuer, "minAmount": answers.rupees(lender.lowest)}
    return {"status": 1, "msg": "Details fetched successfully", "details": details}


def get_emi_amounts(call: Call) -> dict[str, Any]:
    """What an amount costs by each plan that takes it, by lender."""
    amount = Money.parse(call.form.need("var1"))
    lenders = ((bank, emi.offers(amount, bank.code)) for bank in emi_plans.BANKS)
    return {
        lender_code(bank.code): {plan_code(bank.code, each.plan.tenure): _plan(bank, amount, each) for each in plans}
        for bank, plans in lenders
        if plans
    }


def _plan(lender: EmiBank, amount: Money, offer: PlanOffer) -> dict[str, Any]:
    principal = answers.rupees(Money((2 * amount.minor + offer.plan.tenure) // (2 * offer.plan.tenure)))
    whole = answers.rupees(amount)
    return {
        "transactionAmount": whole,
        "paybackAmount": 0,
        "loanAmount": whole,
        "emiAmount": principal,
        "additionalCost": "0.00",
        "emiMdrNote": None,
        "emiBankInterest": answers.rupees(Money(offer.plan.rate_bps)),
        "bankRate": None,
        "bankCharge": 0,
        "amount": principal,
        "card_type": f"{lender.kind} card",
        "emi_value": answers.rupees(offer.instalment),
        "emi_interest_paid": answers.rupees(offer.total_interest),
        "tenure": f"{offer.plan.tenure:02} months",
    }


def get_netbanking_status(call: Call) -> dict[str, Any]:
    """Whether a bank of net banking can be reached; ``default`` asks for all."""
    asked = call.form.need("var1")
    banks = offers.of(call.sandbox).banks
    named = list(banks) if asked.lower() == "default" else [bank_of(asked)]
    known = [bank for bank in named if bank in banks]
    if not known:
        raise NotFound("Invalid bank code", code="bank.unknown")
    return {bank_code_of(bank): _bank(call, bank, banks[bank].name) for bank in known}


def _bank(call: Call, bank: str, name: str) -> dict[str, Any]:
    return {"ibibo_code": bank_code_of(bank), "title": name, "up_status": _is_up(call, bank)}


def _is_up(call: Call, bank: str) -> int:
    offered = offers.of(call.sandbox).banks.get(bank)
    down = bank == ALWAYS_DOWN or (offered is not None and offered.refusal(call.sandbox.now) is not None)
    return int(not down)


def validate_vpa(call: Call) -> dict[str, Any]:
    """Whether there is such a UPI ID; one that a payment would not find is not valid either."""
    vpa, upi = call.form.need("var1"), METHODS["upi"]
    try:
        upi.read({"vpa": vpa}, call.sandbox.now, None)
    except Invalid:
        valid = False
    else:
        row = next((row for row in upi.rows if row.equals == vpa.lower()), None)
        refusals = upi.approval.refusals if upi.approval is not None else frozenset()
        valid = row is None or upi.response_codes.answer(row.outcome).code not in refusals
    plain: dict[str, Any] = {"status": "SUCCESS", "vpa": vpa, "isVPAValid": int(valid)}
    if not valid:
        return {**plain, "payerAccountName": "NA"}
    return {**plain, "isAutoPayVPAValid": 1, "isAutoPayBankValid": "NA", "payerAccountName": "Test Buyer"}
