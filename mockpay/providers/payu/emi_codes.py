"""EMI: PayU's codes for lenders and plans (docs.payu.in, EMI amount according to interest); ours where it has none."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.methods.emi_plans import BANKS, EmiPlan

#: PayU's code for a lender, and its plans' with the months in it. No plan is published of Federal's and IDFC FIRST's
#: credit cards, and of debit cards: those are made like the ones that are.
_LENDERS: Mapping[str, tuple[str, str]] = {
    "HDFC": ("15", "EMI{}"),
    "ICIC": ("21", "EMIIC{}"),
    "UTIB": ("7", "EMIA{}"),
    "KKBK": ("KOTAK", "EMIK{}"),
    "SBIN": ("SBI", "SBI{:02}"),
    "RATN": ("RBL", "EMIRBL{}"),
    "YESB": ("YES", "EMIY{:02}"),
    "INDB": ("INDUS", "EMIIND{}"),
    "HSBC": ("HSBC", "EMIHS{:02}"),
    "SCBL": ("SCB", "EMISCB{}"),
    "BARB": ("BOB", "BOBCC{:02}"),
    "AMEX": ("54", "EMIAMEX{}"),
    "IDFB": ("IDFC", "IDFC{:02}"),
    "FDRL": ("FDRL", "FDRL{:02}"),
    "CITI": ("20", "EMI0{}"),
    "onecard": ("ONEC", "ONEC{:02}"),
    "HDFC_DC": ("HDFCDC", "HDFCDC{:02}"),
    "ICIC_DC": ("ICICID", "ICICID{:02}"),
    "INDB_DC": ("INDUSD", "INDUSD{:02}"),
}
#: The one plan whose code has no months.
_WITHOUT_MONTHS = ("HDFC", 3)


def lender_code(bank: str) -> str:
    """PayU's code for a bank that lends."""
    return _LENDERS[bank][0]


def plan_code(bank: str, tenure: int) -> str:
    """PayU's `bankcode` for a plan."""
    return _LENDERS[bank][1].format("" if (bank, tenure) == _WITHOUT_MONTHS else tenure)


def plan_of(code: str) -> EmiPlan | None:
    """The plan by PayU's `bankcode`; None for what is none."""
    return _PLANS.get(code.upper())


_PLANS: Mapping[str, EmiPlan] = {plan_code(bank.code, plan.tenure): plan for bank in BANKS for plan in bank.plans}
