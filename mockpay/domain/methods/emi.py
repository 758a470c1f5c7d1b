"""
EMI: instalments to the paisa, no-cost EMI, and which plan a card may take.

Source: facts on the buyer's side, section 1.6.  All arithmetic is in whole numbers: with the
monthly rate b/D (b in basis points a year, D = 120,000) and Q = D + b, every formula is a
quotient of integers, rounded once, half up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from mockpay.domain.methods import cards
from mockpay.domain.methods.cards import Card
from mockpay.domain.methods.emi_plans import BANKS, BY_CODE, EmiBank, EmiPlan
from mockpay.domain.methods.iso8583 import RESPONSE_CODES
from mockpay.domain.methods.method import Method, Parts
from mockpay.kernel.errors import Invalid, collect_invalid, raise_invalid
from mockpay.kernel.money import Money

#: Basis points of a year's rate in the whole, times twelve months.
_D = 120_000


class Instalment(Struct, frozen=True):
    """One month: what is paid, of what it consists, and what is owed after it."""

    number: int
    instalment: Money
    principal: Money
    interest: Money
    balance: Money


class Terms(Struct, frozen=True):
    """
    What taking a plan means.

    `charged` is what the bank lends and the seller's side takes; a no-cost plan charges `discount` less than the
    order's amount, and its instalments sum to that amount. Interest and total are as lenders quote them, n times the
    instalment; what `rows` sum to differs by the paise that the last instalment absorbs.
    """

    charged: Money
    discount: Money
    instalment: Money
    total_interest: Money
    total_payable: Money
    rows: tuple[Instalment, ...]


class PlanOffer(Struct, frozen=True):
    """A plan for an amount, as the buyer pays it and as no-cost EMI."""

    plan: EmiPlan
    usual: Terms
    no_cost: Terms

    @property
    def instalment(self) -> Money:
        """What is paid each month; the last one may differ by paise."""
        return self.usual.instalment

    @property
    def total_interest(self) -> Money:
        """What the loan costs."""
        return self.usual.total_interest

    @property
    def total_payable(self) -> Money:
        """All instalments."""
        return self.usual.total_payable


def instalment(amount: Money, rate_bps: int, tenure: int) -> Money:
    """
    P·r·(1+r)^n / ((1+r)^n - 1), to the paisa; P/n without interest.

    Args:
        rate_bps: The yearly rate in hundredths of a percent; r is a twelfth of it.
        tenure: n, the months.
    """
    if rate_bps == 0:
        return _quotient(amount, amount.minor, tenure)
    growth = (_D + rate_bps) ** tenure
    return _quotient(amount, amount.minor * rate_bps * growth, _D * (growth - _D**tenure))


def discount(amount: Money, rate_bps: int, tenure: int) -> Money:
    """D = P - (P/n)·((1+r)^n - 1)/(r·(1+r)^n): what makes the instalments sum to the price."""
    if rate_bps == 0:
        return Money(0, amount.currency)
    growth = (_D + rate_bps) ** tenure
    above = amount.minor * (growth - _D**tenure) * _D
    return amount - _quotient(amount, above, tenure * rate_bps * growth)


def _quotient(like: Money, above: int, below: int) -> Money:
    return Money((2 * above + below) // (2 * below), like.currency)


def schedule(amount: Money, rate_bps: int, tenure: int) -> tuple[Instalment, ...]:
    """All months; the last instalment absorbs the rounding, so that principals sum to `amount`."""
    monthly = instalment(amount, rate_bps, tenure)
    rows = []
    balance = amount
    for number in range(1, tenure + 1):
        interest = _quotient(amount, balance.minor * rate_bps, _D)
        principal = balance if number == tenure else min(monthly - interest, balance)
        balance = balance - principal
        rows.append(Instalment(number, principal + interest, principal, interest, balance))
    return tuple(rows)


def usual(amount: Money, rate_bps: int, tenure: int) -> Terms:
    """A plan as the buyer pays it."""
    rows = schedule(amount, rate_bps, tenure)
    quoted = Money(rows[0].instalment.minor * tenure, amount.currency)
    nothing = Money(0, amount.currency)
    return Terms(amount, nothing, rows[0].instalment, quoted - amount, quoted, rows)


def with_discount(amount: Money, rate_bps: int, tenure: int) -> Terms:
    """
    The same with the discount up front: the instalments sum to `amount` exactly.

    The last month's interest absorbs what rounding left, as its principal does in any plan.
    """
    less = discount(amount, rate_bps, tenure)
    *rows, last = schedule(amount - less, rate_bps, tenure)
    paid = sum(row.instalment.minor for row in rows)
    rest = amount - Money(paid, amount.currency)
    end = Instalment(last.number, rest, last.principal, rest - last.principal, last.balance)
    return Terms(amount - less, less, rows[0].instalment, less, amount, (*rows, end))


def offers(amount: Money, bank: str) -> list[PlanOffer]:
    """A bank's plans that take the amount, the shortest first; none for a bank without any."""
    lender = BY_CODE.get(bank)
    plans = lender.plans if lender is not None else ()
    return [offer(amount, plan) for plan in plans if plan.takes(amount)]


def offer(amount: Money, plan: EmiPlan) -> PlanOffer:
    """A plan worked out for an amount."""
    terms = (amount, plan.rate_bps, plan.tenure)
    return PlanOffer(plan, usual(*terms), with_discount(*terms))


def check(amount: Money, bank: str, tenure: int, *, issuer: str, kind: str, eligible: bool) -> EmiPlan:
    """
    The plan that a buyer chose, held against the amount and the card.

    Args:
        bank: The lender's code, e.g. ``HDFC`` or ``HDFC_DC``.
        issuer: The card's, as the BIN table has it; so `kind` and `eligible` (its `emi`).

    Raises:
        Invalid: code ``emi.plan_unavailable``, ``emi.issuer_mismatch``,
            ``emi.amount_below_minimum`` or ``emi.user_not_eligible``; `because` says why in
            the field's names, `field` is the form's.
    """
    lender = BY_CODE.get(bank)
    plans: Mapping[int, EmiPlan] = {plan.tenure: plan for plan in lender.plans} if lender else {}
    plan = plans.get(tenure)
    if lender is None or plan is None:
        message = f"There is no EMI plan of {tenure} months at this bank."
        raise _refused("plan_unavailable", message, "emi_plan_unavailable", "tenure")
    _check_amount(amount, plan)
    _check_card(lender, issuer, kind, eligible=eligible)
    return plan


def _check_amount(amount: Money, plan: EmiPlan) -> None:
    if amount < plan.lowest:
        message = f"This plan begins at {plan.lowest.display()}."
        because = "amount_less_than_minimum_amount"
        raise _refused("amount_below_minimum", message, because, "tenure")
    if not plan.takes(amount):
        message = "This plan does not lend that much."
        raise _refused("plan_unavailable", message, "emi_plan_unavailable", "tenure")


def _check_card(lender: EmiBank, issuer: str, kind: str, *, eligible: bool) -> None:
    if (issuer, kind) != (lender.issuer, lender.kind):
        message = f"This plan is for {lender.kind} cards of {lender.name}."
        raise _refused("issuer_mismatch", message, "emi_plan_unavailable", "number")
    if not eligible:
        message = "This card cannot be used for EMI."
        raise _refused("user_not_eligible", message, "user_not_eligible", "number")


def _refused(code: str, message: str, because: str, field: str) -> Invalid:
    return Invalid(message, code=f"emi.{code}", because=because, field=field)


class Emi(Struct, frozen=True):
    """A card that pays the order at once and is paid back in instalments."""

    card: Card
    plan: EmiPlan
    terms: Terms

    method = "emi"

    @classmethod
    def choose(cls, card: Card, amount: Money, *, bank: str, tenure: str, no_cost: bool, eligible: bool) -> Emi:
        """
        A card with a plan of its own bank.

        Args:
            tenure: Months, as typed.
            eligible: Whether the buyer may take debit EMI.

        Raises:
            Invalid: one of the codes of `check`.
        """
        typed = card.typed
        plan = check(
            amount, bank, _months(tenure), issuer=typed.issuer, kind=typed.kind, eligible=eligible and typed.emi
        )
        work_out = with_discount if no_cost else usual
        return cls(card, plan, work_out(amount, plan.rate_bps, plan.tenure))

    @property
    def inputs(self) -> Mapping[str, str]:
        """The card's."""
        return self.card.inputs

    def dump(self) -> Mapping[str, str]:
        """The card as it is stored, the plan, and what it costs."""
        return {
            **self.card.dump(),
            "emi_bank": self.plan.bank,
            "tenure": str(self.plan.tenure),
            "rate_bps": str(self.plan.rate_bps),
            "instalment": self.terms.instalment.wire(),
            "total_interest": self.terms.total_interest.wire(),
            "discount": self.terms.discount.wire(),
            "charged": self.terms.charged.wire(),
        }

    def secret(self) -> Mapping[str, str]:
        """The card's full number, for the gateway's call."""
        return self.card.secret()


def _months(tenure: str) -> int:
    """As typed; nought, which no plan has, for what is no number of months."""
    return int(tenure) if re.fullmatch("[0-9]{1,3}", tenure) else 0


def _read(parts: Parts, now: int, amount: Money | None) -> Emi:
    errors: list[Invalid] = []
    with collect_invalid(errors):
        if amount is None or not parts.get("tenure", "").strip():
            raise Invalid("Choose a plan.", code="emi.plan_missing", field="tenure")
    with collect_invalid(errors):
        card = cards.read(parts, now)
    raise_invalid(errors)
    return Emi.choose(
        card,
        amount,
        bank=parts.get("bank", ""),
        tenure=parts["tenure"].strip(),
        no_cost=bool(parts.get("no_cost")),
        eligible=True,
    )


def rate_text(bps: int) -> str:
    """An annual rate as lenders write it: ``16 %``, ``15.99 %``."""
    whole, rest = divmod(bps, 100)
    return f"{whole}.{rest:02d}".rstrip("0") + " %" if rest else f"{whole} %"


def instalments(parts: Parts) -> str:
    """``6 × ₹1,745.30``."""
    return f"{parts['tenure']} × {Money.parse(parts['instalment']).display()}"


def plan_text(parts: Parts) -> str:
    """``6 months at 16 %, HDFC Bank``."""
    lender = BY_CODE[parts["emi_bank"]].name
    return f"{parts['tenure']} months at {rate_text(int(parts['rate_bps']))}, {lender}"


def _summary(parts: Parts) -> str:
    return f"{cards.summary(parts)}; {instalments(parts)}, {plan_text(parts)}"


def details(parts: Parts) -> Mapping[str, str]:
    """What a result page tells of a plan."""
    lines = {"EMI plan": plan_text(parts), "Instalments": instalments(parts)}
    discount = Money.parse(parts["discount"])
    return lines | ({"No-cost discount": discount.display()} if discount.minor else {})


METHOD = Method(
    code=Emi.method,
    fills_wallet=False,
    inputs=frozenset({"number", "expiry", "cvv", "name", "bank", "tenure"}),
    match_keys=frozenset({"last4"}),
    order=5,
    title="EMI",
    tile="EMI",
    noun="EMI",
    icon="emi",
    subtitle="In instalments",
    response_codes=RESPONSE_CODES,
    instrument="card",
    instrument_title=cards.title,
    read=_read,
    # The card alone: a plan is chosen for each payment.
    restore=cards.restore,
    card=True,
    facts=cards.FACTS,
    reference="ARN",
    summary=_summary,
    terms=instalments,
    details=details,
    lowest=min(bank.lowest for bank in BANKS),
)
