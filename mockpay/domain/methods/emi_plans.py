"""
The published EMI plans: which bank lends for how many months, at what rate, from what amount.

Source: a published page on credit-card EMI (facts on the buyer's side, section 1.6); two cells
are ours: SBIN's rates, which the page does not have, and IDFB's minimum, which it prints in
other units.  Debit plans are codes of their own, as there.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mockpay.kernel.money import Money

#: Months, in the order of the published columns.
TENURES = (3, 6, 9, 12, 18, 24)


class EmiPlan(Struct, frozen=True):
    """One line of the table: `rate_bps` is the annual rate in hundredths of a percent."""

    bank: str
    tenure: int
    rate_bps: int
    lowest: Money
    highest: Money | None = None

    def takes(self, amount: Money) -> bool:
        """Whether both limits allow the amount; they are allowed themselves."""
        return amount >= self.lowest and (self.highest is None or amount <= self.highest)


class EmiBank(Struct, frozen=True):
    """A lender: cards of `issuer` and `kind` may take its plans, the shortest first."""

    code: str
    name: str
    issuer: str
    kind: str
    plans: tuple[EmiPlan, ...]

    @property
    def lowest(self) -> Money:
        """The smallest amount that any of its plans takes."""
        return min(plan.lowest for plan in self.plans)


def _credit(code: str, name: str, rupees: int, *rates: int) -> EmiBank:
    """A credit card's bank; one rate for all six tenures, or one for each from the shortest on."""
    each = rates * len(TENURES) if len(rates) == 1 else rates
    plans = (EmiPlan(code, tenure, rate, Money(rupees * 100)) for tenure, rate in zip(TENURES, each, strict=False))
    return EmiBank(code, name, code, "credit", tuple(plans))


def _debit(issuer: str, name: str, rate: int, rupees: Mapping[int, int], most: int | None = None) -> EmiBank:
    """A debit card's bank: the minimum by tenure, in rupees."""
    code = f"{issuer}_DC"
    highest = Money(most * 100) if most else None
    plans = (EmiPlan(code, tenure, rate, Money(lowest * 100), highest) for tenure, lowest in rupees.items())
    return EmiBank(code, name, issuer, "debit", tuple(plans))


BANKS: tuple[EmiBank, ...] = (
    _credit("HDFC", "HDFC Bank", 1000, 1600),
    _credit("ICIC", "ICICI Bank", 1500, 1599),
    _credit("UTIB", "Axis Bank", 3000, 1600),
    _credit("KKBK", "Kotak Mahindra Bank", 2500, 1600),
    _credit("SBIN", "State Bank of India", 2500, 1600),
    _credit("RATN", "RBL Bank", 1500, 1300, 1400, 1500, 1500, 1500, 1500),
    _credit("YESB", "Yes Bank", 1500, 1600),
    _credit("INDB", "IndusInd Bank", 2000, 1400, 1400, 1500, 1500, 1500, 1500),
    _credit("HSBC", "HSBC", 2000, 1500),
    _credit("SCBL", "Standard Chartered Bank", 2500, 1188, 1300, 1400, 1400),
    _credit("BARB", "Bank of Baroda", 2500, 1300, 1400, 1400, 1500, 1500, 1600),
    _credit("AMEX", "American Express", 5000, 1400, 1400, 1400, 1400, 1500, 1500),
    _credit("IDFB", "IDFC FIRST Bank", 2500, 1400, 1500, 1500, 1500, 1500, 1500),
    _credit("FDRL", "Federal Bank", 2500, 1599),
    _credit("CITI", "Citibank", 2500, 1400, 1400, 1600, 1600, 1600, 1600),
    _credit("onecard", "OneCard", 2500, 1600),
    _debit("HDFC", "HDFC Bank debit", 1600, {3: 3000, 6: 5000, 9: 5000, 12: 5000, 18: 5000}),
    _debit("ICIC", "ICICI Bank debit", 1600, dict.fromkeys(TENURES, 5000), 100_000),
    _debit("INDB", "IndusInd Bank debit", 1700, dict.fromkeys(TENURES, 5000)),
)
BY_CODE: Mapping[str, EmiBank] = {bank.code: bank for bank in BANKS}
